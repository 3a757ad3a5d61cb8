//! What one turn reads of a crowd, whatever the crowd sends: bytes that are cheap to send and dear
//! to hear must not keep everyone else waiting. Counted in bytes, turn by turn; time stands still.

use super::TEXT;
use super::client::{self, REQUEST};
use super::rig::Rig;
use super::virtual_time::Peer;

const CROWD: usize = 60;

/// Bytes that each of them sends: less than one read may bring, and than a socket file holds.
const EACH: usize = 60_000;

/// Bytes that a turn may read: a third of what the crowd sends.
const BOUND: u64 = 20 * 64 * 1024;

/// What each turn reads while everybody in the crowd, whose request is answered already, sends as
/// many of those as fit, all at once.
fn bytes_of_turns(first: &str, unit: &str) -> Vec<u64> {
    let mut rig = Rig::new(|config| config.max_connections = 1000);
    let mut crowd: Vec<Peer> = (0..CROWD).map(|_| rig.0.connect("web")).collect();
    for peer in &mut crowd {
        peer.send(first);
        rig.0.read_until(peer, "\r\n\r\n"); // whatever the answer is
    }
    rig.0.settle();
    let flood = unit.repeat(EACH / unit.len());
    for peer in &mut crowd {
        peer.send(&flood);
    }
    let bytes_read = |rig: &Rig| rig.0.event_loop.counters().bytes_read;
    let turn = |rig: &mut Rig| {
        let before = bytes_read(rig);
        rig.0.event_loop.set_immediate(|_, _| {}); // time stands still
        rig.0.turn();
        bytes_read(rig) - before
    };
    let turns: Vec<u64> = (0..50).map(|_| turn(&mut rig)).collect();
    assert_eq!(turns.iter().sum::<u64>(), (CROWD * flood.len()) as u64);
    turns
}

/// Catches: bodies in chunks of a byte that are priced as bytes; and a turn that reads 64 KiB of
/// each of a crowd, since what these cost is known only when they are read.
#[test]
fn a_turn_reads_little_of_a_crowd_that_sends_what_is_dear() {
    let chunked = "POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    for unit in ["1\r\nx\r\n", "0001;a=b\r\nx\r\n", "2\r\nxx\r\n"] {
        let turns = bytes_of_turns(chunked, unit);
        let most = *turns.iter().max().expect("some turns");
        assert!(
            most <= BOUND,
            "{unit:?}: {most} bytes in one turn: {turns:?}"
        );
    }
}

/// A member that speaks in objects.
fn json_member(rig: &mut Rig) -> Peer {
    let asked_for = "\r\nSec-WebSocket-Protocol: loopchat.v1.json\r\n\r\n";
    let mut visitor = rig.visitor();
    visitor.send(REQUEST.replace("\r\n\r\n", asked_for));
    rig.0.read_until(&mut visitor, "\"welcome\"");
    visitor
}

/// Members that speak in objects, each of which sends this as one message, all at once; how many
/// have their answer in each turn. Nothing else limits them.
fn answers_of_turns(message: &str) -> Vec<usize> {
    const MEMBERS: usize = 40;
    let mut rig = Rig::new(|config| config.flood = None);
    let mut members: Vec<Peer> = (0..MEMBERS).map(|_| json_member(&mut rig)).collect();
    for member in &mut members {
        rig.0.drain_bytes(member);
    }
    let frame = client::frame(TEXT, message.as_bytes());
    for member in &mut members {
        member.send(&frame);
    }
    let mut answered = Vec::new();
    for _ in 0..10 * MEMBERS {
        rig.0.event_loop.set_immediate(|_, _| {}); // time stands still
        rig.0.turn();
        answered.push(
            members
                .iter_mut()
                .filter_map(|member| {
                    let bytes = member.take_bytes();
                    (!bytes.is_empty()).then_some(())
                })
                .count(),
        );
    }
    assert_eq!(
        answered.iter().sum::<usize>(),
        MEMBERS,
        "each has one answer"
    );
    answered
}

/// Catches: a message of which only the lines in it are priced, and that only when it has been
/// taken apart: blank lines for nothing, fields that nobody knows, text that is no JSON.
#[test]
fn a_turn_takes_few_large_messages_apart() {
    let blank = format!("{}{{\"kind\":\"ping\"}}", "\n".repeat(EACH));
    let fields: String = (0..6000).map(|n| format!("\"{n}\":0,")).collect();
    let fields = format!("{{{fields}\"kind\":\"ping\"}}");
    let text = "x".repeat(EACH);
    for message in [blank, fields, text] {
        let turns = answers_of_turns(&message);
        let most = turns.iter().max().expect("some turns");
        assert!(*most <= 12, "{message:.40}: {most} in one turn: {turns:?}");
    }
}
