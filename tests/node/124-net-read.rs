//! A socket that is read by hand: `readable`, then read() or read(n); what is left at the end of
//! the stream, and `end` behind it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use loopchat::net::{self, EventKind, ListenerId, Server, Socket};
use loopchat::{Context, net::Address};

use crate::Trace;

type Cx = Context<Trace>;
type Then = fn(&mut Cx, Server, PathBuf);

fn text(read: Option<Vec<u8>>) -> String {
    read.map_or("null".into(), |d| {
        format!("\"{}\"", String::from_utf8_lossy(&d))
    })
}

fn once(
    cx: &mut Cx,
    (server, path): (Server, PathBuf),
    name: &'static str,
    handle: fn(&mut Trace, &mut Cx, Socket),
    then: Then,
) {
    server.once_connection(cx, move |out, cx, s| {
        let path = path.clone();
        s.on_end(cx, move |out, cx, s| {
            out.log(format!("{name} end, {} left", s.readable_length(cx)));
        });
        s.once_close(cx, move |out, cx, _, _| {
            out.log(format!("{name} close"));
            then(cx, server, path);
        });
        handle(out, cx, s);
    });
}

fn say(cx: &mut Cx, path: &Path, pieces: &'static [&'static str]) {
    fn next(cx: &mut Cx, c: Socket, pieces: &'static [&'static str]) {
        let Some((first, rest)) = pieces.split_first() else {
            c.end(cx);
            return;
        };
        c.write(cx, *first);
        cx.set_timeout(Duration::from_millis(40), move |_, cx| next(cx, c, rest));
    }
    let c = net::create_connection(cx, Address::Ipc(path.to_owned()));
    c.on_connect(cx, move |_, cx, c| next(cx, c, pieces));
    c.resume(cx);
}

fn flowing(cx: &Cx, s: Socket) -> String {
    s.readable_flowing(cx)
        .map_or("null".into(), |it| it.to_string())
}

fn all(cx: &mut Cx, server: Server, path: PathBuf) {
    let handle = |out: &mut Trace, cx: &mut Cx, s: Socket| {
        out.log(format!(
            "flowing {} {}",
            flowing(cx, s),
            text(s.read(cx, None))
        ));
        s.on_readable(cx, |out, cx, s| {
            out.log(format!(
                "all readable, {} there, flowing {} paused {}",
                s.readable_length(cx),
                flowing(cx, s),
                s.is_paused(cx)
            ));
            while let Some(d) = s.read(cx, None) {
                let left = s.readable_length(cx);
                out.log(format!("all read {}, {left} left", text(Some(d))));
            }
        });
    };
    once(cx, (server, path.clone()), "all", handle, fixed);
    say(cx, &path, &["one", "two"]);
}

fn fixed(cx: &mut Cx, server: Server, path: PathBuf) {
    let handle = |_: &mut Trace, cx: &mut Cx, s: Socket| {
        s.on_readable(cx, |out, cx, s| {
            while let Some(d) = s.read(cx, Some(4)) {
                let left = s.readable_length(cx);
                out.log(format!("fixed read {}, {left} left", text(Some(d))));
            }
        });
    };
    once(cx, (server, path.clone()), "fixed", handle, paused);
    say(cx, &path, &["abcde", "fgh", "ij"]);
}

fn paused(cx: &mut Cx, server: Server, path: PathBuf) {
    let handle = |_: &mut Trace, cx: &mut Cx, s: Socket| {
        s.pause(cx);
        // What has come is kept only once somebody has asked for data.
        s.read(cx, Some(0));
        cx.set_timeout(Duration::from_millis(100), move |out, cx| {
            let reads = [Some(2), Some(2), Some(3), None, None].map(|n| text(s.read(cx, n)));
            out.log(format!("paused {}", reads.join(" ")));
        });
    };
    once(cx, (server, path.clone()), "paused", handle, resumed);
    say(cx, &path, &["abcde"]);
}

fn resumed(cx: &mut Cx, server: Server, path: PathBuf) {
    let handle = |out: &mut Trace, cx: &mut Cx, s: Socket| {
        s.on_readable(cx, |out, cx, s| {
            out.log(format!("resumed readable {}", text(s.read(cx, None))));
        });
        let _: ListenerId = s.on(cx, EventKind::Data, |_, _, _, _| {});
        s.resume(cx);
        out.log(format!("resumed flowing {}", flowing(cx, s)));
    };
    once(cx, (server, path.clone()), "resumed", handle, gone);
    say(cx, &path, &["abc"]);
}

fn gone(cx: &mut Cx, server: Server, path: PathBuf) {
    let handle = |_: &mut Trace, cx: &mut Cx, s: Socket| {
        s.on_readable(cx, |out, cx, s| {
            out.log(format!("gone {}", text(s.read(cx, Some(1)))));
            s.destroy(cx);
        });
    };
    once(
        cx,
        (server, path.clone()),
        "gone",
        handle,
        |cx, server, _| {
            server.close_then(cx, |out, _, _| out.log("server close"));
        },
    );
    say(cx, &path, &["abc"]);
}

pub fn main(out: &mut Trace, cx: &mut Cx) {
    let path = out.mkdtemp().join("s.sock");
    let server = net::create_server(cx);
    server.listen_then(cx, Address::Ipc(path.clone()), move |_, cx, server| {
        all(cx, server, path.clone());
    });
}
