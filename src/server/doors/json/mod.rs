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

use crate::server::Config;

/// The largest message that is taken, in bytes, unless lines may be longer: a paste.
const MAX_MESSAGE: usize = 64 * 1024;

/// The largest message that is taken, in bytes: a paste of many lines is one.
pub(in crate::server) fn max_message(config: &Config) -> usize {
    MAX_MESSAGE.max(config.max_line as usize)
}
