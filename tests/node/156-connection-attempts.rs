//! 'connectionAttempt' comes directly before each connect(2): for an IP literal a tick after
//! connect(); its failure before 'error'. A socket destroyed there tries no further address.

use loopchat::{Context, net};

use crate::Trace;

fn watch(cx: &mut Context<Trace>, name: &'static str, c: net::Socket) -> net::Socket {
    c.on_lookup(cx, move |out, _, _, found, host| {
        out.log(format!("{name} lookup {},{host}", found.unwrap()))
    });
    c.on_connection_attempt(cx, move |out, _, _, a| {
        out.log(format!("{name} connectionAttempt {}", a.ip()))
    });
    c.on_connection_attempt_failed(cx, move |out, _, _, a, _| {
        out.log(format!("{name} connectionAttemptFailed {}", a.ip()))
    });
    c.on_connect(cx, move |out, _, _| out.log(format!("{name} connect")));
    c.on_ready(cx, move |out, _, _| out.log(format!("{name} ready")));
    c.on_end(cx, move |out, _, _| out.log(format!("{name} end")));
    c.on_error(cx, move |out, _, _, e| {
        out.log(format!("{name} error {}", e.code()))
    });
    c.on_close(cx, move |out, _, _, e| out.log(format!("{name} close {e}")));
    c
}

fn lookup(_: &mut Trace, cx: &mut Context<Trace>, request: net::LookupRequest) {
    let found = ["127.0.0.2", "127.0.0.1"].map(|ip| ip.parse().unwrap());
    request.answer(cx, Ok(found.to_vec()));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.end(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| {
        let port = server.port(cx);
        let literal = net::create_connection(cx, ("127.0.0.1", port));
        watch(cx, "literal", literal).resume(cx);
        out.log("literal returned");
        cx.next_tick(|out, _| out.log("tick"));
        literal.on_close(cx, move |_, cx, _, _| {
            let refused = net::create_connection(cx, ("127.0.0.2", port));
            watch(cx, "refused", refused);
            refused.on_close(cx, move |_, cx, _, _| {
                let opts = net::ConnectOptions::new(("two.example", port)).lookup(lookup);
                let halfway = net::create_connection(cx, opts);
                watch(cx, "halfway", halfway);
                halfway.on_connection_attempt_failed(cx, |_, cx, halfway, _, _| {
                    halfway.destroy(cx);
                });
                halfway.on_close(cx, move |_, cx, _, _| {
                    server.close(cx);
                });
            });
        });
    });
}
