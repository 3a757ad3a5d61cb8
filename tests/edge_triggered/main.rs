//! The rules of edge-triggered polling, one test a rule at the least.
//!
//! mio says each thing once. Whoever forgets it, or waits for it to be said again, has a bug that
//! shows only with the right bytes at the right moment; every test here makes that moment. The
//! comment above a test says which bug it would catch.
//!
//! | file | rules |
//! | --- | --- |
//! | `bounds.rs` | 2 and 9: what a socket keeps, and hands out in a turn, in any order of calls |
//! | `broken.rs` | 1: descriptors passed on Unix sockets; 6: writes that fail |
//! | `reading.rs` | 1: short reads and the end of the stream; 2: fairness, pausing; 9: bounds |
//! | `writing.rs` | 3: writability and drain; 6: end is not close |
//! | `accepting.rs` | 2: accepting a bounded number; 4: connections that are gone already |
//! | `closing.rs` | 5: stale ids; sockets destroyed at awkward moments |
//! | `connecting.rs` | 7: when a connection stands, and when it does not |
//! | `signals.rs` | 8: a signal interrupts the poll |
//! | `idle.rs` | the idle timeout of a socket |
//!
//! What happens when descriptors run out (rule 4) is in `tests/descriptors.rs`, which needs a
//! process of its own.

mod accepting;
mod bounds;
mod broken;
mod closing;
mod connecting;
mod held_up;
mod idle;
#[path = "../support/in_process.rs"]
mod in_process;
mod lingering;
#[path = "../support/nobody.rs"]
mod nobody;
mod reading;
mod signals;
mod writing;
