//! end(callback): before 'finish'; called twice both are told; after 'finish' and after destroy()
//! they get an error.

use loopchat::{Context, net};

use crate::{Trace, code_or_message};

fn told(n: &'static str) -> impl FnOnce(&mut Trace, &mut Context<Trace>, Option<&net::Error>) {
    move |out, _, e| out.log(format!("{n} {}", e.map_or("null".into(), code_or_message)))
}

fn twice(
    cx: &mut Context<Trace>,
    server: net::Server,
    next: impl Fn(&mut Context<Trace>) + Clone + 'static,
) {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    c.resume(cx);
    c.on_connect(cx, |_, cx, c| {
        c.end_then(cx, "x", told("twice first"));
        c.end_then(cx, "", told("twice second"));
        cx.next_tick(|out, _| out.log("twice tick"));
    });
    c.on_finish(cx, |out, cx, c| {
        let finished = c.writable_finished(cx);
        out.log(format!("twice finish writableFinished={finished}"));
        c.end_then(cx, "", told("twice in finish"));
        cx.next_tick(|out, _| out.log("twice finish tick"));
    });
    c.on_close(cx, move |out, cx, c, e| {
        out.log(format!("twice close {e}"));
        c.end_then(cx, "", told("twice after close"));
        c.end_then(cx, "x", told("twice data after close"));
        let next = next.clone();
        cx.set_immediate(move |_, cx| next(cx));
    });
    c.on_error(cx, |out, _, _, e| {
        out.log(format!("twice error {}", e.code()))
    });
}

fn destroyed(
    cx: &mut Context<Trace>,
    server: net::Server,
    next: impl Fn(&mut Context<Trace>) + Clone + 'static,
) {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    c.on_connect(cx, |out, cx, c| {
        c.destroy(cx);
        c.end_then(cx, "data", told("destroyed data"));
        c.end_then(cx, "", told("destroyed end"));
        c.end_then(cx, "", told("destroyed second end"));
        out.log(format!("destroyed writableEnded={}", c.writable_ended(cx)));
        cx.next_tick(|out, _| out.log("destroyed tick"));
    });
    c.on_finish(cx, |out, _, _| out.log("destroyed finish"));
    c.on_close(cx, move |out, cx, _, e| {
        out.log(format!("destroyed close {e}"));
        let next = next.clone();
        cx.set_immediate(move |_, cx| next(cx));
    });
}

fn errored(
    cx: &mut Context<Trace>,
    server: net::Server,
    next: impl Fn(&mut Context<Trace>) + Clone + 'static,
) {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    c.on_connect(cx, |_, cx, c| {
        c.end_then(cx, "", told("errored first"));
        c.destroy_with_error(cx, net::Error::new("boom"));
        c.end_then(cx, "", told("errored second"));
        c.write_then(cx, "x", told("errored write"));
        cx.next_tick(|out, _| out.log("errored tick"));
    });
    c.on_error(cx, |out, _, _, e| out.log(format!("errored error {e}")));
    c.on_close(cx, move |out, cx, _, e| {
        out.log(format!("errored close {e}"));
        let next = next.clone();
        cx.set_immediate(move |_, cx| next(cx));
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.resume(cx);
        s.on_end(cx, |_, _, _| {});
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        twice(cx, server, move |cx| {
            destroyed(cx, server, move |cx| {
                errored(cx, server, move |cx| {
                    server.close(cx);
                });
            });
        });
    });
}
