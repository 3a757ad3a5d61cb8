//! Random schedules of reads, answers, stalls, ends and deadlines: no response is lost, comes twice,
//! or out of turn.

use std::collections::BTreeMap;

use super::chance::Chance;
use super::rig::Rig;
use crate::http::message::{Head, Parser, Part};
use crate::http::server::settings::Settings;

/// What a program does with a request.
struct Handler {
    pieces: u64,
    /// Its answer says that it is the last.
    closes: bool,
    said: String,
}

struct Schedule {
    rig: Rig,
    chance: Chance,
    /// What the client is still to send.
    to_send: Vec<u8>,
    /// Whether the answer to a request has no body, in order.
    bodiless: Vec<bool>,
    handlers: BTreeMap<u32, Handler>,
    said: BTreeMap<u32, String>,
    /// Nothing has happened that may cost a response.
    unharmed: bool,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let settings = Settings {
            request_timeout: 500,
            headers_timeout: 200,
            allow_half_open: chance.one_in(2),
            ..Settings::default()
        };
        let mut schedule = Self {
            rig: Rig::new(settings),
            chance,
            to_send: Vec::new(),
            bodiless: Vec::new(),
            handlers: BTreeMap::new(),
            said: BTreeMap::new(),
            unharmed: true,
        };
        for number in 0..1 + schedule.chance.below(40) {
            schedule.ask(number);
        }
        if schedule.chance.one_in(6) {
            schedule.to_send.extend_from_slice(b"no request\r\n\r\n");
            schedule.unharmed = false;
        }
        schedule
    }

    /// A request more for the client to send.
    fn ask(&mut self, number: u64) {
        let host = "HTTP/1.1\r\nHost: x\r\n";
        let length = self.chance.below(2000) as usize;
        let head = self.chance.one_in(5);
        let request = match self.chance.below(4) {
            _ if head => format!("HEAD /{number} {host}\r\n"),
            0 => format!(
                "POST /{number} {host}Content-Length: {length}\r\n\r\n{}",
                "b".repeat(length)
            ),
            1 => format!(
                "POST /{number} {host}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
                length + 1,
                "c".repeat(length + 1)
            ),
            _ => format!("GET /{number} {host}\r\n"),
        };
        self.to_send.extend_from_slice(request.as_bytes());
        self.bodiless.push(head);
    }

    /// Something happens.
    fn step(&mut self) {
        match self.chance.below(14) {
            0..=3 => {
                let most = self.chance.below(700) as usize;
                let bytes: Vec<u8> = self.to_send.drain(..most.min(self.to_send.len())).collect();
                if !bytes.is_empty() && !self.rig.paused && !self.rig.again {
                    self.rig.receive(&bytes);
                } else {
                    self.to_send.splice(0..0, bytes);
                }
            }
            4..=7 => self.answer(),
            8 => self.rig.stalled = !self.rig.stalled,
            9 if !self.rig.stalled => {
                self.rig.flush();
                let most = self.chance.below(3000) as usize;
                self.rig.kernel_takes(most);
            }
            10 if self.rig.again && !self.rig.paused => self.rig.turn(),
            11 => {
                self.rig.now += self.chance.below(100);
                if self.chance.one_in(8) {
                    self.unharmed &= !self.rig.check();
                }
            }
            12 => {
                if let Some(number) = self.some_handler() {
                    self.rig.resume(number);
                }
            }
            13 if self.chance.one_in(300) => {
                self.rig.end();
                self.to_send.clear();
                self.unharmed = false;
            }
            _ => {}
        }
        for number in std::mem::take(&mut self.rig.requests) {
            let handler = Handler {
                pieces: self.chance.below(5),
                closes: self.chance.one_in(60),
                said: String::new(),
            };
            self.unharmed &= !handler.closes;
            self.handlers.insert(number, handler);
        }
    }

    fn some_handler(&mut self) -> Option<u32> {
        let count = self.handlers.len() as u64;
        let place = (count > 0).then(|| self.chance.below(count))?;
        self.handlers.keys().nth(place as usize).copied()
    }

    /// A program goes on with an answer, or ends it.
    fn answer(&mut self) {
        let Some(number) = self.some_handler() else {
            return;
        };
        let Some(mut handler) = self.handlers.remove(&number) else {
            return;
        };
        if std::mem::take(&mut handler.closes)
            && let Some(exchange) = self.rig.pipeline.exchange(number)
        {
            let set = exchange.response.outgoing.set("Connection", b"close");
            assert!(set.is_ok());
        }
        let length = self.chance.below(300) as usize;
        let piece = format!("<{number}.{}:{}>", handler.pieces, "r".repeat(length));
        let ends = handler.pieces == 0;
        if (self.rig.write(number, Some(piece.as_bytes()), ends)).is_some() {
            handler.said.push_str(&piece);
        }
        match ends {
            true => {
                self.said.insert(number, handler.said);
            }
            false => {
                handler.pieces -= 1;
                self.handlers.insert(number, handler);
            }
        }
    }

    /// Nobody stalls any more, and everything is done that can be.
    fn finish(&mut self) {
        for _ in 0..10_000 {
            self.rig.stalled = false;
            self.step();
            let resumed: Vec<u32> = self.handlers.keys().copied().collect();
            for number in resumed {
                self.rig.resume(number);
            }
            self.rig.flush();
            self.rig.kernel_takes(usize::MAX);
            if self.rig.ended {
                self.to_send.clear();
                self.handlers.clear();
                (self.rig.again, self.rig.paused) = (false, false);
            }
            let reads = self.rig.again || self.rig.paused || !self.to_send.is_empty();
            if !reads && self.handlers.is_empty() {
                break;
            }
        }
        self.rig.end();
        self.rig.close();
    }

    /// What the client has read: bodies of responses that came in full, and whether another began.
    fn heard(&self) -> (Vec<(u16, String)>, bool) {
        let (mut parser, mut head) = (Parser::responses(), Head::default());
        let (mut bodies, mut input) = (Vec::new(), &self.rig.wire[..]);
        let mut current: Option<(u16, String)> = None;
        loop {
            let none = bodies.len() + usize::from(current.is_some());
            let answers = self.bodiless.get(none).copied();
            parser.set_bodiless(current.is_none() && answers == Some(true));
            match parser.next(&mut input, &mut head) {
                Ok(Some(Part::Head)) => current = Some((head.status_code(), String::new())),
                Ok(Some(Part::Data(bytes))) => {
                    let (_, body) = current.as_mut().expect("a head before the body");
                    body.push_str(&String::from_utf8_lossy(bytes));
                }
                Ok(Some(Part::End)) => bodies.extend(current.take()),
                Ok(None) => return (bodies, current.is_some()),
                Err(error) => panic!("what came is no response: {error}"),
            }
        }
    }

    fn check(&self, seed: u64) {
        let rig = &self.rig;
        // Every request is done with once: some are answered, in order, and those behind are not.
        let all: Vec<u32> = rig.finished.iter().chain(&rig.aborted).copied().collect();
        let begun = rig.pipeline.last().wrapping_add(1);
        assert_eq!(all, Vec::from_iter(0..begun), "seed {seed}");
        let (heard, torn) = self.heard();
        let answers = rig.finished.len();
        assert!(heard.len() >= answers, "seed {seed}: an answer is lost");
        for (number, (status, body)) in heard.iter().enumerate() {
            // What answers a HEAD is whole with its head.
            let bodiless = self.bodiless.get(number) == Some(&true);
            let said = self.said.get(&(number as u32)).map(|said| &said[..]);
            let said = if bodiless { Some("") } else { said };
            if *status == 200 {
                assert_eq!(Some(&body[..]), said, "seed {seed}, {number}");
                continue;
            }
            // Nothing comes behind a refusal.
            let refusal = rig.refused.map(|error| error.status());
            let place = (Some(*status), number + 1, torn);
            assert_eq!(place, (refusal, heard.len(), false), "seed {seed}");
            assert!(number >= answers, "seed {seed}: an answer was refused");
        }
        if self.unharmed {
            assert_eq!(
                answers,
                self.bodiless.len(),
                "seed {seed}: a request is lost"
            );
            assert!(!torn && heard.len() == answers, "seed {seed}");
        }
    }
}

/// Catches: a response that is lost, doubled or out of turn; a pipeline that waits for ever.
#[test]
fn no_schedule_loses_doubles_or_reorders_a_response() {
    let (mut unharmed, mut refused, mut answered, mut held) = (0, 0, 0, 0);
    for seed in 0..1000 {
        let mut schedule = Schedule::new(seed);
        for _ in 0..schedule.chance.below(600) {
            schedule.step();
            held += usize::from(schedule.rig.paused);
        }
        schedule.finish();
        schedule.check(seed);
        unharmed += usize::from(schedule.unharmed);
        refused += usize::from(schedule.rig.refused.is_some());
        answered += schedule.rig.finished.len();
    }
    // The schedules are worth something.
    assert!(
        unharmed > 200 && refused > 100 && answered > 5000 && held > 1000,
        "{unharmed} {refused} {answered} {held}"
    );
}
