//! One connection of a server as a state machine: bytes come in, requests and bytes come out. It
//! knows no loop and no socket, and no time but what it is told.
//!
//! | file | what |
//! | --- | --- |
//! | `exchange.rs` | a request and its response |
//! | `reading.rs` | bytes become requests, and when nobody can take more of them |
//! | `writing.rs` | responses become bytes, in the order of the requests |
//! | `ending.rs` | what ends a connection: faults, the client's end, deadlines |
//!
//! A driver feeds it, and acts on what it says. Requests have numbers, in the order in which they
//! came. Of those, `sent <= ended <= begun` at any time:
//!
//! - from `ended` to `begun` they are unanswered. The first writes to the connection, what is
//!   written to those behind it is held.
//! - from `sent` to `ended` the response has ended, but the kernel may not have all of it.
//! - those before `sent` are over. Some of them [leave](Pipeline::leave) slowly: their last events
//!   are still to be told, or their bodies still come.

mod ending;
mod exchange;
mod reading;
#[cfg(test)]
mod tests;
mod writing;

use std::collections::VecDeque;

pub(in crate::http) use self::ending::THROWN_AWAY;
pub(super) use self::ending::{Discarded, EndOfStream};
pub(super) use self::exchange::{Companion, Exchange, Response};
pub(super) use self::reading::{Event, PIPELINED, Route, Spoken};
pub(super) use self::writing::{Next, Supplies, When, Written};
use crate::http::message::{ParseError, Parser};

/// What of the driver's socket bears on how much is read and written.
#[derive(Clone, Copy, Debug)]
pub struct Backlog {
    /// Bytes that wait in the socket.
    pub queued: usize,
    /// Its high-water mark.
    pub full: usize,
}

/// Whether requests are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Intake {
    Open,
    /// The last one has come: it said so, or a response did.
    Closing,
    /// Nothing that comes is HTTP any more.
    Over,
}

/// Since when something takes time, in the loop's milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    Stopped,
    /// A head is awaited or arriving.
    Head(u64),
    /// The head of what is arriving has come.
    Body(u64),
    /// It was given up.
    Lingering(u64),
}

/// A server's connection. An idle one owns next to nothing. `T` is what the driver keeps with each
/// exchange.
pub struct Pipeline<T> {
    parser: Parser,
    /// Requests whose responses are not sent yet, in order.
    exchanges: VecDeque<Box<Exchange<T>>>,
    /// Those that are done with, but for events that are still to be told.
    leaving: Vec<Box<Exchange<T>>>,
    /// The number of the next request; the one before is the one that is being received, if any is.
    begun: u32,
    /// The number of the first whose response has not ended.
    ended: u32,
    /// The number of the first whose response is not wholly with the kernel.
    sent: u32,
    /// What is to be written to the socket.
    out: Vec<u8>,
    /// Bytes of the body that is being received; then those that were thrown away behind it.
    received: u64,
    /// Parts that the bytes that came last were taken apart into.
    parts: u32,
    /// The number of the request behind the last that is handed out in this turn.
    last_of_turn: u32,
    clock: Clock,
    intake: Intake,
    /// Nothing more is read until somebody wants what has come.
    paused: bool,
    /// Since when, in the loop's milliseconds, if that is for the program's sake.
    waits_since: Option<u64>,
    /// The program wants no further request for now.
    held_back: bool,
    /// The last response has ended: what is written to those behind it is dropped.
    shut: bool,
    /// Some of what was to be sent was not: the socket had ended.
    lost: bool,
    /// What could not be understood, and which message that would have been: to be refused in its
    /// turn.
    fault: Option<(ParseError, u32)>,
}

impl<T: Companion> Pipeline<T> {
    /// A connection that was accepted now, in the loop's milliseconds.
    pub fn new(now: u64) -> Self {
        Self {
            parser: Parser::requests(),
            exchanges: VecDeque::new(),
            leaving: Vec::new(),
            begun: 0,
            ended: 0,
            sent: 0,
            out: Vec::new(),
            received: 0,
            parts: 0,
            last_of_turn: 0,
            clock: Clock::Head(now),
            intake: Intake::Open,
            paused: false,
            waits_since: None,
            held_back: false,
            shut: false,
            lost: false,
            fault: None,
        }
    }

    fn index(&self, number: u32) -> Option<usize> {
        let index = number.wrapping_sub(self.exchanges.front()?.number) as usize;
        (index < self.exchanges.len()).then_some(index)
    }

    /// An exchange by its number, while anything of it is still to be told.
    pub fn exchange(&mut self, number: u32) -> Option<&mut Exchange<T>> {
        match self.index(number) {
            Some(index) => Some(&mut self.exchanges[index]),
            None => {
                let mut leaving = self.leaving.iter_mut();
                let found = leaving.find(|exchange| exchange.number == number)?;
                Some(found)
            }
        }
    }

    pub fn known(&self, number: u32) -> Option<&Exchange<T>> {
        let exchange = match self.index(number) {
            Some(index) => &self.exchanges[index],
            None => {
                let mut leaving = self.leaving.iter();
                leaving.find(|exchange| exchange.number == number)?
            }
        };
        Some(exchange)
    }

    /// The number of the request that is being received, or was last.
    pub fn last(&self) -> u32 {
        self.begun.wrapping_sub(1)
    }

    /// The number of the response whose turn it is.
    pub fn writing(&self) -> u32 {
        self.ended
    }

    /// Whether it has nothing under way: no request that is being received or answered.
    pub fn is_idle(&self) -> bool {
        self.exchanges.is_empty() && self.parser.is_idle()
    }

    /// Whether it has served requests, and waits for another.
    pub fn stays_idle(&self) -> bool {
        self.is_idle() && self.begun > 0 && self.intake == Intake::Open
    }

    /// Keeps an exchange whose last events are still to be told.
    pub fn leave(&mut self, exchange: Box<Exchange<T>>) {
        self.leaving.push(exchange);
    }

    /// Whether a request has its response, and is only still being received.
    pub fn is_leaving(&self, number: u32) -> bool {
        let mut leaving = self.leaving.iter();
        leaving.any(|exchange| exchange.number == number && exchange.response.closed)
    }

    /// Takes out an exchange of which everything is told.
    pub fn take_told(&mut self, number: u32) -> Option<Box<Exchange<T>>> {
        let mut leaving = self.leaving.iter();
        let place = leaving.position(|exchange| exchange.number == number)?;
        let exchange = &self.leaving[place];
        if !(exchange.response.closed && exchange.request.is_closed()) {
            return None;
        }
        let exchange = self.leaving.swap_remove(place);
        if self.leaving.is_empty() {
            self.leaving = Vec::new();
        }
        Some(exchange)
    }

    /// The connection is gone, or as good as: no response can be completed any more. Whose they
    /// were, in order.
    pub fn abort(&mut self) -> Vec<u32> {
        let exchanges = std::mem::take(&mut self.exchanges);
        let numbers = exchanges.iter().map(|exchange| exchange.number).collect();
        self.leaving.extend(exchanges);
        self.out = Vec::new();
        numbers
    }

    /// Bytes of memory beyond this.
    pub fn memory(&self) -> usize {
        let exchanges = self.exchanges.iter().chain(&self.leaving);
        let requests: usize = exchanges.map(|exchange| exchange.memory()).sum();
        self.parser.held() + self.held() + requests
    }

    /// Bytes of a response that are not with the kernel yet, of which the socket has so many queued.
    /// `None` if nothing of it is to be sent any more.
    pub fn unsent_of(&self, number: u32, queued: usize) -> Option<usize> {
        let exchange = &self.exchanges[self.index(number)?];
        // What others behind it have written since is not to be told from that.
        let may_write = number.wrapping_sub(self.ended) as i32 <= 0;
        Some(match may_write {
            true => self.out.len() + queued,
            false => exchange.response.held.len(),
        })
    }

    /// Bytes of responses that are not with the socket yet.
    fn held(&self) -> usize {
        let exchanges = self.exchanges.iter();
        let held: usize = exchanges.map(|exchange| exchange.response.held.len()).sum();
        self.out.len() + held
    }
}
