//! cork() batches writes into one writev: the peer sees one chunk; cork nests; end() uncorks fully.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        s.on_data(cx, |out, cx, s, d| {
            out.log(format!("server data \"{}\"", String::from_utf8_lossy(d)));
            s.write(cx, "k");
        });
        s.on_end(cx, move |out, cx, _| {
            out.log("server end");
            server.close(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let mut step = 0;
        c.on_data(cx, move |out, cx, c, _| {
            step += 1;
            if step == 1 {
                c.cork(cx);
                c.cork(cx);
                c.write(cx, "nested");
                c.write_then(cx, "-cork", |out, _, _| out.log("callback nested"));
                c.uncork(cx);
                let (corked, queued) = (c.writable_corked(cx), c.writable_length(cx));
                out.log(format!("after one uncork corked={corked} queued={queued}"));
                cx.set_timeout(Duration::from_millis(200), move |out, cx| {
                    out.log("second uncork");
                    c.uncork(cx);
                    out.log(format!("queued={}", c.writable_length(cx)));
                });
            } else if step == 2 {
                c.cork(cx);
                c.write(cx, "end ");
                c.write(cx, "uncorks");
                c.end_with(cx, "!");
                let (corked, queued) = (c.writable_corked(cx), c.writable_length(cx));
                out.log(format!("after end corked={corked} queued={queued}"));
            }
        });
        c.on_connect(cx, |out, cx, c| {
            c.cork(cx);
            c.write(cx, "one ");
            c.write(cx, "two ");
            c.write_then(cx, "three", |out, _, _| out.log("callback three"));
            out.log(format!("corked queued={}", c.writable_length(cx)));
            cx.next_tick(move |out, cx| {
                out.log("tick uncork");
                c.uncork(cx);
            });
        });
    });
}
