//! Timers of one duration share a list. All overdue timers of the list whose head is due first run
//! together, so B (due later) overtakes C (due earlier, other duration). A plain heap gives A C B.

use std::time::Duration;

use loopchat::Context;

use crate::{Trace, busy};

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    cx.set_timeout(Duration::from_millis(40), |out, _| out.log("A due at 40"));
    busy(20);
    cx.set_timeout(Duration::from_millis(40), |out, _| out.log("B due at 60"));
    cx.set_timeout(Duration::from_millis(30), |out, _| out.log("C due at 50"));
    busy(80);
    out.log("main end");
}
