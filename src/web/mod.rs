//! The pages that the web door serves, embedded in the binary.
//!
//! They are plain HTML, CSS and JavaScript in this folder; nothing builds them. A page is one row
//! here.

/// A file of this folder, and where it is served.
pub(crate) struct File {
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// All that is served as it is.
pub(crate) const FILES: &[File] = &[
    file("/", HTML, include_bytes!("index.html")),
    file("/shell.css", CSS, include_bytes!("shell.css")),
    file("/chat.css", CSS, include_bytes!("chat.css")),
    file("/chat.js", JAVASCRIPT, include_bytes!("chat.js")),
    file(
        "/completion.js",
        JAVASCRIPT,
        include_bytes!("completion.js"),
    ),
    file("/composer.js", JAVASCRIPT, include_bytes!("composer.js")),
    file(
        "/connection.js",
        JAVASCRIPT,
        include_bytes!("connection.js"),
    ),
    file("/crowd.js", JAVASCRIPT, include_bytes!("crowd.js")),
    file("/drawers.js", JAVASCRIPT, include_bytes!("drawers.js")),
    file("/hearing.js", JAVASCRIPT, include_bytes!("hearing.js")),
    file("/log.js", JAVASCRIPT, include_bytes!("log.js")),
    file("/memory.js", JAVASCRIPT, include_bytes!("memory.js")),
    file("/own.js", JAVASCRIPT, include_bytes!("own.js")),
    file("/people.js", JAVASCRIPT, include_bytes!("people.js")),
    file("/presence.js", JAVASCRIPT, include_bytes!("presence.js")),
    file(
        "/private-logs.js",
        JAVASCRIPT,
        include_bytes!("private-logs.js"),
    ),
    file("/resuming.js", JAVASCRIPT, include_bytes!("resuming.js")),
    file("/rooms.js", JAVASCRIPT, include_bytes!("rooms.js")),
    file("/row.js", JAVASCRIPT, include_bytes!("row.js")),
    file("/scribe.js", JAVASCRIPT, include_bytes!("scribe.js")),
    file("/sent.js", JAVASCRIPT, include_bytes!("sent.js")),
    file("/session.js", JAVASCRIPT, include_bytes!("session.js")),
    file("/status.js", JAVASCRIPT, include_bytes!("status.js")),
    file("/theme.js", JAVASCRIPT, include_bytes!("theme.js")),
    file(
        "/transcript.js",
        JAVASCRIPT,
        include_bytes!("transcript.js"),
    ),
    file("/typed.js", JAVASCRIPT, include_bytes!("typed.js")),
    file("/favicon.svg", SVG, include_bytes!("favicon.svg")),
    file("/loop", HTML, include_bytes!("loop.html")),
    file("/loop.css", CSS, include_bytes!("loop.css")),
    file("/loop.js", JAVASCRIPT, include_bytes!("loop.js")),
    file(
        "/loop-replay.js",
        JAVASCRIPT,
        include_bytes!("loop-replay.js"),
    ),
    file("/loop-ring.js", JAVASCRIPT, include_bytes!("loop-ring.js")),
    file(
        "/loop-strip.js",
        JAVASCRIPT,
        include_bytes!("loop-strip.js"),
    ),
    file(
        "/loop-words.js",
        JAVASCRIPT,
        include_bytes!("loop-words.js"),
    ),
    file("/docs.css", CSS, include_bytes!("docs.css")),
];

/// What is around a page of the documentation: `{{title}}` and `{{body}}` are filled in.
pub(crate) const DOCS: &str = include_str!("docs.html");

const fn file(path: &'static str, content_type: &'static str, bytes: &'static [u8]) -> File {
    File {
        path,
        content_type,
        bytes,
    }
}
