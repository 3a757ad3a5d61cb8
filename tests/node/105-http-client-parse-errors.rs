//! What a client says of answers that are none: the code of the error, and when it comes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use loopchat::http::RequestOptions;
use loopchat::{Context, http, net};

use crate::Trace;

/// A head that is too big is made when it is asked for.
const BIG: &[u8] = b"";

const ANSWERS: &[(&str, &[u8])] = &[
    ("extra", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokEXTRA"),
    ("extraline", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\n"),
    ("extrapart", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHT"),
    ("extraclose", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nokEXTRA"),
    ("extrachunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nEXTRA"),
    ("extra204", b"HTTP/1.1 204 No Content\r\n\r\nEXTRA"),
    ("two", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"),
    ("twolen", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"),
    ("twosame", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"),
    ("lenthenchunks", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    ("chunksthenlen", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    ("badlen", b"HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\n"),
    ("neglen", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
    ("nolen", b"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n"),
    ("longlen", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
    ("barecr", b"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n"),
    ("barecrname", b"HTTP/1.1 200 OK\r\nX\r: a\r\n\r\n"),
    ("crcr", b"HTTP/1.1 200 OK\r\nX: a\r\r\n\r\n"),
    ("nul", b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n"),
    ("control", b"HTTP/1.1 200 OK\r\nX: a\x01b\r\n\r\n"),
    ("del", b"HTTP/1.1 200 OK\r\nX: a\x7fb\r\n\r\n"),
    ("fold", b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
    ("foldtab", b"HTTP/1.1 200 OK\r\nX: a\r\n\tb\r\n\r\n"),
    ("foldfirst", b"HTTP/1.1 200 OK\r\n X: a\r\n\r\n"),
    ("blankname", b"HTTP/1.1 200 OK\r\nX y: a\r\n\r\n"),
    ("blankcolon", b"HTTP/1.1 200 OK\r\nX : a\r\n\r\n"),
    ("emptyname", b"HTTP/1.1 200 OK\r\n: a\r\n\r\n"),
    ("nocolon", b"HTTP/1.1 200 OK\r\nnocolon\r\n\r\n"),
    ("umlautname", b"HTTP/1.1 200 OK\r\nX\xe4: a\r\n\r\n"),
    ("umlaut", b"HTTP/1.1 200 OK\r\nX: \xe4\r\nContent-Length: 2\r\n\r\nok"),
    ("lf", b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
    ("lffield", b"HTTP/1.1 200 OK\r\nX: a\nContent-Length: 0\r\n\r\n"),
    ("lfend", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n"),
    ("crend", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\rx"),
    ("junk", b"junk\r\n\r\n"),
    ("request", b"GET / HTTP/1.1\r\n\r\n"),
    ("lower", b"http/1.1 200 OK\r\n\r\n"),
    ("emptylines", b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("blank", b" HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    ("http3", b"HTTP/3.1 200 OK\r\n\r\n"),
    ("http12", b"HTTP/1.2 200 OK\r\n\r\n"),
    ("httpx", b"HTTP/x.1 200 OK\r\n\r\n"),
    ("http1", b"HTTP/1 200 OK\r\n\r\n"),
    ("http11x", b"HTTP/1.1x 200 OK\r\n\r\n"),
    ("nostatus", b"HTTP/1.1 OK\r\n\r\n"),
    ("shortstatus", b"HTTP/1.1 20 OK\r\n\r\n"),
    ("longstatus", b"HTTP/1.1 2000 OK\r\n\r\n"),
    ("highstatus", b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"),
    ("twoblanks", b"HTTP/1.1  200 OK\r\n\r\n"),
    ("noreason", b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
    ("blankreason", b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"),
    ("umlautreason", b"HTTP/1.1 200 \xe4\r\nContent-Length: 0\r\n\r\n"),
    ("crreason", b"HTTP/1.1 200 O\rK\r\n\r\n"),
    ("old", b"HTTP/1.0 200 OK\r\n\r\nbody"),
    ("oldchunks", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    ("gzip", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nbody"),
    ("gzipchunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    ("chunksgzip", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    ("chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ("chunkempty", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n"),
    ("chunklf", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n"),
    ("chunkcr", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\rok\r\n"),
    ("chunklong", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokk\r\n0\r\n\r\n"),
    ("chunkendlf", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\n0\r\n\r\n"),
    ("chunkext", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\n\r\n"),
    ("chunkbadext", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;\x01\r\nok\r\n0\r\n\r\n"),
    ("chunkblank", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n"),
    ("chunkhuge", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
    ("trailer", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX y: z\r\n\r\n"),
    ("trailerlf", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\n\r\n"),
    ("c204", b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"),
    ("c304", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
    ("big", BIG),
    ("head", b"HTTP/1.1 200 O"),
    ("nothing", b""),
];

fn next(out: &mut Trace, cx: &mut Context<Trace>, server: net::Server, place: usize) {
    let Some(&(name, _)) = ANSWERS.get(place) else {
        server.close(cx);
        return;
    };
    let open = Rc::new(Cell::new(1));
    let opened = Rc::clone(&open);
    let over = move |cx: &mut Context<Trace>| {
        open.set(open.get() - 1);
        if open.get() == 0 {
            cx.set_immediate(move |out, cx| next(out, cx, server, place + 1));
        }
    };
    out.log(name);
    let options = RequestOptions::new()
        .host("127.0.0.1")
        .port(server.port(cx))
        .path(&format!("/{name}"))
        .agent(None);
    let r = http::get(cx, options);
    r.on_error(cx, |out, _, _, e| out.log(format!("  error {}", e.code())));
    let closed = over.clone();
    r.on_close(cx, move |out, cx, _| {
        out.log("  close");
        closed(cx);
    });
    r.on_response(cx, move |out, cx, _, x| {
        opened.set(opened.get() + 1);
        let (status, version) = (
            x.status_code(cx).expect("it is there"),
            x.head(cx).map(|head| head.http_version()),
        );
        out.log(format!(
            "  response {status} {}",
            version.unwrap_or_default()
        ));
        let b = Rc::new(RefCell::new(String::new()));
        let heard = Rc::clone(&b);
        x.on_data(cx, move |_, _, _, d| {
            heard.borrow_mut().push_str(&String::from_utf8_lossy(d));
        });
        x.on_end(cx, move |out, _, _| {
            out.log(format!("  end {}", b.borrow()))
        });
        x.on_aborted(cx, |out, _, _| out.log("  aborted"));
        x.on_error(cx, |out, _, _, e| {
            out.log(format!("  res error {}", e.code()))
        });
        let over = over.clone();
        x.on_close(cx, move |out, cx, x| {
            out.log(format!("  res close complete={}", x.complete(cx)));
            over(cx);
        });
    });
}

pub fn main(_: &mut Trace, cx: &mut Context<Trace>) {
    let server = net::create_server(cx);
    server.on_connection(cx, |_, cx, s| {
        s.on_error(cx, |_, _, _, _| {});
        s.once_data(cx, |_, cx, s, d| {
            let text = String::from_utf8_lossy(d);
            let url = text.split(' ').nth(1).unwrap_or_default();
            let answer = ANSWERS.iter().find(|(name, _)| *name == &url[1..]);
            let big = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(17000));
            match answer {
                Some(("big", _)) => s.end_with(cx, big),
                Some((_, answer)) => s.end_with(cx, answer),
                None => s.end(cx),
            };
        });
    });
    server.listen(cx, ("127.0.0.1", 0));
    server.on_listening(cx, |out, cx, server| next(out, cx, server, 0));
}
