//! close() before 'listening' suppresses it, whether it is bound already or still to be looked up;
//! the callback of listen waits for a later listen.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let a = net::create_server(cx);
    a.on_close(cx, |out, _, _| out.log("a close"));
    a.listen(cx, 0);
    a.once_listening(cx, |out, _, _| out.log("a listen callback (must not run)"));
    a.close_then(cx, |out, _, e| {
        let e = e.map_or("undefined", |e| e.code());
        out.log(format!("a close callback {e}"));
    });
    let address = a.address(cx).map_or("null".into(), |at| at.to_string());
    out.log(format!("a listening={} address={address}", a.listening(cx)));
    let b = net::create_server(cx);
    b.on_close(cx, |out, _, _| out.log("b close"));
    b.listen(cx, ("127.0.0.1", 0));
    b.once_listening(cx, |out, _, _| out.log("b first listen callback"));
    b.close_then(cx, |out, _, e| {
        out.log(format!("b close callback {}", e.unwrap().code()));
    });
    cx.set_immediate(move |out, cx| {
        out.log(format!("immediate, b listening={}", b.listening(cx)));
        b.listen(cx, ("127.0.0.1", 0));
        b.once_listening(cx, |out, cx, b| {
            out.log("b second listen callback");
            b.close(cx);
        });
    });
}
