//! 3 MiB through an echo server that pipes back: order and totals hold under backpressure in both
//! directions.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let body: Vec<u8> = (0..3 * 1024 * 1024)
        .map(|i| (i * 31 + (i >> 8)) as u8)
        .collect();
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        s.pipe(cx, s);
        s.on_close(cx, move |out, cx, s, e| {
            let (read, written) = (s.bytes_read(cx), s.bytes_written(cx));
            out.lane("server", format!("close {e} read={read} written={written}"));
            server.close(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let (mut got, expected) = (Vec::new(), body.clone());
        c.on_event(cx, move |out, cx, c, event| match event {
            net::Event::Data(d) => got.extend_from_slice(d),
            net::Event::End => {
                let (length, same) = (got.len(), got == expected);
                let (read, written) = (c.bytes_read(cx), c.bytes_written(cx));
                out.lane(
                    "client",
                    format!("end {length} same={same} read={read} written={written}"),
                );
            }
            _ => {}
        });
        c.write(cx, &body[..1_000_000]);
        c.write(cx, &body[1_000_000..1_000_001]);
        c.end_with(cx, &body[1_000_001..]);
    });
}
