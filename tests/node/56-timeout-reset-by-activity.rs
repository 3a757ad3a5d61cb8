//! Reads and writes both push the idle timer back; it fires only after the last activity.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, event_loop::Timer, net};

use crate::Trace;

/// Eight times, 50 ms apart; an interval's callback learns its own timer only afterwards.
fn eight_times(
    cx: &mut Context<Trace>,
    mut each: impl FnMut(&mut Context<Trace>, u32) + 'static,
) -> Rc<Cell<u32>> {
    let n = Rc::new(Cell::new(0));
    let (count, iv) = (n.clone(), Rc::new(Cell::new(None::<Timer>)));
    let own = iv.clone();
    iv.set(Some(cx.set_interval(
        Duration::from_millis(50),
        move |_, cx| {
            count.set(count.get() + 1);
            each(cx, count.get());
            if count.get() == 8 {
                cx.clear_timer(own.get().unwrap());
            }
        },
    )));
    n
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        eight_times(cx, move |cx, n| {
            s.write(cx, n.to_string());
        });
        s.resume(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.set_timeout(cx, Duration::from_millis(300));
        let sum = Rc::new(RefCell::new(String::new()));
        let got = sum.clone();
        c.on_data(cx, move |_, _, _, d| {
            *got.borrow_mut() += &String::from_utf8_lossy(d);
        });
        c.once_timeout(cx, move |out, cx, c| {
            out.log(format!("timeout after data \"{}\"", sum.borrow()));
            let w = eight_times(cx, move |cx, _| {
                c.write(cx, "x");
            });
            c.once_timeout(cx, move |out, cx, c| {
                out.log(format!("timeout after {} writes", w.get()));
                c.destroy(cx);
                server.close(cx);
            });
        });
        c.on_close(cx, |out, _, _, e| out.log(format!("close {e}")));
    });
}
