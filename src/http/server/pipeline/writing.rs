//! Responses become bytes, in the order of the requests.

use super::{Backlog, Companion, Exchange, Pipeline, Response};
use crate::http::message::Misuse;
use crate::http::message::outgoing::Added;
use crate::http::server::settings::Settings;

/// What is written while bytes are taken apart goes out as one, but not more than so many bytes at
/// a time.
const JOINED: usize = 64 * 1024;

/// What a response is written with.
#[derive(Debug)]
pub struct Supplies<'a> {
    pub settings: &'a Settings,
    /// What a head says of the time.
    pub date: [u8; 29],
    /// Memory to write into, if there is none; what is not used stays here.
    pub buffer: Vec<u8>,
}

impl Supplies<'_> {
    /// What is added to the head of a response.
    fn added(&self, number: u32) -> Added<'_> {
        let keep_alive = self.settings.keep_alive_timeout;
        let max = self.settings.max_requests_per_socket;
        Added {
            date: Some(&self.date),
            timeout: (keep_alive > 0).then_some((u64::from(keep_alive / 1000), max)),
            say_close: max > 0 && number.saturating_add(1) >= max,
            request: false,
        }
    }
}

/// What has become of what was written to a response.
#[derive(Debug)]
pub enum Written {
    /// Nothing: it is over, or nothing is sent any more.
    Dropped,
    /// Nothing: it has ended.
    AfterEnd,
    /// The response cannot be completed any more, and neither can what comes behind it.
    Wrong(Misuse),
    /// It is to be sent.
    Done {
        /// So little is queued that more may be written.
        below: bool,
        when: When,
    },
}

/// When what was written is to go to the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Not yet: it waits for its turn.
    Held,
    /// When the callback that is running returns.
    Soon,
    /// With what else has come of the bytes that are being read, or now if none are.
    Ended,
    /// Now: it is much.
    Now,
}

/// What follows a response that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another is to come.
    Response,
    /// Nothing, until the client asks for something.
    Idle,
    /// The end of the connection.
    End,
}

impl<T: Companion> Pipeline<T> {
    /// Takes a piece of a body, or its head alone: it is rendered, behind the head if that is still
    /// to be sent, for the socket or for later.
    pub fn write(
        &mut self,
        number: u32,
        data: Option<&[u8]>,
        end: bool,
        backlog: Backlog,
        supplies: &mut Supplies<'_>,
    ) -> Written {
        let writing = self.ended == number;
        let (shut, mut out) = (self.shut, std::mem::take(&mut self.out));
        let Some(exchange) = self.exchange(number).filter(|_| !shut) else {
            self.out = out;
            return Written::Dropped;
        };
        let response = &mut exchange.response;
        if response.destroyed || response.closed || response.outgoing.ended {
            let after_end = response.outgoing.ended && !response.destroyed && !response.closed;
            response.outgoing.ended |= end && response.destroyed;
            self.out = out;
            return match after_end {
                true => Written::AfterEnd,
                false => Written::Dropped,
            };
        }
        let mut held = std::mem::take(&mut response.held);
        let rendered = match writing {
            true if out.capacity() == 0 => {
                out = std::mem::take(&mut supplies.buffer);
                &mut out
            }
            true => &mut out,
            false => &mut held,
        };
        if !response.outgoing.head_sent {
            let length = data.filter(|_| end).map(|data| data.len() as u64);
            response.render(rendered, length, &supplies.added(number));
        }
        let mut result = data.map_or(Ok(()), |data| response.outgoing.body(data, rendered));
        if end && result.is_ok() {
            result = response.outgoing.end(rendered);
        }
        let length = rendered.len() + if writing { backlog.queued } else { 0 };
        let below = length < backlog.full || length == 0;
        response.outgoing.need_drain |= !below;
        response.held = held;
        self.out = out;
        if let Err(misuse) = result {
            return Written::Wrong(misuse);
        }
        if end && writing {
            self.pass_on();
        }
        let when = match writing {
            false => When::Held,
            true if self.out.len() >= JOINED => When::Now,
            true if end => When::Ended,
            true => When::Soon,
        };
        Written::Done { below, when }
    }

    /// Tells the client something before the head of a response; false if that is sent.
    pub fn inform(&mut self, number: u32, text: &[u8]) -> bool {
        let writing = self.ended == number;
        let unsent = |response: &Response| !response.outgoing.head_sent;
        let Some(exchange) = self.exchange(number).filter(|own| unsent(&own.response)) else {
            return false;
        };
        if writing {
            self.out.extend_from_slice(text);
        } else {
            exchange.response.held.extend_from_slice(text);
        }
        true
    }

    /// A response has ended: those behind it may write, up to and with the first that has not ended.
    fn pass_on(&mut self) {
        loop {
            let last = |exchange: &Exchange<T>| exchange.response.outgoing.last;
            let last = self.known(self.ended).is_some_and(last);
            self.ended = self.ended.wrapping_add(1);
            if last {
                self.close_intake();
                self.shut = true;
                return;
            }
            let Some(exchange) = self.exchange(self.ended) else {
                return;
            };
            let held = std::mem::take(&mut exchange.response.held);
            let ended = exchange.response.outgoing.ended;
            self.out.extend_from_slice(&held);
            if !ended {
                return;
            }
        }
    }

    /// What is to be written to the socket.
    pub fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// The socket took nothing of that: it had ended.
    pub fn lose(&mut self) {
        self.lost = true;
    }

    /// Whether the socket has, or had, all that is to be written to it, so that what is not there
    /// any more is sent.
    pub fn is_flushed(&self) -> bool {
        !self.lost && self.out.is_empty()
    }

    /// The kernel has all that was written.
    pub fn sent(&mut self) {
        self.sent = self.ended;
    }

    /// The next exchange whose response is sent, and what follows it.
    pub fn finished(&mut self) -> Option<(Box<Exchange<T>>, Next)> {
        if self.exchanges.front()?.number == self.sent {
            return None;
        }
        let exchange = self.exchanges.pop_front()?;
        let next = match exchange.response.outgoing.last {
            true => {
                self.close_intake();
                Next::End
            }
            false if self.exchanges.is_empty() => Next::Idle,
            false => Next::Response,
        };
        Some((exchange, next))
    }
}
