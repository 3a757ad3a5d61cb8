//! Unix-domain errors: connect to a missing path (ENOENT) or a plain file (ECONNREFUSED); listen
//! in a missing directory is EACCES (libuv maps ENOENT), on a path in use or a stale socket file
//! EADDRINUSE (Node never unlinks it for you).

use std::fs;
use std::path::{Path, PathBuf};

use loopchat::{Context, net};

use crate::{Trace, or_undefined};

fn clean(s: impl ToString, dir: &Path) -> String {
    s.to_string().replace(dir.to_str().unwrap(), "DIR")
}

fn told(e: &net::Error, dir: &Path) -> String {
    let (message, address) = (clean(e, dir), clean(e.address().unwrap(), dir));
    let (syscall, port) = (e.syscall().unwrap(), or_undefined(e.port()));
    format!("{message} | {syscall} {address} port={port}")
}

fn dial(
    cx: &mut Context<Trace>,
    name: &'static str,
    at: PathBuf,
    mut next: impl FnMut(&mut Trace, &mut Context<Trace>) + 'static,
) {
    let c = net::create_connection(cx, at.as_path());
    c.once_connect(cx, move |out, _, _| out.log(format!("{name} connect")));
    c.on_error(cx, move |out, _, _, e| {
        out.log(format!("{name} error {}", told(e, at.parent().unwrap())));
    });
    c.on_close(cx, move |out, cx, _, e| {
        out.log(format!("{name} close {e}"));
        next(out, cx);
    });
}

fn listen(
    cx: &mut Context<Trace>,
    name: &'static str,
    dir: &Path,
    at: &str,
    next: impl Fn(&mut Trace, &mut Context<Trace>, net::Server) + Clone + 'static,
) {
    let s = net::create_server(cx);
    let (on_error, at, dir) = (next.clone(), dir.join(at), dir.to_owned());
    s.on_error(cx, move |out, cx, s, e| {
        let (told, listening) = (told(e, &dir), s.listening(cx));
        out.log(format!("{name} error {told} listening={listening}"));
        on_error(out, cx, s);
    });
    s.listen(cx, at.as_path());
    s.once_listening(cx, move |out, cx, s| {
        out.log(format!("{name} listening"));
        next(out, cx, s);
    });
}

pub fn main(out: &mut Trace, cx: &mut Context<Trace>) {
    let dir = out.mkdtemp();
    fs::write(dir.join("plain"), "").unwrap();
    let missing = dir.join("nope");
    dial(cx, "missing", missing, move |_, cx| {
        let (plain, dir) = (dir.join("plain"), dir.clone());
        dial(cx, "plain", plain, move |_, cx| {
            let d = dir.clone();
            listen(cx, "nodir", &dir, "no/dir.sock", move |_, cx, _| {
                let dir = d.clone();
                listen(cx, "first", &d, "a.sock", move |_, cx, first| {
                    let d = dir.clone();
                    listen(cx, "second", &dir, "a.sock", move |_, cx, _| {
                        fs::rename(d.join("a.sock"), d.join("stale.sock")).unwrap();
                        let dir = d.clone();
                        first.close_then(cx, move |out, cx, _| {
                            let stale = dir.join("stale.sock");
                            out.log(format!("closed, stale left {}", stale.exists()));
                            dial(cx, "stale", stale, move |_, cx| {
                                let d = dir.clone();
                                listen(cx, "onstale", &dir, "stale.sock", move |_, cx, _| {
                                    fs::remove_file(d.join("stale.sock")).unwrap();
                                    listen(cx, "afterunlink", &d, "stale.sock", |_, cx, s| {
                                        s.close_then(cx, |out, _, _| out.log("closed"));
                                    });
                                });
                            });
                        });
                    });
                });
            });
        });
    });
}
