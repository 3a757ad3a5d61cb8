//! allow_half_open=false: in the 'end' handler and in the ticks it queues write() still works; two
//! ticks later the socket has ended itself.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.set_allow_half_open(cx, true);
    server.on_connection(cx, move |_, cx, s| {
        let mut got = String::new();
        s.on_event(cx, move |out, cx, s, event| match event {
            net::Event::Data(d) => got += &String::from_utf8_lossy(d),
            net::Event::End => {
                s.end(cx);
            }
            net::Event::Close(_) => {
                out.log(format!("server got \"{got}\""));
                server.close(cx);
            }
            _ => {}
        });
        s.end(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.resume(cx);
        c.on_end(cx, |out, cx, c| {
            let state = c.ready_state(cx);
            let wrote = c.write_then(cx, "a", |out, _, _| out.log("callback a"));
            out.log(format!("end [{state}] write {wrote}"));
            cx.next_tick(move |out, cx| {
                let state = c.ready_state(cx);
                let wrote = c.write_then(cx, "b", |out, _, _| out.log("callback b"));
                out.log(format!("tick 1 [{state}] write {wrote}"));
                cx.next_tick(move |out, cx| {
                    let (state, ended) = (c.ready_state(cx), c.writable_ended(cx));
                    out.log(format!("tick 2 [{state}] writableEnded={ended}"));
                    let r = c.write_then(cx, "c", |out, _, e| {
                        let e = e.unwrap();
                        out.log(format!("callback c {} \"{e}\"", e.code()));
                    });
                    let (destroyed, errored) = (c.destroyed(cx), c.errored(cx).unwrap().code());
                    out.log(format!("write {r} destroyed={destroyed} errored={errored}"));
                    cx.next_tick(|out, _| out.log("tick 3"));
                    cx.set_immediate(|out, _| out.log("immediate"));
                });
            });
        });
        c.on_finish(cx, |out, _, _| out.log("finish"));
        c.on_error(cx, |out, _, _, e| {
            let errno = e
                .errno()
                .map_or("undefined".into(), |errno| errno.to_string());
            let syscall = e.syscall().unwrap_or("undefined");
            out.log(format!(
                "error {} errno={errno} syscall={syscall}",
                e.code()
            ));
        });
        c.on_close(cx, |out, _, _, e| out.log(format!("close {e}")));
    });
}
