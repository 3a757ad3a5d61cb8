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

/// The end of a request for a WebSocket of objects.
const JSON_TOO: &str = "\r\nSec-WebSocket-Protocol: loopchat.v1.json\r\n\r\n";

/// A member that speaks in objects.
pub fn json_member(rig: &mut Rig) -> Peer {
    let mut visitor = rig.visitor();
    visitor.send(REQUEST.replace("\r\n\r\n", JSON_TOO));
    rig.0.read_until(&mut visitor, "\"welcome\"");
    visitor
}

/// Members of a crowd, each of whom asks for one thing, all at once.
const MEMBERS: usize = 40;

/// How many of a crowd have an answer of so many bytes in each turn, until all have. Meanwhile a
/// short line of somebody else's is heard in the turn that brings it.
fn answers_of_turns(
    rig: &mut Rig,
    crowd: &mut [Peer],
    bytes: usize,
    ask: impl FnMut(&mut Peer),
) -> Vec<usize> {
    let [mut author, mut reader] = [rig.nc(), rig.nc()];
    for nc in [&mut author, &mut reader] {
        nc.say("/join elsewhere");
        rig.0.read_until(&mut nc.peer, "#elsewhere");
    }
    rig.0.run_for(5000); // all have been told who is here
    for peer in [&mut author.peer, &mut reader.peer] {
        rig.0.drain_bytes(peer);
    }
    for peer in &mut *crowd {
        rig.0.drain_bytes(peer);
    }
    crowd.iter_mut().for_each(ask);
    author.say("a short line");
    let mut answered = Vec::new();
    let mut waiting: Vec<&mut Peer> = crowd.iter_mut().collect();
    while !waiting.is_empty() {
        rig.0.event_loop.set_immediate(|_, _| {}); // time stands still
        rig.0.turn();
        let before = waiting.len();
        waiting.retain_mut(|peer| peer.text().len() < bytes);
        answered.push(before - waiting.len());
        assert!(answered.len() < 10 * MEMBERS, "{answered:?}");
        let heard = reader.peer.text();
        assert!(heard.contains("a short line"), "{heard:?}");
    }
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
        // Nothing else limits them.
        let mut rig = Rig::new(|config| config.flood = None);
        let mut members: Vec<Peer> = (0..MEMBERS).map(|_| json_member(&mut rig)).collect();
        let frame = client::frame(TEXT, message.as_bytes());
        let turns = answers_of_turns(&mut rig, &mut members, 1, |peer| peer.send(&frame));
        let most = turns.iter().max().expect("some turns");
        assert!(*most <= 12, "{message:.40}: {most} in one turn: {turns:?}");
    }
}

/// Catches: a dear question that is answered at once since its asker has asked for nothing before;
/// in each framing, as a line, a torn line, one without an end before the end of a stream, and by
/// way of a room, or the chat, that is entered.
#[test]
fn a_turn_answers_few_dear_questions_though_each_is_its_askers_first() {
    let object = client::frame(TEXT, br#"{"kind":"line","text":"/history 200"}"#);
    let message = client::frame(TEXT, b"/history 200");
    let entry = REQUEST.replace("\r\n\r\n", JSON_TOO);
    type Way<'a> = (&'a str, fn(&mut Rig) -> Peer, &'a [u8]);
    let ways: [Way<'_>; 7] = [
        ("an object", json_member, &object),
        ("a message", |rig| rig.browser().peer, &message),
        ("a line", |rig| rig.nc().peer, b"/history 200\n"),
        ("a torn line", torn_member, b"tory 200\r\n"),
        ("a last line", |rig| rig.nc().peer, b"/history 200"),
        ("a room", |rig| rig.nc().peer, b"/join full\n"),
        ("the chat", Rig::visitor, entry.as_bytes()),
    ];
    for (way, member, asked) in ways {
        // Who comes in is told the last ten messages.
        let comes_in = matches!(way, "a room" | "the chat");
        let (messages, length) = if comes_in { (10, 4000) } else { (200, 250) };
        let mut rig = Rig::new(|config| config.flood = None);
        let mut full = rig.nc();
        if way == "a room" {
            full.say("/join full");
        }
        for number in 0..messages {
            full.say(&format!("{number} {}", "x".repeat(length)));
            rig.0.settle();
        }
        let mut members: Vec<Peer> = (0..MEMBERS).map(|_| member(&mut rig)).collect();
        let turns = answers_of_turns(&mut rig, &mut members, messages * length, |peer| {
            peer.send(asked);
            if way == "a last line" {
                peer.shut_down();
            }
        });
        let most = turns.iter().max().expect("some turns");
        assert!(*most <= 24, "{way}: {most} in one turn: {turns:?}");
    }
}

/// A member that has begun to ask for something.
fn torn_member(rig: &mut Rig) -> Peer {
    let mut nc = rig.nc();
    nc.peer.send("/his");
    rig.0.settle();
    nc.peer
}
