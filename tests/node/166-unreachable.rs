//! An address that cannot be reached at all fails in the connect(2) call: one address gives only
//! 'error', without 'connectionAttemptFailed'; of several the next is tried in the same tick.

use loopchat::{Context, net};

use crate::{Trace, or_undefined};

fn dial(
    cx: &mut Context<Trace>,
    port: u16,
    name: &'static str,
    ips: &'static [&'static str],
    mut next: impl FnMut(&mut Context<Trace>) + 'static,
) {
    let lookup = move |_: &mut Trace, cx: &mut Context<Trace>, request: net::LookupRequest| {
        request.answer(cx, Ok(ips.iter().map(|ip| ip.parse().unwrap()).collect()));
    };
    let opts = net::ConnectOptions::new(("some.example", port)).lookup(lookup);
    let c = net::create_connection(cx, opts);
    let clean = move |s: &net::Error| s.to_string().replace(&port.to_string(), "PORT");
    c.on_connection_attempt(cx, move |out, cx, _, a| {
        out.log(format!("{name} connectionAttempt {}", a.ip()));
        cx.next_tick(move |out, _| out.log(format!("{name} tick")));
    });
    c.on_connection_attempt_failed(cx, move |out, _, _, a, e| {
        let (ip, code) = (a.ip(), e.code());
        out.log(format!("{name} connectionAttemptFailed {ip} {code}"));
    });
    c.on_connect(cx, move |out, cx, c| {
        let remote = or_undefined(c.remote_address(cx).and_then(|remote| remote.ip()));
        out.log(format!("{name} connect {remote}"));
    });
    c.on_error(cx, move |out, _, _, e| {
        let one = std::slice::from_ref(e);
        let all = if e.errors().is_empty() {
            one
        } else {
            e.errors()
        };
        let all = all.iter().map(clean).collect::<Vec<_>>().join(",");
        out.log(format!("{name} error {} [{all}]", e.code()));
    });
    c.on_close(cx, move |out, cx, _, e| {
        out.log(format!("{name} close {e}"));
        next(cx);
    });
    c.resume(cx);
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.end(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let port = server.port(cx);
        dial(cx, port, "one", &["255.255.255.255"], move |cx| {
            let ips = &["255.255.255.255", "127.0.0.1"];
            dial(cx, port, "two", ips, move |cx| {
                let ips = &["127.0.0.2", "255.255.255.255"];
                dial(cx, port, "none", ips, move |cx| {
                    server.close(cx);
                });
            });
        });
    });
}
