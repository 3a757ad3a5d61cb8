//! A large write that still gets on, though slowly, suppresses 'timeout'; once the reader has
//! stopped it comes.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

const SIZE: usize = 48 * 1024 * 1024;
const PIECE: usize = 1024 * 1024;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let client = Rc::new(Cell::new(None::<net::Socket>));
    let slow = Rc::new(Cell::new(true));
    let server = net::create_server(cx);
    let connecting = client.clone();
    server.on_connection(cx, move |_, cx, s| {
        let pieces = Rc::new(Cell::new(0));
        let mut since = 0;
        let (still, read) = (slow.clone(), pieces.clone());
        s.on_data(cx, move |out, cx, s, d| {
            since += d.len();
            if !still.get() || since < PIECE {
                return;
            }
            since = 0;
            s.pause(cx);
            read.set(read.get() + 1);
            if read.get() == 20 {
                out.log("reader stops");
            } else {
                cx.set_timeout(Duration::from_millis(40), move |_, cx| {
                    s.resume(cx);
                });
            }
        });
        s.on_end(cx, move |out, cx, s| {
            out.log(format!("server end {}", s.bytes_read(cx) == SIZE as u64));
            server.close(cx);
        });
        let (client, slow) = (connecting.get().unwrap(), slow.clone());
        client.on_timeout(cx, move |out, cx, client| {
            out.log(format!("timeout after {} pieces", pieces.get()));
            client.set_timeout(cx, Duration::ZERO);
            slow.set(false);
            s.resume(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        client.set(Some(c));
        c.set_timeout(cx, Duration::from_millis(600));
        c.end_then(cx, vec![0; SIZE], |out, _, _| out.log("end callback"));
        c.on_close(cx, |out, _, _, e| out.log(format!("close {e}")));
    });
}
