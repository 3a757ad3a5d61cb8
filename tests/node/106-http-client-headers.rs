//! The fields of a request until it is sent, and after; those that it has by itself, and without
//! them.

use loopchat::http::{Agent, AgentOptions, ClientRequest, RequestOptions};
use loopchat::net::Error;
use loopchat::{Context, http, net};

use crate::{Trace, or_undefined};

const TODO: [(&str, &str); 24] = [
    ("getters", "GET"),
    ("nohost", "GET"),
    ("otherhost", "GET"),
    ("append", "GET"),
    ("setagain", "GET"),
    ("flush", "GET"),
    ("write", "POST"),
    ("expect", "GET"),
    ("noconnection", "GET"),
    ("noconnectionkept", "GET"),
    ("kept", "GET"),
    ("keptclose", "GET"),
    ("keepalive", "GET"),
    ("nolength", "POST"),
    ("neither", "POST"),
    ("ownlength", "POST"),
    ("ownchunks", "POST"),
    ("empty", "POST"),
    ("emptyput", "PUT"),
    ("head", "HEAD"),
    ("delete", "DELETE"),
    ("trailers", "POST"),
    ("bad", "GET"),
    ("", ""),
];

fn tried(out: &mut Trace, name: &str, result: Result<ClientRequest, Error>) {
    match result {
        Ok(_) => out.log(format!("  {name} done")),
        Err(e) => out.log(format!("  {name} throws {}", e.code())),
    }
}

fn set(cx: &mut Context<Trace>, r: ClientRequest, name: &str, value: &str) {
    r.set_header(cx, name, value).expect("it is not sent");
}

fn append(cx: &mut Context<Trace>, r: ClientRequest, name: &str, value: &str) {
    r.append_header(cx, name, value).expect("it is not sent");
}

fn remove(cx: &mut Context<Trace>, r: ClientRequest, name: &str) {
    r.remove_header(cx, name).expect("it is not sent");
}

fn getters(out: &mut Trace, cx: &mut Context<Trace>, r: ClientRequest) {
    set(cx, r, "X-ONE", "new");
    set(cx, r, "X-Three", "3");
    remove(cx, r, "x-TWO");
    remove(cx, r, "nope");
    let text = |cx: &Context<Trace>, name| {
        let value = r.get_header(cx, name);
        or_undefined(value.map(|value| String::from_utf8_lossy(value).into_owned()))
    };
    let (one, nope) = (text(cx, "x-one"), text(cx, "nope"));
    let (three, two) = (r.has_header(cx, "X-THREE"), r.has_header(cx, "x-two"));
    out.log(format!("  {one} {nope} {three} {two}"));
    let (names, sent) = (r.get_header_names(cx).join(","), r.headers_sent(cx));
    out.log(format!("  {names} sent={sent}"));
    r.end(cx);
    let (names, sent) = (r.get_header_names(cx).join(","), r.headers_sent(cx));
    out.log(format!("  {} {names} sent={sent}", text(cx, "x-one")));
    tried(out, "set", r.set_header(cx, "A", "b"));
    tried(out, "append", r.append_header(cx, "A", "b"));
    tried(out, "remove", r.remove_header(cx, "X-One"));
    tried(out, "flush", Ok(r.flush_headers(cx)));
}

fn act(out: &mut Trace, cx: &mut Context<Trace>, name: &str, r: ClientRequest) {
    match name {
        "getters" => return getters(out, cx, r),
        "nohost" => remove(cx, r, "Host"),
        "otherhost" => set(cx, r, "HOST", "other"),
        "append" => {
            append(cx, r, "A", "1");
            set(cx, r, "B", "3");
            append(cx, r, "a", "2");
        }
        "setagain" => {
            append(cx, r, "A", "1");
            append(cx, r, "A", "2");
            set(cx, r, "A", "3");
        }
        "flush" => {
            r.flush_headers(cx);
            out.log(format!("  sent={}", r.headers_sent(cx)));
        }
        "write" => {
            r.write(cx, "x");
            out.log(format!("  sent={}", r.headers_sent(cx)));
            tried(out, "set", r.set_header(cx, "A", "b"));
            r.end_with(cx, "y");
        }
        "noconnection" | "noconnectionkept" => remove(cx, r, "Connection"),
        "keptclose" => set(cx, r, "Connection", "close"),
        "keepalive" => set(cx, r, "Connection", "keep-alive"),
        "nolength" => {
            remove(cx, r, "Content-Length");
            r.end_with(cx, "ab");
        }
        "neither" => {
            remove(cx, r, "Content-Length");
            remove(cx, r, "Transfer-Encoding");
            r.end_with(cx, "ab");
        }
        "ownlength" => {
            set(cx, r, "Content-Length", "2");
            r.write(cx, "a");
            r.end_with(cx, "b");
        }
        "ownchunks" => {
            set(cx, r, "Transfer-Encoding", "chunked");
            r.end_with(cx, "ab");
        }
        "trailers" => {
            set(cx, r, "Trailer", "T");
            r.write(cx, "a");
            r.add_trailers(cx, &[("T", "v")]).expect("a field");
        }
        "bad" => {
            tried(out, "name", r.set_header(cx, "bad name", "x"));
            tried(out, "value", r.set_header(cx, "a", "b\nc"));
            tried(out, "append", r.append_header(cx, "bad name", "x"));
        }
        _ => {}
    }
    r.end(cx);
}

fn next(out: &mut Trace, cx: &mut Context<Trace>, server: net::Server, place: usize) {
    let (name, method) = TODO[place];
    if name.is_empty() {
        server.close(cx);
        return;
    }
    out.log(name);
    let agent = name.contains("kept").then(|| {
        let options = AgentOptions::new().keep_alive(true);
        Agent::new(cx, options)
    });
    let mut options = RequestOptions::new()
        .host("127.0.0.1")
        .port(server.port(cx))
        .agent(agent)
        .method(method)
        .header("X-One", "1")
        .header("x-two", "2");
    if name == "expect" {
        options = options.header("Expect", "100-continue");
    }
    let r = http::request(cx, options);
    if name == "expect" {
        out.log(format!("  sent={}", r.headers_sent(cx)));
        tried(out, "set", r.set_header(cx, "A", "b"));
    }
    r.on_response(cx, |_, cx, _, x| {
        x.resume(cx);
    });
    r.on_error(cx, |out, _, _, e| out.log(format!("  error {}", e.code())));
    r.on_close(cx, move |_, cx, _| {
        cx.set_immediate(move |out, cx| next(out, cx, server, place + 1));
    });
    act(out, cx, name, r);
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        s.once_data(cx, move |out, cx, s, d| {
            let place = format!("127.0.0.1:{}", server.port(cx));
            let text = String::from_utf8_lossy(d).replace(&place, "HOST");
            for line in text.split("\r\n") {
                out.log(format!("  < {line}"));
            }
            s.end_with(cx, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |out, cx, server| next(out, cx, server, 0));
}
