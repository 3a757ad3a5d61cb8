//! An unref'd timer or immediate does not hold the loop, but fires when something else keeps the
//! loop alive long enough.

use std::time::Duration;

use loopchat::Context;

use crate::Trace;

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let soon = cx.set_timeout(Duration::from_millis(5), |out, _| {
        out.log("unref 5ms fires: loop still alive")
    });
    cx.set_timer_ref(soon, false);
    let late = cx.set_timeout(Duration::from_millis(500), |out, _| {
        out.log("unref 500ms (must not run)")
    });
    cx.set_timer_ref(late, false);
    let interval = cx.set_interval(Duration::from_millis(400), |out, _| {
        out.log("unref interval (must not run)")
    });
    cx.set_timer_ref(interval, false);
    let back = cx.set_timeout(Duration::from_millis(60), |out, cx| {
        out.log("unref then ref 60ms");
        let i = cx.set_immediate(|out, _| out.log("unref immediate (must not run)"));
        cx.set_immediate_ref(i, false);
    });
    cx.set_timer_ref(back, false);
    cx.set_timer_ref(back, true);
    out.log(format!("hasRef {}", cx.timer_has_ref(back)));
    cx.set_timeout(Duration::from_millis(30), |out, cx| {
        out.log("ref 30ms");
        let i = cx.set_immediate(|out, _| out.log("unref immediate runs: timer pending"));
        cx.set_immediate_ref(i, false);
    });
}
