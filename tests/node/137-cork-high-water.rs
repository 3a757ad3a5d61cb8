//! Corked writes above the high-water mark answer false; uncork() sends them as one, 'drain' is a
//! tick and comes before the callbacks.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        s.on_data(cx, |out, _, _, d| {
            out.log(format!("server data {}", d.len()))
        });
        s.on_end(cx, move |_, cx, _| {
            server.close(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| {
        let to = net::ConnectOptions::new(("127.0.0.1", server.port(cx)));
        let c = net::create_connection(cx, to.high_water_mark(10));
        c.on_ready(cx, |out, _, _| out.log("ready"));
        c.on_finish(cx, |out, _, _| out.log("finish"));
        c.on_drain(cx, |out, cx, c| {
            let (queued, need_drain) = (c.writable_length(cx), c.writable_need_drain(cx));
            out.log(format!("drain queued={queued} needDrain={need_drain}"));
        });
        c.on_close(cx, |out, _, _, e| out.log(format!("close {e}")));
        c.on_connect(cx, |out, cx, c| {
            out.log("connect");
            cx.set_immediate(move |out, cx| {
                c.cork(cx);
                let a = c.write_then(cx, "aaaa", |out, _, _| out.log("callback a"));
                let b = c.write_then(cx, "bbbb", |out, _, _| out.log("callback b"));
                let c2 = c.write_then(cx, "cc", |out, _, _| out.log("callback c"));
                let d = c.write_then(cx, "", |out, _, _| out.log("callback d"));
                out.log(format!("a {a} b {b} c {c2} d {d}"));
                let (corked, queued) = (c.writable_corked(cx), c.writable_length(cx));
                let (need_drain, written) = (c.writable_need_drain(cx), c.bytes_written(cx));
                out.log(format!(
                    "corked={corked} queued={queued} needDrain={need_drain} bytesWritten={written}"
                ));
                c.uncork(cx);
                c.uncork(cx);
                let (corked, queued) = (c.writable_corked(cx), c.writable_length(cx));
                let need_drain = c.writable_need_drain(cx);
                out.log(format!(
                    "corked={corked} queued={queued} needDrain={need_drain}"
                ));
                let e = c.write_then(cx, "eeee", |out, _, _| out.log("callback e"));
                out.log(format!("e {e}"));
                cx.next_tick(|out, _| out.log("tick"));
                cx.set_timeout(Duration::from_millis(200), move |out, cx| {
                    c.cork(cx);
                    c.write(cx, "corked ");
                    c.end_then(cx, "end", |out, _, _| out.log("end callback"));
                    let (corked, queued) = (c.writable_corked(cx), c.writable_length(cx));
                    out.log(format!("corked={corked} queued={queued}"));
                });
            });
        });
        c.cork(cx);
        let early = c.write_then(cx, "early", |out, _, _| out.log("callback early"));
        out.log(format!("early {early} corked={}", c.writable_corked(cx)));
        let early = c.write_then(cx, "early 2", |out, _, _| out.log("callback early 2"));
        out.log(format!("early 2 {early} queued={}", c.writable_length(cx)));
        c.uncork(cx);
        out.log(format!("uncorked queued={}", c.writable_length(cx)));
    });
}
