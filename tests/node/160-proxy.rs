//! A proxy: each connection is piped to a connection of its own and back; ends travel both ways, a
//! refused upstream is reported.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn dial(
    cx: &mut Context<Trace>,
    proxy: net::Server,
    name: &'static str,
    mut next: impl FnMut(&mut Context<Trace>) + 'static,
) {
    let opts = net::ConnectOptions::new(("127.0.0.1", proxy.port(cx))).allow_half_open(true);
    let c = net::create_connection(cx, opts);
    c.write(cx, "one ");
    cx.set_timeout(Duration::from_millis(200), move |_, cx| {
        c.end_with(cx, "two");
    });
    c.on_data(cx, move |out, _, _, d| {
        out.lane(name, format!("data {}", String::from_utf8_lossy(d)));
    });
    c.on_end(cx, move |out, _, _| out.lane(name, "end"));
    c.on_close(cx, move |out, cx, _, e| {
        out.lane(name, format!("close {e}"));
        next(cx);
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let upstream = net::create_server(cx).set_allow_half_open(cx, true);
    upstream.on_connection(cx, |_, cx, s| {
        let mut got = String::new();
        s.on_event(cx, move |_, cx, s, event| match event {
            net::Event::Data(d) => got += &String::from_utf8_lossy(d),
            net::Event::End => {
                s.end_with(cx, format!("upstream got \"{got}\""));
            }
            _ => {}
        });
    });
    let target = Rc::new(Cell::new(0));
    let proxy = net::create_server(cx).set_allow_half_open(cx, true);
    let to = target.clone();
    proxy.on_connection(cx, move |_, cx, s| {
        let opts = net::ConnectOptions::new(("127.0.0.1", to.get())).allow_half_open(true);
        let up = net::create_connection(cx, opts);
        s.pipe(cx, up);
        up.pipe(cx, s);
        up.on_connect(cx, |out, _, _| out.lane("proxy", "upstream connect"));
        up.on_error(cx, move |out, cx, _, e| {
            out.lane("proxy", format!("upstream error {}", e.code()));
            s.end_with(cx, "no upstream");
            s.resume(cx);
        });
        up.on_close(cx, |out, cx, up, e| {
            let (read, written) = (up.bytes_read(cx), up.bytes_written(cx));
            let counts = format!(" read={read} written={written}");
            let counts = if e { "" } else { &counts };
            out.lane("proxy", format!("upstream close {e}{counts}"));
        });
    });
    upstream.listen(cx, ("127.0.0.1", 0));
    upstream.once_listening(cx, move |_, cx, upstream| {
        target.set(upstream.port(cx));
        let target = target.clone();
        proxy.listen(cx, ("127.0.0.1", 0));
        proxy.once_listening(cx, move |_, cx, proxy| {
            let target = target.clone();
            dial(cx, proxy, "client", move |cx| {
                let target = target.clone();
                upstream.close_then(cx, move |_, cx, _| {
                    target.set(1); // nobody listens there, nor is it given to anybody
                    dial(cx, proxy, "refused", move |cx| {
                        proxy.close_then(cx, |out, _, _| out.lane("proxy", "closed"));
                    });
                });
            });
        });
    });
}
