//! What a door makes of what is heard: bytes.
//!
//! The fan-out knows no words. A door that has a way of its own to put things gives it as a
//! [`Framing`], and each member has one of them.

use std::rc::Rc;

use crate::chat::{Answer, Event, Message};

use crate::server::core::digests::Digest;

/// Something that is to be put into bytes.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'a> {
    /// A room hears it.
    Event(&'a Event),
    /// The same message, for a session of its author's whose client knows it by an id of its own.
    Own(&'a Rc<Message>, &'a str),
    /// A room hears of those who came and went in a second.
    Digest(&'a Digest),
    /// One member says it to another alone.
    Private(&'a Rc<Message>),
    /// One member is told it.
    Answer(&'a Answer),
}

/// How something is put into bytes.
#[derive(Debug)]
pub struct Framing {
    /// Appends it, in whole lines; nothing if there is no way to say it.
    pub render: fn(Heard<'_>, &mut Vec<u8>),
    /// Who says something hears it, too, as the others do: with its place and its time.
    pub echoes: bool,
    /// The one for rooms that a member hears without being there; the same if that makes no
    /// difference.
    pub elsewhere: FramingId,
    /// The same with the time of every message, and without any; the same if that makes no
    /// difference.
    pub with_times: FramingId,
    /// See [`with_times`](Self::with_times).
    pub without_times: FramingId,
    /// Whether rooms hear in it of those who come and go, however many are there.
    pub has_crowds: bool,
}

/// One of the framings that a hub was made with, by its place among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramingId(pub u8);
