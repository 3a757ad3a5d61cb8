//! On a connected socket a write that the kernel takes at once leaves nothing queued: write()
//! returns TRUE even far above high_water_mark, and no 'drain' follows. The callback is still
//! deferred to a tick.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        s.resume(cx);
        s.on_end(cx, move |_, cx, _| {
            server.close(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let to = net::ConnectOptions::new(("127.0.0.1", server.port(cx)));
        let c = net::create_connection(cx, to.high_water_mark(16));
        c.on_drain(cx, |out, _, _| out.log("drain"));
        c.on_connect(cx, |out, cx, c| {
            out.log(format!("hwm={}", c.writable_high_water_mark(cx)));
            let wrote = c.write_then(cx, [0; 1000], |out, _, _| out.log("callback 1000"));
            let queued = c.writable_length(cx);
            out.log(format!("write(1000) {wrote} queued={queued}"));
            let wrote = c.write_then(cx, [0; 2000], |out, _, _| out.log("callback 2000"));
            let queued = c.writable_length(cx);
            out.log(format!("write(2000) {wrote} queued={queued}"));
            cx.next_tick(|out, _| out.log("tick"));
            cx.set_immediate(move |out, cx| {
                c.cork(cx);
                let wrote = c.write(cx, [0; 10]);
                let queued = c.writable_length(cx);
                out.log(format!("corked write(10) {wrote} queued={queued}"));
                let wrote = c.write(cx, [0; 10]);
                let queued = c.writable_length(cx);
                out.log(format!("corked write(10) {wrote} queued={queued}"));
                c.uncork(cx);
                let (queued, need_drain) = (c.writable_length(cx), c.writable_need_drain(cx));
                out.log(format!("uncorked queued={queued} needDrain={need_drain}"));
                cx.set_immediate(move |out, cx| {
                    out.log("end");
                    c.end(cx);
                });
            });
        });
    });
}
