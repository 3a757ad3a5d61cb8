//! The simulator, for as long as a test may take: the chat under chance, with everything checked
//! that members see. CI runs a million steps of it besides.

#[path = "../examples/simulate/simulation/mod.rs"]
mod simulation;

use std::panic::resume_unwind;
use std::thread;

use simulation::{ROUND, Tally, run, shortest};

/// Runs a seed, or says how it fails.
fn simulated(seed: u64, steps: u64) -> Tally {
    run(seed, steps).unwrap_or_else(|failure| {
        let steps = shortest(&failure);
        panic!("{failure}\nThese are enough for the same: {steps:#?}")
    })
}

#[test]
fn nobody_is_lied_to() {
    let mut all = Tally::default();
    // Nothing is shared between two of them, so each may have a processor. In so few steps not all
    // seeds meet everything; these do.
    thread::scope(|scope| {
        let runs = [4, 21, 33, 88].map(|seed| scope.spawn(move || simulated(seed, 2 * ROUND)));
        for run in runs {
            match run.join() {
                Ok(tally) => all.merge(&tally),
                Err(panic) => resume_unwind(panic),
            }
        }
    });
    let missing = all.missing();
    assert!(missing.is_empty(), "it never happened: {missing:?}\n{all}");
}

#[test]
fn a_seed_means_the_same_every_time() {
    // The rooms' log settles at once in the first, and takes its time in the second.
    for seed in [7, 9] {
        let digests = [seed, seed, 8].map(|seed| simulated(seed, 1000).digest());
        assert_eq!(digests[0], digests[1], "{seed}");
        assert_ne!(digests[0], digests[2], "{seed}");
    }
}

#[test]
fn what_chance_leaves_out_is_a_failure_only_if_all_is_required() {
    let tests = std::env::current_exe().expect("this test has a path");
    let target = tests.parent().and_then(|deps| deps.parent());
    let program = target.expect("target/debug/deps").join("examples/simulate");
    let run = |more: &[&str]| {
        let mut command = std::process::Command::new(&program);
        let output = command.args(["--seed", "7", "--steps", "50"]).args(more);
        output.output().expect("the example is built")
    };
    let output = run(&[]);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("\nnever: "), "{printed}");
    assert!(output.status.success(), "{printed}");
    assert_eq!(run(&["--require-all"]).status.code(), Some(1));
}
