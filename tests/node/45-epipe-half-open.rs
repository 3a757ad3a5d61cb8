//! Half-open client, peer gone for good: the first write still succeeds, the next fails: callback
//! error, 'error' EPIPE (write), 'close' true.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        s.destroy(cx);
        server.close(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let to = net::ConnectOptions::new(("127.0.0.1", server.port(cx)));
        let c = net::create_connection(cx, to.allow_half_open(true));
        c.resume(cx);
        c.on_end(cx, |out, cx, c| {
            out.log(format!("end [{}]", c.ready_state(cx)));
            let wrote = c.write_then(cx, "a", |out, _, e| {
                out.log(format!(
                    "first callback {}",
                    e.map_or("null".into(), |e| e.to_string())
                ))
            });
            out.log(format!("first write {wrote}"));
            cx.set_timeout(Duration::from_millis(400), move |out, cx| {
                out.log(format!("40ms later destroyed={}", c.destroyed(cx)));
                let wrote = c.write_then(cx, "b", |out, _, e| {
                    let e = e.unwrap();
                    let (code, syscall) = (e.code(), e.syscall().unwrap());
                    out.log(format!("second callback {code} {syscall}"));
                });
                let destroyed = c.destroyed(cx);
                out.log(format!("second write {wrote} destroyed={destroyed}"));
                cx.next_tick(|out, _| out.log("tick"));
            });
        });
        c.on_error(cx, |out, _, _, e| {
            let (code, syscall) = (e.code(), e.syscall().unwrap());
            out.log(format!("error {code} {syscall} \"{e}\""));
        });
        c.on_close(cx, |out, _, _, e| out.log(format!("close {e}")));
    });
}
