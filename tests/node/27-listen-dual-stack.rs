//! listen(port) without a host takes IPv6 and IPv4; a port that is taken is an error that names
//! '::'; a free port (0) is not named in an error.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |out, cx, s| {
        let remote = s.remote_address(cx).unwrap();
        let (family, ip) = (remote.family().unwrap(), remote.ip().unwrap());
        out.log(format!("connection {family} {ip}"));
        s.end(cx);
    });
    server.listen(cx, 0);
    server.once_listening(cx, |out, cx, server| {
        let address = server.address(cx).unwrap();
        let (ip, family, port) = (address.ip().unwrap(), address.family(), server.port(cx));
        out.log(format!("{ip} {}", family.unwrap()));
        let other = net::create_server(cx);
        other.on_error(cx, move |out, cx, _, e| {
            let (code, address) = (e.code(), e.address().unwrap());
            let same_port = e.port() == Some(port.into());
            out.log(format!("other {code} {address} samePort={same_port}"));
            out.log(e.to_string().replace(&port.to_string(), "PORT"));
            let third = net::create_server(cx);
            third.on_error(cx, move |out, cx, _, e| {
                let (syscall, address) = (e.syscall().unwrap(), e.address().unwrap());
                let port_told = e.port().map_or("undefined".into(), |port| port.to_string());
                out.log(format!(
                    "third {} {syscall} {address} {port_told}",
                    e.code()
                ));
                out.log(e.to_string());
                let four = net::create_connection(cx, ("127.0.0.1", port));
                four.resume(cx).on_close(cx, move |_, cx, _, _| {
                    let six = net::create_connection(cx, ("::1", port));
                    six.resume(cx).on_close(cx, move |_, cx, _, _| {
                        server.close_then(cx, |out, _, _| out.log("close"));
                    });
                });
            });
            third.listen(cx, ("203.0.113.1", 0));
        });
        other.listen(cx, port);
    });
}
