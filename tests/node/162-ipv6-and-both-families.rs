//! IPv6 in addresses and messages: no brackets, a colon before the port. The families take turns,
//! beginning with that of the first address.

use loopchat::{Context, net};

use crate::Trace;

fn clean(s: impl ToString, port: u16) -> String {
    s.to_string().replace(&port.to_string(), "PORT")
}

fn lookup(_: &mut Trace, cx: &mut Context<Trace>, request: net::LookupRequest) {
    let found = ["::1", "::1", "127.0.0.2", "127.0.0.3"].map(|ip| ip.parse().unwrap());
    request.answer(cx, Ok(found.to_vec()));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.end(cx);
    });
    server.listen(cx, ("::1", 0));
    server.once_listening(cx, |out, cx, server| {
        let port = server.port(cx);
        let address = server.address(cx).unwrap();
        let family = address.family().unwrap();
        out.log(format!("{} {family}", address.ip().unwrap()));
        let other = net::create_server(cx);
        other.on_error(cx, move |out, cx, _, e| {
            out.log(clean(e, port));
            server.close_then(cx, move |_, cx, _| {
                let opts = net::ConnectOptions::new(("both.example", port)).lookup(lookup);
                let c = net::create_connection(cx, opts);
                c.on_lookup(cx, |out, _, _, found, host| {
                    out.log(format!("lookup {},{host}", found.unwrap()))
                });
                c.on_connection_attempt(cx, |out, _, _, a| {
                    out.log(format!("connectionAttempt {}", a.ip()))
                });
                c.on_connection_attempt_failed(cx, |out, _, _, a, _| {
                    out.log(format!("connectionAttemptFailed {}", a.ip()))
                });
                c.on_error(cx, move |out, _, _, e| {
                    for x in e.errors() {
                        out.log(clean(x, port));
                    }
                });
                c.on_close(cx, move |_, cx, _, _| {
                    let c = net::create_connection(cx, ("::1", port));
                    c.on_error(cx, move |out, _, _, x| {
                        out.log(format!("{} {}", clean(x, port), x.address().unwrap()))
                    });
                });
            });
        });
        other.listen(cx, ("::1", port));
    });
}
