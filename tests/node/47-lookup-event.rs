//! A host name gives one 'lookup' (err, ip, family, host) before 'connect'; an IP literal gives
//! none. A failing lookup gives 'lookup' with the error, then 'error', then 'close' true.

use std::time::Duration;

use loopchat::{Context, net};

use crate::{Trace, or_undefined};

type Options = net::ConnectOptions<Trace>;

fn dial(
    name: &'static str,
    opts: Options,
    cx: &mut Context<Trace>,
    out: &mut Trace,
    mut next: impl FnMut(&mut Trace, &mut Context<Trace>) + 'static,
) {
    let c = net::create_connection(cx, opts);
    out.log(format!("{name} created connecting={}", c.connecting(cx)));
    c.on_lookup(cx, move |out, cx, c, found, host| {
        let err = found.map_or_else(|err| err.code(), |_| "null");
        let ip = or_undefined(found.ok());
        let family = or_undefined(found.ok().map(|ip| net::is_ip(&ip.to_string())));
        let connecting = c.connecting(cx);
        out.log(format!(
            "{name} lookup {err} {ip} {family} {host} connecting={connecting}"
        ));
    });
    c.on_connect(cx, move |out, cx, c| {
        let remote = or_undefined(c.remote_address(cx).and_then(|remote| remote.ip()));
        out.log(format!("{name} connect remote={remote}"));
    });
    c.on_ready(cx, move |out, cx, c| {
        let remote = or_undefined(c.remote_address(cx).and_then(|remote| remote.ip()));
        out.log(format!("{name} ready remote={remote}"));
    });
    c.on_error(cx, move |out, _, _, e| {
        let syscall = or_undefined(e.syscall());
        out.log(format!("{name} error {} {syscall}", e.code()));
    });
    c.on_close(cx, move |out, cx, _, e| {
        out.log(format!("{name} close {e}"));
        next(out, cx);
    });
    c.resume(cx);
}

fn fail(_: &mut Trace, cx: &mut Context<Trace>, request: net::LookupRequest) {
    let mut request = Some(request);
    cx.set_timeout(Duration::from_millis(50), move |_, cx| {
        if let Some(request) = request.take() {
            let mock = net::Error::lookup(request.host());
            request.answer(cx, Err(mock));
        }
    });
}

fn ok(_: &mut Trace, cx: &mut Context<Trace>, request: net::LookupRequest) {
    request.answer(cx, Ok(vec!["127.0.0.1".parse().unwrap()]));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.end(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| {
        let to = move |cx: &Context<Trace>, host| Options::new((host, server.port(cx)));
        let opts = to(cx, "localhost").family(4);
        dial("localhost", opts, cx, out, move |out, cx| {
            let opts = to(cx, "127.0.0.1");
            dial("literal", opts, cx, out, move |out, cx| {
                let opts = to(cx, "chat.example").family(4).lookup(ok);
                dial("custom", opts, cx, out, move |out, cx| {
                    let opts = to(cx, "nope.example").family(4).lookup(fail);
                    dial("failing", opts, cx, out, move |_, cx| {
                        server.close(cx);
                    });
                });
            });
        });
    });
}
