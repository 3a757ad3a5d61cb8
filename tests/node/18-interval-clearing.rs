//! An interval goes behind its siblings after each run; timers clear each other within one pass, an
//! interval itself in its callback or in a tick of it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::Context;
use loopchat::event_loop::Timer;

use crate::{Trace, busy};

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let mut n = 0;
    let [a, b, c] = [(); 3].map(|()| Rc::new(Cell::new(None::<Timer>)));
    let own = a.clone();
    a.set(Some(cx.set_interval(
        Duration::from_millis(20),
        move |out, cx| {
            n += 1;
            out.log(format!("interval a {n}"));
            if n == 2 {
                cx.clear_timer(own.get().unwrap());
            }
            busy(30);
        },
    )));
    let doomed = Rc::new(Cell::new(None));
    let clears = [doomed.clone(), c.clone()];
    cx.set_timeout(Duration::from_millis(20), move |out, cx| {
        out.log("timeout clears");
        for timer in &clears {
            cx.clear_timer(timer.get().unwrap());
        }
    });
    doomed.set(Some(cx.set_timeout(Duration::from_millis(20), |out, _| {
        out.log("doomed (must not run)")
    })));
    let own = b.clone();
    b.set(Some(cx.set_interval(
        Duration::from_millis(20),
        move |out, cx| {
            out.log("interval b");
            let b = own.get().unwrap();
            cx.next_tick(move |out, cx| {
                out.log("tick clears b");
                cx.clear_timer(b);
            });
        },
    )));
    c.set(Some(cx.set_interval(
        Duration::from_millis(20),
        |out, _| {
            out.log("interval c (must not run)");
        },
    )));
    busy(30);
    out.log("main end");
}
