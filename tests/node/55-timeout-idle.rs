//! 'timeout' only reports idleness: the socket stays open and usable, it fires once per idle
//! period, activity re-arms it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let conn = Rc::new(Cell::new(None::<net::Socket>));
    let count = Rc::new(Cell::new(0));
    let server = net::create_server(cx);
    let accepted = conn.clone();
    server.on_connection(cx, move |_, cx, s| {
        accepted.set(Some(s));
        s.resume(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let (conn, timeouts) = (conn.clone(), count.clone());
        c.once_connect(cx, move |out, cx, c| {
            let same = c.set_timeout(cx, Duration::from_millis(160)) == c;
            out.log(format!(
                "returns self {same} timeout={}",
                c.timeout(cx).as_millis()
            ));
            let (conn, count) = (conn.clone(), timeouts.clone());
            cx.set_timeout(Duration::from_secs(1), move |out, cx| {
                let (timeouts, destroyed) = (count.get(), c.destroyed(cx));
                out.log(format!(
                    "1000ms idle: timeouts={timeouts} destroyed={destroyed}"
                ));
                c.write_then(cx, "wake", |out, _, _| out.log("write callback"));
                let (conn, count) = (conn.clone(), count.clone());
                cx.set_timeout(Duration::from_millis(600), move |out, cx| {
                    out.log(format!("after a write: timeouts={}", count.get()));
                    conn.get().unwrap().write(cx, "incoming");
                    let count = count.clone();
                    cx.set_timeout(Duration::from_millis(600), move |out, cx| {
                        out.log(format!("after incoming data: timeouts={}", count.get()));
                        c.end(cx);
                        server.close(cx);
                    });
                });
            });
        });
        let count = count.clone();
        c.on_timeout(cx, move |out, cx, c| {
            count.set(count.get() + 1);
            let (count, destroyed) = (count.get(), c.destroyed(cx));
            let state = c.ready_state(cx);
            out.log(format!("timeout {count} destroyed={destroyed} [{state}]"));
        });
        c.on_data(cx, |out, _, _, d| {
            out.log(format!("data \"{}\"", String::from_utf8_lossy(d)))
        });
        c.on_close(cx, |out, _, _, e| out.log(format!("close {e}")));
    });
}
