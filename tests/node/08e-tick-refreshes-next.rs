//! The next overdue timer of a list is chosen before the ticks of the one before run: a tick can
//! still clear it, but no longer put it off.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::Context;
use loopchat::event_loop::Timer;

use crate::{Trace, busy};

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let [b, c, e] = [(); 3].map(|()| Rc::new(Cell::new(None::<Timer>)));
    let (next, doomed, late) = (b.clone(), c.clone(), e.clone());
    cx.set_timeout(Duration::from_millis(5), move |out, cx| {
        out.log("a");
        let (next, doomed) = (next.clone(), doomed.clone());
        cx.next_tick(move |out, cx| {
            out.log("tick of a refreshes b, clears c");
            cx.refresh_timer(next.get().unwrap());
            cx.clear_timer(doomed.get().unwrap());
        });
    });
    b.set(Some(
        cx.set_timeout(Duration::from_millis(5), |out, _| out.log("b")),
    ));
    c.set(Some(cx.set_timeout(Duration::from_millis(5), |out, _| {
        out.log("c (must not run)")
    })));
    cx.set_timeout(Duration::from_millis(5), move |out, cx| {
        out.log("d");
        cx.refresh_timer(late.get().unwrap());
    });
    e.set(Some(cx.set_timeout(Duration::from_millis(5), |out, _| {
        out.log("e, put off by the callback itself");
    })));
    cx.set_timeout(Duration::from_millis(6), |out, _| out.log("f"));
    busy(20);
    out.log("main end");
}
