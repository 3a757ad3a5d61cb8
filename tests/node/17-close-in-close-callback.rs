//! A socket destroyed in a 'close' callback waits for the next iteration; ticks run between two
//! 'close' callbacks.

use std::cell::Cell;
use std::rc::Rc;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.resume(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let n = Rc::new(Cell::new(0));
        let [a, b, c] = ["a", "b", "c"].map(|id| {
            let s = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
            s.on_close(cx, move |out, cx, _, _| {
                out.log(format!("close {id}"));
                cx.next_tick(move |out, _| out.log(format!("tick of close {id}")));
            });
            s
        });
        for s in [a, b, c] {
            let n = n.clone();
            s.once_connect(cx, move |_, cx, _| {
                n.set(n.get() + 1);
                if n.get() == 3 {
                    cx.set_immediate(move |out, cx| go(out, cx, server, [a, b, c]));
                }
            });
        }
    });
}

fn go(out: &mut Trace, cx: &mut Context<Trace>, server: net::Server, [a, b, c]: [net::Socket; 3]) {
    out.log("destroy a, b");
    a.destroy(cx);
    b.destroy(cx);
    b.on_close(cx, move |out, cx, _, _| {
        out.log("destroy c");
        c.destroy(cx);
        cx.set_immediate(|out, _| out.log("immediate"));
        server.close_then(cx, |out, _, _| out.log("server close"));
    });
}
