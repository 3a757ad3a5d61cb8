//! clear_timer is for timeouts and intervals, also done twice or to one that has fired;
//! refresh_timer moves a timer behind its siblings, re-arms it in its own callback and after it
//! has fired, but does not revive a cleared one.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::Context;

use crate::{Trace, busy};

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let mut m = 0;
    let fired = Rc::new(Cell::new(None));
    let again = fired.clone();
    fired.set(Some(cx.set_timeout(
        Duration::from_millis(1),
        move |out, cx| {
            m += 1;
            out.log(format!("fired {m}"));
            let fired = again.get().unwrap();
            if m == 2 {
                cx.set_immediate(move |out, cx| {
                    out.log("clear the fired one, then refresh");
                    cx.clear_timer(fired);
                    cx.refresh_timer(fired);
                });
            }
        },
    )));
    cx.set_timer_reusable(fired.get().unwrap(), true);
    let a = cx.set_timeout(Duration::from_millis(10), |out, _| out.log("a"));
    cx.set_timeout(Duration::from_millis(10), |out, _| out.log("b"));
    out.log(format!("refresh returns self {}", cx.refresh_timer(a)));
    let cleared = cx.set_timeout(Duration::from_millis(5), |out, _| {
        out.log("cleared (must not run)")
    });
    cx.clear_timer(cleared);
    cx.clear_timer(cleared);
    cx.refresh_timer(cleared);
    let interval = cx.set_interval(Duration::from_millis(5), |out, _| {
        out.log("interval (must not run)")
    });
    cx.clear_timer(interval);
    let timeout = cx.set_timeout(Duration::from_millis(5), |out, _| {
        out.log("timeout (must not run)")
    });
    cx.clear_timer(timeout);
    let mut n = 0;
    let own = Rc::new(Cell::new(None));
    let again = own.clone();
    own.set(Some(cx.set_timeout(
        Duration::from_millis(20),
        move |out, cx| {
            n += 1;
            out.log(format!("own {n}"));
            if n < 3 {
                cx.refresh_timer(again.get().unwrap());
                return;
            }
            out.log("refresh the fired one");
            cx.refresh_timer(fired.get().unwrap());
        },
    )));
    busy(15);
    out.log("main end");
}
