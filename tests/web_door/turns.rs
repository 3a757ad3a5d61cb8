//! What one turn reads of a crowd, whatever the crowd sends: bytes that are cheap to send and dear
//! to hear must not keep everyone else waiting. Counted in bytes, turn by turn; time stands still.

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
