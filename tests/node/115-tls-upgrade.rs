//! A connection that begins in the clear and goes over to TLS at both ends, on the sockets that are
//! there.

use loopchat::{Context, net, tls};

use super::keys::{server, trusting};
use crate::{Trace, or_undefined};

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let options = server("localhost").at_once(false);
    let server = tls::create_server(cx, options).expect("good options");
    server.on_connection(cx, move |_, cx, raw| {
        raw.once_data(cx, move |out, cx, s, d| {
            out.lane("server", format!("plain {:?}", String::from_utf8_lossy(d)));
            s.write(cx, "go ahead\n");
            s.start_tls(cx).expect("it can");
            s.on_secure(cx, |out, cx, s| {
                let protocol = or_undefined(s.get_protocol(cx));
                out.lane("server", format!("secure {protocol}"));
            });
            s.on_data(cx, |out, cx, s, b| {
                let b = String::from_utf8_lossy(b);
                out.lane("server", format!("data {b}"));
                s.end_with(cx, format!("{b}!"));
            });
            s.on_end(cx, |out, _, _| out.lane("server", "end"));
            s.on_close(cx, move |out, cx, _, e| {
                out.lane("server", format!("close {e}"));
                server.close(cx);
            });
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let raw = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        raw.on_connect(cx, |_, cx, raw| {
            raw.write(cx, "STARTTLS\n");
        });
        raw.once_data(cx, |out, cx, c, d| {
            out.lane("client", format!("plain {:?}", String::from_utf8_lossy(d)));
            let options = trusting("authority").server_name("localhost");
            tls::upgrade(cx, c, &options).expect("it can");
            c.on_secure_connect(cx, |out, cx, c| {
                out.lane("client", format!("secureConnect {}", c.authorized(cx)));
                c.write(cx, "in cipher");
            });
            c.on_data(cx, |out, _, _, b| {
                out.lane("client", format!("data {}", String::from_utf8_lossy(b)));
            });
            c.on_end(cx, |out, _, _| out.lane("client", "end"));
            c.on_close(cx, |out, _, _, e| out.lane("client", format!("close {e}")));
        });
    });
}
