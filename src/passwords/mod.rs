//! Passwords: what is kept of one, whether one is right, and who may try.
//!
//! To check one is made dear on purpose (argon2id, RFC 9106): some 17 milliseconds and 19 megabytes
//! for each try, so that whoever has stolen what is kept cannot try many. That is much to a loop,
//! too, so it is done in a [`Pool`] of its own: few at a time, by threads that leave the processor
//! to the loop, and no more wait for it than so many. How often somebody may try at all is in
//! [`Tries`], which has no clock and no thread.
//!
//! A [`Secret`] is wiped when it is let go, and neither it nor a [`Hash`](struct@Hash) can be
//! printed by mistake.
//!
//! | file | what |
//! | --- | --- |
//! | `secret.rs` | a password that somebody has typed     |
//! | `hash.rs`   | what is kept of one, and how it is made |
//! | `pool.rs`   | the threads that do so                  |
//! | `tries.rs`  | how often somebody may try              |

mod hash;
mod pool;
mod secret;
mod tries;

pub use hash::{Cost, Failed, Hash, MOST_KIBIBYTES, MOST_PASSES, Verdict};
pub use pool::{Done, Options, Pool, Task};
pub use secret::{BadSecret, LEAST_CHARACTERS, MOST_BYTES, Secret};
pub use tries::{Limit, Tries};
