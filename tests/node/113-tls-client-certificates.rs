//! A server that asks who its clients are: one that is known, a stranger, one who does not say;
//! whether it minds, or not.

use loopchat::{Context, tls};

use super::keys::{context, key, pair_of};
use crate::{Trace, or_undefined};

const CASES: [(&str, bool); 5] = [
    ("ann", true),
    ("unknown", true),
    ("unknown", false),
    ("null", true),
    ("null", false),
];

fn next(cx: &mut Context<Trace>, place: usize) {
    let Some(&(who, rejects)) = CASES.get(place) else {
        return;
    };
    let asks = context(&pair_of("localhost", "localhost").ca(key("authority.pem")));
    let options = tls::ServerOptions::new(asks)
        .request_cert(true)
        .reject_unauthorized(rejects);
    let server = tls::create_server(cx, options).expect("good options");
    server.on_secure_connection(cx, move |out, cx, s| {
        let error = s
            .authorization_error(cx)
            .map_or("null", |error| error.code());
        let cert = s.get_peer_certificate(cx);
        let name = or_undefined(cert.as_ref().and_then(|cert| cert.common_name()));
        let authorized = s.authorized(cx);
        out.lane(
            "server",
            format!("{who}: secureConnection {authorized} {error} {name}"),
        );
        s.end_with(cx, "welcome");
    });
    server.on_tls_client_error(cx, move |out, _, e, _| {
        out.lane("server", format!("{who}: tlsClientError {}", e.code()));
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, server| {
        let own = match who {
            "null" => tls::SecureContextOptions::new(),
            who => pair_of(who, who),
        };
        let options = tls::ConnectOptions::new()
            .secure_context(context(&own.ca(key("authority.pem"))))
            .server_name("localhost");
        let c = tls::connect(cx, ("127.0.0.1", server.port(cx)), &options);
        c.on_secure_connect(cx, move |out, cx, c| {
            let authorized = c.authorized(cx);
            out.lane("client", format!("{who}: secureConnect {authorized}"));
        });
        c.on_data(cx, move |out, _, _, d| {
            let d = String::from_utf8_lossy(d);
            out.lane("client", format!("{who}: data {d}"));
        });
        c.on_close(cx, move |_, cx, _, _| {
            server.close_then(cx, move |_, cx, _| next(cx, place + 1));
        });
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    next(cx, 0);
}
