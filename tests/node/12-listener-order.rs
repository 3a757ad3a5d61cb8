//! Listeners are called in the order in which they were added, 'on' and 'once' alike; one added
//! while the event is told waits for the next; the same function twice is called twice.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    let twice = |out: &mut Trace, _: &mut Context<Trace>, _| out.log("twice");
    server.on_listening(cx, |out, _, _| out.log("on 1"));
    server.once_listening(cx, |out, cx, server| {
        out.log("once 2");
        server.once_listening(cx, |out, _, _| out.log("added while it was told"));
    });
    server.on_listening(cx, twice);
    server.on_listening(cx, twice);
    server.on_close(cx, |out, _, _| out.log("close"));
    server.listen(cx, 0);
    server.once_listening(cx, |out, _, _| out.log("listen callback"));
    cx.set_immediate(move |_, cx| {
        server.close_then(cx, move |out, cx, _| {
            out.log("close callback");
            server.listen(cx, 0);
            server.once_listening(cx, |_, cx, server| {
                server.close(cx);
            });
        });
    });
}
