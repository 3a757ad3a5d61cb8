//! The tick queue is drained after EACH timer callback, not once per timers phase.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::Context;

use crate::{Trace, busy};

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let doomed = Rc::new(Cell::new(None));
    let timer = doomed.clone();
    cx.set_timeout(Duration::from_millis(1), move |out, cx| {
        out.log("timer 1");
        let timer = timer.clone();
        cx.next_tick(move |out, cx| {
            out.log("tick of 1 clears timer 2");
            cx.clear_timer(timer.get().unwrap());
        });
    });
    doomed.set(Some(cx.set_timeout(Duration::from_millis(1), |out, _| {
        out.log("timer 2 (must not run)")
    })));
    cx.set_timeout(Duration::from_millis(1), |out, cx| {
        out.log("timer 3");
        cx.next_tick(|out, _| out.log("tick of 3"));
    });
    cx.set_timeout(Duration::from_millis(2), |out, _| {
        out.log("timer 4, other list")
    });
    busy(20);
    out.log("main end");
}
