//! A write while connecting goes out as a 'connect' listener of its own: listeners added before it
//! run before its callback, those added after it after. The same with 'close'.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.resume(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.on_connect(cx, |out, cx, c| {
            out.log(format!("connect 1 queued={}", c.writable_length(cx)))
        });
        c.write_then(cx, "a", |out, _, _| out.log("callback a"));
        c.on_connect(cx, |out, cx, c| {
            out.log(format!("connect 2 queued={}", c.writable_length(cx)))
        });
        c.write_then(cx, "b", |out, _, _| out.log("callback b"));
        c.on_connect(cx, |out, cx, c| {
            out.log("connect 3");
            c.end_then(cx, "", |out, _, _| out.log("end callback"));
        });
        c.on_ready(cx, |out, _, _| out.log("ready"));
        c.on_finish(cx, |out, _, _| out.log("finish"));
        c.on_close(cx, move |out, cx, _, e| {
            out.log(format!("close {e}"));
            let d = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
            d.on_close(cx, |out, cx, d, e| {
                let (queued, written) = (d.writable_length(cx), d.bytes_written(cx));
                out.log(format!(
                    "close 1 {e} queued={queued} bytesWritten={written}"
                ));
            });
            d.write_then(cx, "a", |out, _, e| {
                out.log(format!("callback a {}", e.unwrap().code()))
            });
            d.on_close(cx, move |out, cx, d, e| {
                out.log(format!("close 2 {e} queued={}", d.writable_length(cx)));
                server.close(cx);
            });
            d.write_then(cx, "b", |out, _, e| {
                out.log(format!("callback b {}", e.unwrap().code()))
            });
            d.end_then(cx, "", |out, _, e| {
                out.log(format!("end callback {}", e.unwrap().code()))
            });
            cx.next_tick(move |out, cx| {
                d.destroy(cx);
                out.log("destroyed");
                cx.next_tick(|out, _| out.log("tick"));
            });
        });
    });
}
