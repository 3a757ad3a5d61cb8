//! Data and FIN that come together: a socket that has ended its own side gets 'data' and 'end' in
//! one callback; one that has not, in two turns.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn run(
    cx: &mut Context<Trace>,
    server: net::Server,
    n: &'static str,
    half: bool,
    next: impl Fn(&mut Context<Trace>) + 'static,
) {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    c.on_data(cx, move |out, cx, _, d| {
        out.log(format!("{n} data \"{}\"", String::from_utf8_lossy(d)));
        cx.next_tick(move |out, _| out.log(format!("{n} tick")));
        cx.set_immediate(move |out, _| out.log(format!("{n} immediate")));
    });
    c.on_end(cx, move |out, _, _| out.log(format!("{n} end")));
    c.on_finish(cx, move |out, _, _| out.log(format!("{n} finish")));
    c.on_close(cx, move |out, cx, _, e| {
        out.log(format!("{n} close {e}"));
        next(cx);
    });
    if half {
        c.end_with(cx, "question");
    }
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let half = Rc::new(Cell::new(true));
    let is_half = Rc::clone(&half);
    let server = net::create_server(cx);
    server.set_allow_half_open(cx, true);
    server.on_connection(cx, move |_, cx, s| {
        s.resume(cx);
        if is_half.get() {
            s.on_end(cx, |_, cx, s| {
                s.end_with(cx, "answer");
            });
        } else {
            s.end_with(cx, "greeting");
        }
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, server| {
        let half = Rc::clone(&half);
        run(cx, server, "ended", true, move |cx| {
            half.set(false);
            cx.set_timeout(Duration::from_millis(200), move |_, cx| {
                run(cx, server, "open", false, move |cx| {
                    server.close(cx);
                });
            });
        });
    });
}
