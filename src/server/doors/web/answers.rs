//! How pages are served: their heads, what has not changed, what is refused.

use log::debug;

use crate::http::{IncomingMessage, ServerResponse, status_message};
use crate::net::Context;
use crate::server::ChatServer;
use crate::server::doors::web::site::Page;

/// Nothing from elsewhere, no inline script or style, and nobody's frame. `'self'` covers the
/// WebSocket, too.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A picture that is looked at by itself is a document, whose own style is its own business. It
/// can do nothing.
const PICTURE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";

const TEXT: &str = "text/plain; charset=utf-8";

/// Sets fields. They are this module's own, so that one is refused is a mistake made here.
fn set(cx: &mut Context<ChatServer>, response: ServerResponse, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        let set = response.set_header(cx, name, value);
        debug_assert!(set.is_ok(), "{name}: {value}");
        if let Err(error) = set {
            debug!("a response goes without a field: {error}");
        }
    }
}

fn begin(cx: &mut Context<ChatServer>, response: ServerResponse, status: u16, content_type: &str) {
    response.set_status_code(cx, status);
    let policy = match content_type {
        "image/svg+xml" => PICTURE_POLICY,
        _ => POLICY,
    };
    set(
        cx,
        response,
        &[
            ("Content-Security-Policy", policy),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
        ],
    );
}

/// Sends what is not a page: it is not to be kept.
pub(in crate::server) fn body(
    cx: &mut Context<ChatServer>,
    response: ServerResponse,
    status: u16,
    content_type: &str,
    body: &[u8],
) {
    begin(cx, response, status, content_type);
    let length = body.len().to_string();
    let fields = [
        ("Content-Type", content_type),
        ("Content-Length", &length),
        ("Cache-Control", "no-store"),
    ];
    set(cx, response, &fields);
    response.end_with(cx, body);
}

/// A word or a line.
pub(in crate::server) fn plain(
    cx: &mut Context<ChatServer>,
    response: ServerResponse,
    status: u16,
    text: &str,
) {
    body(cx, response, status, TEXT, format!("{text}\n").as_bytes());
}

/// A status, and why.
pub(in crate::server) fn refuse(
    cx: &mut Context<ChatServer>,
    response: ServerResponse,
    status: u16,
    why: &str,
) {
    if status == 426 {
        let fields = [("Upgrade", "websocket"), ("Connection", "Upgrade")];
        set(cx, response, &fields);
    }
    if status == 503 {
        set(
            cx,
            response,
            &[("Connection", "close"), ("Retry-After", "10")],
        );
    }
    let phrase = status_message(status).unwrap_or_default();
    plain(cx, response, status, &format!("{status} {phrase}\n{why}"));
}

/// Pages are only asked for.
pub(in crate::server) fn refuse_method(cx: &mut Context<ChatServer>, response: ServerResponse) {
    set(cx, response, &[("Allow", "GET, HEAD")]);
    refuse(cx, response, 405, "There is nothing to send here.");
}

/// Whoever is answered is to come over TLS only from now on (RFC 6797).
pub(in crate::server) fn stay_with_tls(
    cx: &mut Context<ChatServer>,
    response: ServerResponse,
    seconds: u32,
) {
    let value = format!("max-age={seconds}");
    set(cx, response, &[("Strict-Transport-Security", &value)]);
}

/// It is elsewhere, for good.
pub(in crate::server) fn redirect(
    cx: &mut Context<ChatServer>,
    response: ServerResponse,
    to: &str,
) {
    set(cx, response, &[("Location", to)]);
    plain(cx, response, 308, to);
}

/// A page: compressed if that is understood, and not at all if the browser has it.
pub(in crate::server) fn page(
    cx: &mut Context<ChatServer>,
    request: IncomingMessage,
    response: ServerResponse,
    page: &Page,
) {
    let Some(head) = request.head(cx) else { return };
    let gzip = page.gzip.as_ref().filter(|_| {
        let mut codings = head.header_all("accept-encoding");
        codings.any(|codings| accepts(codings, b"gzip"))
    });
    let chosen = gzip.unwrap_or(&page.plain);
    let known = head
        .header_all("if-none-match")
        .any(|tags| lists(tags, &chosen.etag));
    begin(
        cx,
        response,
        if known { 304 } else { 200 },
        page.content_type,
    );
    // It may be kept, but is to be asked after each time: a new server may have a new page.
    let fields = [
        ("ETag", &*chosen.etag),
        ("Cache-Control", "no-cache"),
        ("Vary", "Accept-Encoding"),
    ];
    set(cx, response, &fields);
    if known {
        response.end(cx);
        return;
    }
    if gzip.is_some() {
        set(cx, response, &[("Content-Encoding", "gzip")]);
    }
    let length = chosen.body.len().to_string();
    let fields = [
        ("Content-Type", page.content_type),
        ("Content-Length", &length),
    ];
    set(cx, response, &fields);
    response.end_with(cx, &chosen.body);
}

/// Whether a list of codings has this one, and does not rule it out with a weight of zero.
fn accepts(codings: &[u8], wanted: &[u8]) -> bool {
    codings.split(|&byte| byte == b',').any(|coding| {
        let mut parts = coding.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let named = parts.next().unwrap_or_default();
        let ruled_out = parts.any(|part| {
            let weight = part.strip_prefix(b"q=").or(part.strip_prefix(b"Q="));
            weight.is_some_and(|weight| weight.iter().all(|byte| b"0.".contains(byte)))
        });
        named.eq_ignore_ascii_case(wanted) && !ruled_out
    })
}

/// Whether a list of tags has this one, weak or strong, or stands for any.
fn lists(tags: &[u8], wanted: &str) -> bool {
    tags.split(|&byte| byte == b',').any(|tag| {
        let tag = tag.trim_ascii();
        tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == wanted.as_bytes()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_are_read_with_their_weights() {
        for (codings, accepted) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("br, gzip ; q=1.0", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000", false),
            ("xgzip", false),
            ("", false),
        ] {
            assert_eq!(accepts(codings.as_bytes(), b"gzip"), accepted, "{codings}");
        }
    }

    #[test]
    fn tags_are_found_in_lists() {
        for (tags, found) in [
            ("\"a\"", true),
            ("\"b\", W/\"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
        ] {
            assert_eq!(lists(tags.as_bytes(), "\"a\""), found, "{tags}");
        }
    }
}
