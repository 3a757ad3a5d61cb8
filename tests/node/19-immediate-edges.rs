//! clear_immediate in its own callback, twice or after it has run is no error; immediate_has_ref is
//! false once it runs; an immediate set by a tick of the check phase waits for the next iteration.

use std::cell::Cell;
use std::rc::Rc;

use loopchat::Context;
use loopchat::event_loop::Immediate;

use crate::Trace;

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let [a, c] = [(); 2].map(|()| Rc::new(Cell::new(None::<Immediate>)));
    let own = a.clone();
    a.set(Some(cx.set_immediate(move |out, cx| {
        let a = own.get().unwrap();
        out.log(format!("a hasRef={}", cx.immediate_has_ref(a)));
        cx.clear_immediate(a);
        cx.next_tick(|out, cx| {
            out.log("tick of a");
            cx.set_immediate(|out, _| out.log("set by the tick of a"));
        });
    })));
    let third = c.clone();
    let b = cx.set_immediate(move |out, cx| {
        out.log("b");
        cx.clear_immediate(a.get().unwrap());
        cx.clear_immediate(third.get().unwrap());
        cx.clear_immediate(third.get().unwrap());
    });
    c.set(Some(cx.set_immediate(|out, _| out.log("c (must not run)"))));
    let has_ref = cx.immediate_has_ref(b);
    cx.set_immediate_ref(b, false);
    let unref = cx.immediate_has_ref(b);
    cx.set_immediate_ref(b, true);
    out.log(format!(
        "hasRef {has_ref} unref {unref} ref {}",
        cx.immediate_has_ref(b)
    ));
    cx.set_immediate(|out, cx| {
        out.log("d");
        cx.set_immediate(|out, cx| {
            out.log("e");
            cx.set_immediate(|out, _| out.log("f"));
        });
        cx.set_immediate(|out, _| out.log("g"));
    });
}
