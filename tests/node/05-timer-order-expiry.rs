//! Overdue timers run by expiry; equal durations run in creation order; 0 means 1 ms, as do the
//! negative, NaN and fractions, which Rust's whole numbers do not have.

use std::time::Duration;

use loopchat::Context;

use crate::{Trace, busy};

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let t30 = cx.set_timeout(Duration::from_millis(30), |out, _| out.log("30ms"));
    cx.set_timeout(Duration::from_millis(20), |out, _| out.log("20ms"));
    cx.set_timeout(Duration::from_millis(1), |out, _| out.log("1ms a"));
    cx.set_timeout(Duration::ZERO, |out, _| out.log("0ms b"));
    cx.set_timeout(Duration::ZERO, |out, _| out.log("-5ms c"));
    cx.set_timeout(Duration::ZERO, |out, _| out.log("0.4ms d"));
    cx.set_timeout(Duration::from_millis(1), |out, _| out.log("1.9ms e"));
    cx.set_timeout(Duration::ZERO, |out, _| out.log("NaN f"));
    cx.set_timeout(Duration::ZERO, |out, _| out.log("undefined g"));
    cx.set_timeout(Duration::from_millis(10), |out, _| out.log("10ms"));
    cx.set_timeout(Duration::from_millis(20), |out, _| out.log("20ms again"));
    out.log(format!("hasRef {}", cx.timer_has_ref(t30)));
    busy(60);
    out.log("main end");
}
