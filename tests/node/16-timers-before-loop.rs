//! Before the loop is entered the timers run once; what is alive is counted before that, so one
//! turn follows if anything was.

use std::time::Duration;

use loopchat::Context;

use crate::{Trace, busy};

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    cx.set_timeout(Duration::from_millis(1), |out, cx| {
        out.log("timer");
        let i = cx.set_immediate(|out, _| {
            out.log("unref immediate runs: the loop was alive before the timer");
        });
        cx.set_immediate_ref(i, false);
    });
    let overdue = cx.set_timeout(Duration::from_millis(2), |out, _| {
        out.log("unref timer, overdue")
    });
    cx.set_timer_ref(overdue, false);
    let i = cx.set_immediate(|out, _| out.log("unref immediate of main"));
    cx.set_immediate_ref(i, false);
    busy(10);
    out.log("main end");
}
