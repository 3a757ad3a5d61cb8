//! http.get without keep-alive: order of the client's events, the request line and headers it
//! sends, and the response object.

use std::cell::RefCell;
use std::rc::Rc;

use loopchat::http::RequestOptions;
use loopchat::{Context, http};

use crate::Trace;

/// Node's JSON of the headers: cookies are a list.
fn json(headers: &[(String, String)]) -> String {
    let mut text = Vec::new();
    for (place, (name, value)) in headers.iter().enumerate() {
        let same = |(known, _): &&(String, String)| known == name;
        if headers[..place].iter().any(|known| same(&known)) {
            continue;
        }
        let all: Vec<_> = headers
            .iter()
            .filter(same)
            .map(|(_, value)| format!("\"{value}\""))
            .collect();
        match name.as_str() {
            "date" => {}
            "set-cookie" => text.push(format!("\"{name}\":[{}]", all.join(","))),
            _ => text.push(format!("\"{name}\":\"{value}\"")),
        }
    }
    format!("{{{}}}", text.join(","))
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = http::create_server(cx);
    server.on_request(cx, move |out, cx, req, res| {
        let port = server.port(cx).to_string();
        let head = req.head(cx).unwrap();
        let raw = head.raw_headers();
        let raw: Vec<_> = raw
            .map(|(name, value)| format!("{name}|{}", String::from_utf8_lossy(value)))
            .collect();
        let raw = raw.join("|").replace(&format!(":{port}"), ":PORT");
        out.lane("server", format!("{} {} {raw}", head.method(), head.url()));
        let headers = [
            ("X-Multi", "a"),
            ("X-Multi", "b"),
            ("Set-Cookie", "c=1"),
            ("Set-Cookie", "d=2"),
            ("Content-Type", "text/plain"),
        ];
        res.write_head(cx, 200, &headers).unwrap();
        res.write(cx, "one");
        res.end_with(cx, "two");
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |out, cx, server| {
        let options = RequestOptions::new()
            .host("127.0.0.1")
            .port(server.port(cx))
            .path("/p?q=1")
            .header("X-Mine", "yes")
            .agent(None);
        let req = http::get(cx, options);
        let (method, path, reused) = (
            req.method(cx).expect("it is there"),
            req.path(cx).expect("it is there"),
            req.reused_socket(cx),
        );
        out.lane(
            "client",
            format!("created method={method} path={path} reused={reused}"),
        );
        req.on_socket(cx, |out, cx, _, s| {
            out.lane("client", format!("socket connecting={}", s.connecting(cx)));
            s.on_connect(cx, |out, _, _| out.lane("client", "socket connect"));
            s.on_close(cx, |out, _, _, _| out.lane("client", "socket close"));
        });
        req.on_finish(cx, |out, _, _| out.lane("client", "req finish"));
        req.on_error(cx, |out, _, _, e| {
            out.lane("client", format!("req error {}", e.code()))
        });
        req.on_close(cx, move |out, cx, _| {
            out.lane("client", "req close");
            server.close_then(cx, |out, _, _| out.lane("server", "close"));
        });
        req.on_response(cx, |out, cx, _, res| {
            let head = res.head(cx).unwrap();
            let (status, message, version) = (
                head.status_code(),
                head.status_message(),
                head.http_version(),
            );
            out.lane("client", format!("response {status} {message} {version}"));
            let (headers, date) = (json(&head.headers()), head.header("date").is_some());
            out.lane("client", format!("headers {headers} date={date}"));
            let body = Rc::new(RefCell::new(String::new()));
            let heard = Rc::clone(&body);
            res.on_data(cx, move |_, _, _, d| {
                heard.borrow_mut().push_str(&String::from_utf8_lossy(d))
            });
            res.on_end(cx, move |out, cx, res| {
                let (body, complete) = (body.borrow(), res.complete(cx));
                out.lane("client", format!("res end \"{body}\" complete={complete}"));
            });
            res.on_close(cx, |out, _, _| out.lane("client", "res close"));
        });
    });
}
