//! Unix-domain server: address() is the path (already before 'listening', and still after close()),
//! no ip/port on sockets, file removed by close().

use std::fs;
use std::os::unix::fs::FileTypeExt;

use loopchat::{Context, net};

use crate::{Trace, or_undefined};

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let dir = out.mkdtemp();
    let sock = dir.join("s.sock");
    let server = net::create_server(cx);
    let path = sock.clone();
    server.on_connection(cx, move |out, cx, s| {
        let (remote, local) = (s.remote_address(cx), s.local_address(cx));
        let (ip, port) = (
            or_undefined(remote.as_ref().and_then(net::Address::ip)),
            or_undefined(remote.as_ref().and_then(net::Address::port)),
        );
        let address = local.as_ref().map_or("{}".into(), ToString::to_string);
        let local = or_undefined(local.and_then(|local| local.ip()));
        out.lane(
            "server",
            format!("connection remote={ip} {port} local={local} address={address}"),
        );
        s.on_data(cx, |out, cx, s, d| {
            let d = String::from_utf8_lossy(d);
            out.lane("server", format!("data \"{d}\""));
            s.end_with(cx, format!("echo {d}"));
        });
        let sock = path.clone();
        s.on_close(cx, move |_, cx, _, _| {
            let sock = sock.clone();
            server.close_then(cx, move |out, cx, _| {
                let (file, same) = (
                    sock.exists(),
                    server.address(cx) == Some(sock.as_path().into()),
                );
                out.lane(
                    "server",
                    format!("closed file={file} address is path {same}"),
                );
            });
        });
    });
    server.on_listening(cx, |out, _, _| out.lane("server", "listening event"));
    server.listen(cx, sock.as_path());
    let path = sock.clone();
    server.once_listening(cx, move |out, cx, _| {
        let file = fs::metadata(&path).unwrap().file_type().is_socket();
        out.lane("server", format!("listening callback file={file}"));
        let c = net::create_connection(cx, path.as_path());
        c.once_connect(cx, |out, cx, c| {
            out.lane("client", "connect");
            c.write(cx, "hi");
        });
        out.lane("client", format!("connecting={}", c.connecting(cx)));
        c.on_lookup(cx, |out, _, _, _, _| {
            out.lane("client", "lookup (must not run)")
        });
        c.on_data(cx, |out, _, _, d| {
            out.lane("client", format!("data \"{}\"", String::from_utf8_lossy(d)));
        });
        c.on_end(cx, |out, _, _| out.lane("client", "end"));
        c.on_close(cx, |out, _, _, e| out.lane("client", format!("close {e}")));
    });
    let (listening, same) = (
        server.listening(cx),
        server.address(cx) == Some(sock.as_path().into()),
    );
    let file = sock.exists();
    out.lane(
        "server",
        format!("after listen: listening={listening} address is path {same} file={file}"),
    );
}
