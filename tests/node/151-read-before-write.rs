//! A reset while a write is blocked: the socket is read before it is written to, so the error is
//! the read's, and the write's callback gets none.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let big = vec![0; 16 * 1024 * 1024];
    let conn = Rc::new(Cell::new(None::<net::Socket>));
    let accepted = Rc::clone(&conn);
    let server = net::create_server(cx);
    server.set_pause_on_connect(cx, true);
    server.on_connection(cx, move |_, cx, s| {
        accepted.set(Some(s));
        server.close(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, server| {
        let to = net::ConnectOptions::new(("127.0.0.1", server.port(cx)));
        let c = net::create_connection(cx, to.allow_half_open(true));
        let (big, conn) = (big.clone(), Rc::clone(&conn));
        c.on_connect(cx, move |_, cx, c| {
            c.write_then(cx, &big, |out, _, e| {
                let e = e.map_or("null".into(), |e| e.to_string());
                out.log(format!("callback {e}"));
            });
            let conn = Rc::clone(&conn);
            cx.set_timeout(Duration::from_millis(300), move |_, cx| {
                conn.get().unwrap().reset_and_destroy(cx).unwrap()
            });
        });
        c.on_drain(cx, |out, _, _| out.log("drain"));
        c.on_error(cx, |out, cx, _, e| {
            out.log(format!("error {} {}", e.code(), e.syscall().unwrap()));
            cx.set_immediate(|out, _| out.log("immediate"));
        });
        c.on_end(cx, |out, _, _| out.log("end"));
        c.on_close(cx, |out, _, _, e| out.log(format!("close {e}")));
    });
}
