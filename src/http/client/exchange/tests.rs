//! Requests and responses without a socket: every split of every input, and random schedules.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::http::message::Limits;
use crate::http::message::fields::Fields;
use crate::http::message::incoming::Resumed;
use crate::http::message::outgoing::Outgoing;

/// A connection whose bytes come as a test has them come, and a program that takes what there is.
struct Rig {
    receiving: Receiving<()>,
    /// What was told; pieces of a body as one.
    seen: Vec<String>,
    /// What was given back, or came while nothing was read.
    unread: Vec<u8>,
    /// It is paused, as the socket would be.
    waits: bool,
    over: bool,
    /// The program takes bodies as they come.
    flows: bool,
}

impl Rig {
    fn new(method: &str) -> Self {
        let mut receiving = Receiving::new();
        receiving.serve();
        receiving.expect(method, Limits::default());
        Self {
            receiving,
            seen: Vec::new(),
            unread: Vec::new(),
            waits: false,
            over: false,
            flows: true,
        }
    }

    fn see(&mut self, what: impl Into<String>) {
        self.seen.push(what.into());
    }

    fn see_data(&mut self, bytes: &[u8]) {
        let text = bytes.escape_ascii().to_string();
        match self
            .seen
            .last_mut()
            .filter(|last| last.starts_with("data "))
        {
            Some(last) => last.push_str(&text),
            None => self.see(format!("data {text}")),
        }
    }

    /// Bytes come, or come back in the next turn.
    fn receive(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        while !self.waits && !self.over && !self.unread.is_empty() {
            let input = std::mem::take(&mut self.unread);
            self.turn(&input);
        }
    }

    fn turn(&mut self, mut input: &[u8]) {
        self.receiving.begin();
        while let Some(event) = self.receiving.next(&mut input) {
            match event {
                Event::Unasked => self.end_with("unasked"),
                Event::Information(head) => self.see(format!("information {}", head.status_code())),
                Event::Response => {
                    let own = self.receiving.response_mut().expect("it has come");
                    let head = format!("response {}", own.incoming.head.status_code());
                    if self.flows {
                        assert_eq!(own.incoming.resume(), Resumed::ReadOn);
                    }
                    self.see(head);
                }
                Event::Switched { head, connect } => {
                    let rest = input.escape_ascii();
                    let what = format!("switched {} {connect} {rest}", head.status_code());
                    return self.end_with(&what);
                }
                Event::Data(bytes) => {
                    let own = self.receiving.response_mut().expect("it has come");
                    if own.incoming.takes(bytes) {
                        self.see_data(bytes);
                    }
                }
                Event::End { trailers, surplus } => {
                    let own = self.receiving.response_mut().expect("it has come");
                    let fields = trailers.as_ref().map_or(0, |own| own.raw_headers().len());
                    own.incoming.complete(trailers);
                    self.see(format!("end {fields}"));
                    if let Some(surplus) = surplus {
                        self.end_with(&format!("surplus {surplus:?}"));
                    }
                }
                Event::Fault(error) => self.end_with(&format!("fault {error:?}")),
                Event::Later => {
                    self.unread = input.to_vec();
                    return;
                }
                Event::Full => {
                    self.unread = input.to_vec();
                    self.waits = true;
                    return;
                }
            }
        }
        assert!(input.is_empty() || self.over, "something is left behind");
    }

    fn end_with(&mut self, what: &str) {
        self.over = true;
        self.see(what);
    }

    /// The program wants the body, from now on.
    fn resume(&mut self) {
        self.flows = true;
        let Some(own) = self.receiving.response_mut() else {
            return;
        };
        own.incoming.resume();
        while let Some(piece) = self
            .receiving
            .response_mut()
            .and_then(|own| own.incoming.take_kept())
        {
            self.see_data(&piece);
        }
        if self.receiving.reads_on() {
            self.waits = false;
            self.receive(b"");
        }
    }

    fn pause(&mut self) {
        self.flows = false;
        if let Some(own) = self.receiving.response_mut() {
            own.incoming.pause();
        }
    }

    /// The server ends, and the connection is closed.
    fn end(mut self) -> Vec<String> {
        if !self.over {
            let end = self.receiving.end_of_stream();
            if end == EndOfStream::Complete {
                let own = self.receiving.response_mut().expect("it has come");
                own.incoming.complete(None);
            }
            self.see(format!("{end:?}"));
        }
        let closed = self.receiving.close();
        self.see(format!("{closed:?}"));
        self.seen
    }
}

/// What a client asks for, and what a server says to it.
const INPUTS: &[(&str, &[u8])] = &[
    ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
    ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;a=b\r\ndefg\r\n0\r\nX: y\r\n\r\n"),
    ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    ("GET", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
    ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
    ("GET", b"HTTP/1.0 200 OK\r\n\r\nuntil the end"),
    ("GET", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    ("CONNECT", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    ("GET", b"HTTP/1.1 2x0 OK\r\n\r\n"),
    ("GET", b"SSH-2.0-OpenSSH_9.6\r\n"),
    ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
    ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nnone\r\n"),
    ("GET", b"HTTP/1.1 200 OK\r\nContent-Le"),
    ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nnot all of it"),
    ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nnot"),
    ("GET", b""),
];

fn outcome(method: &str, pieces: &[&[u8]]) -> Vec<String> {
    let mut rig = Rig::new(method);
    for piece in pieces {
        rig.receive(piece);
    }
    rig.end()
}

/// Catches: a head, a chunk or an end that is read otherwise when it is torn.
#[test]
fn every_split_of_every_input_has_the_same_events() {
    for &(method, input) in INPUTS {
        let whole = outcome(method, &[input]);
        let shown = input.escape_ascii().to_string();
        let bytes: Vec<_> = input.chunks(1).collect();
        assert_eq!(outcome(method, &bytes), whole, "{shown}");
        for at in 0..=input.len() {
            let (first, second) = input.split_at(at);
            assert_eq!(outcome(method, &[first, second]), whole, "{shown} at {at}");
            let (second, third) = second.split_at(second.len() / 2);
            let three = outcome(method, &[first, second, third]);
            assert_eq!(three, whole, "{shown} in three, at {at}");
        }
    }
}

/// Catches: two ways to read the inputs above that are both wrong.
#[test]
fn what_comes_out_is_what_was_answered() {
    let seen = |place: usize| {
        let (method, input) = INPUTS[place];
        outcome(method, &[input]).join(", ")
    };
    for (place, expected) in [
        (0, "response 200, data hello, end 0, Nothing, Complete"),
        (1, "response 200, data abcdefg, end 1, Nothing, Complete"),
        (2, "response 200, end 0, Nothing, Complete"),
        (
            3,
            "information 100, information 103, response 204, end 0, Nothing, Complete",
        ),
        (4, "response 304, end 0, Nothing, Complete"),
        (5, "response 200, data until the end, Complete, Complete"),
        (6, "switched 101 false , HungUp"),
        (7, "switched 200 true , HungUp"),
        (12, "HungUp, HungUp"),
        (13, "response 200, data not all of it, Nothing, CutShort"),
        (14, "response 200, data not, Nothing, CutShort"),
        (15, "HungUp, HungUp"),
    ] {
        assert_eq!(seen(place), expected);
    }
    for place in 8..=11 {
        assert!(seen(place).contains("fault "), "{}", seen(place));
    }
}

/// Catches: bytes of another protocol that are lost, or read as HTTP.
#[test]
fn what_comes_behind_a_switch_is_left_as_it_is() {
    let input = b"HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\n";
    let seen = outcome("GET", &[input]);
    assert_eq!(seen[0], r"switched 101 false HTTP/1.1 200 OK\r\n");
}

/// Catches: a second response that is handed to whoever asked for one, or to the next.
#[test]
fn more_than_was_asked_for_ends_the_connection() {
    const ONE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const LAST: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    for (input, surplus) in [
        (format!("{ONE}{ONE}"), "surplus Ok(())"),
        (format!("{ONE}\r\n"), "surplus Ok(())"),
        (format!("{ONE}none"), "surplus Err("),
        (format!("{LAST}{ONE}"), "surplus Err(Closed)"),
    ] {
        let seen = outcome("GET", &[input.as_bytes()]);
        assert_eq!(seen[..2], ["response 200", "end 0"]);
        assert!(seen[2].starts_with(surplus), "{seen:?}");
    }
    let mut rig = Rig::new("GET");
    rig.receive(ONE.as_bytes());
    rig.receiving.release();
    rig.receive(ONE.as_bytes());
    assert_eq!(rig.end(), ["response 200", "end 0", "unasked", "Nothing"]);
}

/// Catches: a response of one request that is taken for that to the next, and a hint that is not
/// understood.
#[test]
fn a_connection_serves_one_request_after_the_other() {
    let mut rig = Rig::new("HEAD");
    rig.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeep-Alive: timeout=7, max=2\r\n\r\n");
    assert_eq!(rig.receiving.answer(), Some(1));
    assert_eq!(rig.receiving.keep_alive_hint(), Some(7));
    rig.receiving.serve();
    rig.receiving.expect("GET", Limits::default());
    assert_eq!(rig.receiving.answer(), None);
    rig.receive(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(rig.receiving.answer(), Some(2));
    assert_eq!(rig.receiving.keep_alive_hint(), None);
    let seen = rig.end().join(", ");
    let expected = "response 200, end 0, response 200, data hello, end 0, Nothing, Complete";
    assert_eq!(seen, expected);
}

/// Catches: a peer that makes us keep as much as it likes, or a turn that takes as long as it likes.
#[test]
fn what_nobody_takes_is_kept_up_to_a_limit_and_a_turn_has_its_parts() {
    let body = "x".repeat(40_000);
    let mut rig = Rig::new("GET");
    rig.flows = false;
    rig.receive(format!("HTTP/1.1 200 OK\r\nContent-Length: 40001\r\n\r\n{body}").as_bytes());
    assert!(rig.waits);
    let kept = body.len() - rig.unread.len();
    assert!((16_000..17_000).contains(&kept), "{kept}");
    rig.resume();
    assert_eq!(rig.seen[1], format!("data {body}"));

    let mut rig = Rig::new("GET");
    rig.receive(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    rig.turn("1\r\nx\r\n".repeat(3000).as_bytes());
    assert!(rig.unread.len() > 1000, "it went on and on");
}

proptest! {
    /// However the bytes come, and however the program pauses and goes on: nothing is lost, doubled
    /// or told in another order.
    #[test]
    fn a_body_comes_whole_whatever_the_schedule(
        chunks in vec(1..9000_usize, 0..12),
        schedule in vec((0..4_u8, 1..20_000_usize), 1..40),
        paused in any::<bool>(),
    ) {
        let mut input = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let (mut body, mut next) = (Vec::new(), (b'a'..=b'z').cycle());
        for length in chunks {
            let chunk: Vec<u8> = next.by_ref().take(length).collect();
            input.extend_from_slice(format!("{length:x}\r\n").as_bytes());
            input.extend_from_slice(&chunk);
            input.extend_from_slice(b"\r\n");
            body.extend(chunk);
        }
        input.extend_from_slice(b"0\r\n\r\n");
        let mut rig = Rig::new("GET");
        rig.flows = !paused;
        let mut rest = &input[..];
        for (step, amount) in schedule {
            match step {
                0 => rig.pause(),
                1 => rig.resume(),
                _ => {
                    let (now, later) = rest.split_at(amount.min(rest.len()));
                    rig.receive(now);
                    rest = later;
                }
            }
        }
        rig.receive(rest);
        rig.resume();
        let mut seen = rig.end();
        // The end of what had to wait is told before that is taken.
        let end = seen.iter().position(|line| line == "end 0").expect("it ends");
        seen.remove(end);
        let bodies: String = seen.iter().filter_map(|line| line.strip_prefix("data ")).collect();
        prop_assert_eq!(bodies.as_bytes(), &body);
        seen.retain(|line| !line.starts_with("data "));
        prop_assert_eq!(seen, ["response 200", "Nothing", "Complete"]);
    }
}

// --- requests -------------------------------------------------------------------------------

fn sending(method: &str, fields: &[(&str, &str)]) -> Sending {
    let mut set = Fields::default();
    for (name, value) in fields {
        set.set(name, value.as_bytes()).expect("a field");
    }
    let outgoing = Outgoing {
        fields: set,
        chunks: true,
        keep_alive: true,
        ..Outgoing::default()
    };
    Sending::new(method.into(), "/".into(), outgoing)
}

fn done(written: &Written) -> (bool, When) {
    match *written {
        Written::Done { below, when } => (below, when),
        ref other => panic!("{other:?}"),
    }
}

/// What goes to the socket.
fn flush(sending: &mut Sending, sent: &mut Vec<u8>) -> bool {
    let Some((bytes, ended)) = sending.take_out(true) else {
        return false;
    };
    sent.extend(bytes);
    ended
}

/// Catches: bytes that go out before there is a connection, twice, or not at all.
#[test]
fn what_is_written_waits_for_a_connection_and_goes_out_once() {
    let mut own = sending("POST", &[("Host", "x")]);
    let mut sent = Vec::new();
    assert_eq!(done(&own.write(Some(b"a"), false, 0)), (true, When::Later));
    assert!(!flush(&mut own, &mut sent) && sent.is_empty());
    own.attach();
    assert!(!flush(&mut own, &mut sent));
    assert_eq!(done(&own.write(Some(b"b"), false, 0)), (true, When::Soon));
    assert_eq!(done(&own.write(Some(b"c"), false, 0)), (true, When::Later));
    assert!(!flush(&mut own, &mut sent));
    assert_eq!(done(&own.write(Some(b"d"), true, 0)), (true, When::Now));
    assert!(flush(&mut own, &mut sent));
    assert!(
        !flush(&mut own, &mut sent),
        "there is nothing behind the end"
    );
    let text = String::from_utf8(sent).expect("it is text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    assert!(head.ends_with("\r\nTransfer-Encoding: chunked"), "{head}");
    assert_eq!(body, "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n1\r\nd\r\n0\r\n\r\n");
    assert!(matches!(own.write(Some(b"e"), false, 0), Written::AfterEnd));
}

/// Catches: a connection that is given back too early, twice, or closed when it is somebody else's.
#[test]
fn the_connection_is_free_when_both_directions_are_done() {
    let ended = |keep_alive| {
        let mut own = sending("GET", &[]);
        own.attach();
        own.write(None, true, 0);
        own.take_out(true);
        own.respond(keep_alive);
        own
    };
    let mut own = ended(true);
    assert_eq!(own.end_response(), After::Wait);
    assert!(own.finish() && !own.finish());
    assert!(own.is_done() && own.free() && !own.free());
    assert!(own.is_destroyed());

    let mut own = ended(true);
    assert!(own.finish() && !own.is_done());
    assert_eq!(own.end_response(), After::Free);

    let mut own = ended(false);
    own.finish();
    assert_eq!(own.end_response(), After::Close);
    assert!(!own.is_done());
}

/// Catches: a body that has another length than was said, or that goes behind a head which has said
/// that there is none.
#[test]
fn what_cannot_be_sent_is_refused() {
    let code = |written| match written {
        Written::Wrong(misuse) => misuse.code(),
        other => panic!("{other:?}"),
    };
    let mut own = sending("POST", &[("Content-Length", "2")]);
    assert_eq!(
        code(own.write(Some(b"abc"), false, 0)),
        "ERR_HTTP_CONTENT_LENGTH_MISMATCH"
    );
    let mut own = sending("POST", &[("Content-Length", "2")]);
    assert_eq!(
        code(own.write(Some(b"a"), true, 0)),
        "ERR_HTTP_CONTENT_LENGTH_MISMATCH"
    );
    let mut own = sending("GET", &[]);
    own.write(None, false, 0);
    assert_eq!(
        code(own.write(Some(b"a"), false, 0)),
        "ERR_HTTP_BODY_NOT_ALLOWED"
    );
    let mut own = sending("POST", &[]);
    assert!(own.destroy() && !own.destroy());
    assert!(matches!(own.write(Some(b"a"), true, 0), Written::Dropped));
    assert!(matches!(own.write(Some(b"a"), true, 0), Written::AfterEnd));
}

/// Catches: a program that is not told to wait, or waits for ever.
#[test]
fn much_that_waits_is_told_and_so_is_that_it_is_gone() {
    let mut own = sending("POST", &[]);
    own.attach();
    let (below, _) = done(&own.write(Some(&[b'x'; 20_000]), false, 0));
    assert!(!below && !own.drained(), "it is still here");
    own.take_out(true);
    assert!(own.drained() && !own.drained());
    let (below, _) = done(&own.write(Some(b"x"), false, 20_000));
    assert!(!below, "the socket has much, too");
    own.write(None, true, 0);
    own.take_out(true);
    assert!(!own.drained(), "nobody waits behind the end");
}
