//! The orders of the loop, one small program each: predict, then run.
//!
//! ```sh
//! cargo run --example orders -- 02      # without a number it lists them
//! ```
//!
//! Each is a program of `tests/node/`, where its script for Node lies beside it:
//! `node tests/node/02-io-immediate-before-timeout.js` prints the same.

use std::io;
use std::time::{Duration, Instant};

use loopchat::{Context, EventLoop};

/// What the programs write to; here, as they go.
pub struct Trace;

impl Trace {
    pub fn log(&mut self, line: impl AsRef<str>) {
        println!("{}", line.as_ref());
    }
}

/// Keeps the loop busy: a callback that takes long.
pub fn busy(ms: u64) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(ms) {
        std::hint::spin_loop();
    }
}

type Program = fn(&mut Trace, &mut Context<Trace>);

macro_rules! programs {
    ($($module:ident $file:literal;)*) => {
        $(#[path = $file] mod $module;)*
        const PROGRAMS: &[(&str, Program)] = &[$(($file, $module::main)),*];
    };
}

programs! {
    sync_tick "../../tests/node/01-sync-tick.rs";
    io_immediate_before_timeout "../../tests/node/02-io-immediate-before-timeout.rs";
    tick_between_timers "../../tests/node/03-tick-between-timers.rs";
    timer_list_grouping "../../tests/node/06-timer-list-grouping.rs";
    nested_timer_next_pass "../../tests/node/07-nested-timer-next-pass.rs";
    close_phase_order "../../tests/node/09-close-phase-order.rs";
    tick_starves_loop "../../tests/node/11-tick-starves-loop.rs";
    pending_before_check "../../tests/node/13-pending-before-check.rs";
    close_callbacks_lifo "../../tests/node/14-close-callbacks-lifo.rs";
}

fn main() -> io::Result<()> {
    let wanted = std::env::args().nth(1);
    for (path, program) in PROGRAMS {
        let name = path
            .rsplit('/')
            .next()
            .unwrap_or(path)
            .trim_end_matches(".rs");
        match &wanted {
            None => println!("{name}"),
            Some(number) if name.split('-').next() == Some(number) => {
                let mut event_loop = EventLoop::new()?;
                program(&mut Trace, &mut event_loop);
                event_loop.run(&mut Trace)?;
                println!("exit 0");
            }
            Some(_) => {}
        }
    }
    Ok(())
}
