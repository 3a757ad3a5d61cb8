//! An interval is re-armed from the START of its callback, so the callback's own run time is not
//! added to the period.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::Context;

use crate::{Trace, busy};

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let mut n = 0;
    let iv = Rc::new(Cell::new(None));
    let own = iv.clone();
    iv.set(Some(cx.set_interval(
        Duration::from_millis(200),
        move |out, cx| {
            n += 1;
            out.log(format!("interval {n}"));
            if n == 1 {
                busy(150);
            }
            if n == 2 {
                cx.clear_timer(own.get().unwrap());
            }
        },
    )));
    cx.set_timeout(Duration::from_millis(475), |out, _| {
        out.log("timer 475 ms: after the 2nd interval (400), not before (550)");
    });
}
