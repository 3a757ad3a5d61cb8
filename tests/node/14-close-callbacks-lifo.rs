//! libuv keeps closing handles in a stack: sockets destroyed in one go get their 'close' in REVERSE
//! order; their errors (ticks) come in order.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.resume(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let socks = [1, 2, 3].map(|id| {
            let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
            c.on_error(cx, move |out, _, _, e| out.log(format!("error {id} {e}")));
            c.on_close(cx, move |out, _, _, e| out.log(format!("close {id} {e}")));
            c
        });
        let n = Rc::new(Cell::new(0));
        for c in socks {
            let n = n.clone();
            c.once_connect(cx, move |_, cx, _| {
                n.set(n.get() + 1);
                if n.get() < 3 {
                    return;
                }
                cx.set_timeout(Duration::from_millis(10), move |_, cx| {
                    socks[0].destroy(cx);
                    socks[1].destroy_with_error(cx, net::Error::new("boom"));
                    socks[2].destroy(cx);
                    cx.next_tick(|out, _| out.log("tick"));
                    cx.set_immediate(|out, _| out.log("immediate"));
                    server.close_then(cx, |out, _, _| out.log("server close"));
                });
            });
        }
    });
}
