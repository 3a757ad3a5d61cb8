//! A client that has said all it will is answered all the same, where the server allows for it:
//! whatever the answer waits for, however many are asked for, and however the end comes.

use std::time::Duration;

use loopchat::http::{Head, IncomingMessage, Parser, Part, ServerResponse};
use loopchat::{Context, http};

use crate::rig::{Notes, Served, statuses, timed};

/// The bodies of all responses.
fn bodies(text: &str) -> Vec<String> {
    let (mut parser, mut head) = (Parser::responses(), Head::default());
    let mut input = text.as_bytes();
    let mut bodies = Vec::new();
    while let Some(part) = parser.next(&mut input, &mut head).expect("responses") {
        match part {
            Part::Head => bodies.push(String::new()),
            Part::Data(bytes) => {
                let body = bodies.last_mut().expect("a head came before");
                body.push_str(str::from_utf8(bytes).expect("text"));
            }
            Part::End => {}
        }
    }
    bodies
}

/// Answers with the target: at once, some turns later, from the thread pool, in pieces, or once
/// the body has come.
fn answer(
    _: &mut Notes,
    cx: &mut Context<Notes>,
    request: IncomingMessage,
    response: ServerResponse,
) {
    let url = request.head(cx).expect("a request").url().to_owned();
    let last = url.clone();
    match &*url {
        url if url.starts_with("/later") => {
            cx.set_immediate(move |_, cx| {
                cx.set_immediate(move |_, cx| response.end_with(cx, &last));
            });
        }
        url if url.starts_with("/pool") => {
            cx.queue_work(|| (), move |_, cx, ()| response.end_with(cx, &last));
        }
        url if url.starts_with("/pieces") => {
            response.write(cx, "in ");
            cx.queue_work(
                || (),
                move |_, cx, ()| {
                    response.write(cx, "pieces ");
                    cx.queue_work(|| (), move |_, cx, ()| response.end(cx));
                },
            );
        }
        url if url.starts_with("/body") => {
            request.on_data(cx, move |_, cx, _, bytes| {
                response.write(cx, bytes);
            });
            request.on_end(cx, move |_, cx, _| response.end(cx));
        }
        _ => {
            response.end_with(cx, &last);
        }
    }
}

fn served() -> Served {
    Served::new(|cx: &mut Context<Notes>, server: http::Server| {
        server.set_http_allow_half_open(cx, true);
        server.on_request(cx, answer);
    })
}

fn get(url: &str) -> String {
    format!("GET {url} HTTP/1.1\r\nHost: x\r\n\r\n")
}

#[test]
fn whatever_the_answer_waits_for_it_comes_and_then_the_end() {
    let served = served();
    for url in ["/now", "/later", "/pool", "/pieces"] {
        let wanted = match url {
            "/pieces" => "in pieces ",
            url => url,
        };
        let text = served.ask(get(url));
        assert_eq!(bodies(&text), [wanted], "{text}");
        let last = served.ask(get(url).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
        assert_eq!(bodies(&last), [wanted], "{last}");
        let old = served.ask(get(url).replace("HTTP/1.1", "HTTP/1.0"));
        assert!(old.ends_with(&format!("\r\n\r\n{wanted}")), "{old}");
    }
    let post = "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(bodies(&served.ask(post)), ["hello"]);
}

/// More than one turn hands out, and than may be unanswered at a time.
#[test]
fn all_that_was_asked_for_is_answered_in_order() {
    let served = served();
    let urls: Vec<String> = ["/later", "/pool", "/now", "/now"]
        .iter()
        .cycle()
        .take(200)
        .enumerate()
        .map(|(n, url)| format!("{url}/{n}"))
        .collect();
    let asked: String = urls.iter().map(|url| get(url)).collect();
    assert_eq!(bodies(&served.ask(asked)), urls);
}

#[test]
fn an_end_within_a_request_is_refused_after_those_before_it() {
    let served = served();
    let torn = [get("/later"), "GET /torn HTT".to_owned()].concat();
    assert_eq!(statuses(&served.ask(torn)), ["200", "400"]);
    let short = "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhello";
    let text = served.ask([&get("/pool"), short].concat());
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    assert!(served.ask("").is_empty());
    assert!(served.ask("\r\n").is_empty());
}

/// As Node has it, where the server does not allow for it.
#[test]
fn by_default_what_is_not_answered_by_then_is_dropped() {
    // In one thread: both have come before the server looks.
    for (ms, wanted) in [(0, vec!["200"]), (1000, vec![])] {
        let mut rig = timed(|cx, server| {
            server.on_request(cx, move |_, cx, _, response| {
                if ms == 0 {
                    response.end(cx);
                } else {
                    cx.set_timeout(Duration::from_millis(ms), move |_, cx| {
                        response.end(cx);
                    });
                }
            });
        });
        let mut peer = rig.connect("http");
        peer.send(get("/"));
        peer.shut_down();
        assert_eq!(statuses(&rig.rest(&mut peer)), wanted, "{ms}");
    }
}
