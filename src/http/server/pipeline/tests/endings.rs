//! Refusals in their turn, the client's end, and connections that were given up.

use std::time::Duration;

use super::rig::Rig;
use crate::http::message::ParseError;
use crate::http::server::pipeline::{Backlog, Discarded, EndOfStream, Pipeline, THROWN_AWAY};
use crate::http::server::settings::Settings;

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const POST: &[u8] = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

fn rig() -> Rig {
    Rig::new(Settings::default())
}

fn answer(rig: &mut Rig, number: u32) {
    rig.write(number, Some(b"x"), true);
    rig.flush();
    rig.kernel_takes(usize::MAX);
}

/// How often an answer begins in what the client has read, and with what.
fn statuses(rig: &Rig) -> Vec<String> {
    let text = String::from_utf8_lossy(&rig.wire);
    let starts = text.match_indices("HTTP/1.1 ");
    starts
        .map(|(at, _)| text[at + 9..at + 12].to_owned())
        .collect()
}

#[test]
fn what_is_no_request_is_refused_behind_the_answers_to_those_before() {
    let mut rig = rig();
    rig.receive(&[GET, GET, b"none\r\n\r\n"].concat());
    assert_eq!(rig.refused, None);
    answer(&mut rig, 1);
    assert_eq!((rig.refused, statuses(&rig).len()), (None, 0));
    answer(&mut rig, 0);
    rig.kernel_takes(usize::MAX);
    assert_eq!(rig.refused, Some(ParseError::Method));
    assert_eq!(statuses(&rig), ["200", "200", "400"]);
}

/// Catches: a fault in a body that waits for the answer to that very request.
#[test]
fn a_broken_body_is_refused_in_the_place_of_its_answer() {
    let mut rig = rig();
    rig.receive(&[GET, POST, b"zz\r\n"].concat());
    assert_eq!(rig.refused, None);
    answer(&mut rig, 0);
    rig.kernel_takes(usize::MAX);
    assert_eq!(rig.refused, Some(ParseError::ChunkSize));
    assert_eq!(statuses(&rig), ["200", "400"]);
    assert_eq!((rig.finished, rig.aborted), (vec![0], vec![1]));
}

#[test]
fn an_answer_that_has_begun_is_not_followed_by_another() {
    let mut rig = rig();
    rig.receive(POST);
    rig.write(0, Some(b"begun"), false);
    rig.receive(b"zz\r\n");
    rig.kernel_takes(usize::MAX);
    assert_eq!(rig.refused, Some(ParseError::ChunkSize));
    assert_eq!((statuses(&rig), rig.ended), (vec!["200".to_owned()], true));
}

#[test]
fn the_end_of_the_requests_is_the_end_of_the_answers_unless_it_may_wait() {
    for may_wait in [false, true] {
        let mut rig = rig();
        rig.settings.allow_half_open = may_wait;
        rig.receive(&GET.repeat(2));
        rig.end();
        answer(&mut rig, 0);
        answer(&mut rig, 1);
        let count = if may_wait { 2 } else { 0 };
        assert_eq!(statuses(&rig).len(), count);
        let closes = rig
            .wire
            .windows(17)
            .filter(|text| text == b"Connection: close");
        assert_eq!(closes.count(), count / 2, "the last says so");
        assert!(rig.ended);
    }
    let mut pipeline = Pipeline::<()>::new(0);
    assert_eq!(
        pipeline.end_of_stream(true),
        EndOfStream::End,
        "nothing is owed"
    );
    pipeline.stop();
    assert_eq!(pipeline.end_of_stream(true), EndOfStream::Over);
}

#[test]
fn what_goes_on_behind_the_end_is_read_for_a_while_and_no_more_than_a_little() {
    let mut pipeline = Pipeline::<()>::new(0);
    let a_while = Duration::from_millis(500);
    assert_eq!(pipeline.linger(1000), (a_while, false));
    assert!(pipeline.is_over() && pipeline.is_lingering());
    let most = THROWN_AWAY as usize;
    let mut more = |bytes, now| pipeline.throw_away(bytes, now, 0, true);
    assert_eq!(more(most, 1000), Discarded::ReadOn);
    assert_eq!(more(1, 6000), Discarded::Pause(Some(a_while)));
    assert_eq!(more(0, 6001), Discarded::Close);
    // Who cannot be heard, or whose system has not taken everything, has the same time.
    assert_eq!(pipeline.lingers_on(0, 6000, 0), Some(a_while));
    assert_eq!(pipeline.lingers_on(0, 6001, 0), None);
    assert_eq!(
        pipeline.lingers_on(0, 9000, 4000),
        Some(a_while),
        "it slept"
    );
    assert_eq!(pipeline.linger(9000), (a_while, true), "it is read again");
    assert_eq!(
        pipeline.lingers_on(0, 9000, 0),
        None,
        "all is said and heard"
    );
    assert_eq!(pipeline.lingers_on(1, 9000, 0), Some(a_while));
}

#[test]
fn who_waits_for_its_refusal_is_read_no_further_than_who_has_it() {
    let mut rig = rig();
    rig.receive(&[GET, b"none\r\n\r\n"].concat());
    let most = THROWN_AWAY as usize;
    let mut more = |bytes| rig.pipeline.throw_away(bytes, 0, 0, false);
    assert_eq!(more(most), Discarded::ReadOn);
    assert_eq!(more(1), Discarded::Pause(None));
    assert!(!rig.pipeline.is_lingering(), "it is not refused yet");
}

#[test]
fn behind_the_last_request_nothing_is_read_but_a_little_thrown_away() {
    let mut rig = rig();
    let last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    rig.receive(&[last, GET].concat());
    assert_eq!(rig.requests, [0]);
    rig.receive(&vec![b'x'; THROWN_AWAY as usize]);
    assert!(!rig.paused);
    rig.receive(b"x");
    assert!(rig.paused);
    answer(&mut rig, 0);
    assert_eq!((statuses(&rig), rig.ended), (vec!["200".to_owned()], true));
    assert!(!rig.paused && rig.pipeline.is_lingering());
}

/// Catches: a fault behind the last answer that keeps its connection from being closed.
#[test]
fn a_fault_behind_the_last_answer_is_nobodys() {
    let mut rig = rig();
    let last = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
        Transfer-Encoding: chunked\r\n\r\n";
    rig.stalled = true;
    rig.receive(last);
    rig.write(0, Some(b"x"), true);
    rig.receive(b"zz\r\n");
    assert!(rig.pipeline.is_over() && !rig.pipeline.is_lingering());
    rig.kernel_takes(usize::MAX);
    assert_eq!(
        (statuses(&rig), rig.refused),
        (vec!["200".to_owned()], None)
    );
    assert!(rig.pipeline.is_lingering());
}

#[test]
fn what_was_thrown_away_is_not_read_on_when_there_is_room() {
    let mut rig = rig();
    rig.receive(&[GET, b"none\r\n\r\n"].concat());
    let most = THROWN_AWAY as usize;
    rig.pipeline.throw_away(most + 1, 0, 0, false);
    let backlog = Backlog {
        queued: 0,
        full: 1024,
    };
    assert!(!rig.pipeline.reads_on(backlog));
}

#[test]
fn an_exchange_is_kept_until_everything_of_it_is_told() {
    let mut rig = rig();
    rig.receive(POST);
    rig.close();
    assert_eq!(rig.aborted, [0]);
    assert!(rig.pipeline.take_told(0).is_none(), "nothing is told yet");
    let exchange = rig.pipeline.exchange(0).expect("it is still known");
    exchange.response.closed = true;
    assert!(rig.pipeline.take_told(0).is_none(), "half of it is told");
    let exchange = rig.pipeline.exchange(0).expect("it is still known");
    assert!(exchange.request.abort() && exchange.request.close());
    assert!(rig.pipeline.take_told(0).is_some());
    assert!(rig.pipeline.known(0).is_none());
}
