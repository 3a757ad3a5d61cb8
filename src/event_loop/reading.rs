//! What all reads of a loop share: one buffer, and how much of it is used.

use super::Context;
use super::handles::Handle;

/// Bytes one read takes at most. All reads of a loop go through one buffer of this size, so an
/// idle connection owns none.
const READ_BUFFER: usize = 64 * 1024;

pub(super) struct Reading {
    buffer: Box<[u8]>,
    /// What one handle may read, in the turn of this number.
    limit: (u64, usize),
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            buffer: vec![0; READ_BUFFER].into_boxed_slice(),
            limit: (0, READ_BUFFER),
        }
    }
}

impl<H: Handle> Context<H> {
    /// Takes the loop's read buffer; give it [back](Self::put_read_buffer).
    #[must_use]
    pub fn take_read_buffer(&mut self) -> Box<[u8]> {
        match std::mem::take(&mut self.reading.buffer) {
            taken if taken.is_empty() => vec![0; READ_BUFFER].into_boxed_slice(),
            buffer => buffer,
        }
    }

    /// Gives the read buffer back.
    pub fn put_read_buffer(&mut self, buffer: Box<[u8]>) {
        self.reading.buffer = buffer;
    }

    /// For the rest of this turn each handle reads and hands out so many bytes at most, and no
    /// fewer than one. A program that sees how much work a turn has brought already keeps the
    /// turn short with it: what is not read waits for the next, in which nothing is limited.
    /// Neither Node nor libuv has this: there everything that a poll has found is read in full.
    pub fn set_read_limit(&mut self, bytes: usize) {
        self.reading.limit = (self.counters.turns, bytes.max(1));
    }

    /// Bytes that a handle may read in this turn: the size of the buffer, unless the program has
    /// [limited](Self::set_read_limit) it.
    #[must_use]
    pub fn read_limit(&self) -> usize {
        match self.reading.limit {
            (turn, bytes) if turn == self.counters.turns => bytes.min(READ_BUFFER),
            _ => READ_BUFFER,
        }
    }
}
