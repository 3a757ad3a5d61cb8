//! A layer on its descriptor: what one reads and writes through it.
//!
//! Bytes count as read when they are handed on, and as sent when all that was made of them is with
//! the kernel. What is written waits as it was written; only what was made of the first of it, and
//! was not taken, is kept beside it.

use std::cell::RefCell;
use std::io::{self, IoSlice};

use super::Error;
use super::held::Holding;
use super::layer::{Layer, Side, Stage};
use super::stream::{Stream, Then};
use crate::event_loop::{Counters, Timer};

/// The most that is read from the kernel at once while a layer opens: what it says then is no data,
/// and does not count among that of which a turn has its share.
const OPENING_READ: usize = 16 * 1024;

/// A layer, and what lies between it and the descriptor.
pub(super) struct Layered {
    pub(super) layer: Box<dyn Layer>,
    pub(super) side: Side,
    has_begun: bool,
    /// It was told that it has opened.
    pub(super) was_opened: bool,
    /// When it has to be open.
    pub(super) deadline: Option<Timer>,
    /// How many bytes it was given.
    pub(super) came: u64,
    /// What had been read from the descriptor before there was a layer.
    early: Box<[u8]>,
    /// What was handed on beyond what the reader had room for.
    overflow: Box<[u8]>,
    /// What the kernel has not taken yet.
    unsent: Option<Box<Unsent>>,
    /// How many bytes of the next writes are in there already. They are written only when there
    /// is none.
    sealed: usize,
    /// Something that was written was given to it.
    has_sent: bool,
    /// The layer has said that no more comes.
    has_ended: bool,
    /// Why nothing more can be read: told when what was read before is handed out.
    failure: Option<Box<Error>>,
}

/// Bytes that wait for room in the kernel, from a mark on.
#[derive(Default)]
struct Unsent {
    bytes: Vec<u8>,
    sent: usize,
    held: Holding,
}

/// The loop's buffers, for all its layers: one for what comes, one for what goes.
#[derive(Default)]
struct Buffers {
    came: Vec<u8>,
    goes: Vec<u8>,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// Lends the two buffers.
fn with_buffers<R>(call: impl FnOnce(&mut Buffers) -> R) -> R {
    // Nothing that is called meanwhile is a program's, so nothing else can ask for them.
    let mut buffers = BUFFERS.take();
    let result = call(&mut buffers);
    buffers.goes.clear();
    BUFFERS.set(buffers);
    result
}

impl Layered {
    pub(super) fn new(layer: Box<dyn Layer>, side: Side, early: Vec<u8>) -> Self {
        Self {
            layer,
            side,
            has_begun: false,
            was_opened: false,
            deadline: None,
            came: 0,
            early: early.into(),
            overflow: Box::default(),
            unsent: None,
            sealed: 0,
            has_sent: false,
            has_ended: false,
            failure: None,
        }
    }

    /// Whether its opening is still to be awaited, or to be told.
    pub(super) fn is_opening(&self) -> bool {
        !self.was_opened
    }

    /// Whether reading tells something without anything new having come.
    pub(super) fn tells(&self) -> bool {
        !self.early.is_empty() || self.what_is_known().is_some()
    }

    /// Bytes of memory that it holds.
    pub(super) fn held(&self) -> usize {
        let unsent = self.unsent.as_ref();
        unsent.map_or(0, |unsent| unsent.held.bytes()) + self.layer.kept() + self.early.len()
    }

    /// Whether nothing that was written has got as far as to it.
    pub(super) fn has_sent_nothing(&self) -> bool {
        !self.has_sent
    }

    /// Bytes of the next writes of which the peer may have some already.
    pub(super) fn sealed(&self) -> usize {
        self.sealed
    }

    /// Gives it what came before it, in front of the rest.
    ///
    /// # Errors
    ///
    /// If it was given what came behind that already.
    pub(super) fn unshift(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.came > 0 {
            let message = "stream.unshift() while the socket's layer opens";
            return Err(Error::new(message));
        }
        self.early = [bytes, &self.early].concat().into();
        Ok(())
    }

    /// What was handed on and did not fit; to be handed out behind the rest.
    pub(super) fn take_overflow(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.overflow).into()
    }

    /// What came, if it was none of the layer's.
    pub(super) fn give_back(&mut self) -> Option<Vec<u8>> {
        let mut bytes = self.layer.give_back()?;
        bytes.extend(std::mem::take(&mut self.early));
        Some(bytes)
    }

    /// Has it begin, if it has not: what it says first goes out.
    pub(super) fn begin(&mut self, stream: &Stream, done: &mut Counters) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        with_buffers(|buffers| {
            let nothing = &mut |_: &[u8]| {};
            if let Err(error) = self.layer.receive(&mut [], nothing, &mut buffers.goes) {
                self.failure = Some(Box::new(error));
            }
            self.answer(stream, &buffers.goes, done);
        });
    }

    /// As [`Stream::fill`], with what the layer makes of what it reads.
    pub(super) fn fill(
        &mut self,
        stream: &Stream,
        buffer: &mut [u8],
        done: &mut Counters,
    ) -> (usize, Then) {
        if let Some(told) = self.what_is_known() {
            return (0, told);
        }
        let most = match self.layer.stage() {
            Stage::Opening => buffer.len().max(OPENING_READ),
            Stage::Open | Stage::Ended => buffer.len(),
        };
        let mut count = 0;
        let then = with_buffers(|buffers| {
            let Buffers { came, goes } = buffers;
            let then = if self.early.is_empty() {
                if came.len() < most {
                    came.resize(most, 0);
                }
                let (read, then) = stream.fill(&mut came[..most], done);
                self.receive(&mut came[..read], buffer, &mut count, goes);
                then
            } else {
                let mut early = std::mem::take(&mut self.early);
                self.receive(&mut early, buffer, &mut count, goes);
                Then::More
            };
            if self.is_opening() && self.layer.stage() != Stage::Opening {
                // Whether the peer is to hear any more is to be decided first.
                self.hold(goes);
            } else {
                self.answer(stream, goes, done);
            }
            then
        });
        match then {
            _ if self.what_is_known().is_some() => {}
            Then::End => self.failure = Some(Box::new(self.layer.cut_off())),
            Then::Failed(error) => self.failure = Some(Box::new(error)),
            then => return (count, then),
        }
        match (count, self.what_is_known()) {
            (0, Some(told)) => (0, told),
            // First what came before it; the next read tells.
            _ => (count, Then::More),
        }
    }

    fn receive(
        &mut self,
        came: &mut [u8],
        buffer: &mut [u8],
        count: &mut usize,
        answer: &mut Vec<u8>,
    ) {
        if came.is_empty() {
            return;
        }
        self.came += came.len() as u64;
        let mut overflow = std::mem::take(&mut self.overflow).into_vec();
        let hand_on = &mut |bytes: &[u8]| {
            let fit = bytes.len().min(buffer.len() - *count);
            buffer[*count..*count + fit].copy_from_slice(&bytes[..fit]);
            *count += fit;
            overflow.extend_from_slice(&bytes[fit..]);
        };
        if let Err(error) = self.layer.receive(came, hand_on, answer) {
            self.failure = Some(Box::new(error));
        }
        self.overflow = overflow.into();
    }

    /// What reading tells without a look at the descriptor.
    fn what_is_known(&self) -> Option<Then> {
        match &self.failure {
            Some(error) => Some(Then::Failed(Error::clone(error))),
            None => (self.layer.stage() == Stage::Ended).then_some(Then::End),
        }
    }

    /// Sends what the layer itself has to say. That it cannot be sent is no error of its own:
    /// reading tells what the connection has come to.
    fn answer(&mut self, stream: &Stream, bytes: &[u8], done: &mut Counters) {
        if let Err(error) = self.put(stream, bytes, done) {
            log::debug!("a layer's own words cannot be sent: {error}");
        }
    }

    /// Keeps what is to be sent later, behind what waits.
    fn hold(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let unsent = self.unsent.get_or_insert_default();
        unsent.bytes.extend_from_slice(bytes);
        unsent.held.set(unsent.bytes.capacity());
    }

    /// There is room in the kernel again, or nothing is held back any more: sends what waits, as
    /// [`answer`](Self::answer).
    pub(super) fn flush_own(&mut self, stream: &Stream, done: &mut Counters) {
        self.answer(stream, &[], done);
    }

    /// Sends these bytes behind those that wait; true if none wait now.
    fn put(&mut self, stream: &Stream, bytes: &[u8], done: &mut Counters) -> io::Result<bool> {
        let mut rest = bytes;
        if self.flush(stream, done)? {
            let sent = send(stream, rest, done)?;
            rest = &rest[sent..];
        }
        if rest.is_empty() {
            return Ok(true);
        }
        self.hold(rest);
        Ok(false)
    }

    /// Sends what waits; true if none waits now.
    fn flush(&mut self, stream: &Stream, done: &mut Counters) -> io::Result<bool> {
        let Some(unsent) = &mut self.unsent else {
            return Ok(true);
        };
        unsent.sent += send(stream, &unsent.bytes[unsent.sent..], done)?;
        if unsent.sent < unsent.bytes.len() {
            return Ok(false);
        }
        self.unsent = None;
        Ok(true)
    }

    /// As [`Stream::write_vectored`]. What it has begun to send, it has to be given again until it
    /// says that it has sent it.
    pub(super) fn write_vectored(
        &mut self,
        stream: &Stream,
        bytes: &[IoSlice<'_>],
        done: &mut Counters,
    ) -> io::Result<usize> {
        if self.is_opening() || !self.flush(stream, done)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.sealed > 0 {
            return Ok(std::mem::take(&mut self.sealed));
        }
        self.has_sent = true;
        with_buffers(|buffers| {
            let count = self.layer.send(bytes, &mut buffers.goes);
            let count = count.map_err(io::Error::other)?;
            match self.put(stream, &buffers.goes, done)? {
                true => Ok(count),
                false => {
                    self.sealed = count;
                    Err(io::ErrorKind::WouldBlock.into())
                }
            }
        })
    }

    /// As [`Stream::shut_down_writing`], with what the layer says to that first; `WouldBlock` while
    /// that cannot be sent.
    pub(super) fn shut_down_writing(
        &mut self,
        stream: &Stream,
        done: &mut Counters,
    ) -> io::Result<()> {
        if self.is_opening() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let flushed = with_buffers(|buffers| {
            if !std::mem::replace(&mut self.has_ended, true) {
                self.layer.end(&mut buffers.goes);
            }
            self.put(stream, &buffers.goes, done)
        });
        match flushed {
            Ok(false) => Err(io::ErrorKind::WouldBlock.into()),
            Ok(true) | Err(_) => stream.shut_down_writing(),
        }
    }
}

impl Layered {
    /// The descriptor is about to be closed, and all that was written is sent: says so, if there is
    /// room for it.
    pub(super) fn say_goodbye(&mut self, stream: &Stream, done: &mut Counters) {
        if self.is_opening() || self.has_ended || self.failure.is_some() {
            return;
        }
        with_buffers(|buffers| {
            self.has_ended = true;
            self.layer.end(&mut buffers.goes);
            self.answer(stream, &buffers.goes, done);
        });
    }

    /// However the connection is closed: it is not to look as if it had ended.
    pub(super) fn say_nothing(&mut self) {
        self.has_ended = true;
    }
}

/// Sends until all is sent or the kernel takes no more; how many bytes it took.
fn send(stream: &Stream, bytes: &[u8], done: &mut Counters) -> io::Result<usize> {
    let mut taken = 0;
    while taken < bytes.len() {
        match stream.write(&bytes[taken..], done) {
            Ok(count) => taken += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
}

/// A descriptor, through its layer if it has one.
pub(super) struct Wire<'a> {
    pub(super) stream: &'a Stream,
    pub(super) layered: Option<&'a mut Layered>,
}

impl Wire<'_> {
    /// As [`Stream::fill`].
    pub(super) fn fill(&mut self, buffer: &mut [u8], done: &mut Counters) -> (usize, Then) {
        match &mut self.layered {
            Some(layered) => layered.fill(self.stream, buffer, done),
            None => self.stream.fill(buffer, done),
        }
    }

    /// Sends until all is sent or the kernel takes no more; how many bytes it took.
    pub(super) fn send(&mut self, bytes: &[u8], done: &mut Counters) -> io::Result<usize> {
        let Some(layered) = &mut self.layered else {
            return send(self.stream, bytes, done);
        };
        let mut taken = 0;
        while taken < bytes.len() {
            match layered.write_vectored(self.stream, &[IoSlice::new(&bytes[taken..])], done) {
                Ok(count) => taken += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    /// As [`Stream::write_vectored`].
    pub(super) fn write_vectored(
        &mut self,
        bytes: &[IoSlice<'_>],
        done: &mut Counters,
    ) -> io::Result<usize> {
        match &mut self.layered {
            Some(layered) => layered.write_vectored(self.stream, bytes, done),
            None => self.stream.write_vectored(bytes, done),
        }
    }

    /// As [`Stream::shut_down_writing`]; `WouldBlock` while a layer cannot say so.
    pub(super) fn shut_down_writing(&mut self, done: &mut Counters) -> io::Result<()> {
        match &mut self.layered {
            Some(layered) => layered.shut_down_writing(self.stream, done),
            None => self.stream.shut_down_writing(),
        }
    }
}
