//! A reader that is paused makes write() return false for good; 'drain' comes once, only after the
//! reader resumes and the queue is empty. Byte totals match at the end.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let sent = Rc::new(Cell::new(0));
    let conn = Rc::new(Cell::new(None));
    let drains = Rc::new(Cell::new(0));
    let chunk = vec![b'x'; 256 * 1024];
    let server = net::create_server(cx);
    server.set_pause_on_connect(cx, true);
    let accepted = Rc::clone(&conn);
    server.on_connection(cx, move |_, _, s| accepted.set(Some(s)));
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let (total, conn, drained) = (Rc::clone(&sent), Rc::clone(&conn), Rc::clone(&drains));
        let chunk = chunk.clone();
        c.on_connect(cx, move |out, cx, c| {
            let mut sent = 0;
            while c.write(cx, &chunk) {
                sent += chunk.len() as u64;
            }
            sent += chunk.len() as u64;
            total.set(sent);
            let (queued, need_drain) = (c.writable_length(cx), c.writable_need_drain(cx));
            out.log(format!(
                "write returned false, queued>0 {}, needDrain={need_drain}",
                queued > 0
            ));
            out.log(format!(
                "bytesWritten counts the queue {}",
                c.bytes_written(cx) == sent
            ));
            let (conn, drained) = (Rc::clone(&conn), Rc::clone(&drained));
            cx.set_timeout(Duration::from_millis(500), move |out, cx| {
                let conn: net::Socket = conn.get().unwrap();
                let (drains, read) = (drained.get(), conn.bytes_read(cx));
                let paused = conn.is_paused(cx);
                out.log(format!(
                    "50ms later drains={drains} conn.bytesRead={read} paused={paused}"
                ));
                conn.on_data(cx, |_, _, _, _| {});
                conn.on_end(cx, move |out, cx, conn| {
                    out.log(format!(
                        "server end, all bytes {}",
                        conn.bytes_read(cx) == sent
                    ))
                });
                conn.on_close(cx, move |_, cx, _, _| {
                    server.close(cx);
                });
                conn.resume(cx);
                out.log("server resumed");
            });
        });
        let (sent, drains) = (Rc::clone(&sent), Rc::clone(&drains));
        c.on_drain(cx, move |out, cx, c| {
            drains.set(drains.get() + 1);
            let (drains, queued) = (drains.get(), c.writable_length(cx));
            out.log(format!("drain {drains} queued={queued}"));
            let sent = sent.get();
            c.end_then(cx, "", move |out, cx, _| {
                out.log(format!(
                    "end callback bytesWritten ok {}",
                    c.bytes_written(cx) == sent
                ))
            });
        });
        c.on_close(cx, |out, _, _, e| out.log(format!("client close {e}")));
    });
}
