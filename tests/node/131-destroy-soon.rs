//! destroy_soon(): ends, and destroys at 'finish' without waiting for the peer's end; a second one
//! and a finished one destroy at once.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

type Go = fn(&mut Trace, &mut Context<Trace>, &'static str, net::Socket);

fn run(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    server: net::Server,
    l: &'static str,
    go: Go,
    next: impl Fn(&mut Trace, &mut Context<Trace>) + Clone + 'static,
) {
    let to = net::ConnectOptions::new(("127.0.0.1", server.port(cx)));
    let c = net::create_connection(cx, to.allow_half_open(true));
    c.on_connect(cx, move |out, _, _| out.lane(l, "connect"));
    c.on_ready(cx, move |out, _, _| out.lane(l, "ready"));
    c.on_end(cx, move |out, _, _| out.lane(l, "end"));
    c.on_close(cx, move |out, cx, _, e| {
        out.lane(l, format!("close {e}"));
        let next = next.clone();
        cx.set_timeout(Duration::from_millis(200), move |out, cx| next(out, cx));
    });
    go(out, cx, l, c);
    c.on_finish(cx, move |out, cx, c| {
        out.lane(l, format!("finish destroyed={}", c.destroyed(cx)))
    });
}

fn soon(out: &mut Trace, cx: &mut Context<Trace>, l: &'static str, c: net::Socket) {
    c.destroy_soon(cx);
    let (destroyed, writable) = (c.destroyed(cx), c.writable(cx));
    let (ended, state) = (c.writable_ended(cx), c.ready_state(cx));
    out.lane(
        l,
        format!("destroySoon: destroyed={destroyed} writable={writable} ended={ended} [{state}]"),
    );
    cx.next_tick(move |out, _| out.lane(l, "tick"));
    cx.set_immediate(move |out, _| out.lane(l, "immediate"));
}

fn queued(_: &mut Trace, cx: &mut Context<Trace>, l: &'static str, c: net::Socket) {
    c.on_connect(cx, move |out, cx, c| {
        c.write_then(cx, "que", move |out, _, _| out.lane(l, "callback"));
        c.cork(cx);
        c.write(cx, "ued");
        soon(out, cx, l, c);
    });
}

fn empty(_: &mut Trace, cx: &mut Context<Trace>, l: &'static str, c: net::Socket) {
    c.on_connect(cx, move |out, cx, c| soon(out, cx, l, c));
}

fn finished(_: &mut Trace, cx: &mut Context<Trace>, l: &'static str, c: net::Socket) {
    c.on_connect(cx, move |_, cx, c| {
        c.end_with(cx, "fin");
        c.on_finish(cx, move |out, cx, c| soon(out, cx, l, c));
    });
}

fn connecting(out: &mut Trace, cx: &mut Context<Trace>, l: &'static str, c: net::Socket) {
    c.write_then(cx, "early", move |out, _, _| out.lane(l, "callback"));
    soon(out, cx, l, c);
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.set_allow_half_open(cx, true);
    server.on_connection(cx, |_, cx, s| {
        let mut got = String::new();
        s.on_event(cx, move |out, cx, s, event| match event {
            net::Event::Data(d) => got += &String::from_utf8_lossy(d),
            net::Event::End => {
                out.lane("peer", format!("end got \"{got}\""));
                s.end(cx);
            }
            _ => {}
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| {
        run(out, cx, server, "queued", queued, move |out, cx| {
            run(out, cx, server, "empty", empty, move |out, cx| {
                run(out, cx, server, "finished", finished, move |out, cx| {
                    run(out, cx, server, "connecting", connecting, move |_, cx| {
                        server.close(cx);
                    });
                });
            });
        });
    });
}
