//! Over IPC: destroying with unread bytes is ECONNRESET for the peer; a peer that is gone is EPIPE
//! for the first write already.

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn dial(
    cx: &mut Context<Trace>,
    name: &'static str,
    path: PathBuf,
    server: net::Server,
    allow_half_open: bool,
    next: impl Fn(&mut Context<Trace>, net::Socket) + 'static,
) {
    server.listen(cx, path.as_path());
    server.once_listening(cx, move |_, cx, server| {
        let options = net::ConnectOptions::new(path.as_path());
        let c = net::create_connection(cx, options.allow_half_open(allow_half_open));
        c.on_connect(cx, move |out, _, _| out.log(format!("{name} connect")));
        c.on_end(cx, move |out, cx, c| {
            out.log(format!("{name} end [{}]", c.ready_state(cx)))
        });
        c.on_error(cx, move |out, _, _, e| {
            let (code, syscall) = (e.code(), e.syscall().unwrap());
            out.log(format!("{name} error {code} {syscall} \"{e}\""));
        });
        c.on_close(cx, move |out, cx, c, e| {
            out.log(format!("{name} close {e} [{}]", c.ready_state(cx)));
            server.close(cx);
        });
        next(cx, c);
    });
}

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let dir = out.mkdtemp();
    let conn = Rc::new(Cell::new(None::<net::Socket>));
    let unread = net::create_server(cx);
    unread.set_pause_on_connect(cx, true);
    let accepted = conn.clone();
    unread.on_connection(cx, move |_, _, s| accepted.set(Some(s)));
    dial(
        cx,
        "unread",
        dir.join("unread"),
        unread,
        false,
        move |cx, c| {
            c.resume(cx);
            let conn = conn.clone();
            c.write_then(cx, "nobody reads this", move |out, cx, _| {
                out.log("unread written");
                cx.set_timeout(Duration::from_millis(200), move |_, cx| {
                    conn.get().unwrap().destroy(cx);
                });
            });
        },
    );
    unread.on_close(cx, move |_, cx, _| {
        let gone = net::create_server(cx);
        gone.on_connection(cx, |_, cx, s| {
            s.resume(cx);
            s.destroy(cx);
        });
        dial(cx, "gone", dir.join("gone"), gone, true, |cx, c| {
            c.resume(cx);
            c.on_end(cx, |_, cx, c| {
                cx.set_timeout(Duration::from_millis(200), move |out, cx| {
                    let wrote = c.write_then(cx, "x", |out, _, e| {
                        out.log(format!("gone write callback {}", e.unwrap().code()))
                    });
                    out.log(format!("gone write {wrote}"));
                });
            });
        });
    });
}
