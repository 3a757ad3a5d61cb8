//! Which names this server has, and whose pages may chat here.
//!
//! A browser lets any page open a WebSocket to anywhere, and says in `Origin` where the page is
//! from. So a page may chat if it is from here, that is if its origin is [the name](Head::host) by
//! which its request calls the server, or if `--web-origin` names it. A page that came in the clear
//! is not from where TLS is spoken. What is no browser sends no `Origin`, and needs nobody's leave.
//!
//! That alone is not enough on a loopback address: a page from elsewhere may have a name of its
//! own *resolve* to 127.0.0.1 (DNS rebinding), and is then from here as far as a browser can tell.
//! So what listens on loopback answers only to the names of this machine, and to those that
//! `--web-origin` gives it.

use std::str::FromStr;

use crate::http::Head;
use crate::http::web_socket::Refusal;

/// What is answered to whoever calls this server by a name that is not its own.
pub(in crate::server) const UNKNOWN_HOST: &str =
    "This server is not known by that name: ask for localhost, or start it with --web-origin";

/// Where a page is from, as browsers say it: `https://chat.example`, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    /// Where in it the host starts.
    host: usize,
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim_end_matches('/').to_ascii_lowercase();
        let parts = text.split_once("://");
        let fits = parts.is_some_and(|(scheme, host)| {
            let inside = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
            matches!(scheme, "http" | "https") && !host.is_empty() && host.bytes().all(inside)
        });
        match parts {
            Some((scheme, _)) if fits => Ok(Self {
                host: scheme.len() + "://".len(),
                text,
            }),
            _ => Err(
                "it wants http://HOST or https://HOST, with the port if there is one".to_owned(),
            ),
        }
    }
}

impl Origin {
    /// As browsers show it.
    pub(in crate::server) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether such a page came over TLS.
    pub(in crate::server) fn is_secure(&self) -> bool {
        self.text.starts_with("https:")
    }

    /// Its host, with the port if that is not the usual one.
    fn host(&self) -> &str {
        &self.text[self.host..]
    }
}

/// What a request has come over, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Over {
    /// TLS, to this server or to a proxy that is trusted.
    Tls,
    /// Neither.
    Clear,
    /// A proxy has passed it on, and did not say.
    Unknown,
}

/// How a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) struct Way {
    /// Through an address that is open to this machine only.
    pub(in crate::server) is_loopback: bool,
    pub(in crate::server) over: Over,
}

/// What requests are checked against.
pub(in crate::server) struct Guard {
    origins: Vec<Origin>,
}

impl Guard {
    pub(in crate::server) fn new(origins: &[Origin]) -> Self {
        Self {
            origins: origins.to_vec(),
        }
    }

    /// Whether a request calls this server by a name it has.
    pub(in crate::server) fn knows_host(&self, head: &Head, way: Way) -> bool {
        // Only HTTP/1.0 may leave it out, and no browser does.
        !way.is_loopback
            || is_local(head)
            || head
                .host()
                .and_then(|host| str::from_utf8(host).ok())
                .is_some_and(|host| {
                    let mut origins = self.origins.iter();
                    origins.any(|origin| origin.host().eq_ignore_ascii_case(host))
                })
    }

    /// Whether a request for a WebSocket calls this server by a name it has, from a page that may
    /// talk to it.
    ///
    /// # Errors
    ///
    /// What to refuse it with; `elsewhere` is what pages from elsewhere are told.
    pub(in crate::server) fn vet(
        &self,
        head: &Head,
        way: Way,
        elsewhere: &'static str,
    ) -> Result<(), Refusal> {
        if !self.knows_host(head, way) {
            Err(Refusal::new(421, UNKNOWN_HOST))
        } else if !self.allows_origin(head, way) {
            Err(Refusal::new(403, elsewhere))
        } else {
            Ok(())
        }
    }

    /// Whether the page that asks may chat. Every `Origin` there is has to be fine.
    fn allows_origin(&self, head: &Head, way: Way) -> bool {
        head.header_all("origin").all(|origin| {
            let origin = str::from_utf8(origin).ok();
            let origin = origin.and_then(|origin| origin.parse::<Origin>().ok());
            origin.is_some_and(|origin| {
                let host = head.host().unwrap_or_default();
                let host_of_page = origin.host().as_bytes();
                // What came in the clear is no part of what did not, whatever it is called.
                let is_from_here = host_of_page.eq_ignore_ascii_case(host)
                    && (origin.is_secure() || way.over != Over::Tls);
                is_from_here || self.origins.contains(&origin)
            })
        })
    }
}

/// Whether a request calls this server by a name that every machine has for itself, or by none.
pub(in crate::server) fn is_local(head: &Head) -> bool {
    let Some(host) = head.host() else {
        return true;
    };
    let Ok(host) = str::from_utf8(host) else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .any(|local| name.eq_ignore_ascii_case(local))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Limits;

    fn head(fields: &str) -> Head {
        asking("/ws", fields)
    }

    fn asking(target: &str, fields: &str) -> Head {
        let text = format!("GET {target} HTTP/1.1\r\n{fields}\r\n");
        let mut head = Head::default();
        let parsed = head.parse_request(text.as_bytes(), &Limits::default());
        assert_eq!(parsed.expect("a head"), Some(text.len()));
        head
    }

    const LOCAL: Way = Way {
        is_loopback: true,
        over: Over::Clear,
    };
    const OPEN: Way = Way {
        is_loopback: false,
        over: Over::Unknown,
    };
    const SECURE: Way = Way {
        is_loopback: false,
        over: Over::Tls,
    };

    fn guard(origins: &[&str]) -> Guard {
        let origins: Vec<Origin> = origins
            .iter()
            .map(|o| o.parse().expect("an origin"))
            .collect();
        Guard::new(&origins)
    }

    #[test]
    fn a_page_may_chat_with_where_it_is_from() {
        let guard = guard(&["https://chat.example"]);
        for (fields, allowed) in [
            ("Host: localhost:8080\r\n", true),
            (
                "Host: localhost:8080\r\nOrigin: http://localhost:8080\r\n",
                true,
            ),
            (
                "Host: LOCALHOST:8080\r\nOrigin: http://localhost:8080\r\n",
                true,
            ),
            (
                "Host: localhost:8080\r\nOrigin: http://localhost:8081\r\n",
                false,
            ),
            (
                "Host: localhost:8080\r\nOrigin: http://localhost\r\n",
                false,
            ),
            (
                "Host: localhost:8080\r\nOrigin: http://evil.example\r\n",
                false,
            ),
            (
                "Host: localhost:8080\r\nOrigin: https://chat.example\r\n",
                true,
            ),
            (
                "Host: localhost:8080\r\nOrigin: http://chat.example\r\n",
                false,
            ),
            ("Host: localhost:8080\r\nOrigin: null\r\n", false),
            ("Host: localhost:8080\r\nOrigin: \r\n", false),
            ("Host: a\r\nOrigin: http://a\r\nOrigin: http://b\r\n", false),
            ("Host: a\r\nOrigin: http://\u{e4}\r\n", false),
        ] {
            let found = guard.allows_origin(&head(fields), LOCAL);
            assert_eq!(found, allowed, "{fields:?}");
        }
    }

    #[test]
    fn a_page_that_came_in_the_clear_may_not_chat_over_tls() {
        let guard = guard(&["http://known.example"]);
        for (origin, over_tls, in_the_clear) in [
            ("https://chat.example", true, true), // a proxy may have ended TLS
            ("http://chat.example", false, true),
            ("http://known.example", true, true),
            ("https://known.example", false, false),
        ] {
            let head = head(&format!("Host: chat.example\r\nOrigin: {origin}\r\n"));
            assert_eq!(guard.allows_origin(&head, SECURE), over_tls, "{origin}");
            assert_eq!(guard.allows_origin(&head, OPEN), in_the_clear, "{origin}");
        }
    }

    #[test]
    fn a_door_on_loopback_has_few_names() {
        let local = guard(&["https://chat.example"]);
        let open = guard(&[]);
        for (host, known) in [
            ("localhost", true),
            ("LocalHost:8080", true),
            ("127.0.0.1:1", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("chat.example", true),
            ("chat.example:81", false),
            ("evil.example:8080", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example:8080", false),
            ("", false),
        ] {
            let head = head(&format!("Host: {host}\r\n"));
            assert_eq!(local.knows_host(&head, LOCAL), known, "{host:?}");
            assert!(open.knows_host(&head, OPEN));
        }
    }

    #[test]
    fn the_name_in_a_whole_url_is_the_one_that_counts() {
        let local = guard(&["https://chat.example"]);
        for (target, host, known) in [
            ("http://localhost:8080/ws", "localhost:8080", true),
            ("HTTP://LOCALHOST/ws", "localhost", true),
            ("http://[::1]:8080?a", "[::1]:8080", true),
            ("https://chat.example/ws", "chat.example", true),
            ("http://localhost/ws", "evil.example", true),
            ("http://localhost/ws", "127.0.0.1", true),
            ("http://evil.example/ws", "localhost", false),
            ("http://evil.example/ws", "evil.example", false),
            ("http://evil.example", "localhost", false),
            ("http://evil.example?http://localhost/", "localhost", false),
            ("x://evil.example/ws", "localhost", false),
            ("/http://evil.example/ws", "localhost", true),
        ] {
            let head = asking(target, &format!("Host: {host}\r\n"));
            assert_eq!(local.knows_host(&head, LOCAL), known, "{target}, {host}");
        }
        // The same goes for where a page is from, and for what is this machine's own.
        for (target, other) in [("localhost", "evil.example"), ("evil.example", "localhost")] {
            let fields = format!("Host: {other}\r\nOrigin: http://{other}\r\n");
            let head = asking(&format!("http://{target}/ws"), &fields);
            assert!(!local.allows_origin(&head, LOCAL), "{target}");
            assert_eq!(is_local(&head), target == "localhost");
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_show_it() {
        for text in [
            "http://a",
            "https://A.example/",
            "http://[::1]:80",
            "http://10.0.0.1:8080",
        ] {
            assert!(text.parse::<Origin>().is_ok(), "{text}");
        }
        for text in [
            "",
            "a",
            "ftp://a",
            "http://",
            "http://a/b",
            "http://a b",
            "null",
            "*",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
