//! When nobody can take more: how much is read, and what makes it go on.

use super::rig::{FULL, Rig};
use crate::http::server::settings::Settings;

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";

fn post(length: usize) -> Vec<u8> {
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
    [head.into_bytes(), vec![b'x'; length]].concat()
}

fn rig() -> Rig {
    Rig::new(Settings::default())
}

/// All that has been written goes out, and what can be read then is.
fn catch_up(rig: &mut Rig) {
    rig.flush();
    rig.kernel_takes(usize::MAX);
    rig.run_dry();
}

#[test]
fn sixteen_requests_are_handed_out_in_a_turn_and_sixty_four_in_all() {
    let mut rig = rig();
    rig.receive(&GET.repeat(70));
    for so_many in [16, 32, 48] {
        assert_eq!(rig.requests.len(), so_many);
        assert!(rig.again && !rig.paused);
        rig.turn();
    }
    assert_eq!(rig.requests.len(), 64);
    assert!(rig.paused && !rig.again, "the others wait for answers");
    rig.write(1, Some(b"not its turn"), true);
    catch_up(&mut rig);
    assert_eq!(rig.requests.len(), 64);
    rig.write(0, Some(b"its turn"), true);
    catch_up(&mut rig);
    assert_eq!((rig.requests.len(), rig.finished), (66, vec![0, 1]));
}

#[test]
fn who_does_not_read_answers_is_asked_for_no_more_requests() {
    let mut rig = rig();
    rig.stalled = true;
    rig.receive(GET);
    assert_eq!(rig.write(0, Some(b"little"), false), Some(true));
    assert_eq!(rig.write(0, Some(&[b'x'; FULL]), false), Some(false));
    let own = rig.pipeline.exchange(0).map(|own| &own.response.outgoing);
    assert!(own.is_some_and(|own| own.need_drain));
    rig.flush();
    rig.receive(GET);
    assert_eq!((rig.requests.len(), rig.paused), (1, true));
    rig.kernel_takes(FULL);
    assert!(rig.paused, "some is left");
    rig.kernel_takes(usize::MAX);
    assert!(!rig.paused);
    rig.run_dry();
    assert_eq!(rig.requests.len(), 2);
    // What waits for its turn counts as well.
    assert_eq!(rig.write(1, Some(&[b'x'; FULL]), false), Some(false));
    rig.stalled = false;
    rig.receive(GET);
    assert_eq!((rig.requests.len(), rig.paused), (2, true));
    rig.write(0, None, true);
    catch_up(&mut rig);
    assert_eq!(rig.requests.len(), 3);
}

#[test]
fn a_body_that_nobody_takes_is_read_up_to_the_mark() {
    let mut rig = rig();
    let request = post(4 * FULL);
    let (first, rest) = request.split_at(2 * FULL);
    rig.receive(first);
    assert!(!rig.paused, "it is known to be too much when more comes");
    rig.receive(rest);
    assert!(rig.paused);
    rig.resume(0);
    rig.run_dry();
    assert_eq!(rig.events.last().map(String::as_str), Some("0 end"));
    assert!(!rig.paused);
}

#[test]
fn bodies_that_are_kept_count_together_even_when_they_are_answered() {
    let mut rig = rig();
    let small = post(FULL / 2);
    for number in 0..2 {
        rig.receive(&small);
        rig.pause(number);
    }
    rig.receive(GET);
    assert_eq!((rig.requests.len(), rig.paused), (2, true), "both are kept");
    rig.write(0, Some(b""), true);
    rig.write(1, Some(b""), true);
    catch_up(&mut rig);
    assert_eq!((&rig.finished[..], rig.paused), (&[0, 1][..], true));
    rig.resume(0);
    rig.run_dry();
    assert_eq!((rig.requests.len(), rig.paused), (3, false));
}

#[test]
fn requests_that_the_program_holds_back_wait_until_it_wants_them() {
    let mut rig = rig();
    rig.pipeline.hold_back();
    rig.receive(GET);
    assert_eq!((rig.requests.len(), rig.paused), (0, true));
    assert!(rig.pipeline.let_come() && !rig.pipeline.let_come());
    catch_up(&mut rig);
    assert_eq!((rig.requests.len(), rig.paused), (1, false));
}

#[test]
fn chunks_of_a_byte_each_are_read_in_several_turns() {
    let mut rig = rig();
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    rig.receive(head);
    rig.resume(0);
    rig.receive(&b"1\r\nx\r\n".repeat(3000));
    let mut turns = 1;
    while rig.again {
        assert_eq!(rig.pipeline.parts(), 1024);
        rig.turn();
        turns += 1;
    }
    assert_eq!((turns, rig.pipeline.parts()), (3, 3000 - 2 * 1024 + 1));
}

/// What waits in the socket counts, too.
#[test]
fn whether_more_may_be_written_depends_on_all_that_waits() {
    let mut rig = rig();
    rig.stalled = true;
    rig.receive(GET);
    assert_eq!(rig.write(0, Some(&[b'x'; FULL / 2]), false), Some(true));
    rig.flush();
    assert_eq!(rig.write(0, Some(&[b'x'; FULL / 2]), false), Some(false));
}

#[test]
fn what_is_much_goes_to_the_socket_at_once() {
    let mut rig = rig();
    rig.stalled = true;
    rig.receive(GET);
    let before = rig.pipeline.memory();
    rig.write(0, Some(&[b'x'; 60_000]), false);
    assert!(rig.queued.is_empty());
    assert!(rig.pipeline.memory() - before >= 60_000);
    rig.write(0, Some(&[b'x'; 6000]), false);
    assert!(rig.queued.len() > 66_000);
    assert_eq!(rig.pipeline.memory(), before);
}

#[test]
fn a_body_that_nobody_has_asked_for_may_come_or_not_so_the_answer_is_the_last() {
    let request = b"PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n";
    for asks in [false, true] {
        let mut rig = rig();
        rig.asks_for_bodies = asks;
        rig.receive(request);
        rig.write(0, Some(b"x"), true);
        catch_up(&mut rig);
        let text = String::from_utf8_lossy(&rig.wire);
        assert_eq!(text.contains("Connection: close"), !asks, "{text}");
        assert_eq!(rig.ended, !asks);
    }
}
