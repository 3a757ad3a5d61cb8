//! A closed listener is a closing handle for one more turn: what waits for the check phase of it
//! still runs.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx).listen(cx, 0);
    server.once_listening(cx, move |out, cx, _| {
        out.log("listening");
        server.close_then(cx, |out, _, _| out.log("close"));
        let i = cx.set_immediate(|out, _| {
            out.log("unref immediate runs: the listener is closing");
        });
        cx.set_immediate_ref(i, false);
    });
    server.unref(cx);
}
