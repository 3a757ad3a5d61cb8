//! What the doors have in common, without a socket, a clock or a loop: it can be driven without a
//! network, and `examples/simulate` does.
//!
//! | file | what |
//! | --- | --- |
//! | [`hub`] | the chat and what is due to its members |
//! | [`sessions`] | a member's connections, nearly always one |
//! | [`resuming`] | sessions that may be resumed after a cut |
//! | [`fan_out`], `batch.rs` | one message to everyone, one write a member and turn |
//! | [`rendering`] | how a door puts what is heard into bytes |
//! | [`digests`] | who comes and goes, at most once a second and room |
//! | [`slow_readers`] | what becomes of those who do not read that fast |
//! | [`framing`] | bytes to lines |
//! | `telnet.rs` | what telnet clients are answered |
//! | [`line_input`] | what one connection says, no faster than it may |
//! | `cost.rs` | what everything costs that a connection can ask for |
//! | `flood.rs` | what becomes of those who ask for too much |
//! | `strangers.rs` | whom limits on addresses and on speed are for |
//! | [`admission`] | who may connect, and how many there are |
//! | `addresses.rs` | what is kept of an address, whichever of its connections comes and goes |
//! | `turns.rs` | what one turn does for all together, and who waits for the next |
//! | `farewells.rs` | whom the server has disconnected of late |
//! | `access_log.rs` | who was kept out, kicked, banned, for the log |
//! | `moment.rs` | the two times that something happens at |

pub(in crate::server) mod access_log;
pub(in crate::server) mod addresses;
pub mod admission;
mod batch;
pub(in crate::server) mod cost;
pub mod digests;
pub mod fan_out;
pub(in crate::server) mod farewells;
pub(in crate::server) mod flood;
pub mod framing;
pub mod hub;
pub mod line_input;
mod moment;
pub mod queues;
pub mod rendering;
pub mod resuming;
pub mod sessions;
pub mod slow_readers;
pub(in crate::server) mod strangers;
mod telnet;
pub(in crate::server) mod turns;

pub use cost::Cost;
pub use flood::Bucket;
pub use moment::Moment;
