//! pause_on_connect reads nothing until resume(). pause() in 'data' holds later 'data'; it holds
//! 'end' only while bytes are buffered.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let client = Rc::new(Cell::new(None::<net::Socket>));
    let server = net::create_server(cx);
    server.set_pause_on_connect(cx, true);
    let dialled = Rc::clone(&client);
    server.on_connection(cx, move |out, cx, s| {
        out.log(format!("connection paused={}", s.is_paused(cx)));
        let client = Rc::clone(&dialled);
        s.on_data(cx, move |out, cx, s, d| {
            out.log(format!("data \"{}\"", String::from_utf8_lossy(d)));
            s.pause(cx);
            if d == b"one" {
                client.get().unwrap().end_with(cx, "two");
                cx.set_timeout(Duration::from_millis(400), move |out, cx| {
                    let (buffered, paused) = (s.readable_length(cx), s.is_paused(cx));
                    let ended = s.readable_ended(cx);
                    out.log(format!("buffered {buffered} paused={paused} ended={ended}"));
                    s.resume(cx);
                    out.log("second resume called");
                });
            } else {
                cx.set_timeout(Duration::from_millis(200), |out, _| {
                    out.log("never resumed again")
                });
            }
        });
        s.on_end(cx, |out, cx, s| {
            out.log(format!("end paused={}", s.is_paused(cx)))
        });
        s.on_close(cx, move |out, cx, _, _| {
            out.log("close");
            server.close(cx);
        });
        cx.set_timeout(Duration::from_millis(300), move |out, cx| {
            out.log(format!("before resume bytesRead={}", s.bytes_read(cx)));
            s.resume(cx);
            out.log("first resume called");
            cx.next_tick(|out, _| out.log("tick"));
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        client.set(Some(c));
        c.write(cx, "one");
    });
}
