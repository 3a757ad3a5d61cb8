//! A socket destroyed while its name is looked up: 'lookup' is still emitted, after 'close', when a
//! single family was asked; in the all-addresses mode it is not. Nothing is connected either way.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

type Options = net::ConnectOptions<Trace>;

fn dial(
    cx: &mut Context<Trace>,
    name: &'static str,
    opts: Options,
    next: impl FnOnce(&mut Trace, &mut Context<Trace>) + 'static,
) {
    let answer = Rc::new(Cell::new(None::<net::LookupRequest>));
    let asked = answer.clone();
    let c = net::create_connection(
        cx,
        opts.lookup(move |_, _, request| asked.set(Some(request))),
    );
    c.on_lookup(cx, move |out, cx, c, found, _| {
        let (ip, destroyed, connecting) = (found.unwrap(), c.destroyed(cx), c.connecting(cx));
        out.log(format!(
            "{name} lookup null {ip} destroyed={destroyed} connecting={connecting}"
        ));
    });
    c.on_connection_attempt(cx, move |out, _, _, _| {
        out.log(format!("{name} connectionAttempt"))
    });
    c.on_connect(cx, move |out, _, _| out.log(format!("{name} connect")));
    c.on_ready(cx, move |out, _, _| out.log(format!("{name} ready")));
    c.on_end(cx, move |out, _, _| out.log(format!("{name} end")));
    c.on_error(cx, move |out, _, _, _| out.log(format!("{name} error")));
    let mut next = Some(next);
    c.on_close(cx, move |out, cx, c, e| {
        out.log(format!("{name} close {e} [{}]", c.ready_state(cx)));
        let (answer, mut next) = (answer.clone(), next.take());
        cx.set_timeout(Duration::from_millis(100), move |out, cx| {
            out.log(format!("{name} answer"));
            let request = answer.take().unwrap();
            request.answer(cx, Ok(vec!["127.0.0.1".parse().unwrap()]));
            let mut next = next.take();
            cx.set_timeout(Duration::from_millis(100), move |out, cx| {
                next.take().unwrap()(out, cx)
            });
        });
    });
    c.write_then(cx, "never sent", move |out, _, e| {
        out.log(format!("{name} write callback {}", e.unwrap().code()));
    });
    cx.set_timeout(Duration::from_millis(50), move |out, cx| {
        c.destroy(cx);
        out.log(format!("{name} destroyed connecting={}", c.connecting(cx)));
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let one = Options::new(("slow.example", 9)).family(4);
    dial(cx, "one", one, |_, cx| {
        let all = Options::new(("slow.example", 9));
        dial(cx, "all", all, |out, _| out.log("done"));
    });
}
