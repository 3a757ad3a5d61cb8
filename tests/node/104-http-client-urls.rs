//! URLs are read as a browser reads them, and what a request says of one; options that cannot be
//! sent are errors.

use loopchat::http::RequestOptions;
use loopchat::{Context, http, net};

use crate::Trace;

const URLS: &[&str] = &[
    "http://127.0.0.1:PORT",
    "http://127.0.0.1:PORT/",
    "http://127.0.0.1:PORT?q",
    "http://127.0.0.1:PORT#f",
    "http://127.0.0.1:PORT/a?",
    "http://127.0.0.1:PORT/a?b#c",
    "http://127.0.0.1:PORT/a#c?d",
    "http://127.0.0.1:PORT/a b",
    "http://127.0.0.1:PORT/\u{e4}?q=\u{e4}#\u{e4}",
    "http://127.0.0.1:PORT/\u{20ac}/\u{1f600}",
    "http://127.0.0.1:PORT/%",
    "http://127.0.0.1:PORT/%41%zz",
    "http://127.0.0.1:PORT/a\"b<c>d`e{f}g|h^i[j]k'l",
    "http://127.0.0.1:PORT/?a\"b<c>d`e{f}g|h^i[j]k'l",
    "http://127.0.0.1:PORT/\u{1}\u{7f}",
    "http://127.0.0.1:PORT/a\\b",
    "http://127.0.0.1:PORT\\a?b\\c",
    "http://127.0.0.1:PORT/a/./b/../c",
    "http://127.0.0.1:PORT/a/..",
    "http://127.0.0.1:PORT/a/.",
    "http://127.0.0.1:PORT/../../a",
    "http://127.0.0.1:PORT/a/%2e%2E/b/%2e/c",
    "http://127.0.0.1:PORT/a/...",
    "http://127.0.0.1:PORT//a//b/",
    "http://127.0.0.1:PORT/?a/../b",
    " http://127.0.0.1:PORT/a ",
    "ht\ttp://127.0\n.0.1:PORT/a\rb",
    "HTTP://127.0.0.1:PORT/A",
    "http:127.0.0.1:PORT/a",
    "http:/127.0.0.1:PORT/a",
    "http:////127.0.0.1:PORT/a",
    "http:\\\\127.0.0.1:PORT\\a",
    "http://127.1:PORT/",
    "http://0x7f.0.0.1:PORT/",
    "http://2130706433:PORT/",
    "http://0177.0.0.01.:PORT/",
    "http://LOCALHOST:PORT/",
    "http://%31%32%37.0.0.1:PORT/",
    "http://a:b@127.0.0.1:PORT/",
    "http://a@127.0.0.1:PORT/",
    "http://a%3ab:c%20d@e@127.0.0.1:PORT/",
    "http://@127.0.0.1:PORT/",
    "http://:@127.0.0.1:PORT/",
    "http://:b@127.0.0.1:PORT/",
    "https://a/",
    "ftp://a/",
    "mailto:a",
    "localhost:80",
    "a/b",
    "/a",
    "",
    "://a",
    "1http://a/",
    "http://",
    "http:",
    "http:///",
    "https://",
    "http://?a",
    "http://#a",
    "http://:80/",
    "http://a:b/",
    "http://a:65536/",
    "http://a:-1/",
    "http://a b/",
    "http://a<b/",
    "http://a%/",
    "http://a%20b/",
    "http://a|b/",
    "http://a^b/",
    "http://[::1/",
    "http://[::g]/",
    "http://[::1]a/",
    "http://1.2.3.4.5/",
    "http://256.1.1.1/",
    "http://1.2.3.09/",
    "http://a.1/",
    "http://4294967296/",
    "http://a@/",
    "http://1..2/",
];

type Change = fn(RequestOptions) -> RequestOptions;

/// As the script writes them, and what they are here.
const OPTIONS: &[(&str, Change)] = &[
    (r#"{"path":"/a b"}"#, |o| o.path("/a b")),
    (r#"{"path":"/a\r\nX: y"}"#, |o| o.path("/a\r\nX: y")),
    (r#"{"path":""}"#, |o| o.path("")),
    (r#"{"path":"a"}"#, |o| o.path("a")),
    (r#"{"path":"/a?b#c"}"#, |o| o.path("/a?b#c")),
    (r#"{"path":"/\u20ac"}"#, |o| o.path("/\u{20ac}")),
    (r#"{"path":"*","method":"OPTIONS"}"#, |o| {
        o.path("*").method("OPTIONS")
    }),
    (r#"{"method":"BAD METHOD"}"#, |o| o.method("BAD METHOD")),
    (r#"{"method":"GET\r\n"}"#, |o| o.method("GET\r\n")),
    (r#"{"method":""}"#, |o| o.method("")),
    (r#"{"method":"get"}"#, |o| o.method("get")),
    (r#"{"method":"m-x"}"#, |o| o.method("m-x")),
    (r#"{"method":"G\u00e4"}"#, |o| o.method("G\u{e4}")),
    (r#"{"headers":{"bad name":"x"}}"#, |o| {
        o.header("bad name", "x")
    }),
    (r#"{"headers":{"":"x"}}"#, |o| o.header("", "x")),
    (r#"{"headers":{"a":"b\r\nc: d"}}"#, |o| {
        o.header("a", "b\r\nc: d")
    }),
    (r#"{"headers":{"a":"\u0001"}}"#, |o| o.header("a", "\u{1}")),
    (r#"{"headers":{"Host":"h"}}"#, |o| o.header("Host", "h")),
    (r#"{"headers":{"host":"h:1"}}"#, |o| o.header("host", "h:1")),
    (
        r#"{"path":"/a b","method":"BAD METHOD","headers":{"bad name":"x"}}"#,
        |o| o.header("bad name", "x").method("BAD METHOD").path("/a b"),
    ),
    (
        r#"{"method":"BAD METHOD","headers":{"bad name":"x"}}"#,
        |o| o.header("bad name", "x").method("BAD METHOD"),
    ),
    (r#"{"auth":"a:b"}"#, |o| o.auth("a:b")),
    (
        r#"{"auth":"a:b","headers":{"authorization":"mine"}}"#,
        |o| o.auth("a:b").header("authorization", "mine"),
    ),
];

/// As JSON has it, in ASCII.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for unit in text.encode_utf16() {
        match char::from_u32(unit.into()) {
            Some(c @ ('"' | '\\')) => quoted.extend(['\\', c]),
            Some('\t') => quoted += "\\t",
            Some('\n') => quoted += "\\n",
            Some('\r') => quoted += "\\r",
            Some(c @ ' '..='~') => quoted.push(c),
            _ => quoted += &format!("\\u{unit:04x}"),
        }
    }
    quoted + "\""
}

fn next(out: &mut Trace, cx: &mut Context<Trace>, server: net::Server, place: usize) {
    let port = server.port(cx);
    let options = if let Some(url) = URLS.get(place) {
        out.log(quoted(url));
        let url = url.replacen("PORT", &port.to_string(), 1);
        RequestOptions::from(url)
    } else if let Some((text, change)) = OPTIONS.get(place - URLS.len()) {
        out.log(*text);
        change(RequestOptions::new().host("127.0.0.1").port(port))
    } else {
        server.close(cx);
        return;
    };
    let r = http::get(cx, options.agent(None));
    r.on_response(cx, |_, cx, _, x| {
        x.resume(cx);
    });
    // What throws in Node.
    r.on_error(cx, |out, _, _, e| out.log(format!("  {}", e.code())));
    r.on_close(cx, move |out, cx, _| next(out, cx, server, place + 1));
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, move |_, cx, s| {
        s.on_data(cx, move |out, cx, s, d| {
            let port = server.port(cx).to_string();
            let text = String::from_utf8_lossy(d).replace(&port, "PORT");
            let kept =
                |line: &&str| line.starts_with("Host: ") || line.starts_with("Authorization: ");
            let mut lines = text.split("\r\n");
            let first = lines.next().unwrap_or_default();
            let lines = lines.filter(kept).map(|line| format!(" | {line}"));
            out.log(format!("  {first}{}", lines.collect::<String>()));
            s.end_with(
                cx,
                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |out, cx, server| next(out, cx, server, 0));
}
