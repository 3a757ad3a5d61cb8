//! A write the kernel refuses: false at once and writable=false, but destroyed only a tick later;
//! callback, then 'error', then 'close' true.

use loopchat::{Context, net};

use crate::Trace;

fn state(cx: &Context<Trace>, c: net::Socket) -> String {
    let (state, writable, readable) = (c.ready_state(cx), c.writable(cx), c.readable(cx));
    let errored = c.errored(cx).map_or("null", net::Error::code);
    let (destroyed, queued) = (c.destroyed(cx), c.writable_length(cx));
    format!(
        "[{state}] writable={writable} readable={readable} destroyed={destroyed} errored={errored} queued={queued}"
    )
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let path = std::env::temp_dir().join(format!("parity-148-rs-{}.sock", std::process::id()));
    let path = net::Address::from(path.as_path());
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        s.destroy(cx);
        server.close(cx);
    });
    server.listen(cx, path.clone());
    server.once_listening(cx, move |_, cx, _| {
        let to = net::ConnectOptions::new(path.clone());
        let c = net::create_connection(cx, to.allow_half_open(true));
        c.resume(cx);
        c.on_end(cx, |_, cx, c| {
            cx.set_immediate(move |out, cx| {
                out.log(format!("before {}", state(cx, c)));
                c.cork(cx);
                c.write_then(cx, "a", |out, _, e| {
                    out.log(format!("callback a {}", e.unwrap().code()))
                });
                c.write_then(cx, "b", |out, _, e| {
                    out.log(format!("callback b {}", e.unwrap().code()))
                });
                c.uncork(cx);
                out.log(format!("after {}", state(cx, c)));
                c.write_then(cx, "c", |out, _, e| {
                    out.log(format!("callback c {}", e.unwrap().code()))
                });
                out.log(format!("queued {}", state(cx, c)));
                c.end_then(cx, "d", |out, _, e| {
                    out.log(format!("end callback {}", e.unwrap().code()))
                });
                cx.next_tick(move |out, cx| {
                    out.log(format!("tick {}", state(cx, c)));
                    cx.next_tick(|out, _| out.log("tick of tick"));
                });
                cx.set_immediate(|out, _| out.log("immediate"));
            });
        });
        c.on_finish(cx, |out, _, _| out.log("finish"));
        c.on_drain(cx, |out, _, _| out.log("drain"));
        c.on_error(cx, |out, cx, c, e| {
            out.log(format!("error {} {}", e.code(), state(cx, c)))
        });
        c.on_close(cx, |out, _, _, e| out.log(format!("close {e}")));
    });
}
