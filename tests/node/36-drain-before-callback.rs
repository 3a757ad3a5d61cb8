//! 'drain' comes before the callback of the write that caused it, and does not come once end() was
//! called.

use loopchat::{Context, net};

use crate::Trace;

static CHUNK: [u8; 20000] = [0; 20000];

fn run(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    server: net::Server,
    name: &'static str,
    ending: bool,
    next: impl Fn(&mut Trace, &mut Context<Trace>) + 'static,
) {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    c.on_connect(cx, move |out, cx, c| {
        out.log(format!("{name} connect queued={}", c.writable_length(cx)))
    });
    c.on_ready(cx, move |out, cx, c| {
        out.log(format!("{name} ready queued={}", c.writable_length(cx)))
    });
    c.on_drain(cx, move |out, cx, c| {
        let (queued, need_drain) = (c.writable_length(cx), c.writable_need_drain(cx));
        out.log(format!(
            "{name} drain queued={queued} needDrain={need_drain}"
        ));
        cx.set_immediate(move |_, cx| {
            c.end(cx);
        });
    });
    c.on_finish(cx, move |out, _, _| out.log(format!("{name} finish")));
    c.on_close(cx, move |out, cx, _, _| {
        out.log(format!("{name} close"));
        next(out, cx);
    });
    let wrote = c.write_then(cx, CHUNK, move |out, _, _| {
        out.log(format!("{name} callback 1"))
    });
    out.log(format!(
        "{name} write 1 {wrote} queued={}",
        c.writable_length(cx)
    ));
    let wrote = c.write_then(cx, "x", move |out, _, _| {
        out.log(format!("{name} callback 2"))
    });
    out.log(format!(
        "{name} write 2 {wrote} queued={}",
        c.writable_length(cx)
    ));
    out.log(format!("{name} needDrain={}", c.writable_need_drain(cx)));
    if ending {
        c.end_then(cx, "", move |out, _, _| {
            out.log(format!("{name} end callback"))
        });
        out.log(format!("{name} needDrain={}", c.writable_need_drain(cx)));
    }
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.resume(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| {
        run(out, cx, server, "open", false, move |out, cx| {
            run(out, cx, server, "ended", true, move |_, cx| {
                server.close(cx);
            });
        });
    });
}
