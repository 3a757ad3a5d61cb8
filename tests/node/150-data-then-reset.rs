//! Bytes and a reset that come together: the bytes are handed out, and what follows is 'end', not
//! ECONNRESET; a reset that comes alone is the error.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn dial(cx: &mut Context<Trace>, server: net::Server, n: &'static str) {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    c.once_connect(cx, move |_, cx, c| {
        c.write(cx, "bytes");
        if n == "together" {
            c.reset_and_destroy(cx).unwrap();
        } else {
            cx.set_timeout(Duration::from_millis(200), move |_, cx| {
                c.reset_and_destroy(cx).unwrap()
            });
        }
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let n = Rc::new(Cell::new("together"));
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        let l = n.get();
        s.on_data(cx, move |out, cx, _, d| {
            out.log(format!("{l} data \"{}\"", String::from_utf8_lossy(d)));
            cx.set_immediate(move |out, _| out.log(format!("{l} immediate")));
        });
        s.on_end(cx, move |out, _, _| out.log(format!("{l} end")));
        s.on_finish(cx, move |out, _, _| out.log(format!("{l} finish")));
        s.on_error(cx, move |out, _, _, e| {
            out.log(format!("{l} error {}", e.code()))
        });
        let n = Rc::clone(&n);
        s.on_close(cx, move |out, cx, _, e| {
            out.log(format!("{l} close {e}"));
            if l == "together" {
                n.set("later");
                dial(cx, server, "later");
            } else {
                server.close(cx);
            }
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| dial(cx, server, "together"));
}
