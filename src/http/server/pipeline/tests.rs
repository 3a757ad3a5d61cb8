//! The pipeline without a socket: every split of every input, and random schedules.

mod chance;
mod endings;
mod limits;
mod rig;
mod schedules;

use self::chance::Chance;
use self::rig::{Answers, Rig};
use crate::http::server::settings::Settings;

/// Requests as clients send them, several on one connection.
const INPUTS: [&[u8]; 18] = [
    b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello worldHEAD /b HTTP/1.1\r\nHost: x\r\n\r\n",
    b"PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;a=b\r\ndefg\r\n0\r\nX: y\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /a HTTP/1.0\r\n\r\nGET /nobody HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /nobody HTTP/1.1\r\n",
    b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /no host HTTP/1.1\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nNo: host\r\n\r\nGET /nobody HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nnone\r\n",
    b"PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhiGET /b HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\nrest",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nrest",
    b"POST /long HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n",
    b"POST /long HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\n0123456789012345678901234567890\r\n10\r\n0123456789abcdef\r\n",
    b"\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\nGET",
    b"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\n012345678901234567890123456789PUT /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1e\r\n012345678901234567890123456789\r\n0\r\n\r\n",
    b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\n\r\nGET /d HTTP/1.1\r\nHost: x\r\n\r\n",
];

/// What comes out of an input that comes in these pieces, and then ends.
fn outcome(answers: Answers, pieces: &[&[u8]]) -> Rig {
    let settings = Settings {
        max_body: 40,
        max_requests_per_socket: 3,
        ..Settings::default()
    };
    let mut rig = Rig::new(settings);
    rig.answers = answers;
    for piece in pieces {
        rig.receive(piece);
        rig.run_dry();
    }
    rig.end();
    rig
}

/// Catches: a head, a chunk or an end that is read otherwise when it is torn; an answer that depends
/// on what came with what.
#[test]
fn every_split_of_every_input_has_the_same_events_and_the_same_bytes() {
    for input in INPUTS {
        let whole = outcome(Answers::Early, &[input]);
        let shown = input.escape_ascii().to_string();
        let bytes: Vec<_> = input.chunks(1).collect();
        assert_eq!(
            outcome(Answers::Early, &bytes).seen(),
            whole.seen(),
            "{shown}"
        );
        for at in 0..=input.len() {
            let (first, second) = input.split_at(at);
            assert_eq!(
                outcome(Answers::Early, &[first, second]).seen(),
                whole.seen(),
                "{shown} at {at}"
            );
            let (second, third) = second.split_at(second.len() / 2);
            let three = outcome(Answers::Early, &[first, second, third]);
            assert_eq!(three.seen(), whole.seen(), "{shown} in three, at {at}");
        }
    }
}

/// Catches: the same, in what nobody would send.
#[test]
fn so_has_every_split_of_what_makes_no_sense() {
    let mut chance = Chance(1);
    for round in 0..4000 {
        let mut input = INPUTS[round % INPUTS.len()].to_vec();
        for _ in 0..=chance.below(3) {
            let at = chance.below(input.len().max(1) as u64) as usize;
            input.resize(input.len().max(1), b'G');
            let other = INPUTS[chance.below(INPUTS.len() as u64) as usize];
            let from = chance.below(other.len() as u64) as usize;
            match chance.below(4) {
                0 => input[at] = chance.below(256) as u8,
                1 => drop(input.remove(at)),
                2 => input.truncate(at + 1),
                _ => drop(input.splice(at.., other[from..].iter().copied())),
            }
        }
        let whole = outcome(Answers::Late, &[&input]);
        let (mut pieces, mut rest) = (Vec::new(), &input[..]);
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(1 + chance.below(rest.len() as u64) as usize);
            pieces.push(piece);
            rest = behind;
        }
        let shown = input.escape_ascii().to_string();
        assert_eq!(
            outcome(Answers::Late, &pieces).seen(),
            whole.seen(),
            "{shown} in {pieces:?}"
        );
    }
}

/// Catches: two ways to read the inputs above that are both wrong.
#[test]
fn what_comes_out_is_what_was_asked_for() {
    let expected: [&[&str]; 18] = [
        &[
            "0 Request GET /a",
            "0 end",
            "1 Request GET /b",
            "1 end",
            "2 Request GET /c",
            "2 end",
            "End",
        ],
        &[
            "0 Request POST /a",
            "0 data hello world",
            "0 end",
            "1 Request HEAD /b",
            "1 end",
            "End",
        ],
        &[
            "0 Request PUT /a",
            "0 data abcdefg",
            "0 end x: y",
            "1 Request GET /b",
            "1 end",
            "End",
        ],
        &["0 Request GET /a", "0 end", "Over"],
        &["0 Request GET /a", "0 end", "Over"],
        &["0 Request GET /a", "0 end", "Over"],
        &[
            "0 Request GET /a",
            "0 end",
            "refused HPE_INVALID_VERSION",
            "Over",
        ],
        &["0 Request GET /a", "0 end", "1 Refuse GET /b", "Over"],
        &["refused HPE_UNEXPECTED_CONTENT_LENGTH", "Over"],
        &[
            "0 Request POST /a",
            "0 data ab",
            "refused HPE_INVALID_CHUNK_SIZE",
            "Over",
        ],
        &[
            "0 CheckContinue PUT /a",
            "0 data hi",
            "0 end",
            "1 CheckExpectation GET /b",
            "End",
        ],
        &[
            "0 Request GET /a",
            "0 end",
            "handed over, connect: false",
            "rest rest",
        ],
        &["handed over, connect: true", "rest rest"],
        &["refused ERR_HTTP_BODY_TOO_LARGE", "Over"],
        &[
            "0 Request POST /long",
            "0 data 0123456789012345678901234567890012345678",
            "refused ERR_HTTP_BODY_TOO_LARGE",
            "Over",
        ],
        &[
            "0 Request GET /a",
            "0 end",
            "refused HPE_INVALID_EOF_STATE",
            "Fault",
        ],
        &[
            "0 Request PUT /a",
            "0 data 012345678901234567890123456789",
            "0 end",
            "1 Request PUT /b",
            "1 data 012345678901234567890123456789",
            "1 end",
            "End",
        ],
        &[
            "0 Request GET /a",
            "0 end",
            "1 Request GET /b",
            "1 end",
            "2 Request GET /c",
            "2 end",
            "3 Drop GET /d",
            "End",
        ],
    ];
    for (input, expected) in INPUTS.iter().zip(expected) {
        let shown = input.escape_ascii().to_string();
        assert_eq!(
            outcome(Answers::Early, &[input]).events,
            expected,
            "{shown}"
        );
    }
}

#[test]
fn a_deadline_is_told_before_it_is_over_and_not_after_what_it_is_for() {
    let settings = Settings::default();
    let mut rig = Rig::new(settings);
    let deadline = |rig: &Rig| rig.pipeline.deadline(0, &settings);
    assert_eq!(deadline(&rig), Some(60_000), "nothing has come yet");
    rig.now = 1000;
    rig.receive(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n");
    assert_eq!(
        deadline(&rig),
        Some(60_000),
        "the head of the first request"
    );
    assert_eq!(
        rig.pipeline.deadline(500, &settings),
        Some(60_500),
        "it slept"
    );
    rig.receive(b"\r\n");
    assert_eq!(deadline(&rig), Some(300_000), "the whole of it");
    rig.receive(b"x");
    assert_eq!(deadline(&rig), None, "it has come");
    rig.now = 2000;
    rig.receive(b"\r\n");
    assert_eq!(deadline(&rig), None, "an empty line is no request");
    rig.receive(b"G");
    assert_eq!(deadline(&rig), Some(62_000), "the next has begun");
    let none = Settings {
        headers_timeout: 0,
        request_timeout: 0,
        ..settings
    };
    assert_eq!(rig.pipeline.deadline(0, &none), Some(u64::MAX), "for ever");
}
