//! readable_flowing: null, true with a 'data' listener or resume(), false after pause(); a listener
//! does not undo a pause().

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn state(cx: &Context<Trace>, c: net::Socket) -> String {
    let flowing = c.readable_flowing(cx);
    let flowing = flowing.map_or("null".into(), |flowing| flowing.to_string());
    format!("flowing={flowing} paused={}", c.is_paused(cx))
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.end_with(cx, "bye");
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| {
        let a = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        out.log(format!("new {}", state(cx, a)));
        a.pause(cx);
        out.log(format!("pause {}", state(cx, a)));
        a.on_data(cx, |out, cx, a, d| {
            let d = String::from_utf8_lossy(d);
            out.log(format!("a data \"{d}\" {}", state(cx, a)));
        });
        out.log(format!("listener {}", state(cx, a)));
        a.resume(cx);
        out.log(format!("resume {}", state(cx, a)));
        a.pause(cx);
        out.log(format!("pause {}", state(cx, a)));
        a.on_end(cx, |out, cx, a| out.log(format!("a end {}", state(cx, a))));
        a.on_close(cx, move |out, cx, a, _| {
            out.log(format!("a close {}", state(cx, a)));
            let b = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
            b.once_data(cx, |out, cx, b, d| {
                let d = String::from_utf8_lossy(d);
                out.log(format!("b data \"{d}\" {}", state(cx, b)));
            });
            out.log(format!("once {}", state(cx, b)));
            b.on_end(cx, move |out, cx, b| {
                out.log(format!("b end {}", state(cx, b)));
                server.close(cx);
            });
        });
        cx.set_timeout(Duration::from_millis(300), move |out, cx| {
            let (length, read) = (a.readable_length(cx), a.bytes_read(cx));
            out.log(format!(
                "later {} length={length} read={read}",
                state(cx, a)
            ));
            a.resume(cx);
        });
    });
}
