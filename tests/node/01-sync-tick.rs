//! Main script, then the whole nextTick queue, also what is queued meanwhile, and only then the
//! loop.

use loopchat::Context;

use crate::Trace;

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    cx.set_immediate(|out, _| out.log("immediate"));
    cx.next_tick(|out, cx| {
        out.log("tick 1");
        cx.next_tick(|out, _| out.log("tick 1.1"));
    });
    cx.next_tick(|out, _| out.log("tick 2"));
    out.log("main end");
}
