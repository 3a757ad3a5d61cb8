//! Only a write that is handed to the kernel is activity: one that waits for the connection or is
//! corked does not push the idle timer back.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn lookup(_: &mut Trace, cx: &mut Context<Trace>, request: net::LookupRequest) {
    let mut request = Some(request);
    cx.set_timeout(Duration::from_millis(2100), move |_, cx| {
        let request = request.take().unwrap();
        request.answer(cx, Ok(vec!["127.0.0.1".parse().unwrap()]));
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.resume(cx);
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let opts = net::ConnectOptions::new(("slow.example", server.port(cx)));
        let c = net::create_connection(cx, opts.family(4).lookup(lookup));
        c.set_timeout(cx, Duration::from_millis(900));
        cx.set_timeout(Duration::from_millis(450), move |out, cx| {
            c.write(cx, "waits");
            out.log("write while connecting");
        });
        cx.set_timeout(Duration::from_millis(1200), |out, _| out.log("1200 ms"));
        c.on_timeout(cx, |out, cx, c| {
            let (connecting, queued) = (c.connecting(cx), c.writable_length(cx));
            out.log(format!("timeout connecting={connecting} queued={queued}"));
        });
        c.on_connect(cx, move |out, cx, c| {
            out.log("connect");
            c.cork(cx);
            cx.set_timeout(Duration::from_millis(450), move |out, cx| {
                c.write(cx, "corked");
                out.log("write while corked");
            });
            cx.set_timeout(Duration::from_millis(1200), |out, _| out.log("1200 ms"));
            cx.set_timeout(Duration::from_millis(1650), move |_, cx| {
                c.destroy(cx);
                server.close(cx);
            });
        });
    });
}
