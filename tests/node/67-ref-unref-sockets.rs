//! unref() before the connection stands is remembered; ref makes a socket hold the loop again; both
//! return the socket.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.unref(cx);
        s.on_data(cx, |out, cx, s, d| {
            out.log(format!("data {}", String::from_utf8_lossy(d)));
            s.end(cx);
        });
    });
    server.unref(cx);
    let hold = cx.set_timeout(Duration::from_secs(5), |out, _| {
        out.log("hold (must not run)")
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |out, cx, server| {
        let c = net::Socket::new(cx);
        let (unref, re_ref) = (c.unref(cx) == c, c.set_ref(cx, true) == c);
        out.log(format!(
            "unref returns self {unref} ref returns self {re_ref}"
        ));
        c.unref(cx);
        c.connect(cx, ("127.0.0.1", server.port(cx)));
        c.once_connect(cx, move |out, cx, c| {
            out.log("connect");
            c.set_ref(cx, true);
            c.write(cx, "x");
            cx.clear_timer(hold);
        });
        c.on_close(cx, |out, _, _, _| out.log("close: ref held the loop"));
        c.resume(cx);
    });
}
