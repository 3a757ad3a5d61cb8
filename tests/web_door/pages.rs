//! What is served, and how.

use std::io::Read;

use flate2::read::GzDecoder;

use super::*;

/// An answer.
pub struct Answer {
    pub status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }

    /// Whether its type is this.
    pub fn is(&self, content_type: &str) -> bool {
        self.field("Content-Type") == Some(content_type)
    }

    fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// Asks for a page.
pub fn get(web: SocketAddr, path: &str, fields: &str) -> Answer {
    get_from(web, path, "localhost", fields)
}

/// The same, calling the server by a name.
pub fn get_from(web: SocketAddr, path: &str, host: &str, fields: &str) -> Answer {
    request(web, "GET", path, host, fields)
}

fn request(web: SocketAddr, method: &str, path: &str, host: &str, fields: &str) -> Answer {
    let mut client = client::Client::connect(web);
    client.send_raw(format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{fields}\r\n"
    ));
    let head = client.read_head();
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    Answer {
        status: status.expect("a status"),
        body: client.rest(),
        head,
    }
}

#[test]
fn the_chat_and_its_files_are_served_under_a_strict_policy() {
    let (_server, web) = start(&[]);
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/?room=tea", "text/html; charset=utf-8"),
        ("/chat.css", "text/css; charset=utf-8"),
        ("/chat.js", "text/javascript; charset=utf-8"),
        ("/docs/", "text/html; charset=utf-8"),
        ("/docs/protocol.md", "text/html; charset=utf-8"),
        ("/docs/performance.svg", "image/svg+xml"),
        ("/docs.css", "text/css; charset=utf-8"),
        ("/healthz", "text/plain; charset=utf-8"),
    ] {
        let page = get(web, path, "");
        assert_eq!(
            (page.status, page.field("Content-Type")),
            (200, Some(kind)),
            "{path}"
        );
        let policy = page.field("Content-Security-Policy").expect("a policy");
        assert!(
            policy.starts_with("default-src 'none'; "),
            "{path}: {policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(
            !policy.contains("http") && !policy.contains('*'),
            "{path}: {policy}"
        );
        assert_eq!(
            policy.contains("unsafe"),
            kind.starts_with("image/"),
            "{path}: {policy}"
        );
        assert_eq!(page.field("X-Content-Type-Options"), Some("nosniff"));
        assert_eq!(page.field("Referrer-Policy"), Some("no-referrer"));
        let length = page.body.len().to_string();
        assert_eq!(page.field("Content-Length"), Some(&*length), "{path}");
    }
    assert_eq!(get(web, "/healthz", "").text(), "ok\n");
}

#[test]
fn nothing_on_a_page_is_from_elsewhere_or_inline() {
    let (_server, web) = start(&[]);
    for path in ["/", "/docs/", "/docs/node-parity.md"] {
        let page = get(web, path, "").text();
        for wrong in ["<style", " style=", " onclick=", " src=\"http", " src=\"//"] {
            assert!(!page.contains(wrong), "{path} has {wrong}");
        }
        for script in page.split("<script").skip(1) {
            assert!(
                script.trim_start().starts_with("src=\"/") || script.contains(" src=\"/"),
                "{path}"
            );
        }
    }
}

#[test]
fn what_a_browser_has_is_not_sent_again() {
    let (_server, web) = start(&[]);
    let first = get(web, "/docs/protocol.md", "");
    let etag = first.field("ETag").expect("a tag").to_owned();
    assert!(etag.starts_with('"'), "a strong one: {etag}");
    assert_eq!(first.field("Cache-Control"), Some("no-cache"));
    let again = get(
        web,
        "/docs/protocol.md",
        &format!("If-None-Match: \"x\", {etag}\r\n"),
    );
    assert_eq!((again.status, again.field("ETag")), (304, Some(&*etag)));
    assert!(again.body.is_empty() && again.field("Content-Security-Policy").is_some());
    let other = get(web, "/docs/protocol.md", "If-None-Match: \"x\"\r\n");
    assert_eq!((other.status, other.text()), (200, first.text()));
}

#[test]
fn pages_are_compressed_for_those_who_understand_it() {
    let (_server, web) = start(&[]);
    let plain = get(web, "/docs/protocol.md", "");
    let packed = get(web, "/docs/protocol.md", "Accept-Encoding: br, gzip\r\n");
    assert_eq!(packed.field("Content-Encoding"), Some("gzip"));
    assert!(packed.body.len() * 2 < plain.body.len());
    let mut text = String::new();
    let unpacked = GzDecoder::new(&packed.body[..]).read_to_string(&mut text);
    unpacked.expect("it is gzip");
    assert_eq!(text, plain.text());
    assert_ne!(
        packed.field("ETag"),
        plain.field("ETag"),
        "other bytes, another tag"
    );
    assert_eq!(
        (packed.field("Vary"), plain.field("Vary")),
        (Some("Accept-Encoding"), Some("Accept-Encoding"))
    );
    let refused = get(web, "/docs/protocol.md", "Accept-Encoding: gzip;q=0\r\n");
    assert_eq!(refused.field("Content-Encoding"), None);
}

#[test]
fn only_get_and_head_are_answered() {
    let (_server, web) = start(&[]);
    let got = get(web, "/", "");
    let head = request(web, "HEAD", "/", "localhost", "");
    assert!(head.status == 200 && head.body.is_empty());
    assert_eq!(head.field("Content-Length"), got.field("Content-Length"));
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let refused = request(web, method, "/", "localhost", "Content-Length: 0\r\n");
        assert_eq!(
            (refused.status, refused.field("Allow")),
            (405, Some("GET, HEAD"))
        );
    }
    assert_eq!(get(web, "/ws", "").status, 426);
}

#[test]
fn what_is_not_there_is_said_plainly() {
    let (_server, web) = start(&[]);
    for path in [
        "/nowhere",
        "/docs/../Cargo.toml",
        "/docs/nowhere.md",
        "/index.html",
        "//",
        "/%2e",
    ] {
        let page = get(web, path, "");
        assert_eq!(
            (page.status, page.field("Content-Type")),
            (404, Some("text/plain; charset=utf-8"))
        );
        assert!(page.field("Content-Security-Policy").is_some());
    }
    let moved = get(web, "/docs", "");
    assert_eq!(
        (moved.status, moved.field("Location")),
        (308, Some("/docs/"))
    );
}

#[test]
fn the_documentation_is_rendered() {
    let (_server, web) = start(&[]);
    let page = get(web, "/docs/operating.md", "").text();
    for wanted in [
        "<title>Operating it - loopchat</title>",
        "<a href=\"/\">",
        "<h2 id=\"the-web-door\">",
        "<a href=\"protocol.md#in-a-websocket\">",
        "<table>",
    ] {
        assert!(page.contains(wanted), "no {wanted}");
    }
}

#[test]
fn a_page_has_one_path() {
    let (_server, web) = start(&[]);
    assert_eq!(get(web, "/docs/images/chat-light.png", "").status, 200);
    // Each of these would be rendered and kept as a page of its own, and there is no end of them.
    for path in [
        "/docs/images//chat-light.png",
        "/docs/images/./chat-light.png",
        "/docs/images/chat-light.png/.",
        "/docs/course//README.md",
        "/docs/course/././README.md",
    ] {
        assert_eq!(get(web, path, "").status, 404, "{path}");
    }
}

#[test]
fn who_could_speak_another_protocol_gets_its_page_in_this_one() {
    let (_server, web) = start(&[]);
    let offer =
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n";
    for path in ["/healthz", "/", "/metrics"] {
        assert_eq!(get(web, path, offer).status, 200, "{path}");
    }
    assert_eq!(get(web, "/ws", offer).status, 426);
}
