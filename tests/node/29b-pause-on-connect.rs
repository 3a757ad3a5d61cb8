//! pause_on_connect: nothing is read of an accepted socket, not even its end, until resume().

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx).set_pause_on_connect(cx, true);
    server.on_connection(cx, move |out, cx, s| {
        let flowing = s.readable_flowing(cx).unwrap();
        out.log(format!(
            "connection paused={} flowing={flowing}",
            s.is_paused(cx)
        ));
        s.on_data(cx, |out, cx, s, d| {
            let d = String::from_utf8_lossy(d);
            out.log(format!("data {d} bytesRead={}", s.bytes_read(cx)));
        });
        s.on_end(cx, |out, _, _| out.log("end"));
        s.on_close(cx, move |out, cx, _, _| {
            out.log("close");
            server.close(cx);
        });
        cx.set_timeout(Duration::from_millis(500), move |out, cx| {
            let (read, state) = (s.bytes_read(cx), s.ready_state(cx));
            out.log(format!("resume bytesRead={read} [{state}]"));
            s.resume(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.resume(cx).end_with(cx, "hello");
    });
}
