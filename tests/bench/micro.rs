//! What single steps cost: `cargo bench`, or `cargo bench -- chat` for one group.
//!
//! Each group is what one part of the server does over and over; the figures add up to what one
//! thread can carry. Nothing here opens a connection: what the kernel's share of a message costs
//! is measured with real sockets, not here.
//!
//! On a machine that others use as well the figures can double. "Change" is against the last run on
//! the same machine, and says something only if both were quiet.
//!
//! `cargo test` does not run these; `cargo test --benches` runs each once, to see that it works.

mod chat;
mod lines;
mod queues;
mod timers;
mod worst_lines;

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};

/// Shorter than by default: all of it takes a minute, so that it is run before and after a change.
fn brief() -> Criterion {
    Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
}

criterion_group! {
    name = micro;
    config = brief();
    targets = lines::benches, chat::benches, timers::benches, queues::benches, worst_lines::benches
}
criterion_main!(micro);
