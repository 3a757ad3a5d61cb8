//! reset_and_destroy() while connecting waits for 'connect'; on IPC it throws.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let path = std::env::temp_dir().join(format!("parity-134-rs-{}.sock", std::process::id()));
    let path = net::Address::from(path.as_path());
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        s.on_data(cx, |out, _, _, _| out.lane("peer", "data"));
        s.on_end(cx, |out, _, _| out.lane("peer", "end"));
        s.on_finish(cx, |out, _, _| out.lane("peer", "finish"));
        s.on_error(cx, |out, _, _, e| {
            out.lane(
                "peer",
                format!("error {} {}", e.code(), e.syscall().unwrap()),
            )
        });
        s.on_close(cx, move |out, cx, _, e| {
            out.lane("peer", format!("close {e}"));
            server.close(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |out, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
        c.on_connect(cx, |out, cx, c| {
            out.lane(
                "client",
                format!("connect first destroyed={}", c.destroyed(cx)),
            )
        });
        c.reset_and_destroy(cx).unwrap();
        let (connecting, destroyed) = (c.connecting(cx), c.destroyed(cx));
        out.lane(
            "client",
            format!("connecting={connecting} destroyed={destroyed}"),
        );
        c.on_connect(cx, |out, cx, c| {
            out.lane("client", format!("connect destroyed={}", c.destroyed(cx)))
        });
        c.on_ready(cx, |out, cx, c| {
            out.lane("client", format!("ready destroyed={}", c.destroyed(cx)))
        });
        c.on_end(cx, |out, cx, c| {
            out.lane("client", format!("end destroyed={}", c.destroyed(cx)))
        });
        c.on_finish(cx, |out, cx, c| {
            out.lane("client", format!("finish destroyed={}", c.destroyed(cx)))
        });
        c.on_drain(cx, |out, cx, c| {
            out.lane("client", format!("drain destroyed={}", c.destroyed(cx)))
        });
        c.on_error(cx, |out, _, _, e| {
            out.lane("client", format!("error {}", e.code()))
        });
        c.on_close(cx, |out, _, _, e| out.lane("client", format!("close {e}")));
    });
    let ipc = net::create_server(cx);
    ipc.on_connection(cx, |_, cx, s| {
        s.resume(cx);
    });
    ipc.listen(cx, path.clone());
    ipc.once_listening(cx, move |_, cx, ipc| {
        let c = net::create_connection(cx, path.clone());
        c.once_connect(cx, |out, cx, c| {
            if let Err(e) = c.reset_and_destroy(cx) {
                let destroyed = c.destroyed(cx);
                out.lane("ipc", format!("threw {} destroyed={destroyed}", e.code()));
            }
            c.end(cx);
        });
        c.resume(cx);
        c.on_close(cx, move |out, cx, _, e| {
            out.lane("ipc", format!("close {e}"));
            ipc.close(cx);
        });
    });
}
