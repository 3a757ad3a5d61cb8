//! Above max_connections the connection is accepted and closed: 'drop' on the server, connect +
//! end + close on the client.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn dial(
    name: &'static str,
    cx: &mut Context<Trace>,
    server: net::Server,
    next: impl Fn(&mut Context<Trace>) + 'static,
) -> net::Socket {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    c.on_connect(cx, move |out, _, _| out.lane(name, "connect"));
    c.on_end(cx, move |out, _, _| out.lane(name, "end"));
    c.on_data(cx, move |out, _, _, d| {
        out.lane(name, format!("data {}", String::from_utf8_lossy(d)));
    });
    c.on_error(cx, move |out, _, _, e| {
        out.lane(name, format!("error {}", e.code()));
    });
    c.on_close(cx, move |out, cx, _, e| {
        out.lane(name, format!("close {e}"));
        next(cx);
    });
    c
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let held = Rc::new(Cell::new(None));
    let server = net::create_server(cx);
    let holder = held.clone();
    server.on_connection(cx, move |out, cx, s| {
        out.lane("server", "connection");
        if holder.get().is_none() {
            holder.set(Some(s));
        } else {
            s.end_with(cx, "hi");
        }
        s.resume(cx);
        server.get_connections(cx, |out, _, n| {
            out.lane("server", format!("connections {n}"));
        });
    });
    server.set_max_connections(cx, Some(1));
    server.on_close(cx, |out, _, _| out.lane("server", "close"));
    server.on_drop(cx, move |out, cx, server, d| {
        // The fields of Dropped, by Node's names.
        let keys = "localAddress,localFamily,localPort,remoteAddress,remoteFamily,remotePort";
        let local = net::Address::from(d.unwrap().local);
        let (ip, family) = (local.ip().unwrap(), local.family().unwrap());
        let same_port = local.port() == Some(server.port(cx));
        out.lane("server", format!("drop {keys} {ip} {family} {same_port}"));
        server.get_connections(cx, |out, _, n| {
            out.lane("server", format!("connections after drop {n}"));
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, _| {
        let first = dial("first", cx, server, |_| {});
        let held = held.clone();
        first.once_connect(cx, move |_, cx, first| {
            let held = held.clone();
            cx.set_timeout(Duration::from_millis(200), move |_, cx| {
                let held = held.clone();
                dial("second", cx, server, move |cx| {
                    held.get().unwrap().on_close(cx, move |_, cx, _, _| {
                        cx.set_timeout(Duration::from_millis(200), move |_, cx| {
                            dial("third", cx, server, move |cx| {
                                server.close(cx);
                            });
                        });
                    });
                    first.destroy(cx);
                });
            });
        });
    });
}
