//! end() and destroy() in one turn: what the kernel has arrives and the peer sees 'end'; no
//! 'finish', the end callback gets an error.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        let mut got = String::new();
        s.on_event(cx, move |out, cx, _, event| match event {
            net::Event::Data(d) => got += &String::from_utf8_lossy(d),
            net::Event::End => out.lane("peer", format!("end got \"{got}\"")),
            net::Event::Finish => out.lane("peer", format!("finish got \"{got}\"")),
            net::Event::Close(e) => {
                out.lane("peer", format!("close {e}"));
                server.close(cx);
            }
            _ => {}
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.on_end(cx, |out, _, _| out.lane("client", "end"));
        c.on_finish(cx, |out, _, _| out.lane("client", "finish"));
        c.on_error(cx, |out, _, _, e| {
            out.lane("client", format!("error {}", e.code()))
        });
        c.on_close(cx, |out, _, _, e| out.lane("client", format!("close {e}")));
        c.on_connect(cx, |out, cx, c| {
            c.write_then(cx, "one ", |out, _, e| {
                let e = e.map_or("null".into(), |e| e.to_string());
                out.lane("client", format!("callback one {e}"));
            });
            c.end_then(cx, "two", |out, _, e| {
                let e = e.unwrap();
                out.lane("client", format!("end callback {} \"{e}\"", e.code()));
            });
            c.destroy(cx);
            let (ended, finished) = (c.writable_ended(cx), c.writable_finished(cx));
            let queued = c.writable_length(cx);
            out.lane(
                "client",
                format!("ended={ended} finished={finished} queued={queued}"),
            );
            cx.next_tick(|out, _| out.lane("client", "tick"));
            cx.set_immediate(|out, _| out.lane("client", "immediate"));
        });
    });
}
