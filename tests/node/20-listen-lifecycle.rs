//! listen(port) binds synchronously, listen(port, host) only after a (tick-deferred) lookup;
//! 'listening' is always deferred.

use loopchat::{Context, net};

use crate::Trace;

fn address(cx: &Context<Trace>, server: net::Server) -> String {
    server
        .address(cx)
        .map_or("null".into(), |address| address.to_string())
}

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let a = net::create_server(cx);
    out.log(format!(
        "a before: listening={} address={}",
        a.listening(cx),
        address(cx, a)
    ));
    a.on_listening(cx, |out, _, _| out.log("a listening event"));
    a.on_close(cx, |out, _, _| out.log("a close event"));
    let returned = a.listen(cx, 0);
    a.once_listening(cx, |out, _, _| out.log("a listen callback"));
    out.log(format!("a listen returns self {}", returned == a));
    out.log(format!(
        "a after listen(0): listening={} port>0={}",
        a.listening(cx),
        a.port(cx) > 0
    ));
    let b = net::create_server(cx);
    b.listen(cx, ("127.0.0.1", 0));
    b.once_listening(cx, |out, cx, b| {
        let address = b.address(cx).unwrap();
        let (ip, family, port) = (address.ip().unwrap(), address.family().unwrap(), b.port(cx));
        out.log(format!("b callback: {ip} {family} port>0={}", port > 0));
        b.close_then(cx, |out, _, e| {
            let e = e.map_or("undefined".into(), |e| e.to_string());
            out.log(format!("b close callback err={e}"));
        });
        out.log(format!(
            "b after close(): listening={} address={}",
            b.listening(cx),
            self::address(cx, b)
        ));
    });
    out.log(format!(
        "b after listen(0, host): listening={} address={}",
        b.listening(cx),
        address(cx, b)
    ));
    cx.next_tick(|out, _| out.log("tick"));
    cx.set_immediate(move |out, cx| {
        out.log("immediate");
        a.close_then(cx, |out, _, _| out.log("a close callback"));
        out.log(format!("a after close(): listening={}", a.listening(cx)));
        cx.next_tick(|out, _| out.log("tick after a.close"));
    });
    out.log("main end");
}
