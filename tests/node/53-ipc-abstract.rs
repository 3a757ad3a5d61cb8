//! Linux abstract socket (leading NUL): no file, same events, address() gives the name with the
//! NUL; in use is EADDRINUSE, gone is ECONNREFUSED.

use std::path::Path;

use loopchat::{Context, net};

use crate::Trace;

/// As Node shows it. Ours begin with an `@`, as other tools show them.
fn show(address: impl ToString) -> String {
    let s = address.to_string().replacen('@', "\\u0000", 1);
    format!("\"{}\"", s.replace(&std::process::id().to_string(), "PID"))
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let name = format!("\0nodeparity-{}", std::process::id());
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.on_data(cx, |_, cx, s, d| {
            s.end_with(cx, [b"echo ", d].concat());
        });
        s.on_close(cx, |out, _, _, e| out.lane("conn", format!("close {e}")));
    });
    server.listen(cx, Path::new(&name));
    server.once_listening(cx, move |out, cx, server| {
        let address = server.address(cx).unwrap();
        out.lane("server", format!("listening {}", show(address)));
        let other = net::create_server(cx);
        other.on_error(cx, |out, _, _, e| {
            out.lane("server", format!("second listen {}", e.code()));
        });
        other.listen(cx, Path::new(&name));
        let c = net::create_connection(cx, Path::new(&name));
        c.once_connect(cx, |_, cx, c| {
            c.write(cx, "hi");
        });
        c.on_data(cx, |out, _, _, d| {
            out.lane("client", format!("data \"{}\"", String::from_utf8_lossy(d)));
        });
        let name = name.clone();
        c.on_close(cx, move |out, cx, _, e| {
            out.lane("client", format!("close {e}"));
            let name = name.clone();
            server.close_then(cx, move |out, cx, _| {
                out.lane("server", "close");
                let c = net::create_connection(cx, Path::new(&name));
                c.on_error(cx, |out, _, _, x| {
                    let (code, address) = (x.code(), show(x.address().unwrap()));
                    out.lane("client", format!("after close {code} {address}"));
                });
            });
        });
    });
}
