//! The peer's FIN while data is kept by a pause(): 'end' waits for it, and own end() meanwhile
//! makes 'close' follow 'end'.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.set_pause_on_connect(cx, true);
    server.on_connection(cx, move |_, cx, s| {
        s.on_data(cx, |out, cx, s, d| {
            let (d, ended) = (String::from_utf8_lossy(d), s.readable_ended(cx));
            out.log(format!("data \"{d}\" ended={ended}"));
            s.destroy(cx);
            cx.next_tick(|out, _| out.log("tick"));
        });
        s.on_end(cx, |out, cx, s| {
            out.log(format!("end destroyed={}", s.destroyed(cx)))
        });
        s.on_finish(cx, |out, cx, s| {
            out.log(format!("finish destroyed={}", s.destroyed(cx)))
        });
        s.on_close(cx, move |out, cx, _, e| {
            out.log(format!("close {e}"));
            server.close(cx);
        });
        s.resume(cx);
        s.pause(cx);
        s.end_then(cx, "", |out, _, _| out.log("end callback"));
        cx.set_timeout(Duration::from_millis(400), move |out, cx| {
            let (kept, finished) = (s.readable_length(cx), s.writable_finished(cx));
            let state = s.ready_state(cx);
            out.log(format!("kept {kept} finished={finished} [{state}]"));
            s.resume(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.end_with(cx, "kept");
    });
}
