//! A client of TLS at a server that speaks none.

use loopchat::net::EventKind;
use loopchat::{Context, net, tls};

use super::keys::trusting;
use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.end_with(cx, "welcome to a chat without TLS\n");
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let options = trusting("authority").server_name("localhost");
        let c = tls::connect(cx, ("127.0.0.1", server.port(cx)), &options);
        for kind in [
            EventKind::Connect,
            EventKind::SecureConnect,
            EventKind::Data,
            EventKind::End,
        ] {
            c.on(cx, kind, |out, _, _, event| out.log(event.name()));
        }
        c.on_error(cx, |out, _, _, e| out.log(format!("error {}", e.code())));
        c.on_close(cx, move |out, cx, _, e| {
            out.log(format!("close {e}"));
            server.close(cx);
        });
    });
}
