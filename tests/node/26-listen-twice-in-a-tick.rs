//! Two listen(port, host) in one tick: the last wins, and the callbacks of both run. A listen that
//! was overtaken by close() and another listen is forgotten, too.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let a = net::create_server(cx);
    a.on_listening(cx, |out, cx, a| {
        let ip = a.address(cx).unwrap().ip().unwrap();
        out.log(format!("a listening {ip}"));
    });
    a.listen(cx, ("127.0.0.2", 0));
    a.once_listening(cx, |out, _, _| out.log("a first callback"));
    a.listen(cx, ("127.0.0.1", 0));
    a.once_listening(cx, |out, cx, a| {
        out.log("a second callback");
        a.close_then(cx, |out, _, _| out.log("a close"));
    });
    let b = net::create_server(cx);
    b.on_listening(cx, |out, cx, b| {
        let ip = b.address(cx).unwrap().ip().unwrap();
        out.log(format!("b listening {ip}"));
    });
    b.on_close(cx, |out, _, _| out.log("b close"));
    b.listen(cx, ("127.0.0.2", 0));
    b.once_listening(cx, |out, _, _| out.log("b first callback"));
    b.close(cx);
    b.listen(cx, ("127.0.0.1", 0));
    b.once_listening(cx, |out, cx, b| {
        out.log("b second callback");
        b.close(cx);
    });
}
