//! destroy() before connect, while connecting, and twice; what pending write and end callbacks are
//! told.

use loopchat::{Context, net};

use crate::{Trace, code_or_message};

fn watch(
    n: &'static str,
    cx: &mut Context<Trace>,
    s: net::Socket,
    next: impl Fn(&mut Trace, &mut Context<Trace>) + 'static,
) {
    s.on_lookup(cx, move |out, _, _, _, _| out.log(format!("{n} lookup")));
    s.on_connect(cx, move |out, _, _| out.log(format!("{n} connect")));
    s.on_ready(cx, move |out, _, _| out.log(format!("{n} ready")));
    s.on_end(cx, move |out, _, _| out.log(format!("{n} end")));
    s.on_finish(cx, move |out, _, _| out.log(format!("{n} finish")));
    s.on_drain(cx, move |out, _, _| out.log(format!("{n} drain")));
    s.on_error(cx, move |out, _, _, e| out.log(format!("{n} error {e}")));
    s.on_close(cx, move |out, cx, s, e| {
        out.log(format!("{n} close {e} [{}]", s.ready_state(cx)));
        next(out, cx);
    });
    cx.next_tick(move |out, _| out.log(format!("{n} tick")));
    cx.set_immediate(move |out, _| out.log(format!("{n} immediate")));
}

fn never(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    next: impl Fn(&mut Trace, &mut Context<Trace>) + 'static,
) {
    let s = net::Socket::new(cx);
    watch("never", cx, s, next);
    let (pending, state) = (s.pending(cx), s.ready_state(cx));
    out.log(format!("never pending={pending} [{state}]"));
    s.destroy(cx);
    let (destroyed, state, pending) = (s.destroyed(cx), s.ready_state(cx), s.pending(cx));
    out.log(format!(
        "never destroyed={destroyed} [{state}] pending={pending}"
    ));
}

fn failed(cx: &mut Context<Trace>, next: impl Fn(&mut Trace, &mut Context<Trace>) + 'static) {
    let s = net::Socket::new(cx);
    watch("failed", cx, s, next);
    s.destroy_with_error(cx, net::Error::new("early"));
}

fn dialling(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    server: net::Server,
    n: &'static str,
    err: Option<net::Error>,
    next: impl Fn(&mut Trace, &mut Context<Trace>) + 'static,
) {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    c.write_then(cx, "a", move |out, _, e| {
        out.log(format!("{n} callback a {}", code_or_message(e.unwrap())))
    });
    c.write_then(cx, "b", move |out, _, e| {
        out.log(format!("{n} callback b {}", code_or_message(e.unwrap())))
    });
    c.end_then(cx, "", move |out, _, e| {
        out.log(format!("{n} end callback {}", code_or_message(e.unwrap())))
    });
    watch(n, cx, c, next);
    let (state, written) = (c.ready_state(cx), c.bytes_written(cx));
    out.log(format!("{n} [{state}] bytesWritten={written}"));
    match err {
        Some(err) => c.destroy_with_error(cx, err),
        None => c.destroy(cx),
    };
    c.destroy_with_error(cx, net::Error::new("second"));
    let (connecting, pending, state) = (c.connecting(cx), c.pending(cx), c.ready_state(cx));
    out.log(format!(
        "{n} connecting={connecting} pending={pending} [{state}]"
    ));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| {
        never(out, cx, move |_, cx| {
            failed(cx, move |out, cx| {
                dialling(out, cx, server, "plain", None, move |out, cx| {
                    let boom = net::Error::new("boom");
                    dialling(out, cx, server, "witherr", Some(boom), move |_, cx| {
                        server.close(cx);
                    });
                });
            });
        });
    });
}
