//! bytes_read and bytes_written are kept through destroy() and close, and begin anew when the same
//! socket connects again.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn show(out: &mut Trace, cx: &Context<Trace>, c: net::Socket, name: &str) {
    let (read, written) = (c.bytes_read(cx), c.bytes_written(cx));
    out.log(format!("{name} read={read} written={written}"));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.on_data(cx, |_, cx, s, d| {
            s.write(cx, d);
        });
        s.on_error(cx, |_, _, _, _| {});
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| {
        let port = server.port(cx);
        let c = net::Socket::new(cx);
        let mut round = 0;
        c.on_connect(cx, |out, cx, c| {
            show(out, cx, c, "connect");
            c.write(cx, "hello");
            show(out, cx, c, "wrote");
        });
        c.on_data(cx, |out, cx, c, _| {
            show(out, cx, c, "data");
            c.destroy(cx);
            show(out, cx, c, "destroyed");
            let wrote = c.write_then(cx, "lost", |out, _, e| {
                out.log(format!("write callback {}", e.unwrap().code()))
            });
            out.log(format!("write {wrote}"));
            show(out, cx, c, "refused");
        });
        c.on_close(cx, move |out, cx, c, e| {
            show(out, cx, c, &format!("close {e}"));
            round += 1;
            if round == 2 {
                server.close(cx);
                return;
            }
            cx.set_timeout(Duration::from_millis(100), move |out, cx| {
                c.connect(cx, ("127.0.0.1", port));
                show(out, cx, c, "connecting again");
                c.write(cx, "ab");
                show(out, cx, c, "queued");
            });
        });
        c.connect(cx, ("127.0.0.1", port));
        show(out, cx, c, "connecting");
    });
}
