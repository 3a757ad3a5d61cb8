//! Writes queued behind one that the kernel did not take whole: callbacks in order, 'drain' once,
//! before the last callbacks.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let big = vec![0; 16 * 1024 * 1024];
    let conn = Rc::new(Cell::new(None::<net::Socket>));
    let accepted = Rc::clone(&conn);
    let server = net::create_server(cx);
    server.set_pause_on_connect(cx, true);
    server.on_connection(cx, move |_, cx, s| {
        accepted.set(Some(s));
        s.on_end(cx, move |out, cx, s| {
            out.log(format!("server end {}", s.bytes_read(cx)));
            server.close(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let (big, conn) = (big.clone(), Rc::clone(&conn));
        c.on_connect(cx, move |out, cx, c| {
            let wrote = c.write_then(cx, &big, move |out, cx, _| {
                out.log(format!("callback big queued={}", c.writable_length(cx)))
            });
            out.log(format!(
                "write big {wrote} queued={}",
                c.writable_length(cx)
            ));
            let wrote = c.write_then(cx, "a", move |out, cx, _| {
                out.log(format!("callback a queued={}", c.writable_length(cx)))
            });
            out.log(format!("write a {wrote}"));
            let wrote = c.write_then(cx, "", |out, _, _| out.log("callback empty"));
            out.log(format!("write empty {wrote}"));
            let wrote = c.write_then(cx, "b", |out, _, _| out.log("callback b"));
            let (queued, written) = (c.writable_length(cx), c.bytes_written(cx));
            out.log(format!(
                "write b {wrote} queued={queued} bytesWritten={written}"
            ));
            cx.next_tick(|out, _| out.log("tick"));
            let conn = Rc::clone(&conn);
            cx.set_timeout(Duration::from_millis(300), move |out, cx| {
                out.log("resume");
                conn.get().unwrap().resume(cx);
            });
        });
        c.on_drain(cx, |out, cx, c| {
            let (queued, need_drain) = (c.writable_length(cx), c.writable_need_drain(cx));
            let written = c.bytes_written(cx);
            out.log(format!(
                "drain queued={queued} needDrain={need_drain} bytesWritten={written}"
            ));
            cx.next_tick(|out, _| out.log("tick after drain"));
            cx.set_immediate(move |out, cx| {
                out.log("immediate after drain");
                c.end(cx);
            });
        });
        c.on_finish(cx, |out, _, _| out.log("finish"));
        c.on_close(cx, |out, _, _, e| out.log(format!("close {e}")));
    });
}
