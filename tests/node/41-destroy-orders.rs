//! destroy(): no 'end'; destroy(err): 'error' (tick) then 'close' true (close phase); both at most
//! once; peer just sees 'end'.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn run(
    cx: &mut Context<Trace>,
    server: net::Server,
    l: &'static str,
    err: Option<net::Error>,
    next: impl Fn(&mut Context<Trace>) + Clone + 'static,
) {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    c.on_end(cx, move |out, _, _| out.lane(l, "end"));
    c.on_finish(cx, move |out, _, _| out.lane(l, "finish"));
    c.on_error(cx, move |out, _, _, e| out.lane(l, format!("error {e}")));
    c.on_close(cx, move |out, cx, _, e| {
        out.lane(l, format!("close {e}"));
        let next = next.clone();
        cx.set_timeout(Duration::from_millis(200), move |_, cx| next(cx));
    });
    c.on_connect(cx, move |out, cx, c| {
        let same = match err.clone() {
            Some(err) => c.destroy_with_error(cx, err) == c,
            None => c.destroy(cx) == c,
        };
        let (destroyed, readable, writable) = (c.destroyed(cx), c.readable(cx), c.writable(cx));
        out.lane(
            l,
            format!(
                "returns self {same} destroyed={destroyed} readable={readable} writable={writable}"
            ),
        );
        c.destroy_with_error(cx, net::Error::new("second, ignored"));
        let wrote = c.write_then(cx, "x", move |out, _, e| {
            out.lane(l, format!("write callback {}", e.unwrap().code()))
        });
        out.lane(l, format!("write {wrote}"));
        cx.next_tick(move |out, _| out.lane(l, "tick"));
        cx.set_immediate(move |out, _| out.lane(l, "immediate"));
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.resume(cx);
        s.on_end(cx, |out, _, _| out.lane("peer", "end"));
        s.on_finish(cx, |out, _, _| out.lane("peer", "finish"));
        s.on_close(cx, |out, _, _, e| out.lane("peer", format!("close {e}")));
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        run(cx, server, "plain", None, move |cx| {
            run(
                cx,
                server,
                "witherr",
                Some(net::Error::new("boom")),
                move |cx| {
                    server.close(cx);
                },
            );
        });
    });
}
