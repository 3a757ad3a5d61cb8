//! Listeners of servers, requests, responses and clients' requests that are added in front, called
//! once and taken off.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::http::{
    IncomingMessage, MessageEvent, MessageEventKind, RequestEventKind, RequestOptions,
    ResponseEventKind, Server, ServerEventKind, ServerResponse,
};
use loopchat::{Context, http};

use crate::Trace;

type Cx = Context<Trace>;

fn text(event: MessageEvent<'_>) -> String {
    match event {
        MessageEvent::Data(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        event => panic!("{event:?} is not data"),
    }
}

fn piece(name: &'static str) -> impl FnMut(&mut Trace, &mut Cx, IncomingMessage, MessageEvent<'_>) {
    move |out, _, _, event| out.log(format!("{name} {}", text(event)))
}

fn never(out: &mut Trace) {
    out.log("never");
}

fn answer(out: &mut Trace, cx: &mut Cx, q: IncomingMessage, r: ServerResponse) {
    out.log(format!("request {}", q.url(cx).expect("it is there")));
    let data = MessageEventKind::Data;
    let last = Rc::new(Cell::new(None));
    let gone = Rc::clone(&last);
    q.on(cx, data, piece("data"));
    q.prepend(cx, data, piece("before"));
    q.once(cx, data, move |out: &mut Trace, cx, q, event| {
        out.log(format!("once {}", text(event)));
        assert!(q.off(cx, gone.get().expect("it was added")));
    });
    last.set(Some(q.on(cx, data, piece("last"))));
    q.on_end(cx, move |_, cx, _| {
        r.end_with(cx, "x");
    });
    r.on_finish(cx, |out, _, _| out.log("finish"));
    let finish = ResponseEventKind::Finish;
    r.prepend(cx, finish, |out: &mut Trace, _, _, _| {
        out.log("before finish")
    });
    let close = r.on(cx, ResponseEventKind::Close, |out, _, _, _| never(out));
    r.off(cx, close);
    r.once_close(cx, |out, _, _| out.log("response close"));
}

fn ask(cx: &mut Cx, server: Server, n: u32) {
    let options = RequestOptions::new()
        .host("127.0.0.1")
        .port(server.port(cx))
        .method("POST")
        .path(&format!("/{n}"))
        .agent(None);
    let q = http::request(cx, options);
    q.on_response(cx, |out, cx, _, r| {
        out.log("response");
        r.resume(cx);
    });
    let response = RequestEventKind::Response;
    q.prepend(cx, response, |out: &mut Trace, _, _, _| {
        out.log("before the response");
    });
    q.on_close(cx, move |out, cx, q| {
        let left = q.listener_count(cx, response);
        out.log(format!("close, {left} listen"));
        cx.set_immediate(move |_, cx| {
            if n < 2 {
                ask(cx, server, n + 1);
            } else {
                server.close(cx);
            }
        });
    });
    q.write(cx, "a");
    q.once_finish(cx, |out, _, _| out.log("sent"));
    cx.set_timeout(Duration::from_millis(100), move |_, cx| q.end_with(cx, "b"));
}

pub fn main(_: &mut Trace, cx: &mut Cx) {
    let server = http::create_server(cx);
    let request = ServerEventKind::Request;
    server.on_request(cx, answer);
    server.prepend(cx, request, |out: &mut Trace, _, _, _| {
        out.log("before the request");
    });
    server.prepend_once(cx, request, move |out: &mut Trace, cx, server, _| {
        let left = server.listener_count(cx, request);
        out.log(format!("first request, {left} left"));
    });
    let gone = server.on(cx, request, |out, _, _, _| never(out));
    server.off(cx, gone);
    server.listen_then(cx, ("127.0.0.1", 0), |_, cx, server| ask(cx, server, 1));
}
