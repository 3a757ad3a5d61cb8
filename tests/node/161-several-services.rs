//! Several services on several ports in one process: each its own protocol, all closed by the last
//! client.

use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;

use loopchat::{Context, net};

use crate::Trace;

type Service = fn(&mut Context<Trace>, net::Socket);

fn echo(cx: &mut Context<Trace>, s: net::Socket) {
    s.pipe(cx, s);
}

fn upper(cx: &mut Context<Trace>, s: net::Socket) {
    s.on_data(cx, |_, cx, s, d| {
        s.write(cx, d.to_ascii_uppercase());
    });
}

fn hint(cx: &mut Context<Trace>, s: net::Socket) {
    s.resume(cx);
    s.end_with(cx, "no service here");
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let services: [(&'static str, Service); 3] = [("echo", echo), ("upper", upper), ("hint", hint)];
    let open = Rc::new(Cell::new(0));
    let servers = services.map(|(name, service)| {
        let server = net::create_server(cx);
        server.on_connection(cx, move |_, cx, s| service(cx, s));
        server.listen(cx, ("127.0.0.1", 0));
        (name, server)
    });
    for (name, server) in servers {
        let open = open.clone();
        server.once_listening(cx, move |out, cx, _| {
            open.set(open.get() + 1);
            if open.get() == 3 {
                ready(out, cx, servers);
            }
        });
        server.on_close(cx, move |out, _, _| {
            out.lane("main", format!("{name} closed"))
        });
    }
}

fn ready(out: &mut Trace, cx: &mut Context<Trace>, servers: [(&'static str, net::Server); 3]) {
    let ports = HashSet::from(servers.map(|(_, server)| server.port(cx)));
    out.lane("main", format!("ports differ {}", ports.len()));
    let left = Rc::new(Cell::new(3));
    for (name, server) in servers {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.once_connect(cx, |_, cx, c| {
            c.write(cx, "Hello");
        });
        c.on_data(cx, move |out, cx, c, d| {
            let d = String::from_utf8_lossy(d);
            out.lane(name, format!("data \"{d}\""));
            c.end(cx);
        });
        c.on_end(cx, move |out, _, _| out.lane(name, "end"));
        c.on_error(cx, move |out, _, _, e| {
            out.lane(name, format!("error {}", e.code()))
        });
        let left = left.clone();
        c.on_close(cx, move |out, cx, _, _| {
            out.lane(name, "close");
            left.set(left.get() - 1);
            if left.get() == 0 {
                for (_, server) in servers {
                    server.close(cx);
                }
            }
        });
    }
}
