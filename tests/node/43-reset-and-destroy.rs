//! reset_and_destroy() sends RST: the peer gets 'error' ECONNRESET (syscall read) and 'close' true,
//! never 'end'. On a socket with no handle it is an ERR_SOCKET_CLOSED error.

use std::cell::Cell;
use std::rc::Rc;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let client = Rc::new(Cell::new(None::<net::Socket>));
    let dialled = Rc::clone(&client);
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        let client = Rc::clone(&dialled);
        s.on_data(cx, move |out, cx, _, d| {
            out.lane("peer", format!("data \"{}\"", String::from_utf8_lossy(d)));
            client.get().unwrap().reset_and_destroy(cx).unwrap();
        });
        s.on_end(cx, |out, _, _| out.lane("peer", "end"));
        s.on_finish(cx, |out, _, _| out.lane("peer", "finish"));
        s.on_error(cx, |out, _, _, e| {
            let (code, syscall) = (e.code(), e.syscall().unwrap());
            out.lane("peer", format!("error {code} {syscall} {e}"));
        });
        s.on_close(cx, move |out, cx, _, e| {
            out.lane("peer", format!("close {e}"));
            server.close(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        client.set(Some(c));
        c.once_connect(cx, |_, cx, c| {
            c.write(cx, "go");
        });
        c.on_end(cx, |out, _, _| out.lane("client", "end"));
        c.on_finish(cx, |out, _, _| out.lane("client", "finish"));
        c.on_error(cx, |out, _, _, e| {
            out.lane("client", format!("error {}", e.code()))
        });
        c.on_close(cx, |out, _, _, e| out.lane("client", format!("close {e}")));
    });
    let idle = net::Socket::new(cx);
    idle.on_error(cx, |out, _, _, e| {
        out.lane("idle", format!("error {}", e.code()))
    });
    idle.on_close(cx, |out, _, _, e| out.lane("idle", format!("close {e}")));
    idle.reset_and_destroy(cx).unwrap();
}
