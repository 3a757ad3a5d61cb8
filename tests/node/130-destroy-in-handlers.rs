//! destroy() inside each handler: what still comes after it.

use loopchat::{Context, net};

use crate::Trace;

fn seen(out: &mut Trace, cx: &mut Context<Trace>, c: net::Socket, at: &'static str, ev: &str) {
    out.log(format!("{at}: {ev}"));
    if ev == at {
        c.destroy(cx);
        cx.next_tick(move |out, _| out.log(format!("{at}: tick")));
        cx.set_immediate(move |out, _| out.log(format!("{at}: immediate")));
    } else if at == "error" && ev == "data" {
        c.destroy_with_error(cx, net::Error::new("own"));
    } else if at == "close" && ev == "data" {
        c.destroy(cx);
    }
}

fn run(cx: &mut Context<Trace>, server: net::Server, runs: &'static [&'static str]) {
    let Some((&at, runs)) = runs.split_first() else {
        server.close(cx);
        return;
    };
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    c.on_lookup(cx, move |out, cx, c, _, _| seen(out, cx, c, at, "lookup"));
    c.on_connect(cx, move |out, cx, c| seen(out, cx, c, at, "connect"));
    c.on_ready(cx, move |out, cx, c| seen(out, cx, c, at, "ready"));
    c.on_data(cx, move |out, cx, c, _| seen(out, cx, c, at, "data"));
    c.on_end(cx, move |out, cx, c| seen(out, cx, c, at, "end"));
    c.on_finish(cx, move |out, cx, c| seen(out, cx, c, at, "finish"));
    c.on_drain(cx, move |out, cx, c| seen(out, cx, c, at, "drain"));
    c.on_error(cx, move |out, cx, c, _| seen(out, cx, c, at, "error"));
    c.on_close(cx, move |out, cx, c, e| {
        seen(out, cx, c, at, "close");
        out.log(format!("{at}: hadError={e}"));
        cx.set_immediate(move |_, cx| run(cx, server, runs));
    });
    if at == "drain" {
        c.write_then(cx, [b'x'; 20000], |out, _, _| out.log("drain: callback"));
    }
    if at == "finish" {
        c.end_then(cx, "", |out, _, _| out.log("finish: end callback"));
    } else {
        let ask = if at == "end" { "end?" } else { "x" };
        c.write_then(cx, ask, move |out, _, _| {
            out.log(format!("{at}: callback x"))
        });
    }
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.on_data(cx, |_, cx, s, d| {
            if d == b"end?" {
                s.end_with(cx, "!");
            } else {
                s.write(cx, "more");
            }
        });
    });
    let runs = &[
        "connect", "ready", "data", "end", "finish", "drain", "error", "close",
    ];
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| run(cx, server, runs));
}
