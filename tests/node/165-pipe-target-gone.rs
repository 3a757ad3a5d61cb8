//! pipe(): when the target closes, or was ended by someone else, the source is paused and forwards
//! no more; a pause of the program's own is not undone by the target's 'drain'.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

#[derive(Clone, Copy)]
struct Servers {
    sink: net::Server,
    source: net::Server,
}

fn until(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    met: impl Fn(&Context<Trace>) -> bool + Clone + 'static,
    next: impl Fn(&mut Trace, &mut Context<Trace>) + Clone + 'static,
) {
    if met(cx) {
        next(out, cx);
    } else {
        cx.set_timeout(Duration::from_millis(100), move |out, cx| {
            until(out, cx, met.clone(), next.clone())
        });
    }
}

fn both(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    Servers { sink, source }: Servers,
    next: impl Fn(&mut Trace, &mut Context<Trace>, net::Socket, net::Socket) + Clone + 'static,
) {
    let from = net::create_connection(cx, ("127.0.0.1", source.port(cx)));
    let to = net::create_connection(cx, ("127.0.0.1", sink.port(cx)));
    let met = move |cx: &Context<Trace>| from.bytes_read(cx) == 3 && !to.connecting(cx);
    until(out, cx, met, move |out, cx| next(out, cx, from, to));
}

fn done(cx: &mut Context<Trace>, from: net::Socket, to: net::Socket) {
    from.destroy(cx);
    to.destroy(cx);
}

fn show(out: &mut Trace, cx: &Context<Trace>, name: &str, s: net::Socket) {
    let flowing = s.readable_flowing(cx);
    let flowing = flowing.map_or("null".into(), |flowing| flowing.to_string());
    let read = s.bytes_read(cx);
    out.log(format!("{name} flowing={flowing} read={read}"));
}

fn closed(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    servers: Servers,
    next: impl Fn(&mut Trace, &mut Context<Trace>) + Clone + 'static,
) {
    both(out, cx, servers, move |out, cx, from, to| {
        show(out, cx, "closed", from);
        out.log(format!("returns target {}", from.pipe(cx, to) == to));
        show(out, cx, "closed piped", from);
        cx.set_timeout(Duration::from_millis(600), move |_, cx| {
            to.destroy(cx);
        });
        let next = next.clone();
        to.on_close(cx, move |out, cx, _, _| {
            show(out, cx, "closed target", from);
            from.write(cx, "more");
            let met = move |cx: &Context<Trace>| from.bytes_read(cx) == 6;
            let next = next.clone();
            until(out, cx, met, move |out, cx| {
                show(out, cx, "closed later", from);
                out.log(format!("kept {}", from.readable_length(cx)));
                done(cx, from, to);
                next(out, cx);
            });
        });
    });
}

fn ended(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    servers: Servers,
    next: impl Fn(&mut Trace, &mut Context<Trace>) + Clone + 'static,
) {
    both(out, cx, servers, move |_, cx, from, to| {
        from.pipe(cx, to);
        cx.set_timeout(Duration::from_millis(600), move |_, cx| {
            to.end_with(cx, "bye");
        });
        let next = next.clone();
        to.on_finish(cx, move |out, cx, _| {
            show(out, cx, "ended target", from);
            from.write(cx, "more");
            let met = move |cx: &Context<Trace>| from.bytes_read(cx) == 6;
            let next = next.clone();
            until(out, cx, met, move |out, cx| {
                show(out, cx, "ended later", from);
                done(cx, from, to);
                next(out, cx);
            });
        });
    });
}

fn paused(
    out: &mut Trace,
    cx: &mut Context<Trace>,
    servers: Servers,
    next: impl Fn(&mut Trace, &mut Context<Trace>) + Clone + 'static,
) {
    both(out, cx, servers, move |_, cx, from, to| {
        from.pipe(cx, to);
        from.pause(cx);
        to.cork(cx);
        to.write(cx, vec![0; 20000]);
        to.uncork(cx);
        to.on_drain(cx, |out, _, _| out.log("drain"));
        let next = next.clone();
        cx.set_timeout(Duration::from_millis(600), move |out, cx| {
            show(out, cx, "paused", from);
            from.pipe(cx, to);
            show(out, cx, "piped again", from);
            done(cx, from, to);
            next(out, cx);
        });
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let sink = net::create_server(cx);
    sink.on_connection(cx, |_, cx, s| {
        let mut n = 0;
        s.on_event(cx, move |out, _, _, event| match event {
            net::Event::Data(d) => n += d.len(),
            net::Event::End => out.log(format!("sink got {n}")),
            _ => {}
        });
    });
    let source = net::create_server(cx);
    source.on_connection(cx, |_, cx, s| {
        s.write(cx, "one");
        s.on_data(cx, |_, cx, s, _| {
            s.write(cx, "two");
        });
        s.on_error(cx, |_, _, _, _| {});
    });
    sink.listen(cx, ("127.0.0.1", 0));
    sink.once_listening(cx, move |_, cx, _| {
        source.listen(cx, ("127.0.0.1", 0));
        source.once_listening(cx, move |out, cx, _| {
            let servers = Servers { sink, source };
            closed(out, cx, servers, move |out, cx| {
                ended(out, cx, servers, move |out, cx| {
                    paused(out, cx, servers, move |_, cx| {
                        sink.close(cx);
                        source.close(cx);
                    });
                });
            });
        });
    });
}
