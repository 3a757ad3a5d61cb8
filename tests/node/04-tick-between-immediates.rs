//! Ticks drain between immediates; an immediate added while the check phase runs waits for the next
//! iteration.

use std::cell::Cell;
use std::rc::Rc;

use loopchat::Context;

use crate::Trace;

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let (i3, i5) = (Rc::new(Cell::new(None)), Rc::new(Cell::new(None)));
    let third = i3.clone();
    cx.set_immediate(move |out, cx| {
        out.log("immediate 1");
        cx.set_immediate(|out, _| out.log("immediate nested (next iteration)"));
        cx.next_tick(move |out, cx| {
            out.log("tick of 1 clears 3");
            cx.clear_immediate(third.get().unwrap());
        });
    });
    let fifth = i5.clone();
    cx.set_immediate(move |out, cx| {
        out.log("immediate 2");
        cx.clear_immediate(fifth.get().unwrap());
    });
    i3.set(Some(cx.set_immediate(|out, _| {
        out.log("immediate 3 (must not run)");
    })));
    cx.set_immediate(|out, _| out.log("immediate 4"));
    i5.set(Some(cx.set_immediate(|out, _| {
        out.log("immediate 5 (must not run)");
    })));
    cx.set_immediate(|out, _| out.log("immediate 6"));
    out.log("main end");
}
