//! Recursive next_tick runs to exhaustion before the loop moves on to any phase.

use std::time::Duration;

use loopchat::Context;

use crate::{Trace, busy};

fn tick(out: &mut Trace, cx: &mut Context<Trace>, n: u32) {
    out.log(format!("tick {n}"));
    busy(3);
    if n < 4 {
        cx.next_tick(move |out, cx| tick(out, cx, n + 1));
    } else {
        cx.next_tick(|out, cx| {
            out.log("last tick");
            cx.set_immediate(|out, _| out.log("immediate"));
        });
    }
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    cx.set_timeout(Duration::ZERO, |out, _| out.log("timeout"));
    cx.next_tick(|out, cx| tick(out, cx, 1));
}
