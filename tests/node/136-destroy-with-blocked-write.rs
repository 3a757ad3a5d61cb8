//! destroy() while a write is blocked: its callback comes without an error in the close phase,
//! those queued behind it after that with one.

use std::cell::RefCell;
use std::rc::Rc;

use loopchat::{Context, net};

use crate::{Trace, code_or_message};

fn run(
    cx: &mut Context<Trace>,
    server: net::Server,
    n: &'static str,
    err: Option<net::Error>,
    next: impl Fn(&mut Context<Trace>) + 'static,
) {
    let big = vec![0; 16 * 1024 * 1024];
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    let told = move |w: &'static str| {
        move |out: &mut Trace, _: &mut Context<Trace>, e: Option<&net::Error>| {
            let e = e.map_or("null".into(), code_or_message);
            out.log(format!("{n} callback {w} {e}"));
        }
    };
    c.on_connect(cx, move |out, cx, c| {
        c.write_then(cx, &big, told("big"));
        c.write_then(cx, "a", told("a"));
        c.write_then(cx, "b", told("b"));
        c.end_then(cx, "", told("end"));
        match err.clone() {
            Some(err) => c.destroy_with_error(cx, err),
            None => c.destroy(cx),
        };
        let (queued, written) = (c.writable_length(cx), c.bytes_written(cx));
        out.log(format!("{n} queued={queued} bytesWritten={written}"));
        cx.next_tick(move |out, cx| out.log(format!("{n} tick queued={}", c.writable_length(cx))));
        cx.set_immediate(move |out, cx| {
            out.log(format!("{n} immediate queued={}", c.writable_length(cx)))
        });
    });
    c.on_drain(cx, move |out, _, _| out.log(format!("{n} drain")));
    c.on_finish(cx, move |out, _, _| out.log(format!("{n} finish")));
    c.on_end(cx, move |out, _, _| out.log(format!("{n} end")));
    c.on_error(cx, move |out, _, _, e| out.log(format!("{n} error {e}")));
    c.on_close(cx, move |out, cx, c, e| {
        let (queued, written) = (c.writable_length(cx), c.bytes_written(cx));
        out.log(format!(
            "{n} close {e} queued={queued} bytesWritten={written}"
        ));
        next(cx);
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let conns = Rc::new(RefCell::new(Vec::new()));
    let accepted = Rc::clone(&conns);
    let server = net::create_server(cx);
    server.set_pause_on_connect(cx, true);
    server.on_connection(cx, move |_, _, s| accepted.borrow_mut().push(s));
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, server| {
        let conns = Rc::clone(&conns);
        run(cx, server, "plain", None, move |cx| {
            let (boom, conns) = (net::Error::new("boom"), Rc::clone(&conns));
            run(cx, server, "witherr", Some(boom), move |cx| {
                server.close(cx);
                for s in conns.borrow().iter() {
                    s.destroy(cx);
                }
            });
        });
    });
}
