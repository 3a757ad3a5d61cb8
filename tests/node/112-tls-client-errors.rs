//! Handshakes that fail: a server hears of them by `TlsClientError`, and its sockets are nobody's.

use std::collections::VecDeque;

use loopchat::{Context, net, tls};

use super::keys::server;
use crate::Trace;

type Said = VecDeque<(&'static str, Option<&'static [u8]>)>;

/// Which it is that fails.
#[derive(Default)]
struct Name(&'static str);

fn next(cx: &mut Context<Trace>, server: net::Server, mut said: Said) {
    let Some((name, bytes)) = said.pop_front() else {
        server.close(cx);
        return;
    };
    server.set_data(cx, Name(name));
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    c.on_connect(cx, move |_, cx, c| match bytes {
        None => drop(c.end(cx)),
        Some(bytes) if name == "half" => drop(c.end_with(cx, bytes)),
        Some(bytes) => drop(c.write(cx, bytes)),
    });
    c.on_data(cx, |_, _, _, _| {});
    c.on_close(cx, move |_, cx, _, _| next(cx, server, said.clone()));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let said: Said = VecDeque::from([
        ("http", Some(&b"GET / HTTP/1.1\r\n\r\n"[..])),
        ("post", Some(b"POST / HTTP/1.1\r\n\r\n")),
        ("proxy", Some(b"CONNECT a:1 HTTP/1.1\r\n\r\n")),
        ("text", Some(b"hello, is anybody there?\n")),
        ("nothing", None),
        ("half", Some(&[22, 3, 1, 1, 0, 1, 0])),
    ]);
    let server = tls::create_server(cx, server("localhost")).expect("good options");
    server.on_secure_connection(cx, |out, _, _| out.log("secureConnection"));
    server.on_tls_client_error(cx, move |out, cx, e, s| {
        let Name(name) = server.data(cx).expect("it was said");
        out.log(format!(
            "{name}: tlsClientError {} {}",
            e.code(),
            s.encrypted(cx)
        ));
    });
    server.on_close(cx, |out, _, _| out.log("closed"));
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, server| next(cx, server, said));
}
