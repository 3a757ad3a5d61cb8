//! refresh_timer in an interval's own callback changes nothing: the period still counts from the
//! start of the callback.

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
        Duration::from_millis(40),
        move |out, cx| {
            n += 1;
            out.log(format!("interval {n}"));
            if n == 2 {
                return cx.clear_timer(own.get().unwrap());
            }
            cx.set_timeout(Duration::from_millis(60), |out, _| {
                out.log("timeout 60 ms: after the 2nd interval (40), not before (90)");
            });
            busy(50);
            cx.refresh_timer(own.get().unwrap());
            busy(60);
        },
    )));
}
