//! The door for browsers and programs: pages over HTTP, and a WebSocket at `/ws` that speaks JSON, or
//! the lines of `nc`.
//!
//! | file | what |
//! | --- | --- |
//! | `mod.rs` | opening it, who may come in, which path is what |
//! | `members.rs` | members of the chat on WebSockets |
//! | `board.rs` | the rooms, as members see them beside what is said |
//! | `access.rs` | what is for this machine only |
//! | `forwarded.rs` | who is behind a proxy |
//! | `origin.rs` | which names this server has, and whose pages may chat |
//! | `site.rs` | what is served: pages with their tags and their compressed form |
//! | `answers.rs` | how it is served: heads, conditional requests |
//! | `documents.rs` | `docs/`, rendered |
//!
//! Connections that only ask for pages count as any other: towards `--max-connections`, and towards
//! `--max-per-address`. Whoever is turned away is told so in an answer.

mod access;
mod answers;
pub(in crate::server) mod board;
mod documents;
mod forwarded;
pub(in crate::server) mod members;
mod origin;
mod site;

use std::fmt;
use std::time::Duration;

use log::{debug, info};

use crate::chat::{DisconnectReason, Peer};
use crate::http::web_socket::{Endpoint, Handshake, Options, Refusal};
use crate::http::{self, Head, IncomingMessage, ServerResponse};
use crate::https;
use crate::net::{Address, Context, Event, Server, Socket};
use crate::server::bind::{self, Bound};
use crate::server::core::cost::Cost;
use crate::server::doors::arrivals;
use crate::server::doors::handshakes;
use crate::server::doors::json;
use crate::server::doors::line::ending::{LAST_LINES, THROWN_AWAY, throw_away};
use crate::server::inspect::loop_view;
use crate::server::inspect::metrics;
use crate::server::{ChatServer, Loop, StartError};
pub use origin::Origin;
use origin::{Over, Way};
pub(in crate::server) use site::Site;
pub(in crate::server) use {access::is_from_here, access::vet, answers::body};

/// The head of a request has to come within so long, and all of it.
const REQUEST: Duration = Duration::from_secs(20);

/// A connection that takes none of its response for so long is closed.
const STALL: Duration = Duration::from_secs(30);

/// Nobody has anything to send here but lines, on WebSockets.
const MAX_BODY: u64 = 64 * 1024;

/// Whoever looks after the server asks there whether it runs.
const HEALTH: &str = "/healthz";

/// An address at which the door is open.
pub(in crate::server) struct Entrance {
    pub(in crate::server) server: http::Server,
    is_tls: bool,
    /// It is open to this machine only.
    is_loopback: bool,
}

/// Who listens to the WebSockets of all entrances.
#[derive(Clone, Copy)]
struct Endpoints {
    members: Endpoint,
    watchers: Endpoint,
}

/// Opens the door, at all these addresses: from now on browsers may come.
///
/// # Errors
///
/// The system cannot poll a listener.
pub(in crate::server) fn open(
    event_loop: &mut Loop,
    server: &mut ChatServer,
    bound: Vec<Bound>,
) -> Result<(), StartError> {
    let secure = bound.iter().find(|bound| bound.is_tls);
    let mut origins = server.config.web_origin.iter();
    let is_over_tls = secure.is_some() || origins.any(|origin| origin.is_secure());
    if server.config.web_redirect && !is_over_tls {
        let reason = "it leads nowhere: it wants --web https://ADDR, or --web-origin https://HOST";
        return Err(StartError::new("--web-redirect", reason));
    }
    let Some(first) = secure.or(bound.first()) else {
        return Ok(());
    };
    server.browsers = whereabouts(server.config.web_origin.first(), first);
    let max_message = json::max_message(&server.config);
    let endpoints = Endpoints {
        members: Endpoint::new(event_loop, limits(max_message)),
        watchers: Endpoint::new(event_loop, limits(loop_view::MAX_MESSAGE)),
    };
    members::listen(event_loop, endpoints.members);
    loop_view::listen(event_loop, endpoints.watchers);
    server.web_members = Some(endpoints.members);
    for bound in bound {
        listen(event_loop, server, endpoints, bound)?;
    }
    Ok(())
}

fn listen(
    event_loop: &mut Loop,
    server: &mut ChatServer,
    endpoints: Endpoints,
    bound: Bound,
) -> Result<(), StartError> {
    let shown = bound.shown(bind::HTTPS);
    let cannot = |reason: &dyn fmt::Display| StartError::new(format!("--web {shown}"), reason);
    let Bound { listener, is_tls } = bound;
    let address = listener.address().clone();
    let door = match is_tls {
        true => {
            let open = |event_loop: &mut Loop, options| https::create_server(event_loop, options);
            let certificates = &mut server.certificates;
            let door = certificates.open_door(event_loop, open, |door| door.net());
            let door = door.map_err(|reason| cannot(&reason))?;
            listen_to_handshakes(event_loop, door.net());
            door
        }
        false => http::create_server(event_loop),
    };
    furnish(event_loop, server, endpoints, door);
    server.web.push(Entrance {
        server: door,
        is_tls,
        is_loopback: match &address {
            Address::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Address::Ipc(_) => false, // a proxy is in front of it
        },
    });
    server.socket_files.note(door.net(), &listener);
    door.net().listen_on(event_loop, listener);
    if !door.listening(event_loop) {
        return Err(cannot(&"the system cannot poll it"));
    }
    match (address, scheme(is_tls)) {
        (Address::Tcp(at), scheme) => info!("the chat in a browser: {scheme}://{at}/"),
        (Address::Ipc(_), _) => info!("the chat in a browser, over HTTP on {shown}"),
    }
    Ok(())
}

/// What URLs begin with.
fn scheme(is_tls: bool) -> &'static str {
    match is_tls {
        true => "https",
        false => "http",
    }
}

/// What comes before HTTP, where it is spoken over TLS.
fn listen_to_handshakes(event_loop: &mut Loop, door: Server) {
    door.on_secure_connection(event_loop, |server: &mut ChatServer, _, socket| {
        server.handshakes.is_done(socket);
    });
    door.on_tls_client_error(event_loop, |server: &mut ChatServer, cx, error, socket| {
        let place = "Ask for https://, not for http://.";
        if handshakes::failed(server, cx, error, socket, place) {
            socket.on_data(cx, |server: &mut ChatServer, cx, socket, _| {
                throw_away(server, cx, socket);
            });
        }
    });
}

/// The entrance that a connection has come through. `None` if it is gone.
fn entrance<'a>(
    server: &'a ChatServer,
    cx: &Context<ChatServer>,
    socket: Socket,
) -> Option<&'a Entrance> {
    let came_by = socket.server(cx)?;
    let mut entrances = server.web.iter();
    entrances.find(|entrance| entrance.server.net() == came_by)
}

/// The server of HTTP whose connection it is. `None` if it is gone, or of another door.
pub(in crate::server) fn door_of(
    server: &ChatServer,
    cx: &Context<ChatServer>,
    socket: Socket,
) -> Option<http::Server> {
    entrance(server, cx, socket).map(|entrance| entrance.server)
}

/// How a request has come.
fn way(server: &ChatServer, cx: &Context<ChatServer>, head: &Head, socket: Socket) -> Way {
    let entrance = entrance(server, cx, socket);
    let is_proxy = peer(cx, socket).is_some_and(|peer| server.config.trusts(peer));
    let over = match is_proxy {
        _ if entrance.is_some_and(|entrance| entrance.is_tls) => Over::Tls,
        true => match forwarded::over_tls(head) {
            Some(true) => Over::Tls,
            Some(false) => Over::Clear,
            None => Over::Unknown,
        },
        // Whatever the proxy says, it is not to be believed.
        false if access::is_passed_on(head) => Over::Unknown,
        false => Over::Clear,
    };
    Way {
        is_loopback: entrance.is_some_and(|entrance| entrance.is_loopback),
        over,
    }
}

/// Whether a request is one of those that are to be made over TLS instead, with `--web-redirect`.
fn is_to_come_over_tls(
    server: &ChatServer,
    cx: &Context<ChatServer>,
    head: &Head,
    socket: Socket,
) -> bool {
    server.config.web_redirect
        && way(server, cx, head, socket).over == Over::Clear
        && !is_from_here(server, cx, head, socket)
}

/// Where a request is to be made over TLS. `None` if it calls the server by no name.
fn over_tls(server: &ChatServer, cx: &Context<ChatServer>, head: &Head) -> Option<String> {
    let mut origins = server.config.web_origin.iter();
    let place = match origins.find(|origin| origin.is_secure()) {
        Some(origin) => origin.as_str().to_owned(),
        None => {
            let host = str::from_utf8(head.host()?).ok()?;
            let inside = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
            let name = match host.rsplit_once(':') {
                Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
                _ => host,
            };
            if name.is_empty() || !name.bytes().all(inside) {
                return None;
            }
            let secure = server.web.iter().find(|entrance| entrance.is_tls)?;
            match secure.server.port(cx) {
                443 => format!("https://{name}"),
                port => format!("https://{name}:{port}"),
            }
        }
    };
    let target = head.url();
    let target = match target.starts_with('/') {
        true => target,
        false => head.path(),
    };
    Some(place + target)
}

/// Whether a request for a WebSocket may be granted: it calls the server by a name that it has,
/// from a page that may talk to it, and comes over what it is to come over.
///
/// # Errors
///
/// What to refuse it with; `elsewhere` is what pages from elsewhere are told.
fn vet_upgrade(
    server: &ChatServer,
    cx: &Context<ChatServer>,
    head: &Head,
    socket: Socket,
    elsewhere: &'static str,
) -> Result<(), Refusal> {
    let way = way(server, cx, head, socket);
    server.site.guard().vet(head, way, elsewhere)?;
    match is_to_come_over_tls(server, cx, head, socket) {
        true => Err(Refusal::new(
            403,
            "This is to be asked for over TLS: wss://",
        )),
        false => Ok(()),
    }
}

/// Where the door is, for browsers that have come to another.
fn whereabouts(origin: Option<&Origin>, bound: &Bound) -> String {
    let known = "The chat in a browser is at";
    match (origin, bound.listener.address()) {
        (Some(origin), _) => format!("{known} {}/", origin.as_str()),
        (None, Address::Tcp(address)) if address.ip().is_unspecified() => {
            let scheme = scheme(bound.is_tls);
            let port = address.port();
            format!("{known} port {port} of this machine, by {scheme}://.")
        }
        (None, Address::Tcp(address)) => format!("{known} {}://{address}/", scheme(bound.is_tls)),
        (None, Address::Ipc(_)) => "The chat in a browser is elsewhere.".to_owned(),
    }
}

/// Has a server of HTTP serve what the door serves.
fn furnish(event_loop: &mut Loop, server: &ChatServer, endpoints: Endpoints, door: http::Server) {
    door.net()
        .set_high_water_mark(event_loop, server.hub.high_water_mark())
        .set_linger(event_loop, Some(LAST_LINES));
    door.set_headers_timeout(event_loop, REQUEST)
        .set_request_timeout(event_loop, REQUEST)
        .set_timeout(event_loop, STALL)
        .set_max_body(event_loop, Some(MAX_BODY))
        .set_http_allow_half_open(event_loop, true) // `nc -N` waits for its answer
        .set_should_upgrade(event_loop, Handshake::is_asked_for);
    // HTTP's own listeners come first: those here only count.
    door.net().on_connection(event_loop, arrived);
    door.net()
        .on_socket_event(event_loop, |server, cx, socket, event| match event {
            Event::Data(bytes) => {
                let parts = Cost::parts(http::parts(cx, socket));
                server.charge(cx, socket, Cost::bytes(bytes.len()) + parts);
                server.keep_within_memory(cx);
            }
            Event::Close(_) => server.gone(cx, socket),
            _ => {}
        });
    door.net().on_error(event_loop, |_, _, _, error| {
        log::error!("the web door: {error}");
    });
    door.on_request(event_loop, route);
    let Endpoints { members, watchers } = endpoints;
    door.on_upgrade(
        event_loop,
        move |server, cx, head, socket, rest| match head.path() {
            "/loop/ws" => loop_view::upgrade(server, cx, watchers, head, socket, rest),
            _ => members::upgrade(server, cx, members, head, socket, rest),
        },
    );
}

/// What WebSockets keep to.
fn limits(max_message: usize) -> Options {
    Options::new()
        .max_message(max_message)
        .ping_interval(Duration::from_secs(30))
        .ping_timeout(Duration::from_secs(20))
        // A member that the server disconnects has as long to take its last lines as one at the
        // line door.
        .close_timeout(LAST_LINES)
        // Whoever has left the chat is not heard any more.
        .max_after_close(THROWN_AWAY as usize)
}

/// Somebody has connected. If nobody more may, it is told so when it asks for something: a browser
/// shows nothing of what comes before.
fn arrived(server: &mut ChatServer, cx: &mut Context<ChatServer>, socket: Socket) {
    let Err(refused) = admit(server, cx, socket) else {
        return;
    };
    if let Some(peer) = peer(cx, socket) {
        server.access_log.refused(peer, &refused, cx.now());
    }
    if !server.turn_away(socket) {
        socket.destroy(cx);
    }
}

/// Who is at the other end. Nobody is an operator here: what connects to a socket file is a proxy,
/// and who is behind it the system does not know.
fn peer(cx: &Context<ChatServer>, socket: Socket) -> Option<Peer> {
    let peer = arrivals::peer(cx, socket)?;
    Some(match peer {
        Peer::Local { user, .. } => Peer::Local {
            user,
            operator: false,
        },
        Peer::Tcp(_) => peer,
    })
}

/// Who asks, as far as a trusted proxy says; `None` if the connection is gone.
///
/// # Errors
///
/// What to refuse the request with.
pub(in crate::server) fn client(
    server: &ChatServer,
    cx: &Context<ChatServer>,
    head: &Head,
    socket: Socket,
) -> Result<Option<Peer>, Refusal> {
    let Some(peer) = peer(cx, socket) else {
        return Ok(None);
    };
    let config = &server.config;
    let trusts = |address| config.trusts_address(address);
    forwarded::client(head, peer, config.trusts(peer), trusts).map(Some)
}

/// Whether a connection is one of those that may be served. One that was turned away when it came
/// may have found its place meanwhile.
///
/// # Errors
///
/// Why it is turned away.
pub(in crate::server) fn admit(
    server: &mut ChatServer,
    cx: &Context<ChatServer>,
    socket: Socket,
) -> Result<(), DisconnectReason> {
    if server.connections.get_mut(socket).is_some() {
        return Ok(());
    }
    let Some(peer) = peer(cx, socket) else {
        return Err(DisconnectReason::Gone);
    };
    server.connections.admits(peer, &server.config, cx.now())?;
    server.connections.turned_away.remove(&socket);
    let (connections, config) = (&mut server.connections, &server.config);
    connections.insert(socket, None, peer, config, cx.now());
    Ok(())
}

/// Answers a request for a WebSocket that nothing comes of. HTTP has let go of the connection, so
/// its close is to be listened to anew.
pub(in crate::server) fn refuse_upgrade(
    cx: &mut Context<ChatServer>,
    socket: Socket,
    refusal: &Refusal,
) {
    debug!("no WebSocket: {refusal}");
    refusal.send(cx, socket);
    socket.on_close(cx, |server: &mut ChatServer, cx, socket, _| {
        server.gone(cx, socket);
    });
}

/// One request: which path is what.
fn route(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    request: IncomingMessage,
    response: ServerResponse,
) {
    if let Err(refused) = admit(server, cx, request.socket()) {
        return answers::refuse(cx, response, 503, &refused.text());
    }
    let socket = request.socket();
    server.charge(cx, socket, Cost::LINE);
    if server.has_had_its_share(cx, socket)
        && let Some(door) = door_of(server, cx, socket)
    {
        door.pause_requests(cx, socket); // this one is answered
    }
    let Some(head) = request.head(cx) else { return };
    let way = way(server, cx, head, socket);
    if let (Over::Tls, Some(seconds)) = (way.over, server.config.hsts) {
        answers::stay_with_tls(cx, response, seconds);
    }
    let Some(head) = request.head(cx) else { return };
    if !server.site.guard().knows_host(head, way) {
        return answers::refuse(cx, response, 421, origin::UNKNOWN_HOST);
    }
    if !matches!(head.method(), "GET" | "HEAD") {
        return answers::refuse_method(cx, response);
    }
    let path = head.path().to_owned();
    if is_to_come_over_tls(server, cx, head, socket) && path != HEALTH {
        return match over_tls(server, cx, head) {
            Some(there) => answers::redirect(cx, response, &there),
            None => answers::refuse(cx, response, 403, "This is to be asked for over TLS."),
        };
    }
    if let Some(what) = access::guarded(&path)
        && !access::may_look(server, cx, head, request.socket(), what)
    {
        return answers::refuse(cx, response, 403, access::REFUSED);
    }
    debug!("a browser asks for {path:?}");
    match &*path {
        HEALTH => answers::plain(cx, response, 200, "ok"),
        "/metrics" => {
            server.charge(cx, socket, Cost::METRICS);
            metrics::answer(server, cx, response);
        }
        "/ws" | "/loop/ws" => {
            answers::refuse(cx, response, 426, "A WebSocket is to be asked for here.")
        }
        "/docs" => answers::redirect(cx, response, "/docs/"),
        _ => match server.site.page(&path) {
            Some(page) => {
                server.charge(cx, socket, Cost::bytes(page.plain.body.len()));
                answers::page(cx, request, response, &page);
            }
            None => answers::refuse(cx, response, 404, "There is no such page."),
        },
    }
}
