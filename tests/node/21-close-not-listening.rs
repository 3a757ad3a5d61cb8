//! close() of a server that does not listen emits 'close' all the same, and its callback gets
//! ERR_SERVER_NOT_RUNNING; a second close() emits a second 'close'.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_close(cx, |out, _, _| out.log("close event"));
    server.on_error(cx, |out, _, _, e| {
        out.log(format!("error {} (must not run)", e.code()));
    });
    let returned = server.close_then(cx, |out, _, e| {
        let e = e.unwrap();
        out.log(format!("first callback {} {e}", e.code()));
    });
    out.log(format!("returns self {}", returned == server));
    server.close_then(cx, |out, _, e| {
        out.log(format!("second callback {}", e.unwrap().code()));
    });
    cx.next_tick(|out, _| out.log("tick"));
    cx.set_immediate(move |out, cx| {
        out.log("immediate");
        server.listen(cx, 0);
        server.once_listening(cx, |out, cx, server| {
            out.log("listening");
            server.close_then(cx, |out, _, e| {
                let e = e.map_or("undefined", |e| e.code());
                out.log(format!("third callback {e}"));
            });
            server.close_then(cx, |out, _, e| {
                out.log(format!("fourth callback {}", e.unwrap().code()));
            });
        });
    });
    out.log("main end");
}
