//! What is for this machine only, unless `--expose` says otherwise.

use std::net::IpAddr;

use crate::http::Head;
use crate::http::web_socket::Refusal;
use crate::net::{Context, RemoteParty, Socket};
use crate::server::doors::web::{origin, vet_upgrade};
use crate::server::{ChatServer, Exposed};

/// What others are told.
pub(in crate::server) const REFUSED: &str =
    "This is for the machine itself; --expose opens it to others";

/// Which paths those are.
pub(in crate::server) fn guarded(path: &str) -> Option<Exposed> {
    match path {
        "/loop" => Some(Exposed::Loop),
        "/metrics" => Some(Exposed::Metrics),
        _ => None,
    }
}

/// Whether whoever asks may look.
pub(in crate::server) fn may_look(
    server: &ChatServer,
    cx: &Context<ChatServer>,
    head: &Head,
    socket: Socket,
    what: Exposed,
) -> bool {
    server.config.expose.contains(&what) || is_from_here(server, cx, head, socket)
}

/// Whether a request for a WebSocket may look: it calls the server by a name that it has, from a
/// page that may talk to it.
///
/// # Errors
///
/// What to refuse it with.
pub(in crate::server) fn vet(
    server: &ChatServer,
    cx: &Context<ChatServer>,
    head: &Head,
    socket: Socket,
    what: Exposed,
) -> Result<(), Refusal> {
    vet_upgrade(
        server,
        cx,
        head,
        socket,
        "Pages from elsewhere may not look",
    )?;
    match may_look(server, cx, head, socket, what) {
        true => Ok(()),
        false => Err(Refusal::new(403, REFUSED)),
    }
}

/// Whether a request is this machine's own.
pub(in crate::server) fn is_from_here(
    server: &ChatServer,
    cx: &Context<ChatServer>,
    head: &Head,
    socket: Socket,
) -> bool {
    let peer = match socket.remote_party(cx) {
        Some(RemoteParty::Host(address)) => Some(address),
        Some(RemoteParty::User(_)) | None => None,
    };
    !server.config.is_fronted() && is_local(peer, head)
}

/// Where others come through this machine, no request is its own: what they say of themselves is
/// theirs to choose. Where the server was not told of any, the address alone is not enough either.
/// A proxy on this machine passes on what others ask, and mostly says so; behind a socket file
/// there is nothing else but a proxy. And a browser on this machine may show a page from elsewhere
/// whose own name resolves to here.
fn is_local(peer: Option<IpAddr>, head: &Head) -> bool {
    let is_loopback = peer.is_some_and(|address| address.to_canonical().is_loopback());
    is_loopback && origin::is_local(head) && !is_passed_on(head)
}

/// Whether a proxy has passed a request on, as its fields tell.
pub(in crate::server) fn is_passed_on(head: &Head) -> bool {
    let named = |name: &str, known: &str| name.eq_ignore_ascii_case(known);
    head.raw_headers().any(|(name, _)| {
        let start = name.get(..X_FORWARDED.len());
        start.is_some_and(|start| named(start, X_FORWARDED))
            || PASSED_ON.iter().any(|known| named(name, known))
    })
}

/// How fields begin that proxies add: who asked, for which host, by which protocol.
const X_FORWARDED: &str = "X-Forwarded-";

/// Others that they add.
const PASSED_ON: [&str; 9] = [
    "Forwarded",
    "Via",
    "X-Real-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "X-Original-Forwarded-For",
    "CF-Connecting-IP",
    "True-Client-IP",
    "Fastly-Client-IP",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Limits;

    #[test]
    fn only_this_machine_itself_is_here() {
        let is_here = |peer: Option<&str>, fields: &str| {
            let text = format!("GET /loop HTTP/1.1\r\n{fields}\r\n");
            let mut head = Head::default();
            let parsed = head.parse_request(text.as_bytes(), &Limits::default());
            assert_eq!(parsed.expect("a head"), Some(text.len()));
            is_local(peer.map(|peer| peer.parse().expect("an address")), &head)
        };
        let host = "Host: localhost:8080\r\n";
        assert!(is_here(Some("127.0.0.1"), host));
        assert!(is_here(Some("::1"), "Host: [::1]\r\n"));
        assert!(is_here(Some("::ffff:127.0.0.1"), host));
        assert!(!is_here(Some("192.0.2.7"), host), "from elsewhere");
        assert!(!is_here(None, host), "through a socket file");
        assert!(!is_here(Some("127.0.0.1"), "Host: evil.example\r\n"));
        let more = [
            "X-Forwarded-For",
            "x-forwarded-host",
            "X-FORWARDED-PROTO",
            "via",
        ];
        for field in PASSED_ON.into_iter().chain(more) {
            let fields = format!("{host}{field}: 192.0.2.7\r\n");
            assert!(!is_here(Some("127.0.0.1"), &fields), "{field}");
        }
        for field in ["X-Forwarded", "X-Forward-For", "Viam", "Accept"] {
            let fields = format!("{host}{field}: 192.0.2.7\r\n");
            assert!(is_here(Some("127.0.0.1"), &fields), "{field}");
        }
    }
}
