//! The pending queue runs right after poll: a finished shutdown ('finish') and a failed unix
//! connect are told before the immediates of the same iteration.

use std::path::Path;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx).set_allow_half_open(cx, true);
    server.on_connection(cx, |_, cx, s| {
        s.write(cx, "x");
        s.resume(cx).on_end(cx, |_, cx, s| {
            s.end(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.on_close(cx, move |out, cx, _, _| {
            out.log("close");
            server.close(cx);
        });
        c.on_finish(cx, |out, cx, _| {
            out.log("finish");
            cx.next_tick(|out, _| out.log("tick of finish"));
        });
        c.once_data(cx, |out, cx, c, _| {
            out.log("data");
            cx.set_immediate(|out, _| out.log("immediate"));
            cx.next_tick(|out, _| out.log("tick"));
            c.end_then(cx, "", |out, _, _| out.log("end callback"));
            let none = net::create_connection(cx, Path::new("/nonexistent/socket"));
            none.on_error(cx, |out, cx, _, e| {
                out.log(format!("error {}", e.code()));
                cx.next_tick(|out, _| out.log("tick of error"));
            });
            none.on_close(cx, |out, _, _, e| {
                out.log(format!("close of the failed one {e}"));
            });
        });
    });
}
