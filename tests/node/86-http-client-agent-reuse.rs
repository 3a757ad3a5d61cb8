//! A keep-alive agent reuses the one socket for sequential requests; maxSockets queues the rest in
//! order; destroy() closes the idle socket.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use loopchat::http::{Agent, AgentOptions, RequestOptions};
use loopchat::{Context, http};

use crate::{Trace, or_undefined};

fn ask(
    cx: &mut Context<Trace>,
    (server, agent): (http::Server, Agent),
    left: &Rc<Cell<u32>>,
    (path, body): (&'static str, Option<&'static str>),
) {
    let options = RequestOptions::new()
        .host("127.0.0.1")
        .port(server.port(cx))
        .path(path)
        .agent(Some(agent))
        .method(if body.is_some() { "POST" } else { "GET" });
    let req = http::request(cx, options);
    req.on_response(cx, move |_, cx, req, res| {
        let b = Rc::new(RefCell::new(String::new()));
        let heard = Rc::clone(&b);
        res.on_data(cx, move |_, _, _, d| {
            heard.borrow_mut().push_str(&String::from_utf8_lossy(d))
        });
        res.on_end(cx, move |out, cx, res| {
            let (b, reused) = (b.borrow(), req.reused_socket(cx));
            let connection = or_undefined(res.header(cx, "connection"));
            let keep_alive = or_undefined(res.header(cx, "keep-alive"));
            out.log(format!(
                "end {path} \"{b}\" reused={reused} connection={connection} keep-alive={keep_alive}"
            ));
        });
    });
    let left = Rc::clone(left);
    req.on_close(cx, move |out, cx, _| {
        out.log(format!("req close {path}"));
        left.set(left.get() - 1);
        if left.get() == 0 {
            cx.set_timeout(Duration::from_millis(200), move |out: &mut Trace, cx| {
                out.log("agent.destroy");
                agent.destroy(cx);
            });
        }
    });
    req.end_with(cx, body.unwrap_or_default());
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, |_, cx, req, res| {
        let b = Rc::new(RefCell::new(String::new()));
        let heard = Rc::clone(&b);
        req.on_data(cx, move |_, _, _, d| {
            heard.borrow_mut().push_str(&String::from_utf8_lossy(d))
        });
        req.on_end(cx, move |_, cx, req| {
            let text = format!(
                "{} {} {}",
                req.method(cx).expect("it is there"),
                req.url(cx).expect("it is there"),
                b.borrow()
            );
            res.end_with(cx, text);
        });
    });
    let conns = Rc::new(Cell::new(0));
    server.net().on_connection(cx, move |_, cx, s| {
        conns.set(conns.get() + 1);
        let conns = Rc::clone(&conns);
        s.on_close(cx, move |out, cx, _, _| {
            out.log(format!("server connection closed, total {}", conns.get()));
            server.close_then(cx, |out, _, _| out.log("server close"));
        });
    });
    let options = AgentOptions::new().keep_alive(true).max_sockets(Some(1));
    let agent = Agent::new(cx, options);
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, move |out, cx, server| {
        let left = Rc::new(Cell::new(4));
        ask(cx, (server, agent), &left, ("/1", None));
        ask(cx, (server, agent), &left, ("/2", Some("post body")));
        ask(cx, (server, agent), &left, ("/3", None));
        out.log("three queued");
        cx.set_timeout(Duration::from_millis(600), move |_, cx| {
            ask(cx, (server, agent), &left, ("/4", None))
        });
    });
}
