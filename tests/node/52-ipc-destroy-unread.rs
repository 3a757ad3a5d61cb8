//! IPC: destroying a socket with unread data resets, the peer gets ECONNRESET; writing to a peer
//! that is gone is EPIPE at the first write.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn unread(
    cx: &mut Context<Trace>,
    path: net::Address,
    next: impl Fn(&mut Context<Trace>) + 'static,
) {
    let c = net::create_connection(cx, path);
    c.write(cx, "never read");
    c.on_data(cx, |out, _, _, _| out.log("unread data"));
    c.on_end(cx, |out, _, _| out.log("unread end"));
    c.on_finish(cx, |out, _, _| out.log("unread finish"));
    c.on_error(cx, |out, _, _, e| {
        out.log(format!(
            "unread error {} {}",
            e.code(),
            e.syscall().unwrap()
        ))
    });
    c.on_close(cx, move |out, cx, _, e| {
        out.log(format!("unread close {e}"));
        next(cx);
    });
}

fn gone(cx: &mut Context<Trace>, path: net::Address) {
    let c = net::create_connection(cx, net::ConnectOptions::new(path).allow_half_open(true));
    c.resume(cx);
    c.on_end(cx, |out, cx, c| {
        out.log(format!("gone end [{}]", c.ready_state(cx)));
        let wrote = c.write_then(cx, "a", |out, _, e| {
            let e = e.unwrap();
            out.log(format!(
                "gone callback {} {}",
                e.code(),
                e.syscall().unwrap()
            ));
        });
        let (state, destroyed) = (c.ready_state(cx), c.destroyed(cx));
        out.log(format!(
            "gone write {wrote} [{state}] destroyed={destroyed}"
        ));
        let wrote = c.write_then(cx, "b", |out, _, e| {
            out.log(format!("gone callback b {}", e.unwrap().code()))
        });
        out.log(format!(
            "gone write {wrote} queued={}",
            c.writable_length(cx)
        ));
        c.end_then(cx, "", |out, _, e| {
            out.log(format!("gone end callback {}", e.unwrap().code()))
        });
        cx.next_tick(move |out, cx| out.log(format!("gone tick destroyed={}", c.destroyed(cx))));
        cx.set_immediate(|out, _| out.log("gone immediate"));
    });
    c.on_error(cx, |out, _, _, e| {
        out.log(format!("gone error {} \"{e}\"", e.code()))
    });
    c.on_close(cx, |out, _, _, e| out.log(format!("gone close {e}")));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let path = std::env::temp_dir().join(format!("parity-52-rs-{}.sock", std::process::id()));
    let path = net::Address::from(path.as_path());
    let mut n = 0;
    let server = net::create_server(cx);
    server.set_pause_on_connect(cx, true);
    server.on_connection(cx, move |_, cx, s| {
        cx.set_timeout(Duration::from_millis(200), move |_, cx| {
            s.destroy(cx);
        });
        n += 1;
        if n == 2 {
            server.close(cx);
        }
    });
    server.listen(cx, path.clone());
    server.once_listening(cx, move |_, cx, _| {
        let again = path.clone();
        unread(cx, path.clone(), move |cx| gone(cx, again.clone()));
    });
}
