//! A request and its response as state machines: what is written becomes bytes, and bytes become a
//! response. They know no loop and no socket, and no time.
//!
//! | file | what |
//! | --- | --- |
//! | `sending.rs` | a request becomes bytes, which wait until there is a connection |
//! | `receiving.rs` | the bytes of one connection become responses, one after the other |
//!
//! There are two, since a request is there before it has a connection, and a connection serves one
//! request after the other. A driver feeds them, and acts on what they say.

mod receiving;
mod sending;
#[cfg(test)]
mod tests;

pub(in crate::http) use self::receiving::{Closed, EndOfStream, Event, Received, Receiving};
pub(in crate::http) use self::sending::{After, Sending, When, Written};
