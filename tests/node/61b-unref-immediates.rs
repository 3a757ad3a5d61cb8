//! An unref'd immediate runs if the check phase comes anyway, in its place among the others; ref
//! makes it hold the loop.

use loopchat::Context;

use crate::Trace;

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    cx.set_immediate(|out, cx| {
        out.log("a");
        cx.set_immediate(|out, cx| {
            out.log("b");
            let c = cx.set_immediate(|out, _| out.log("c (must not run)"));
            cx.set_immediate_ref(c, false);
        });
        let between = cx.set_immediate(|out, _| out.log("unref between"));
        cx.set_immediate_ref(between, false);
        cx.set_immediate(|out, _| out.log("d"));
    });
    let back = cx.set_immediate(|out, _| out.log("unref then ref"));
    cx.set_immediate_ref(back, false);
    out.log(format!("hasRef {}", cx.immediate_has_ref(back)));
    cx.set_immediate_ref(back, true);
    out.log(format!("hasRef {}", cx.immediate_has_ref(back)));
}
