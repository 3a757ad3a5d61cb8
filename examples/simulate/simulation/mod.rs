//! A whole chat in one process and one thread: members, network and clock are simulated from one
//! seed, and drive the server's own chat, framing, flood control, fan-out and outbox policy.
//!
//! | file | thought |
//! | --- | --- |
//! | `mod.rs` | one run: rounds of steps, each with limits and members of its own |
//! | `plan.rs` | what happens: steps and limits from a seed |
//! | `speech.rs` | what a member types: bytes, and what they must mean |
//! | `wire.rs` | one connection: bytes on their way, buffers of bounded size, readers that stall |
//! | `world.rs` | the doors: the server's calls in the server's order, on simulated sockets and time |
//! | `entrance.rs` | who may connect: from there, so often, so many |
//! | `arrivals.rs` | connections that come in: as newcomers, or as further sessions of members |
//! | `programs.rs` | a program that comes back: what it keeps, and what it makes of what it reads |
//! | `returning.rs` | sessions of programs that go on by another connection |
//! | `killing.rs` | the process dies, and another begins |
//! | `upkeep.rs` | what must hold of all at once, and the orderly end |
//! | `members.rs` | what members do: connect, type, read, stall, go |
//! | `listening.rs` | what connections send is heard, and judged |
//! | `log.rs`, `news.rs` | the rooms' log, and what it says has become of what was said |
//! | `checker.rs` | the model: who is here, and what each member must see |
//! | `newcomers.rs` | who may come in, and what it must be told |
//! | `hearing.rs` | who is to hear something, and in which framing |
//! | `observer.rs` | what the chat says has happened goes into it |
//! | `rooms.rs`, `presence.rs`, `sanctions.rs` | its books: what was said, who came and went, who is kept out |
//! | `private.rs` | what two members say to each other alone |
//! | `drafts.rs` | what was said and has no place yet, and what must come of it |
//! | `tokens.rs`, `resuming.rs`, `backlogs.rs` | who may come back, as what, and what it has missed |
//! | `client_ids.rs` | what programs know by ids of their own |
//! | `places.rs` | who has a connection, and has asked for too much |
//! | `readers.rs` | what each connection is still to read, and may be spared |
//! | `framed.rs` | lines and JSON, looked at by who has only read how they are to be |
//! | `judge.rs`, `entering.rs`, `orders.rs` | what a line must bring about in the chat |
//! | `tally.rs` | what has happened, and whether all of it has |
//! | `shrink.rs` | from a failure to few steps that fail |

mod arrivals;
mod backlogs;
mod checker;
mod client_ids;
mod drafts;
mod entering;
mod entrance;
mod framed;
mod hearing;
mod judge;
mod killing;
mod listening;
mod log;
mod members;
mod newcomers;
mod news;
mod observer;
mod orders;
mod places;
mod plan;
mod presence;
mod private;
mod programs;
mod queues;
mod readers;
mod resuming;
mod returning;
mod rooms;
mod sanctions;
mod shrink;
mod speech;
mod tally;
mod tokens;
mod upkeep;
mod wire;
mod world;

pub use plan::Step;
pub use shrink::shortest;
pub use tally::Tally;

use std::fmt;

use plan::{Plan, Setting};
use world::World;

/// Steps after which everybody leaves and the next round begins, with other limits.
pub const ROUND: u64 = 5000;

/// Something that must not be.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The rule that was broken, always in the same words.
    pub rule: &'static str,
    /// What was seen instead.
    pub seen: String,
}

/// A violation, and how to get there.
#[derive(Clone, Debug)]
pub struct Failure {
    pub seed: u64,
    /// How many steps it takes: the same seed with so many fails in the same way.
    pub steps: u64,
    pub violation: Violation,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            steps,
            violation: Violation { rule, seen },
        } = self;
        writeln!(f, "FAILED with seed {seed} after {steps} steps: {rule}")?;
        writeln!(f, "  seen: {seen}")?;
        let command = "cargo run --release --example simulate --";
        write!(f, "  again: {command} --seed {seed} --steps {steps}")
    }
}

type Checked<T = ()> = Result<T, Violation>;

/// Breaks a rule.
fn violated<T>(rule: &'static str, seen: impl Into<String>) -> Checked<T> {
    let seen = seen.into();
    Err(Violation { rule, seen })
}

/// Runs so many steps of a seed.
///
/// # Errors
///
/// The first violation there is.
pub fn run(seed: u64, steps: u64) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    let mut done = 0;
    while done < steps {
        let count = ROUND.min(steps - done);
        let round = done / ROUND;
        let plan: Vec<Step> = Plan::new(seed, round).take(count as usize).collect();
        play(seed, round, &plan, &mut tally).map_err(|(at, violation)| Failure {
            seed,
            steps: done + at as u64,
            violation,
        })?;
        done += count;
    }
    Ok(tally)
}

/// Plays one round: its steps, then everybody leaves. A violation comes with the number of steps
/// that had been done, the one in which it happened included.
fn play(seed: u64, round: u64, plan: &[Step], tally: &mut Tally) -> Result<(), (usize, Violation)> {
    let mut world = World::new(Setting::new(seed, round), tally);
    for (at, step) in plan.iter().enumerate() {
        world.step(*step).map_err(|violation| (at + 1, violation))?;
    }
    world.close().map_err(|violation| (plan.len(), violation))
}
