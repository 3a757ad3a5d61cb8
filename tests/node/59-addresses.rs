//! local/remote address, port, family on both ends; before connect; and after close (remote* only
//! if it was read while open).

use loopchat::{Context, net};

use crate::{Trace, or_undefined};

fn ip(address: Option<net::Address>) -> String {
    or_undefined(address.and_then(|address| address.ip()))
}

fn port(address: Option<net::Address>) -> String {
    or_undefined(address.and_then(|address| address.port()))
}

fn json(address: Option<net::Address>) -> String {
    address.map_or("{}".into(), |address| address.to_string())
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |out, cx, s| {
        let own = server.port(cx);
        let remote = s.remote_address(cx).unwrap();
        let (ip, family) = (remote.ip().unwrap(), remote.family().unwrap());
        let differs = remote.port() != Some(own);
        out.lane("server", format!("remote {ip} {family} differs={differs}"));
        let local = s.local_address(cx).unwrap();
        let (ip, family) = (local.ip().unwrap(), local.family().unwrap());
        let (same, server_known) = (local.port() == Some(own), s.server(cx) == Some(server));
        out.lane(
            "server",
            format!("local {ip} {family} isServerPort={same} s.server is server {server_known}"),
        );
        s.write(cx, remote.port().unwrap().to_string());
        s.resume(cx);
        s.on_close(cx, move |out, cx, s, _| {
            let (remote, local) = (self::ip(s.remote_address(cx)), s.local_address(cx));
            let local = self::ip(local);
            out.lane("server", format!("closed remote {remote} local {local}"));
            server.close(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| {
        let address = server.address(cx).unwrap();
        let family = address.family().unwrap();
        out.lane(
            "server",
            format!("address {} {family}", address.ip().unwrap()),
        );
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        let (remote, remote_port) = (ip(c.remote_address(cx)), port(c.remote_address(cx)));
        let (local, address) = (ip(c.local_address(cx)), json(c.local_address(cx)));
        out.lane(
            "client",
            format!("before: remote {remote} {remote_port} local {local} address={address}"),
        );
        c.on_data(cx, |out, cx, c, d| {
            let a = c.local_address(cx).unwrap();
            let (address, family) = (a.ip().unwrap(), a.family().unwrap());
            let local_port = port(c.local_address(cx));
            let same = port(Some(a)) == local_port;
            let server_sees_same_port = String::from_utf8_lossy(d) == local_port;
            out.lane("client", format!("address() {address} {family} localPort={same} serverSeesSamePort={server_sees_same_port}"));
            c.end(cx);
        });
        c.on_close(cx, |out, cx, c, _| {
            let (remote, address) = (ip(c.remote_address(cx)), json(c.local_address(cx)));
            out.lane(
                "client",
                format!("closed, remote never read before: {remote} address={address}"),
            );
        });
    });
}
