//! A write that waits for the connection is sent, or fails, in its place among the listeners:
//! those of 'connect' or 'close' that were added before the write hear of it before the write's
//! callback runs, later ones after.

use loopchat::{Context, net};

use crate::Trace;

fn dial(
    cx: &mut Context<Trace>,
    name: &'static str,
    port: u16,
    mut next: impl FnMut(&mut Context<Trace>) + 'static,
) {
    let c = net::create_connection(cx, ("127.0.0.1", port));
    if name == "destroyed" {
        c.on_connect(cx, |_, cx, c| {
            c.destroy(cx);
        });
    }
    c.on_connect(cx, move |out, cx, c| {
        let queued = c.writable_length(cx);
        out.log(format!("{name} connect before queued={queued}"));
    });
    c.on_close(cx, move |out, _, _, _| {
        out.log(format!("{name} close before"))
    });
    c.write_then(cx, "x", move |out, _, e| {
        let e = e.map_or("sent", |e| e.code());
        out.log(format!("{name} callback {e}"));
    });
    c.write_then(cx, "y", move |out, _, e| {
        let e = e.map_or("sent", |e| e.code());
        out.log(format!("{name} second callback {e}"));
    });
    c.on_connect(cx, move |out, cx, c| {
        let queued = c.writable_length(cx);
        out.log(format!("{name} connect after queued={queued}"));
    });
    c.on_ready(cx, move |out, _, _| out.log(format!("{name} ready")));
    c.on_error(cx, move |out, _, _, e| {
        out.log(format!("{name} error {}", e.code()))
    });
    c.on_close(cx, move |out, cx, _, e| {
        out.log(format!("{name} close after {e}"));
        next(cx);
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.resume(cx).end(cx);
    });
    // Nobody listens at port 1, nor is it given to anybody.
    dial(cx, "refused", 1, move |cx| {
        server.listen(cx, ("127.0.0.1", 0));
        server.once_listening(cx, |_, cx, server| {
            let at = server.port(cx);
            dial(cx, "accepted", at, move |cx| {
                dial(cx, "destroyed", at, move |cx| {
                    server.close(cx);
                });
            });
        });
    });
}
