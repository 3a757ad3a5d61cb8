//! Whose certificate is not good, and what a client is told of it: as an error, or if it does not
//! mind.

use loopchat::{Context, net, tls};

use super::keys::{context, pair_of, trusting};
use crate::Trace;

const CASES: [(&str, &str, &str); 11] = [
    ("localhost", "localhost", "authority"),
    ("unknown", "localhost", "authority"),
    ("own", "localhost", "authority"),
    ("own", "localhost", "own"),
    ("chain", "localhost", "authority"),
    ("expired", "localhost", "authority"),
    ("example", "localhost", "authority"),
    ("example", "a.example.org", "authority"),
    ("example", "a.b.example.org", "authority"),
    ("localhost", "127.0.0.1", "authority"),
    ("example", "127.0.0.1", "authority"),
];

fn connect(cx: &mut Context<Trace>, server: net::Server, place: usize, rejects: bool) {
    let (cert, name, ca) = CASES[place];
    let options = trusting(ca).host(name).reject_unauthorized(rejects);
    let c = tls::connect(cx, ("127.0.0.1", server.port(cx)), &options);
    c.on_secure_connect(cx, move |out, cx, c| {
        let error = c
            .authorization_error(cx)
            .map_or("null", |error| error.code());
        out.log(format!(
            "{cert} {name}: secureConnect {} {error}",
            c.authorized(cx)
        ));
        c.end(cx);
    });
    c.on_error(cx, move |out, _, _, e| {
        out.log(format!("{cert} {name}: error {} {e}", e.code()));
    });
    c.on_close(cx, move |out, cx, _, e| {
        out.log(format!("{cert} {name}: close {e}"));
        if rejects {
            connect(cx, server, place, false);
        } else {
            server.close_then(cx, move |_, cx, _| next(cx, place + 1));
        }
    });
    c.resume(cx);
}

fn next(cx: &mut Context<Trace>, place: usize) {
    let Some((cert, ..)) = CASES.get(place) else {
        return;
    };
    let key = if *cert == "chain" { "unknown" } else { cert };
    let options = tls::ServerOptions::new(context(&pair_of(key, cert)));
    let server = tls::create_server(cx, options).expect("good options");
    server.on_secure_connection(cx, |_, cx, s| {
        s.resume(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, server| connect(cx, server, place, true));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    next(cx, 0);
}
