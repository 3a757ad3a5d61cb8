//! A request and its response, as their connection keeps them; their memory is used again.

use crate::http::message::chunked::write_number;
use crate::http::message::incoming::Incoming;
use crate::http::message::outgoing::{Added, Outgoing, Removed};
use crate::http::message::status_message;

/// What the driver keeps with an exchange: who is told of it.
pub trait Companion: Default {
    /// Forgets everything, but keeps a little memory.
    fn recycle(&mut self);
}

/// A request, and the response to it.
#[derive(Default)]
pub struct Exchange<T> {
    pub number: u32,
    pub request: Incoming,
    pub response: Response,
    pub companion: T,
}

impl<T: Companion> Exchange<T> {
    /// Forgets all, but keeps a little memory.
    pub fn recycle(&mut self) {
        self.request.recycle();
        self.response.recycle();
        self.companion.recycle();
    }

    /// Bytes of memory that it takes.
    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + self.request.head.held() + self.request.kept_bytes()
    }
}

/// What a connection keeps of a response.
pub struct Response {
    pub outgoing: Outgoing,
    pub status: u16,
    pub message: Option<Box<str>>,
    /// What is written before its turn.
    pub(super) held: Vec<u8>,
    /// The client sends its body only when told to, and was not.
    pub(super) awaits_continue: bool,
    /// The program has given it up.
    pub destroyed: bool,
    /// Its last event was told.
    pub closed: bool,
}

impl Default for Response {
    fn default() -> Self {
        Self {
            outgoing: Outgoing::default(),
            status: 200,
            message: None,
            held: Vec::new(),
            awaits_continue: false,
            destroyed: false,
            closed: false,
        }
    }
}

impl Response {
    fn recycle(&mut self) {
        self.outgoing.recycle();
        let outgoing = std::mem::take(&mut self.outgoing);
        *self = Self {
            outgoing,
            ..Self::default()
        };
    }

    /// Renders the head, up to the empty line behind it.
    pub(super) fn render(&mut self, out: &mut Vec<u8>, length: Option<u64>, added: &Added<'_>) {
        let outgoing = &mut self.outgoing;
        outgoing.bodiless |= matches!(self.status, 100..=199 | 204 | 304);
        if self.awaits_continue {
            // The client may or may not send a body that nobody has asked for.
            outgoing.keep_alive = false;
        }
        out.extend_from_slice(b"HTTP/1.1 ");
        write_number(out, u64::from(self.status), 10);
        out.push(b' ');
        let known = status_message(self.status).unwrap_or("unknown");
        let message = self.message.as_deref().unwrap_or(known);
        out.extend_from_slice(message.as_bytes());
        out.extend_from_slice(b"\r\n");
        outgoing.render(out, length, added);
    }

    /// Forgets what was set for another answer: it is not true of this one.
    pub fn start_over(&mut self, status: u16) {
        let outgoing = &mut self.outgoing;
        outgoing.fields.recycle();
        outgoing.trailers.recycle();
        outgoing.removed = Removed::default();
        (self.status, self.message) = (status, None);
    }

    /// The client is told to send its body.
    pub fn continues(&mut self) {
        self.awaits_continue = false;
    }
}
