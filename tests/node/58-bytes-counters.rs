//! bytes_read / bytes_written per direction: during, at 'end' and after 'close' (they survive
//! destroy).

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let counts = |cx: &Context<Trace>, s: net::Socket| {
        let (read, written) = (s.bytes_read(cx), s.bytes_written(cx));
        format!("read={read} written={written}")
    };
    let server = net::create_server(cx);
    server.on_connection(cx, move |out, cx, s| {
        out.lane("server", format!("connection {}", counts(cx, s)));
        s.on_data(cx, move |out, cx, s, d| {
            out.lane("server", format!("data {} {}", d.len(), counts(cx, s)));
            s.write_then(cx, "12345", move |out, cx, _| {
                out.lane("server", format!("written={}", s.bytes_written(cx)));
            });
        });
        s.on_end(cx, move |out, cx, s| {
            out.lane("server", format!("end {}", counts(cx, s)));
        });
        s.on_close(cx, move |out, cx, s, _| {
            out.lane("server", format!("close {}", counts(cx, s)));
            server.close(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |out, cx, server| {
        let c = net::Socket::new(cx);
        out.lane("client", format!("new {}", counts(cx, c)));
        c.connect(cx, ("127.0.0.1", server.port(cx)));
        c.write(cx, "abc");
        out.lane("client", format!("queued {}", counts(cx, c)));
        let mut rounds = 0;
        c.on_data(cx, move |out, cx, c, d| {
            out.lane("client", format!("data {} {}", d.len(), counts(cx, c)));
            rounds += 1;
            if rounds == 1 {
                c.write(cx, "é");
            } else if rounds == 2 {
                c.end_with(cx, "zz");
            }
            out.lane(
                "client",
                format!("after write written={}", c.bytes_written(cx)),
            );
        });
        c.on_end(cx, |out, cx, c| {
            out.lane("client", format!("end read={}", c.bytes_read(cx)));
        });
        c.on_close(cx, move |out, cx, c, _| {
            out.lane("client", format!("close {}", counts(cx, c)));
        });
    });
}
