//! A socket without a connection: write() fails with ERR_SOCKET_CLOSED, end() does nothing yet and
//! holds nothing open.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let a = net::Socket::new(cx);
    let (state, pending, connecting) = (a.ready_state(cx), a.pending(cx), a.connecting(cx));
    let (readable, writable) = (a.readable(cx), a.writable(cx));
    out.log(format!(
        "new [{state}] pending={pending} connecting={connecting} readable={readable} writable={writable}"
    ));
    let wrote = a.write_then(cx, "x", |out, _, e| {
        out.log(format!("callback x {}", e.unwrap().code()))
    });
    let (writable, destroyed) = (a.writable(cx), a.destroyed(cx));
    let queued = a.writable_length(cx);
    out.log(format!(
        "write {wrote} writable={writable} destroyed={destroyed} queued={queued}"
    ));
    let wrote = a.write_then(cx, "y", |out, _, e| {
        out.log(format!("callback y {}", e.unwrap().code()))
    });
    let (queued, written) = (a.writable_length(cx), a.bytes_written(cx));
    out.log(format!(
        "write {wrote} queued={queued} bytesWritten={written}"
    ));
    a.end_then(cx, "", |out, _, e| {
        out.log(format!("end callback {}", e.unwrap().code()))
    });
    cx.next_tick(move |out, cx| {
        let (destroyed, state) = (a.destroyed(cx), a.ready_state(cx));
        out.log(format!("tick destroyed={destroyed} [{state}]"));
    });
    a.on_error(cx, |out, _, _, e| {
        out.log(format!("error {} \"{e}\"", e.code()))
    });
    a.on_close(cx, |out, _, _, e| out.log(format!("a close {e}")));
    let b = net::Socket::new(cx);
    b.on_end(cx, |out, _, _| out.log("b end"));
    b.on_finish(cx, |out, _, _| out.log("b finish"));
    b.on_close(cx, |out, _, _, _| out.log("b close"));
    b.resume(cx);
    b.end_then(cx, "", |out, _, _| out.log("b end callback"));
    let (state, ended) = (b.ready_state(cx), b.writable_ended(cx));
    out.log(format!("b [{state}] ended={ended}"));
    cx.set_timeout(Duration::from_millis(200), move |out, cx| {
        let (state, finished) = (b.ready_state(cx), b.writable_finished(cx));
        let destroyed = b.destroyed(cx);
        out.log(format!(
            "later [{state}] finished={finished} destroyed={destroyed}"
        ));
    });
}
