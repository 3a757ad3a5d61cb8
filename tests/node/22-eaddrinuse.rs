//! EADDRINUSE arrives as a deferred 'error', no 'close'; the server can listen again, and then the
//! callback of the FAILED listen fires too (it was added with once_listening).

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let a = net::create_server(cx);
    a.listen(cx, ("127.0.0.1", 0));
    a.once_listening(cx, move |out, cx, _| {
        let port = a.port(cx);
        let b = net::create_server(cx);
        b.on_close(cx, |out, _, _| out.log("b close event"));
        b.on_error(cx, move |out, cx, b, e| {
            let (code, syscall, address) = (e.code(), e.syscall().unwrap(), e.address().unwrap());
            let same_port = e.port() == Some(port.into());
            out.log(format!(
                "b error {code} {syscall} {address} samePort={same_port}"
            ));
            out.log(format!(
                "b message {}",
                e.to_string().replace(&port.to_string(), "PORT")
            ));
            let address = b.address(cx).map_or("null".into(), |at| at.to_string());
            out.log(format!("b listening={} address={address}", b.listening(cx)));
            b.listen(cx, ("127.0.0.1", 0));
            b.once_listening(cx, move |out, cx, b| {
                out.log("b second callback");
                b.close_then(cx, move |out, cx, _| {
                    out.log("b close callback");
                    a.close_then(cx, |out, _, _| out.log("a close callback"));
                });
            });
        });
        b.listen(cx, ("127.0.0.1", port));
        b.once_listening(cx, |out, _, _| out.log("b first callback"));
        out.log("b listen returned");
        cx.set_immediate(|out, _| out.log("immediate"));
    });
}
