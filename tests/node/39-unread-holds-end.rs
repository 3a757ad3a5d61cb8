//! A socket nobody reads still emits 'end' and 'close' when the peer sent nothing, but one unread
//! byte holds both back.

use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let mut n = 0;
    let server = net::create_server(cx);
    server.on_connection(cx, move |out, cx, s| {
        let l = ["empty", "unread"][n];
        n += 1;
        out.lane(
            l,
            format!("connection flowing={}", flowing(s.readable_flowing(cx))),
        );
        s.on_end(cx, move |out, _, _| out.lane(l, "end"));
        s.on_close(cx, move |out, cx, _, _| {
            out.lane(l, "close");
            if l == "empty" {
                dial(cx, server, "unread");
            } else {
                server.close(cx);
            }
        });
        if l == "unread" {
            cx.set_timeout(Duration::from_millis(600), move |out, cx| {
                let (length, read) = (s.readable_length(cx), s.bytes_read(cx));
                let ended = s.readable_ended(cx);
                out.lane(
                    l,
                    format!(
                        "60ms later readableLength={length} bytesRead={read} readableEnded={ended}"
                    ),
                );
                s.on_data(cx, move |out, _, _, d| {
                    out.lane(l, format!("data \"{}\"", String::from_utf8_lossy(d)));
                });
                out.lane(
                    l,
                    format!(
                        "data listener added flowing={}",
                        flowing(s.readable_flowing(cx))
                    ),
                );
                cx.next_tick(move |out, _| out.lane(l, "tick"));
            });
        }
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, |_, cx, server| dial(cx, server, "empty"));
}

fn dial(cx: &mut Context<Trace>, server: net::Server, l: &str) {
    let c = net::create_connection(cx, ("127.0.0.1", server.port(cx)));
    if l == "unread" {
        c.write(cx, "unread");
    }
    c.end(cx);
}

fn flowing(flowing: Option<bool>) -> String {
    flowing.map_or("null".into(), |flowing| flowing.to_string())
}
