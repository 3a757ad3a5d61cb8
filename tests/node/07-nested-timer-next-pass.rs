//! A timer created by a timer callback never runs in the same pass, even when already overdue:
//! check runs first.

use std::time::Duration;

use loopchat::Context;

use crate::{Trace, busy};

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    cx.set_timeout(Duration::from_millis(1), |out, cx| {
        out.log("outer");
        cx.set_timeout(Duration::from_millis(1), |out, _| out.log("inner"));
        cx.set_immediate(|out, _| out.log("immediate"));
        cx.next_tick(|out, _| out.log("tick"));
        busy(10);
        out.log("outer end");
    });
    cx.set_timeout(Duration::from_millis(5), |out, _| out.log("sibling 5ms"));
    busy(20);
    out.log("main end");
}
