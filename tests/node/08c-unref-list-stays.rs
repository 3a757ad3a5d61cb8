//! Clearing the last timer of a duration forgets the list and its place in the queue; clearing the
//! last one that is unref'd does not, so the next timer of this duration comes earlier than its
//! turn.

use std::time::Duration;

use loopchat::Context;

use crate::{Trace, busy};

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let cleared = cx.set_timeout(Duration::from_millis(40), |out, _| {
        out.log("cleared (must not run)")
    });
    cx.clear_timer(cleared);
    let cleared = cx.set_timeout(Duration::from_millis(41), |out, _| {
        out.log("cleared (must not run)")
    });
    cx.set_timer_ref(cleared, false);
    cx.clear_timer(cleared);
    cx.set_timeout(Duration::from_millis(60), |out, _| out.log("b, due at 60"));
    busy(30);
    cx.set_timeout(Duration::from_millis(40), |out, _| out.log("c, due at 70"));
    cx.set_timeout(Duration::from_millis(41), |out, _| out.log("d, due at 71"));
    busy(60);
    out.log("main end");
}
