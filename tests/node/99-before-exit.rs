//! A loop that is about to end tells so, and goes on with what is begun then; each time anew.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let times = Rc::new(Cell::new(0));
    let first = Rc::clone(&times);
    cx.on_before_exit(move |out, cx| {
        first.set(first.get() + 1);
        out.log(format!("first {}", first.get()));
        cx.next_tick(|out, _| out.log("tick"));
        match first.get() {
            1 => drop(cx.set_timeout(Duration::from_millis(1), |out, _| out.log("timeout"))),
            2 => drop(cx.set_immediate(|out, cx| {
                out.log("immediate");
                cx.set_immediate(|out, _| out.log("and another"));
            })),
            3 => serve_once(cx),
            _ => {
                let timer = cx.set_timeout(Duration::from_millis(1), |out, _| out.log("never"));
                cx.set_timer_ref(timer, false);
            }
        }
    });
    cx.on_before_exit(move |out, cx| {
        out.log(format!("second {}", times.get()));
        if times.get() == 1 {
            let times = Rc::clone(&times);
            cx.on_before_exit(move |out, _| out.log(format!("third {}", times.get())));
        }
    });
    cx.set_timeout(Duration::from_millis(1), |out, _| out.log("main"));
    out.log("begun");
}

fn serve_once(cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |out, cx, socket| {
        out.log("connection");
        socket.end(cx);
        server.close(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |_, cx, server| {
        let client = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        client.resume(cx);
    });
}
