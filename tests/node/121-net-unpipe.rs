//! pipe() that does not end its target; unpipe() of one and of all; a source piped to two targets,
//! and to one after the other.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::net::{EventKind, PipeOptions, Server, Socket};
use loopchat::{Context, net};

use crate::Trace;

type Cx = Context<Trace>;

#[derive(Clone, Copy)]
struct Servers {
    sink: Server,
    source: Server,
}

impl Servers {
    fn from(self, cx: &mut Cx) -> Socket {
        net::create_connection(cx, ("127.0.0.1", self.source.port(cx)))
    }

    fn to(self, cx: &mut Cx) -> Socket {
        net::create_connection(cx, ("127.0.0.1", self.sink.port(cx)))
    }
}

/// Waits until a socket has read so much.
fn until_read(
    out: &mut Trace,
    cx: &mut Cx,
    socket: Socket,
    bytes: u64,
    next: impl FnOnce(&mut Trace, &mut Cx) + 'static,
) {
    if socket.bytes_read(cx) == bytes {
        return next(out, cx);
    }
    let mut next = Some(next);
    cx.set_timeout(Duration::from_millis(50), move |out, cx| {
        if let Some(next) = next.take() {
            until_read(out, cx, socket, bytes, next);
        }
    });
}

fn flowing(cx: &Cx, socket: Socket) -> bool {
    socket.readable_flowing(cx) == Some(true)
}

fn no_end(cx: &mut Cx, servers: Servers) {
    let (a, b, c) = (servers.from(cx), servers.from(cx), servers.to(cx));
    a.pipe(cx, PipeOptions::new(c).end(false));
    a.on_end(cx, move |out, cx, a| {
        let (flowing, writable) = (flowing(cx, a), c.writable(cx));
        let ended = c.writable_ended(cx);
        out.log(format!(
            "a ended, flowing={flowing} c writable={writable} ended={ended}"
        ));
        b.pipe(cx, c);
        b.write(cx, "of b");
        until_read(out, cx, b, 4, move |_, cx| {
            b.write(cx, "end");
        });
    });
    b.on_end(cx, |out, _, _| out.log("b ended"));
    c.on_finish(cx, |out, _, _| out.log("c finish"));
    servers.sink.once_connection(cx, move |_, cx, s| {
        s.on_end(cx, move |out, cx, _| one(out, cx, servers));
    });
    a.write(cx, "of a ");
    // Its time comes once the write is there.
    cx.set_immediate(move |out, cx| {
        until_read(out, cx, a, 5, move |_, cx| {
            a.write(cx, "end");
        });
    });
}

fn one(out: &mut Trace, cx: &mut Cx, servers: Servers) {
    let (a, b, c) = (servers.from(cx), servers.to(cx), servers.to(cx));
    a.pipe(cx, b);
    a.pipe(cx, c);
    a.write(cx, "both ");
    until_read(out, cx, a, 5, move |out, cx| {
        let returned = a.unpipe(cx, b) == a;
        let now = flowing(cx, a);
        out.log(format!("unpipe returns source {returned} flowing={now}"));
        a.unpipe(cx, b);
        a.write(cx, "one");
        until_read(out, cx, a, 8, move |out, cx| {
            a.unpipe(cx, c);
            let now = flowing(cx, a);
            let data = a.listener_count(cx, EventKind::Data);
            let drain = b.listener_count(cx, EventKind::Drain);
            out.log(format!("flowing={now} data={data} drain={drain}"));
            a.write(cx, "none");
            until_read(out, cx, a, 12, move |out, cx| {
                out.log(format!("kept {}", a.readable_length(cx)));
                a.destroy(cx);
                b.end(cx);
                b.on_close(cx, move |_, cx, _, _| {
                    c.end(cx);
                });
                c.on_close(cx, move |out, cx, _, _| all(out, cx, servers));
            });
        });
    });
}

fn all(out: &mut Trace, cx: &mut Cx, servers: Servers) {
    let (a, b, c) = (servers.from(cx), servers.to(cx), servers.to(cx));
    a.pipe(cx, b);
    a.pipe(cx, c);
    a.unpipe(cx, None);
    a.unpipe(cx, None);
    let (now, data) = (flowing(cx, a), a.listener_count(cx, EventKind::Data));
    out.log(format!("none: flowing={now} data={data}"));
    a.pipe(cx, b);
    let (now, data) = (flowing(cx, a), a.listener_count(cx, EventKind::Data));
    out.log(format!("again: flowing={now} data={data}"));
    a.write(cx, "again");
    until_read(out, cx, a, 5, move |_, cx| {
        a.write(cx, "end");
    });
    b.on_close(cx, move |_, cx, _, _| {
        c.end(cx);
    });
    c.on_close(cx, move |_, cx, _, _| {
        servers.sink.close(cx);
        servers.source.close(cx);
    });
}

pub fn main(_: &mut Trace, cx: &mut Cx) {
    let sink = net::create_server(cx);
    sink.on_connection(cx, |_, cx, s| {
        let all = Rc::new(RefCell::new(String::new()));
        let got = Rc::clone(&all);
        s.on_text(cx, move |_, _, _, text| got.borrow_mut().push_str(text));
        s.on_end(cx, move |out, _, _| {
            out.log(format!("sink got {}", all.borrow()));
        });
    });
    // Says what it is told to.
    let source = net::create_server(cx);
    source.on_connection(cx, |_, cx, s| {
        s.on_data(cx, |_, cx, s, data| {
            if data == b"end" {
                s.end(cx);
            } else {
                s.write(cx, data);
            }
        });
    });
    sink.listen_then(cx, ("127.0.0.1", 0), move |_, cx, sink| {
        source.listen_then(cx, ("127.0.0.1", 0), move |_, cx, source| {
            no_end(cx, Servers { sink, source });
        });
    });
}
