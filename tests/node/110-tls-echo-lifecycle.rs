//! What either end of a TLS connection hears, in order: the handshake, data both ways, the end.

use loopchat::net::EventKind;
use loopchat::{Context, tls};

use super::keys::{server, trusting};
use crate::{Trace, or_undefined};

fn text(bytes: Option<&[u8]>) -> String {
    bytes.map_or("false".into(), |bytes| {
        String::from_utf8_lossy(bytes).into_owned()
    })
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let options = server("localhost")
        .alpn_protocol("chat")
        .alpn_protocol("http/1.1");
    let server = tls::create_server(cx, options).expect("good options");
    server.on_connection(cx, |out, _, _| out.lane("server", "connection"));
    server.on_secure_connection(cx, move |out, cx, s| {
        let line = format!(
            "secureConnection {} {} {} {} {}",
            s.encrypted(cx),
            s.authorized(cx),
            or_undefined(s.get_protocol(cx)),
            text(s.alpn_protocol(cx)),
            or_undefined(s.servername(cx)),
        );
        out.lane("server", line);
        s.on_data(cx, |out, cx, s, d| {
            let d = String::from_utf8_lossy(d).into_owned();
            out.lane("server", format!("data {d} {}", s.bytes_read(cx)));
            s.write(cx, d);
        });
        s.on_end(cx, |out, _, _| out.lane("server", "end"));
        s.on_finish(cx, |out, _, _| out.lane("server", "finish"));
        s.on_close(cx, move |out, cx, _, e| {
            out.lane("server", format!("close {e}"));
            server.close(cx);
        });
    });
    server.on_close(cx, |out, _, _| out.lane("server", "closed"));
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| {
        let options = trusting("authority")
            .server_name("localhost")
            .alpn_protocol("http/1.1")
            .alpn_protocol("chat");
        let c = tls::connect(cx, ("127.0.0.1", server.port(cx)), &options);
        let line = format!(
            "{} {} {}",
            c.encrypted(cx),
            c.authorized(cx),
            c.connecting(cx)
        );
        out.lane("client", line);
        out.lane("client", format!("write {}", c.write(cx, "early ")));
        for kind in [
            EventKind::Connect,
            EventKind::Ready,
            EventKind::SecureConnect,
            EventKind::End,
            EventKind::Finish,
        ] {
            c.on(cx, kind, |out, _, _, event| {
                out.lane("client", event.name())
            });
        }
        c.on_secure_connect(cx, |out, cx, c| {
            let error = c
                .authorization_error(cx)
                .map_or("null", |error| error.code());
            let line = format!(
                "{} {error} {} {} {}",
                c.authorized(cx),
                or_undefined(c.get_protocol(cx)),
                or_undefined(c.get_cipher(cx).map(|cipher| cipher.standard_name)),
                text(c.alpn_protocol(cx)),
            );
            out.lane("client", line);
            let cert = c.get_peer_certificate(cx).expect("one was shown");
            let issuer = cert.issuer.iter().find(|(kind, _)| kind == "CN");
            let line = format!(
                "{} {} {}",
                or_undefined(cert.common_name()),
                or_undefined(issuer.map(|(_, name)| name)),
                cert.subject_alt_name,
            );
            out.lane("client", line);
        });
        let mut got = String::new();
        c.on_data(cx, move |out, cx, c, d| {
            got += &String::from_utf8_lossy(d);
            if got == "early " {
                c.write(cx, "late");
            }
            if got == "early late" {
                let (written, read) = (c.bytes_written(cx), c.bytes_read(cx));
                out.lane("client", format!("data {got} {written} {read}"));
                c.end(cx);
            }
        });
        c.on_close(cx, |out, _, _, e| out.lane("client", format!("close {e}")));
    });
}
