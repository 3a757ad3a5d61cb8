//! With several addresses (the usual case for localhost: ::1 and 127.0.0.1) each is tried in turn:
//! one 'lookup' per address, 'connectionAttempt' / 'connectionAttemptFailed'; only the last
//! outcome counts. All refused: one AggregateError with the code of the first.

use std::net::SocketAddr;
use std::time::Duration;

use loopchat::{Context, net};

use crate::{Trace, or_undefined};

fn show(a: &SocketAddr) -> String {
    format!("{} PORT {}", a.ip(), if a.is_ipv4() { 4 } else { 6 })
}

fn dial(
    cx: &mut Context<Trace>,
    port: u16,
    name: &'static str,
    ips: [&'static str; 2],
    mut next: impl FnMut(&mut Trace, &mut Context<Trace>) + 'static,
) {
    let lookup = move |out: &mut Trace, cx: &mut Context<Trace>, request: net::LookupRequest| {
        out.log(format!("{name} lookup called all={}", request.all));
        let mut request = Some(request);
        cx.set_timeout(Duration::from_millis(1), move |_, cx| {
            if let Some(request) = request.take() {
                request.answer(cx, Ok(ips.map(|ip| ip.parse().unwrap()).to_vec()));
            }
        });
    };
    let opts = net::ConnectOptions::new(("multi.example", port)).lookup(lookup);
    let c = net::create_connection(cx, opts);
    c.on_lookup(cx, move |out, _, _, found, host| {
        out.log(format!("{name} lookup null {} 4 {host}", found.unwrap()));
    });
    c.on_connection_attempt(cx, move |out, _, _, a| {
        out.log(format!("{name} connectionAttempt {}", show(a)));
    });
    c.on_connection_attempt_failed(cx, move |out, _, _, a, e| {
        let (a, code) = (show(a), e.code());
        out.log(format!("{name} connectionAttemptFailed {a} {code}"));
    });
    c.on_connect(cx, move |out, _, _| out.log(format!("{name} connect ")));
    c.on_ready(cx, move |out, _, _| out.log(format!("{name} ready ")));
    c.on_data(cx, move |out, cx, c, d| {
        let remote = or_undefined(c.remote_address(cx).and_then(|remote| remote.ip()));
        let d = String::from_utf8_lossy(d);
        out.log(format!("{name} data \"{d}\" from {remote}"));
    });
    c.on_error(cx, move |out, _, _, e| {
        let port = port.to_string();
        let errors = e
            .errors()
            .iter()
            .map(|x| x.to_string().replace(&port, "PORT"));
        let errors = errors.collect::<Vec<_>>().join(",");
        out.log(format!(
            "{name} error AggregateError {} [{errors}]",
            e.code()
        ));
    });
    c.on_close(cx, move |out, cx, _, e| {
        out.log(format!("{name} close {e}"));
        next(out, cx);
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.end_with(cx, "hi");
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let port = server.port(cx);
        let ips = ["127.0.0.2", "127.0.0.1"];
        dial(cx, port, "second", ips, move |_, cx| {
            let ips = ["127.0.0.1", "127.0.0.2"];
            dial(cx, port, "first", ips, move |_, cx| {
                let ips = ["127.0.0.2", "127.0.0.3"];
                dial(cx, port, "none", ips, move |_, cx| {
                    server.close(cx);
                });
            });
        });
    });
}
