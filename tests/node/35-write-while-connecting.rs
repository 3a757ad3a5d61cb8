//! Writes before 'connect' are queued: they count in bytes_written at once, their callbacks run
//! after 'connect' and 'ready', in order.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        let mut got = String::new();
        s.on_event(cx, move |out, cx, s, event| match event {
            net::Event::Data(d) => got += &String::from_utf8_lossy(d),
            net::Event::End => {
                out.log(format!(
                    "server got \"{got}\" bytesRead={}",
                    s.bytes_read(cx)
                ));
                server.close(cx);
            }
            _ => {}
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let counts = |cx: &Context<Trace>, c: net::Socket| {
            format!(
                "bytesWritten={} queued={}",
                c.bytes_written(cx),
                c.writable_length(cx)
            )
        };
        c.on_connect(cx, move |out, cx, c| {
            out.log(format!("connect {}", counts(cx, c)))
        });
        c.on_ready(cx, move |out, cx, c| {
            out.log(format!("ready {}", counts(cx, c)))
        });
        c.on_drain(cx, move |out, cx, c| {
            out.log(format!("drain {}", counts(cx, c)))
        });
        c.on_finish(cx, move |out, cx, c| {
            out.log(format!("finish {}", counts(cx, c)))
        });
        c.on_close(cx, |out, cx, c, _| {
            out.log(format!("close bytesWritten={}", c.bytes_written(cx)));
        });
        let wrote = c.write_then(cx, "a", |out, _, _| out.log("callback a"));
        out.log(format!("write a {wrote}"));
        let wrote = c.write_then(cx, "bcd", |out, _, _| out.log("callback bcd"));
        out.log(format!("write bcd {wrote}"));
        let wrote = c.write_then(cx, "é", |out, _, _| out.log("callback é"));
        out.log(format!("write é {wrote}"));
        let (queued, written) = (c.writable_length(cx), c.bytes_written(cx));
        let connecting = c.connecting(cx);
        out.log(format!(
            "queued={queued} bytesWritten={written} connecting={connecting}"
        ));
        c.end_then(cx, "!", |out, _, _| out.log("end callback"));
        let (queued, written) = (c.writable_length(cx), c.bytes_written(cx));
        out.log(format!(
            "writable={} queued={queued} bytesWritten={written}",
            c.writable(cx)
        ));
    });
}
