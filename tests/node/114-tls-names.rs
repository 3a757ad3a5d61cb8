//! Which certificate is shown depends on the name that is asked for; which protocol is spoken, on
//! both ends. Then another certificate, at run time.

use loopchat::{Context, net, tls};

use super::keys::{pair, server, trusting};
use crate::{Trace, or_undefined};

const STEPS: [(&str, &[&str]); 5] = [
    ("localhost", &["chat"]),
    ("a.example.org", &["http/1.1", "chat"]),
    ("other.org", &[]),
    ("localhost", &["irc"]),
    ("new", &["chat"]),
];

fn next(cx: &mut Context<Trace>, server: net::Server, place: usize) {
    let Some(&(name, protocols)) = STEPS.get(place) else {
        server.close(cx);
        return;
    };
    if name == "new" {
        server
            .set_secure_context(cx, pair("ann"))
            .expect("good keys");
    }
    let options = trusting("authority")
        .server_name(name)
        .reject_unauthorized(false);
    let options = protocols
        .iter()
        .fold(options, |all, name| all.alpn_protocol(name));
    let c = tls::connect(cx, ("127.0.0.1", server.port(cx)), &options);
    c.on_secure_connect(cx, move |out, cx, c| {
        let cert = c.get_peer_certificate(cx).expect("one was shown");
        let spoken = c.alpn_protocol(cx);
        let spoken = spoken.map_or("false".into(), String::from_utf8_lossy);
        let error = c
            .authorization_error(cx)
            .map_or("null", |error| error.code());
        let authorized = c.authorized(cx);
        let shown = or_undefined(cert.common_name());
        out.log(format!("{name}: {shown} {spoken} {authorized} {error}"));
    });
    c.on_error(cx, move |out, _, _, e| {
        out.log(format!("{name}: error {}", e.code()))
    });
    c.on_close(cx, move |_, cx, _, _| next(cx, server, place + 1));
    c.resume(cx);
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let options = server("localhost")
        .alpn_protocol("chat")
        .alpn_protocol("http/1.1");
    let server = tls::create_server(cx, options).expect("good options");
    server.on_secure_connection(cx, |_, cx, s| {
        s.end(cx);
    });
    server
        .add_context(cx, "*.example.org", pair("example"))
        .expect("good keys");
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| next(cx, server, 0));
}
