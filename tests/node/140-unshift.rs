//! unshift() puts bytes back in front; what was put back while paused comes first after resume(),
//! and holds 'end' back.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.end_with(cx, "abcdef");
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let mut n = 0;
        c.on_data(cx, move |out, cx, c, d| {
            let (text, length) = (String::from_utf8_lossy(d), c.readable_length(cx));
            out.log(format!("data \"{text}\" length={length}"));
            n += 1;
            if n > 1 {
                return;
            }
            c.pause(cx);
            c.unshift(cx, &d[3..]);
            c.unshift(cx, b"12");
            c.unshift(cx, b"");
            let (length, read) = (c.readable_length(cx), c.bytes_read(cx));
            out.log(format!("unshifted length={length} bytesRead={read}"));
            cx.set_timeout(Duration::from_millis(200), move |out, cx| {
                let (length, ended) = (c.readable_length(cx), c.readable_ended(cx));
                out.log(format!("later length={length} ended={ended}"));
                c.resume(cx);
                c.unshift(cx, b"0");
                out.log(format!("resumed length={}", c.readable_length(cx)));
                cx.next_tick(|out, _| out.log("tick"));
            });
        });
        c.on_end(cx, |out, cx, c| {
            out.log("end");
            c.unshift(cx, b"late");
            out.log(format!("destroyed={}", c.destroyed(cx)));
        });
        c.on_error(cx, |out, _, _, e| out.log(format!("error {}", e.code())));
        c.on_close(cx, move |out, cx, _, e| {
            out.log(format!("close {e}"));
            server.close(cx);
        });
    });
}
