//! A chat without a network: members, sockets and time are simulated from a seed, the chat and its
//! policies are the server's own, and everything that members see is checked after every step.
//!
//! ```text
//! cargo run --release --example simulate                        # one seed, fresh
//! cargo run --release --example simulate -- --seed 7 --steps 100000
//! cargo run --release --example simulate -- --seeds 1,2,3 --steps 100000
//! ```
//!
//! Exit status 1 tells that a rule was broken, or, with `--require-all`, that something it counts has
//! never happened. What it simulates and checks, and how to read a failure: `docs/simulator.md`.

mod simulation;

use std::process::ExitCode;
use std::str::FromStr;

use clap::Parser;

use simulation::{Failure, ROUND, Tally, run, shortest};

/// Steps for each seed if nobody says how many.
const STEPS: u64 = 100_000;

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
    #[arg(long, value_name = "COUNT", default_value_t = STEPS)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,

    /// Fail if anything that is counted has never happened: for seeds that are known to bring all of
    /// it, since a fresh one leaves out by chance what is rare
    #[arg(long)]
    require_all: bool,
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
    let Flags {
        seeds,
        steps,
        require_all,
    } = Flags::parse();
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
    if !missing.is_empty() {
        println!("never: {}", missing.join(", "));
        if require_all {
            println!("So the run proves less than it should.");
            return ExitCode::FAILURE;
        }
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
