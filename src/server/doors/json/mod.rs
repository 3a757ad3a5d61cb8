//! `loopchat.v1.json`: objects, one a line, in both directions, whichever door they come through.
//!
//! | file | what |
//! | --- | --- |
//! | [`rendering`] | what is heard, as objects |
//! | [`requests`] | what a client sends, and what it is told first |
//! | [`objects`] | what programs say: one object after the other, until one has to wait |
//! | [`resuming`] | sessions that go on after a cut |

pub(in crate::server) mod objects;
pub(in crate::server) mod rendering;
pub(in crate::server) mod requests;
pub(in crate::server) mod resuming;
