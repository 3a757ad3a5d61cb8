//! pause() while connecting keeps a socket from reading; but if resume() or a 'data' listener came
//! before it, one read is under way.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.write(cx, "hello");
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let a = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        a.pause(cx);
        a.on_data(cx, |out, _, _, d| {
            out.log(format!("a data \"{}\"", String::from_utf8_lossy(d)))
        });
        let b = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        b.on_data(cx, |out, _, _, d| {
            out.log(format!("b data \"{}\"", String::from_utf8_lossy(d)))
        });
        b.pause(cx);
        cx.set_timeout(Duration::from_millis(400), move |out, cx| {
            let (read, length, paused) = (a.bytes_read(cx), a.readable_length(cx), a.is_paused(cx));
            out.log(format!("a read={read} length={length} paused={paused}"));
            let (read, length, paused) = (b.bytes_read(cx), b.readable_length(cx), b.is_paused(cx));
            out.log(format!("b read={read} length={length} paused={paused}"));
            a.resume(cx);
            cx.set_timeout(Duration::from_millis(200), move |out, cx| {
                out.log("b resumes");
                b.resume(cx);
                cx.set_timeout(Duration::from_millis(200), move |_, cx| {
                    a.destroy(cx);
                    b.destroy(cx);
                    server.close(cx);
                });
            });
        });
    });
}
