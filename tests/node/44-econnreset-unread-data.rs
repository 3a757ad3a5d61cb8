//! Destroying a socket that still has unread received bytes makes the kernel send RST: the peer
//! gets ECONNRESET, not 'end'.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.set_pause_on_connect(cx, true);
    server.on_connection(cx, move |_, cx, s| {
        cx.set_timeout(Duration::from_millis(400), move |_, cx| {
            s.destroy(cx);
        });
        server.close(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.on_connect(cx, |out, cx, c| {
            out.log("connect");
            c.write_then(cx, "never read", |out, _, _| out.log("write callback"));
        });
        c.on_data(cx, |out, _, _, _| out.log("data (must not run)"));
        c.on_end(cx, |out, _, _| out.log("end (must not run)"));
        c.on_error(cx, |out, _, _, e| {
            let (code, syscall) = (e.code(), e.syscall().unwrap());
            let errno = e.errno().unwrap();
            out.log(format!("error {code} {syscall} errno={errno} \"{e}\""));
        });
        c.on_close(cx, |out, cx, c, e| {
            let (destroyed, errored) = (c.destroyed(cx), c.errored(cx).unwrap().code());
            out.log(format!("close {e} destroyed={destroyed} errored={errored}"));
        });
    });
}
