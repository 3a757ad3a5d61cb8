//! 'error' of destroy(error) is a tick, 'close' comes in the close phase: after the immediates of
//! that turn; seen from main, a timer, an immediate and I/O.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn die(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    n: &'static str,
    c: net::Socket,
    next: impl Fn(&mut Trace, &mut Context<Trace>) + Clone + 'static,
) {
    c.on_error(cx, move |out, cx, _, e| {
        out.log(format!("{n} error {e}"));
        cx.next_tick(move |out, _| out.log(format!("{n} tick in error")));
        cx.set_immediate(move |out, _| out.log(format!("{n} immediate in error")));
    });
    c.on_close(cx, move |out, cx, _, e| {
        out.log(format!("{n} close {e}"));
        let next = next.clone();
        cx.set_timeout(Duration::from_millis(100), move |out, cx| next(out, cx));
    });
    cx.next_tick(move |out, _| out.log(format!("{n} tick before")));
    cx.set_immediate(move |out, _| out.log(format!("{n} immediate")));
    c.destroy_with_error(cx, net::Error::new("boom"));
    cx.next_tick(move |out, _| out.log(format!("{n} tick after")));
    let (destroyed, errored) = (c.destroyed(cx), c.errored(cx).unwrap().to_string());
    let state = c.ready_state(cx);
    out.log(format!(
        "{n} destroyed={destroyed} errored={errored} [{state}]"
    ));
}

fn run(out: &mut Trace, cx: &mut Context<Trace>, server: net::Server, step: u8) {
    let c = match step {
        1..=4 => net::create_connection(cx, ("127.0.0.1", server.port(cx))),
        _ => {
            server.close(cx);
            return;
        }
    };
    let next = move |out: &mut Trace, cx: &mut Context<Trace>| run(out, cx, server, step + 1);
    match step {
        1 => {
            c.on_data(cx, move |out, cx, c, _| die(out, cx, "io", c, next));
        }
        2 => {
            c.on_connect(cx, move |_, cx, c| {
                cx.set_timeout(Duration::from_millis(200), move |out, cx| {
                    die(out, cx, "timer", c, next)
                });
            });
        }
        3 => {
            c.on_connect(cx, move |_, cx, c| {
                cx.set_immediate(move |out, cx| die(out, cx, "immediate", c, next));
            });
        }
        _ => die(out, cx, "connecting", c, next),
    }
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.write(cx, "x");
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| run(out, cx, server, 1));
}
