//! A chat without a network: members, sockets and time are simulated from a seed, the chat and its
//! policies are the server's own, and everything that members see is checked after every step.
//!
//! ```text
//! cargo run --release --example simulate                        # one seed, fresh
//! cargo run --release --example simulate -- --seed 7 --steps 100000
//! cargo run --release --example simulate -- --seeds 1,2,3 --steps 100000
//! ```
//!
//! Exit status 1 tells that a rule was broken, or that a long run has not met everything that it
//! should meet. What it simulates and checks, and how to read a failure: `docs/simulator.md`.

mod simulation;

use std::process::ExitCode;
use std::str::FromStr;

use clap::Parser;

use simulation::{Failure, ROUND, Tally, run, shortest};

/// From so many steps on a run must have met everything.
const LONG: u64 = 100_000;

/// Steps that are printed of a failure.
const PRINTED: usize = 60;

/// Simulates a loopchat server and its members, and checks what they see.
#[derive(Debug, Parser)]
#[command(name = "simulate", version, long_about = None)]
struct Flags {
    /// What everything follows from: a number, or fresh for a new one, which is printed
    #[arg(
        long = "seeds",
        visible_alias = "seed",
        value_name = "SEED",
        value_delimiter = ',',
        default_value = "fresh"
    )]
    seeds: Vec<Seed>,

    /// Things that happen, for each seed
    #[arg(long, value_name = "COUNT", default_value_t = LONG)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
}

#[derive(Clone, Copy, Debug)]
struct Seed(u64);

impl FromStr for Seed {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            // Small enough to be typed again.
            "fresh" => Ok(Self(rand::random::<u32>().into())),
            number => number.parse().map(Self),
        }
    }
}

fn main() -> ExitCode {
    let Flags { seeds, steps } = Flags::parse();
    let mut all = Tally::default();
    for Seed(seed) in seeds {
        match run(seed, steps) {
            Ok(tally) => {
                println!("seed {seed}, {steps} steps: digest {}", tally.digest());
                all.merge(&tally);
            }
            Err(failure) => {
                explain(&failure);
                return ExitCode::FAILURE;
            }
        }
    }
    print!("{all}");
    let missing = all.missing();
    if all.steps >= LONG && !missing.is_empty() {
        println!("This never happened, so the run proves less than it should: {missing:?}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// What was broken, how to see it again, and the steps that it takes.
fn explain(failure: &Failure) {
    println!("{failure}");
    let kept = shortest(failure);
    let round = (failure.steps - 1) / ROUND;
    println!(
        "  {} steps of round {round} are enough for the same:",
        kept.len()
    );
    for step in kept.iter().take(PRINTED) {
        println!("    {step:?}");
    }
    if kept.len() > PRINTED {
        println!("    and {} more", kept.len() - PRINTED);
    }
}
