//! on_text holds back an incomplete character until its bytes arrive; what is still incomplete at
//! 'end' becomes U+FFFD.

use std::collections::VecDeque;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

fn next(cx: &mut Context<Trace>, c: net::Socket, mut parts: VecDeque<&'static [u8]>) {
    let Some(p) = parts.pop_front() else {
        c.end(cx);
        return;
    };
    c.write(cx, p);
    cx.set_timeout(Duration::from_millis(250), move |_, cx| {
        next(cx, c, parts.clone())
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        s.on_text(cx, |out, cx, s, d| {
            let read = s.bytes_read(cx);
            out.log(format!("data string \"{d}\" bytesRead={read}"));
        });
        s.on_end(cx, move |out, cx, _| {
            out.log("end");
            server.close(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| {
        let c = net::create_connection(cx, ("127.0.0.1", server.port(cx))).set_no_delay(cx, true);
        let parts: [&[u8]; 5] = [
            &[0x61, 0xe2, 0x82],
            &[0xac],
            &[0xf0, 0x9f],
            &[0x98, 0x80, 0x62],
            &[0xe2, 0x82],
        ];
        let parts = VecDeque::from(parts);
        c.on_connect(cx, move |_, cx, c| next(cx, c, parts.clone()));
    });
}
