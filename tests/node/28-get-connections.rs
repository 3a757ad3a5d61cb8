//! A connection counts from before its 'connection' event to its destroy; get_connections counts
//! at the call and answers by a tick. A server with a backlog option listens as any.

use loopchat::{Context, net};

use crate::Trace;

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |out, cx, s| {
        server.get_connections(cx, |out, _, n| out.log(format!("in the handler null {n}")));
        cx.next_tick(|out, _| out.log("tick"));
        s.destroy(cx);
        server.get_connections(cx, |out, _, n| out.log(format!("after destroy {n}")));
        s.on_close(cx, move |_, cx, _, _| {
            server.get_connections(cx, move |out, cx, n| {
                out.log(format!("after close {n}"));
                server.close(cx);
            });
        });
        out.log("handler end");
    });
    let returned = server.get_connections(cx, |out, _, n| out.log(format!("not listening {n}")));
    out.log(format!("returns self {}", returned == server));
    server.on_close(cx, |out, _, _| out.log("close"));
    let options = net::ListenOptions::from(("127.0.0.1", 0)).backlog(5);
    server.listen(cx, options);
    server.once_listening(cx, |_, cx, server| {
        net::create_connection(cx, ("127.0.0.1", server.port(cx))).resume(cx);
    });
    out.log("main end");
}
