//! A server that hangs up during the handshake.

use loopchat::net::EventKind;
use loopchat::{Context, net, tls};

use super::keys::trusting;
use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.resume(cx).end(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let options = trusting("authority").server_name("localhost");
        let c = tls::connect(cx, ("127.0.0.1", server.port(cx)), &options);
        for kind in [
            EventKind::Connect,
            EventKind::Ready,
            EventKind::SecureConnect,
        ] {
            c.on(cx, kind, |out, _, _, event| out.log(event.name()));
        }
        c.on_error(cx, |out, _, _, e| {
            out.log(format!("error {} {e}", e.code()))
        });
        c.on_close(cx, move |out, cx, _, e| {
            out.log(format!("close {e}"));
            server.close(cx);
        });
    });
}
