//! A client that tries again from a timer until its server is there, with a new socket each time;
//! the errors come in between.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn dial(cx: &mut Context<Trace>, server: net::Server, port: u16, tries: Rc<Cell<u32>>) {
    let c = net::Socket::new(cx);
    tries.set(tries.get() + 1);
    let n = tries.get();
    c.on_connect(cx, move |out, _, _| out.log(format!("{n} connect")));
    c.on_data(cx, move |out, _, _, d| {
        out.log(format!("{n} data \"{}\"", String::from_utf8_lossy(d)))
    });
    c.on_end(cx, move |out, _, _| out.log(format!("{n} end")));
    c.on_error(cx, move |out, cx, c, e| {
        let (code, destroyed) = (e.code(), c.destroyed(cx));
        out.log(format!("{n} error {code} destroyed={destroyed}"));
    });
    c.on_close(cx, move |out, cx, _, e| {
        out.log(format!("{n} close {e}"));
        if !e {
            return;
        }
        if n == 2 {
            server.listen(cx, ("127.0.0.77", port));
            server.once_listening(cx, |out, _, _| out.log("listening"));
        }
        let tries = tries.clone();
        cx.set_timeout(Duration::from_millis(500), move |_, cx| {
            dial(cx, server, port, tries.clone())
        });
    });
    c.connect(cx, ("127.0.0.77", port));
    c.once_connect(cx, move |out, _, _| out.log(format!("{n} callback")));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        s.end_with(cx, "welcome");
        server.close(cx);
    });
    server.on_close(cx, |out, _, _| out.log("server close"));
    let tmp = net::create_server(cx);
    tmp.listen(cx, ("127.0.0.77", 0));
    tmp.once_listening(cx, move |_, cx, tmp| {
        let port = tmp.port(cx);
        tmp.close_then(cx, move |_, cx, _| dial(cx, server, port, Rc::default()));
    });
}
