//! Refused TCP connect: 'error' (ECONNREFUSED, syscall connect, address, port), then 'close' true;
//! never 'connect' or 'end'. The socket can be reused.

use loopchat::{Context, net};

use crate::Trace;

/// Nobody listens there, nor is it given to anybody.
const PORT: u16 = 1;

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let c = net::create_connection(cx, ("127.0.0.1", PORT));
    out.log(format!(
        "connecting={} [{}]",
        c.connecting(cx),
        c.ready_state(cx)
    ));
    c.on_connect(cx, |out, _, _| out.log("connect"));
    c.on_ready(cx, |out, _, _| out.log("ready"));
    c.on_end(cx, |out, _, _| out.log("end"));
    c.on_finish(cx, |out, _, _| out.log("finish"));
    c.on_lookup(cx, |out, _, _, _, _| out.log("lookup"));
    c.write_then(cx, "x", |out, _, e| {
        out.log(format!("write callback {}", e.unwrap().code()))
    });
    c.on_error(cx, move |out, cx, c, e| {
        let (code, syscall) = (e.code(), e.syscall().unwrap());
        let (address, errno) = (e.address().unwrap(), e.errno().unwrap());
        let same_port = e.port() == Some(PORT.into());
        out.log(format!(
            "error {code} {syscall} {address} samePort={same_port} errno={errno}"
        ));
        out.log(format!(
            "message {}",
            e.to_string().replace(&format!(":{PORT}"), ":PORT")
        ));
        let (destroyed, connecting) = (c.destroyed(cx), c.connecting(cx));
        let state = c.ready_state(cx);
        out.log(format!(
            "destroyed={destroyed} connecting={connecting} [{state}]"
        ));
        cx.next_tick(|out, _| out.log("tick"));
        cx.set_immediate(|out, _| out.log("immediate"));
    });
    c.on_close(cx, |out, _, _, e| out.log(format!("close {e}")));
}
