//! Listeners that are added in front, called once, taken off, and counted, also while the others are
//! being called: each byte of the server's is an event, and so is each connection.

use std::cell::Cell;
use std::rc::Rc;

use loopchat::net::{Event, EventKind, ListenerId, Server, ServerEvent, ServerEventKind, Socket};
use loopchat::{Context, net};

use crate::Trace;

type Cx = Context<Trace>;

fn byte(event: Event<'_>) -> String {
    match event {
        Event::Data(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        event => panic!("{event:?} is not data"),
    }
}

fn said(name: &'static str) -> impl FnMut(&mut Trace, &mut Cx, Socket, Event<'_>) {
    move |out, _, _, event| out.log(format!("  {name} {}", byte(event)))
}

fn count(cx: &mut Cx, c: Socket) -> usize {
    c.listener_count(cx, EventKind::Data)
}

fn data(out: &mut Trace, cx: &mut Cx, server: Server, c: Socket) {
    let data = EventKind::Data;
    let last = Rc::new(Cell::new(None::<ListenerId>));
    let gone = Rc::clone(&last);
    c.on(cx, data, said("first"));
    c.prepend(cx, data, said("before"));
    c.prepend_once(cx, data, |out: &mut Trace, cx, c, event| {
        let left = count(cx, c);
        out.log(format!("  very first {}, {left} left", byte(event)));
    });
    c.once(cx, data, move |out: &mut Trace, cx, c, event| {
        let left = count(cx, c);
        out.log(format!("  once {}, {left} left", byte(event)));
        let last = gone.get().expect("it was added");
        assert!(c.off(cx, last));
        assert!(!c.off(cx, last));
        let left = count(cx, c);
        out.log(format!("  without the last {left}"));
        c.on(cx, data, said("added"));
        c.prepend(cx, data, said("added before"));
        let now = count(cx, c);
        out.log(format!("  with two more {now}"));
    });
    last.set(Some(c.on(cx, data, said("last"))));
    let (to_data, to_drain) = (count(cx, c), c.listener_count(cx, EventKind::Drain));
    out.log(format!("  {to_data} listen to data, {to_drain} to drain"));
    let never = c.once(cx, data, said("never"));
    c.off(cx, never);
    let still = count(cx, c);
    out.log(format!("  and still {still}"));
    let mut n = 0;
    c.write(cx, "more");
    c.on_data(cx, move |out, cx, c, _| {
        out.log("next");
        n += 1;
        match n {
            3 => {
                c.end(cx);
            }
            _ => {
                c.write(cx, "more");
            }
        }
    });
    c.on_close(cx, move |_, cx, _, _| {
        server.close(cx);
    });
}

fn listen(cx: &mut Cx, server: Server) {
    let connection = ServerEventKind::Connection;
    let off = Rc::new(Cell::new(None::<ListenerId>));
    let gone = Rc::clone(&off);
    type Out = Trace;
    server.on(cx, connection, |out: &mut Out, _, _, _| {
        out.log("connection")
    });
    server.prepend(cx, connection, |out: &mut Out, _, _, _| {
        out.log("connection before");
    });
    server.prepend_once(cx, connection, |out: &mut Out, cx, server, _| {
        let left = server.listener_count(cx, ServerEventKind::Connection);
        out.log(format!("first connection, {left} left"));
    });
    server.once(cx, connection, move |out: &mut Out, cx, server, _| {
        out.log("once");
        assert!(server.off(cx, gone.get().expect("it was added")));
    });
    off.set(Some(server.on(cx, connection, |out: &mut Out, _, _, _| {
        out.log("off");
    })));
    server.on(cx, connection, |_, cx, _, event| {
        let ServerEvent::Connection(s) = event else {
            return;
        };
        let mut n = 0;
        s.on_data(cx, move |_, cx, s, _| {
            n += 1;
            s.write(cx, n.to_string());
        });
    });
    server.on_close(cx, move |out, cx, server| {
        let left = server.listener_count(cx, connection);
        out.log(format!("close, {left} listen"));
    });
}

pub fn main(_: &mut Trace, cx: &mut Cx) {
    let server = net::create_server(cx);
    listen(cx, server);
    server.listen_then(cx, ("127.0.0.1", 0), |_, cx, server| {
        let address = server.address(cx).expect("it listens");
        let c = net::create_connection(cx, address.clone());
        c.on_connect(cx, |_, cx, c| {
            c.end(cx);
        });
        c.resume(cx);
        c.on_close(cx, move |out, cx, _, _| {
            let c = net::create_connection(cx, address.clone());
            data(out, cx, server, c);
        });
    });
}
