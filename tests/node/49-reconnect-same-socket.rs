//! connect() may be called again on a closed socket (from its 'close' handler); counters restart
//! per connection.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let mut n = 0;
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        n += 1;
        s.end_with(cx, format!("hello {n}"));
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let port = server.port(cx);
        let c = net::Socket::new(cx);
        c.on_connect(cx, |out, cx, c| {
            out.log(format!("connect bytesRead={}", c.bytes_read(cx)))
        });
        c.on_data(cx, |out, cx, c, d| {
            let d = String::from_utf8_lossy(d);
            out.log(format!("data \"{d}\" bytesRead={}", c.bytes_read(cx)));
        });
        c.on_end(cx, |out, _, _| out.log("end"));
        c.on_error(cx, |out, _, _, e| out.log(format!("error {}", e.code())));
        let mut closes = 0;
        c.on_close(cx, move |out, cx, c, e| {
            let (destroyed, read) = (c.destroyed(cx), c.bytes_read(cx));
            out.log(format!("close {e} destroyed={destroyed} bytesRead={read}"));
            closes += 1;
            if closes < 3 {
                c.connect(cx, ("127.0.0.1", port));
                let number = closes + 1;
                c.once_connect(cx, move |out, _, _| {
                    out.log(format!("callback of connect {number}"))
                });
            } else if closes == 3 {
                server.close_then(cx, move |out, cx, _| {
                    out.log("server closed");
                    c.connect(cx, ("127.0.0.1", port));
                });
            } else {
                out.log(format!("[{}] done", c.ready_state(cx)));
            }
        });
        c.connect(cx, ("127.0.0.1", port));
        c.once_connect(cx, |out, _, _| out.log("callback of connect 1"));
    });
}
