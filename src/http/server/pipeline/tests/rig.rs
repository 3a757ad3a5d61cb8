//! A driver without a loop: what a socket and a kernel would do is done when the test says so.

use crate::http::message::ParseError;
use crate::http::message::incoming::Resumed;
use crate::http::server::pipeline::*;
use crate::http::server::settings::Settings;

impl Companion for () {
    fn recycle(&mut self) {}
}

/// The high-water mark of the socket that there would be.
pub const FULL: usize = 1024;

/// When requests are answered with their target, unless the test does that.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    Never,
    /// Once their heads have come.
    Early,
    /// Once they have come in full.
    Late,
}

pub struct Rig {
    pub pipeline: Pipeline<()>,
    pub settings: Settings,
    pub now: u64,
    pub answers: Answers,
    /// Who expects to be told to go on is told so.
    pub asks_for_bodies: bool,
    /// Requests that were refused as soon as their heads had come.
    turned_away: Vec<u32>,
    /// What has happened, in order.
    pub events: Vec<String>,
    /// Requests that came and are for a program.
    pub requests: Vec<u32>,
    /// What the client can read.
    pub wire: Vec<u8>,
    /// What the socket has, and the kernel has not.
    pub queued: Vec<u8>,
    /// The client reads nothing.
    pub stalled: bool,
    /// What has come and was not taken apart.
    unread: Vec<u8>,
    pub paused: bool,
    /// Some of it is to come in the next turn.
    pub again: bool,
    pub finished: Vec<u32>,
    pub aborted: Vec<u32>,
    pub refused: Option<ParseError>,
    pub handed_over: bool,
    /// Nothing is sent any more.
    pub ended: bool,
    spare: Option<Box<Exchange<()>>>,
}

impl Rig {
    pub fn new(settings: Settings) -> Self {
        Self {
            pipeline: Pipeline::new(0),
            settings,
            now: 0,
            answers: Answers::Never,
            asks_for_bodies: true,
            turned_away: Vec::new(),
            events: Vec::new(),
            requests: Vec::new(),
            wire: Vec::new(),
            queued: Vec::new(),
            stalled: false,
            unread: Vec::new(),
            paused: false,
            again: false,
            finished: Vec::new(),
            aborted: Vec::new(),
            refused: None,
            handed_over: false,
            ended: false,
            spare: None,
        }
    }

    /// All that anybody could tell one run from another by.
    pub fn seen(&self) -> (&[String], String) {
        (&self.events, self.wire.escape_ascii().to_string())
    }

    fn backlog(&self) -> Backlog {
        Backlog {
            queued: self.queued.len(),
            full: FULL,
        }
    }

    /// Bytes come from the client.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        if !self.paused {
            self.turn();
        }
    }

    /// One turn of the loop that there would be: what is there is taken apart.
    pub fn turn(&mut self) {
        let taken = std::mem::take(&mut self.unread);
        let mut input = &taken[..];
        self.again = false;
        self.pipeline.begin_turn();
        if self.handed_over {
            let rest = input.escape_ascii().to_string();
            return self.note("rest ", &rest);
        }
        if self.pipeline.is_over() {
            let thrown = self
                .pipeline
                .throw_away(input.len(), self.now, 0, self.ended);
            self.paused |= matches!(thrown, Discarded::Pause(_));
            return;
        }
        let mut lent = self.spare.take();
        let spoken = Spoken {
            connect: true,
            upgrade: true,
        };
        loop {
            let (backlog, settings) = (self.backlog(), self.settings);
            let event = self
                .pipeline
                .read(&mut input, &mut lent, self.now, backlog, &settings, spoken);
            match event {
                Event::Done => break,
                Event::NextTurn => {
                    self.unread = input.to_vec();
                    self.again = true;
                    break;
                }
                Event::Wait => {
                    self.unread = input.to_vec();
                    self.paused = true;
                    break;
                }
                Event::Request(number, route) => self.hand_out(number, route),
                Event::HandOver { connect } => {
                    self.events.push(format!("handed over, connect: {connect}"));
                    self.handed_over = true;
                    let rest = input.escape_ascii().to_string();
                    self.note("rest ", &rest);
                    break;
                }
                Event::Close => break self.close(),
                Event::Data(number, bytes) => self.data(number, bytes),
                Event::End(number) => self.request_ended(number),
                Event::Fault => break self.refuse(),
            }
        }
        self.spare = lent;
        self.flush();
        self.kernel_takes(if self.stalled { 0 } else { usize::MAX });
    }

    /// Turns until nothing is left to do in one.
    pub fn run_dry(&mut self) {
        while self.again {
            self.turn();
        }
    }

    /// Notes something that may come in pieces.
    fn note(&mut self, what: &str, more: &str) {
        match self.events.last_mut() {
            Some(last) if last.starts_with(what) => last.push_str(more),
            _ => self.events.push(format!("{what}{more}")),
        }
    }

    fn hand_out(&mut self, number: u32, route: Route) {
        let Some(exchange) = self.pipeline.exchange(number) else {
            panic!("{number} is unknown")
        };
        let head = &exchange.request.head;
        let (method, target) = (head.method().to_owned(), head.url().to_owned());
        self.events
            .push(format!("{number} {route:?} {method} {target}"));
        let refusal = match route {
            Route::Refuse => 400,
            Route::Drop => 503,
            Route::CheckExpectation => 417,
            Route::CheckContinue | Route::Request => 0,
        };
        if refusal > 0 {
            exchange.response.status = refusal;
            if route == Route::Refuse {
                let set = exchange.response.outgoing.set("Connection", b"close");
                assert!(set.is_ok());
            }
            self.turned_away.push(number);
            self.write(number, None, false);
            self.write(number, Some(b""), true);
            return;
        }
        if route == Route::CheckContinue && self.asks_for_bodies {
            exchange.response.continues();
            let text = b"HTTP/1.1 100 Continue\r\n\r\n";
            self.pipeline.inform(number, text);
        }
        match self.answers {
            Answers::Never => self.requests.push(number),
            Answers::Early => {
                self.resume(number);
                self.write(number, Some(target.as_bytes()), true);
            }
            Answers::Late => self.resume(number),
        }
    }

    fn data(&mut self, number: u32, bytes: &[u8]) {
        let Some(exchange) = self.pipeline.exchange(number) else {
            panic!("data of {number}, which is unknown")
        };
        if exchange.request.takes(bytes) {
            let bytes = bytes.escape_ascii().to_string();
            self.note(&format!("{number} data "), &bytes);
        }
    }

    /// The program wants a body.
    pub fn resume(&mut self, number: u32) {
        let own = self.pipeline.exchange(number).map(|own| &mut own.request);
        if own.is_some_and(|own| own.resume() == Resumed::Kept) {
            while let Some(exchange) = self.pipeline.exchange(number)
                && let Some(piece) = exchange.request.take_kept()
            {
                let bytes = piece.escape_ascii().to_string();
                self.note(&format!("{number} data "), &bytes);
            }
        }
        self.pipeline.take_told(number);
        self.read_on();
    }

    /// The program wants a body, but not now.
    pub fn pause(&mut self, number: u32) {
        if let Some(exchange) = self.pipeline.exchange(number) {
            exchange.request.resume();
            exchange.request.pause();
        }
    }

    fn request_ended(&mut self, number: u32) {
        let trailers = self.pipeline.take_trailers();
        let fields = trailers.as_ref().map_or(Vec::new(), |head| head.headers());
        let fields = fields
            .iter()
            .map(|(name, value)| format!(" {name}: {value}"));
        // Whether one that was refused is heard of depends on when its answer was sent.
        if !self.turned_away.contains(&number) {
            let fields = String::from_iter(fields);
            self.events.push(format!("{number} end{fields}"));
        }
        if let Some(exchange) = self.pipeline.exchange(number) {
            exchange.request.complete(trailers);
            exchange.request.close();
            let target = exchange.request.head.url().to_owned();
            if self.answers == Answers::Late {
                self.write(number, Some(target.as_bytes()), true);
            }
        }
        self.pipeline.take_told(number);
    }

    /// The program writes to a response: whether more may be written, if it was taken.
    pub fn write(&mut self, number: u32, data: Option<&[u8]>, end: bool) -> Option<bool> {
        let mut supplies = Supplies {
            settings: &self.settings,
            date: *b"Sun, 06 Nov 1994 08:49:37 GMT",
            buffer: Vec::new(),
        };
        let backlog = self.backlog();
        match self
            .pipeline
            .write(number, data, end, backlog, &mut supplies)
        {
            Written::Done { below, when } => {
                if when == When::Now {
                    self.flush();
                }
                Some(below)
            }
            Written::Wrong(misuse) => panic!("{misuse}"),
            Written::Dropped | Written::AfterEnd => None,
        }
    }

    /// What was written goes to the socket.
    pub fn flush(&mut self) {
        let out = self.pipeline.take_out();
        match self.ended {
            true if !out.is_empty() => self.pipeline.lose(),
            _ => self.queued.extend(out),
        }
    }

    /// The kernel takes so much of what the socket has.
    pub fn kernel_takes(&mut self, most: usize) {
        let most = most.min(self.queued.len());
        self.wire.extend(self.queued.drain(..most));
        self.settle();
    }

    fn settle(&mut self) {
        if !self.queued.is_empty() || !self.pipeline.is_flushed() {
            return;
        }
        self.pipeline.sent();
        while let Some((mut exchange, next)) = self.pipeline.finished() {
            self.finished.push(exchange.number);
            let request = &mut exchange.request;
            if !request.is_wanted(FULL) {
                request.discard();
                request.resume();
            }
            if !request.is_complete() || request.kept_bytes() > 0 {
                exchange.response.closed = true;
                self.pipeline.leave(exchange);
            }
            if next == Next::End {
                self.linger();
            }
        }
        self.refuse();
        self.read_on();
    }

    fn read_on(&mut self) {
        let backlog = self.backlog();
        if self.paused && self.pipeline.reads_on(backlog) {
            self.paused = false;
            self.again = true;
        }
    }

    fn refuse(&mut self) {
        let Some((error, begun)) = self.pipeline.take_fault() else {
            return;
        };
        self.events.push(format!("refused {}", error.code()));
        self.refused = Some(error);
        self.flush();
        if !begun && !self.ended {
            let answer = format!(
                "HTTP/1.1 {} No\r\nContent-Length: 0\r\n\r\n",
                error.status()
            );
            self.queued.extend(answer.into_bytes());
        }
        self.abort();
        self.linger();
    }

    fn linger(&mut self) {
        let (_, was_paused) = self.pipeline.linger(self.now);
        self.again |= was_paused;
        self.paused = false;
        self.ended = true;
    }

    fn abort(&mut self) {
        self.aborted.extend(self.pipeline.abort());
    }

    /// The client ends its side.
    pub fn end(&mut self) {
        if self.handed_over {
            return;
        }
        let end = self.pipeline.end_of_stream(self.settings.allow_half_open);
        match end {
            EndOfStream::Fault => self.refuse(),
            EndOfStream::Wait => return,
            EndOfStream::End | EndOfStream::Over => {
                self.flush();
                self.ended = true;
            }
        }
        self.events.push(format!("{end:?}"));
        self.kernel_takes(usize::MAX);
    }

    /// What takes too long is told so; true if something does.
    pub fn check(&mut self) -> bool {
        let deadline = self.pipeline.deadline(0, &self.settings);
        let is_over = deadline.is_some_and(|deadline| self.now >= deadline);
        if is_over {
            self.pipeline.fail(ParseError::Timeout);
            self.refuse();
        }
        is_over
    }

    /// The socket is closed.
    pub fn close(&mut self) {
        self.ended = true;
        self.pipeline.stop();
        self.abort();
    }
}
