//! A tiny chat: lines are framed by \n, every line goes to the others in join order, leaving is
//! announced.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use loopchat::{Context, net};

use crate::Trace;

type Members = Rc<RefCell<Vec<net::Socket>>>;
type Clients = Rc<RefCell<HashMap<&'static str, net::Socket>>>;

fn tell(cx: &mut Context<Trace>, members: &Members, from: net::Socket, line: &str) {
    for m in members.borrow().iter().filter(|m| **m != from) {
        m.write(cx, format!("{line}\n"));
    }
}

fn lines(
    cx: &mut Context<Trace>,
    sock: net::Socket,
    mut f: impl FnMut(&mut Trace, &mut Context<Trace>, &str) + 'static,
) {
    let mut buf = String::new();
    sock.on_text(cx, move |out, cx, _, d| {
        buf += d;
        while let Some(i) = buf.find('\n') {
            let line = buf[..i].to_owned();
            f(out, cx, &line);
            buf.drain(..=i);
        }
    });
}

fn dial(
    cx: &mut Context<Trace>,
    port: u16,
    cl: &Clients,
    name: &'static str,
    mut react: impl FnMut(&mut Context<Trace>, &str) + 'static,
) {
    let c = net::create_connection(cx, ("127.0.0.1", port));
    c.once_connect(cx, move |_, cx, c| {
        c.write(cx, format!("{name}\n"));
    });
    c.set_no_delay(cx, true);
    cl.borrow_mut().insert(name, c);
    lines(cx, c, move |out, cx, l| {
        out.lane(name, l);
        react(cx, l);
    });
    c.on_end(cx, move |out, _, _| out.lane(name, "end"));
    c.on_close(cx, move |out, _, _, e| out.lane(name, format!("close {e}")));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let members = Members::default();
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, sock| {
        let me = Rc::new(Cell::new(None::<&str>));
        let (known, all) = (me.clone(), members.clone());
        lines(cx, sock, move |out, cx, l| match known.get() {
            None => {
                let name: &'static str =
                    ["ann", "bob", "cid"].into_iter().find(|n| *n == l).unwrap();
                known.set(Some(name));
                all.borrow_mut().push(sock);
                let count = all.borrow().len();
                out.lane("server", format!("join {l} of {count}"));
                sock.write(cx, format!("welcome {l}\n"));
                tell(cx, &all, sock, &format!("* {l} joined"));
            }
            Some(name) => {
                out.lane("server", format!("line {name}: {l}"));
                tell(cx, &all, sock, &format!("{name}: {l}"));
            }
        });
        let (known, all) = (me.clone(), members.clone());
        sock.on_end(cx, move |out, cx, sock| {
            let name = known.get().unwrap();
            out.lane("server", format!("end {name}"));
            all.borrow_mut().retain(|m| *m != sock);
            tell(cx, &all, sock, &format!("* {name} left"));
        });
        let members = members.clone();
        sock.on_close(cx, move |out, cx, _, e| {
            out.lane("server", format!("close {} {e}", me.get().unwrap()));
            if members.borrow().is_empty() {
                server.close_then(cx, |out, _, _| out.lane("server", "closed"));
            }
        });
    });
    let cl = Clients::default();
    server.listen(cx, ("127.0.0.1", 0));
    server.once_listening(cx, move |_, cx, server| {
        let port = server.port(cx);
        let all = cl.clone();
        let client = |all: &Clients, name| all.borrow()[name];
        dial(cx, port, &cl, "ann", move |cx, l| {
            if l == "welcome ann" {
                let cl = all.clone();
                dial(cx, port, &all, "bob", move |cx, m| {
                    if m == "welcome bob" {
                        let all = cl.clone();
                        dial(cx, port, &cl, "cid", move |cx, n| {
                            let cid = client(&all, "cid");
                            if n == "welcome cid" {
                                cid.write(cx, "hi ");
                            }
                            if n == "welcome cid" {
                                cx.set_timeout(Duration::from_millis(200), move |_, cx| {
                                    cid.write(cx, "all\nsecond\n");
                                });
                            }
                            if n == "ann: bye cid" {
                                cid.end(cx);
                            }
                            assert_ne!(n, "* bob left", "unexpected");
                        });
                    }
                    if m == "* cid left" {
                        client(&cl, "bob").end(cx);
                    }
                });
            }
            if l == "cid: second" {
                client(&all, "ann").write(cx, "bye cid\n");
            }
            if l == "* bob left" {
                client(&all, "ann").end(cx);
            }
        });
    });
}
