//! The life of an IPC connection, half-open: the states, a large write with its 'drain', and what
//! IPC does not know (a reset, Nagle).

use loopchat::{Context, net};

use crate::Trace;

const SIZE: usize = 4 * 1024 * 1024;

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let dir = out.mkdtemp();
    let sock = dir.join("s");
    let server = net::create_server(cx).set_allow_half_open(cx, true);
    server.on_connection(cx, move |out, cx, s| {
        let (state, connecting, pending) = (s.ready_state(cx), s.connecting(cx), s.pending(cx));
        out.lane(
            "server",
            format!("connection [{state}] connecting={connecting} pending={pending}"),
        );
        s.resume(cx);
        s.on_end(cx, |out, cx, s| {
            let (state, read) = (s.ready_state(cx), s.bytes_read(cx) == SIZE as u64);
            out.lane("server", format!("end [{state}] read={read}"));
            s.write(cx, "late ");
            s.end_with(cx, "answer");
        });
        s.on_finish(cx, |out, cx, s| {
            out.lane("server", format!("finish [{}]", s.ready_state(cx)));
        });
        s.on_close(cx, move |out, cx, s, e| {
            out.lane("server", format!("close {e} [{}]", s.ready_state(cx)));
            server.close(cx);
        });
    });
    server.listen(cx, sock.as_path());
    server.once_listening(cx, move |out, cx, _| {
        let c = net::Socket::new(cx);
        let (state, pending) = (c.ready_state(cx), c.pending(cx));
        out.lane("client", format!("new [{state}] pending={pending}"));
        c.connect(cx, sock.as_path());
        let (state, connecting, pending) = (c.ready_state(cx), c.connecting(cx), c.pending(cx));
        out.lane(
            "client",
            format!("connecting={connecting} [{state}] pending={pending}"),
        );
        c.on_connect(cx, |out, cx, c| {
            let (state, pending) = (c.ready_state(cx), c.pending(cx));
            out.lane("client", format!("connect [{state}] pending={pending}"));
            if let Err(e) = c.reset_and_destroy(cx) {
                let (code, destroyed) = (e.code(), c.destroyed(cx));
                out.lane("client", format!("reset {code} destroyed={destroyed}"));
            }
            let wrote = c.write_then(cx, vec![0; SIZE], |out, _, e| {
                let e = e.map_or("null", |e| e.code());
                out.lane("client", format!("callback {e}"));
            });
            let need_drain = c.writable_need_drain(cx);
            out.lane("client", format!("write {wrote} needDrain={need_drain}"));
        });
        c.on_ready(cx, |out, _, _| out.lane("client", "ready"));
        c.on_drain(cx, |out, cx, c| {
            out.lane("client", format!("drain queued={}", c.writable_length(cx)));
            c.end_then(cx, "", move |out, cx, _| {
                out.lane("client", format!("end callback [{}]", c.ready_state(cx)));
            });
        });
        c.on_finish(cx, |out, _, _| out.lane("client", "finish"));
        let mut got = String::new();
        c.on_event(cx, move |out, cx, c, event| match event {
            net::Event::Data(d) => got += &String::from_utf8_lossy(d),
            net::Event::End => {
                out.lane("client", format!("end \"{got}\" [{}]", c.ready_state(cx)));
            }
            _ => {}
        });
        c.on_close(cx, |out, cx, c, e| {
            out.lane("client", format!("close {e} [{}]", c.ready_state(cx)));
        });
    });
}
