//! What is written after the end of a request is an error, told behind its callback, and the
//! request goes on; end() again is none. After a destroy only callbacks tell.

use std::cell::RefCell;
use std::rc::Rc;

use loopchat::http::{ClientRequest, RequestOptions, Server};
use loopchat::net::Error;
use loopchat::{Context, http};

use crate::{Trace, code_or_message};

type Case = fn(&mut Trace, &mut Context<Trace>, ClientRequest);

const CASES: [(&str, Case); 7] = [
    ("write", write),
    ("writes", writes),
    ("ends", ends),
    ("late", late),
    ("destroyed", destroyed),
    ("both", both),
    ("callbacks", callbacks),
];

/// Writes, and says what the callback was told.
fn say(cx: &mut Context<Trace>, r: ClientRequest, text: &'static str) -> bool {
    r.write_then(cx, text, move |out, _, e| log(out, text, e))
}

fn log(out: &mut Trace, what: &str, error: Option<&Error>) {
    let code = error.map_or("undefined".into(), code_or_message);
    out.log(format!("  {what} {code}"));
}

fn write(out: &mut Trace, cx: &mut Context<Trace>, r: ClientRequest) {
    say(cx, r, "a");
    r.end_with(cx, "b");
    let ended = r.writable_ended(cx);
    out.log(format!("  ended={ended} write={}", say(cx, r, "c")));
    r.end(cx);
}

fn writes(out: &mut Trace, cx: &mut Context<Trace>, r: ClientRequest) {
    r.end_then(cx, "a", |out, _, _| out.log("  end callback"));
    out.log(format!("  write={}", r.write(cx, "b")));
    say(cx, r, "c");
}

fn ends(_: &mut Trace, cx: &mut Context<Trace>, r: ClientRequest) {
    r.end_with(cx, "a")
        .end_with(cx, "b")
        .end(cx)
        .end_with(cx, "");
}

fn late(_: &mut Trace, cx: &mut Context<Trace>, r: ClientRequest) {
    r.end_with(cx, "a");
    r.on_finish(cx, |_, cx, r| {
        say(cx, r, "b");
    });
    r.on_response(cx, |_, cx, r, _| {
        say(cx, r, "c");
    });
}

fn destroyed(out: &mut Trace, cx: &mut Context<Trace>, r: ClientRequest) {
    r.write(cx, "a");
    r.destroy(cx);
    out.log(format!("  write={}", say(cx, r, "b")));
    r.end_with(cx, "c");
    out.log(format!("  ended={}", r.writable_ended(cx)));
}

fn both(_: &mut Trace, cx: &mut Context<Trace>, r: ClientRequest) {
    r.end_with(cx, "a").destroy(cx);
    say(cx, r, "b");
}

/// Ends, and says what the callback was told.
fn end(cx: &mut Context<Trace>, r: ClientRequest, text: &str, name: &'static str) {
    r.end_then(cx, text, move |out, _, e| log(out, name, e));
}

fn callbacks(_: &mut Trace, cx: &mut Context<Trace>, r: ClientRequest) {
    end(cx, r, "a", "end a");
    end(cx, r, "", "end again");
    end(cx, r, "b", "end b");
    r.on_finish(cx, |_, cx, r| end(cx, r, "", "end finished"));
    r.on_response(cx, |_, cx, r, _| {
        end(cx, r, "", "end late");
        end(cx, r, "c", "end c");
    });
}

fn next(out: &mut Trace, cx: &mut Context<Trace>, server: Server, place: usize) {
    let Some((name, case)) = CASES.get(place) else {
        server.close(cx);
        return;
    };
    out.log(*name);
    let options = RequestOptions::new()
        .host("127.0.0.1")
        .port(server.port(cx))
        .method("POST")
        .agent(None);
    let r = http::request(cx, options);
    r.on_response(cx, |out, cx, _, x| {
        out.log("  response");
        x.resume(cx);
    });
    r.on_error(cx, |out, _, _, e| out.log(format!("  error {}", e.code())));
    r.on_finish(cx, |out, _, _| out.log("  finish"));
    r.on_close(cx, move |out, cx, _| {
        out.log("  close");
        cx.set_immediate(move |out, cx| next(out, cx, server, place + 1));
    });
    case(out, cx, r);
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, |_, cx, q, r| {
        let b = Rc::new(RefCell::new(String::new()));
        let all = Rc::clone(&b);
        q.on_data(cx, move |_, _, _, d| {
            b.borrow_mut().push_str(&String::from_utf8_lossy(d));
        });
        q.on_end(cx, move |out, cx, _| {
            out.log(format!("  got \"{}\"", all.borrow()));
            r.end(cx);
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |out, cx, server| next(out, cx, server, 0));
}
