//! With nothing else to do even an overdue timer does not fire if it is unref'd: the loop is not
//! entered.

use std::time::Duration;

use loopchat::Context;

use crate::{Trace, busy};

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let overdue = cx.set_timeout(Duration::from_millis(1), |out, _| {
        out.log("overdue (must not run)")
    });
    cx.set_timer_ref(overdue, false);
    let late = cx.set_timeout(Duration::from_secs(1), |out, _| {
        out.log("not due (must not run)")
    });
    cx.set_timer_ref(late, false);
    let i = cx.set_immediate(|out, _| out.log("immediate (must not run)"));
    cx.set_immediate_ref(i, false);
    busy(10);
    out.log("main end");
}
