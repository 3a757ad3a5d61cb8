//! The address getters of one socket before connect, while connecting, connected, destroyed and
//! closed; and of an IPC socket.

use loopchat::{Context, net};

use crate::{Trace, or_undefined};

fn all(address: Option<net::Address>) -> String {
    let port = address.as_ref().and_then(net::Address::port);
    let family = or_undefined(address.as_ref().and_then(net::Address::family));
    let ip = or_undefined(address.and_then(|address| address.ip()));
    format!("{ip} {family} {}", port.map_or("undefined", |_| "number"))
}

fn show(out: &mut Trace, cx: &mut Context<Trace>, name: &str, s: net::Socket) {
    let (remote, local) = (all(s.remote_address(cx)), all(s.local_address(cx)));
    out.log(format!("{name} remote {remote} local {local}"));
}

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let dir = out.mkdtemp();
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.resume(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| {
        let c = net::Socket::new(cx);
        show(out, cx, "new", c);
        c.connect(cx, ("127.0.0.1", server.port(cx)));
        show(out, cx, "connecting", c);
        c.on_connect(cx, |out, cx, c| {
            show(out, cx, "connected", c);
            c.destroy(cx);
            show(out, cx, "destroyed", c);
        });
        c.on_close(cx, move |out, cx, c, _| {
            show(out, cx, "closed", c);
            server.close(cx);
            let address = server.address(cx).map_or("null".into(), |a| a.to_string());
            out.log(format!("server after close {address}"));
        });
    });
    server.on_close(cx, move |_, cx, _| {
        let ipc = net::create_server(cx);
        ipc.on_connection(cx, |out, cx, s| {
            show(out, cx, "ipc server side", s);
            s.end(cx);
        });
        let path = dir.join("s");
        ipc.listen(cx, path.as_path());
        ipc.once_listening(cx, move |_, cx, ipc| {
            let c = net::create_connection(cx, path.as_path()).resume(cx);
            c.on_end(cx, |out, cx, c| show(out, cx, "ipc end", c));
            c.on_close(cx, move |out, cx, c, _| {
                show(out, cx, "ipc closed", c);
                ipc.close(cx);
            });
        });
    });
}
