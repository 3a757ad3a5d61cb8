//! From a failure to few steps that fail.

use super::plan::{Plan, Step};
use super::{Failure, ROUND, Tally, play};

/// How often a round is played again at most.
const ATTEMPTS: usize = 400;

/// The last round of a failure with as many steps left out as can be while it breaks the same rule.
/// Steps carry their own chance, so what is left out does not change the others.
pub fn shortest(failure: &Failure) -> Vec<Step> {
    let Failure {
        seed,
        steps,
        violation,
    } = failure;
    let round = steps.saturating_sub(1) / ROUND;
    let count = (steps - round * ROUND) as usize;
    let mut kept: Vec<Step> = Plan::new(*seed, round).take(count).collect();
    let mut attempts = 0;
    // Returns after how many steps it fails.
    let mut fails = |plan: &[Step]| {
        attempts += 1;
        let failed = play(*seed, round, plan, &mut Tally::default()).err()?;
        (failed.1.rule == violation.rule && attempts <= ATTEMPTS).then_some(failed.0)
    };
    let mut size = kept.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < kept.len() {
            let mut fewer = kept.clone();
            fewer.drain(at..(at + size).min(kept.len()));
            match fails(&fewer) {
                Some(after) => {
                    fewer.truncate(after);
                    kept = fewer;
                }
                None => at += size,
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    kept
}
