//! A request becomes bytes: its head, its body, its end, and what has become of them.

use crate::http::message::Misuse;
use crate::http::message::outgoing::{Added, Body, Outgoing};

/// Bytes of a request that wait, from which on `write` returns false.
const FULL: usize = 16 * 1024;

/// How far the request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// More may be written.
    Open,
    /// The end of it is with the socket.
    Flushed,
    /// Everything is with the kernel.
    Finished,
}

/// How far its response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Awaited,
    /// Its end was told.
    Ended,
    /// The connection was given back, as well.
    Freed,
}

/// A request that is being sent.
pub(in crate::http) struct Sending {
    pub(in crate::http) method: String,
    pub(in crate::http) path: String,
    pub(in crate::http) outgoing: Outgoing,
    /// What is to be written to the socket.
    out: Vec<u8>,
    /// It may go there.
    attached: bool,
    /// It does, in a tick.
    flush_queued: bool,
    stage: Stage,
    answer: Answer,
    /// The program has given it up, or it is over.
    destroyed: bool,
}

/// What has become of what was written.
#[derive(Debug)]
pub(in crate::http) enum Written {
    /// Nothing: it had ended.
    AfterEnd,
    /// Nothing: it was given up.
    Dropped,
    /// It cannot be completed any more.
    Wrong(Misuse),
    /// It is to be sent.
    Done {
        /// So little waits that more may be written.
        below: bool,
        when: When,
    },
}

/// When what was written is to go to the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum When {
    /// It waits for a connection, or goes with what was written before.
    Later,
    /// In a tick.
    Soon,
    Now,
}

/// What becomes of the connection when the response has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum After {
    Close,
    /// The request is still being sent.
    Wait,
    /// It is good for another.
    Free,
}

impl Sending {
    pub(in crate::http) fn new(method: String, path: String, outgoing: Outgoing) -> Self {
        Self {
            method,
            path,
            outgoing,
            out: Vec::new(),
            attached: false,
            flush_queued: false,
            stage: Stage::Open,
            answer: Answer::Awaited,
            destroyed: false,
        }
    }

    /// Takes a piece of the body, behind the head if that is still to be sent. So many bytes wait
    /// in the socket.
    pub(in crate::http) fn write(
        &mut self,
        data: Option<&[u8]>,
        end: bool,
        queued: usize,
    ) -> Written {
        if self.outgoing.ended {
            return Written::AfterEnd;
        }
        if self.destroyed {
            self.outgoing.ended |= end;
            return Written::Dropped;
        }
        if !self.outgoing.head_sent {
            self.render(data, end);
        }
        let mut result = Ok(());
        if let Some(data) = data.filter(|data| !data.is_empty()) {
            if self.outgoing.body == Body::None {
                let message = "The head of this request has said that there is no body";
                return Written::Wrong(Misuse::new("ERR_HTTP_BODY_NOT_ALLOWED", message));
            }
            result = self.outgoing.body(data, &mut self.out);
        }
        if end && result.is_ok() {
            result = self.outgoing.end(&mut self.out);
        }
        if let Err(misuse) = result {
            return Written::Wrong(misuse);
        }
        let below = self.out.len() + queued < FULL;
        self.outgoing.need_drain |= !below;
        let when = match self.attached {
            true if end => When::Now,
            true if !std::mem::replace(&mut self.flush_queued, true) => When::Soon,
            _ => When::Later,
        };
        Written::Done { below, when }
    }

    /// Bytes that the socket has not taken yet.
    pub(in crate::http) fn unsent(&self) -> usize {
        self.out.len()
    }

    /// Renders the head. Without a body a GET, and what is like it, says nothing of one.
    fn render(&mut self, data: Option<&[u8]>, end: bool) {
        let empty = end && data.is_none_or(<[u8]>::is_empty);
        let silent = ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"];
        let silent = silent.contains(&self.method.as_str());
        let early = data.is_none(); // only the head was asked for
        let has_length = self.outgoing.fields.get("content-length").is_some();
        self.outgoing.bodiless = silent && (empty || early) && !has_length;
        self.out.extend_from_slice(self.method.as_bytes());
        self.out.push(b' ');
        self.out.extend_from_slice(self.path.as_bytes());
        self.out.extend_from_slice(b" HTTP/1.1\r\n");
        let added = Added {
            request: true,
            ..Added::default()
        };
        let length = data.filter(|_| end).map(|data| data.len() as u64);
        self.outgoing.render(&mut self.out, length, &added);
    }

    /// It has its connection: what was written may go there.
    pub(in crate::http) fn attach(&mut self) {
        self.attached = true;
    }

    pub(in crate::http) fn is_attached(&self) -> bool {
        self.attached
    }

    /// What is to go to the socket, and whether that is all of the request. `None` if nothing is:
    /// there is no connection, the end is there already, or the server has had enough and its
    /// response tells.
    pub(in crate::http) fn take_out(&mut self, writable: bool) -> Option<(Vec<u8>, bool)> {
        self.flush_queued = false;
        if !self.attached {
            return None;
        }
        let out = std::mem::take(&mut self.out);
        let (ended, was_flushed) = (self.outgoing.ended, self.stage > Stage::Open);
        if ended {
            self.stage = self.stage.max(Stage::Flushed);
        }
        (writable && !was_flushed).then_some((out, ended))
    }

    /// All of it is with the kernel; false if that was known.
    pub(in crate::http) fn finish(&mut self) -> bool {
        std::mem::replace(&mut self.stage, Stage::Finished) != Stage::Finished
    }

    pub(in crate::http) fn has_finished(&self) -> bool {
        self.stage == Stage::Finished
    }

    /// The socket has sent everything: true if more is to be written now.
    pub(in crate::http) fn drained(&mut self) -> bool {
        let waits = !self.outgoing.ended && self.out.is_empty();
        waits && std::mem::take(&mut self.outgoing.need_drain)
    }

    /// The head of its response has come.
    pub(in crate::http) fn respond(&mut self, keep_alive: bool) {
        self.outgoing.keep_alive &= keep_alive && !self.outgoing.last;
    }

    /// The end of its response was told.
    pub(in crate::http) fn end_response(&mut self) -> After {
        if self.answer == Answer::Awaited {
            self.answer = Answer::Ended;
        }
        match (self.outgoing.keep_alive, self.has_finished()) {
            (false, _) => After::Close,
            (true, false) => After::Wait,
            (true, true) => After::Free,
        }
    }

    pub(in crate::http) fn has_response_ended(&self) -> bool {
        self.answer != Answer::Awaited
    }

    /// Whether both directions are done, and the connection is good for another request.
    pub(in crate::http) fn is_done(&self) -> bool {
        self.has_finished() && self.has_response_ended() && self.outgoing.keep_alive
    }

    /// The connection is given back; false if it was before. It cannot be closed by the request any
    /// more: it is somebody else's.
    pub(in crate::http) fn free(&mut self) -> bool {
        self.destroyed = true;
        std::mem::replace(&mut self.answer, Answer::Freed) != Answer::Freed
    }

    /// It is given up, or over; false if it was before.
    pub(in crate::http) fn destroy(&mut self) -> bool {
        !std::mem::replace(&mut self.destroyed, true)
    }

    pub(in crate::http) fn is_destroyed(&self) -> bool {
        self.destroyed
    }
}
