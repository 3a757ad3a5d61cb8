//! What to ask for, and of whom.

use std::any::Any;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use super::ids::Agent;
use super::url::{self, Scheme};
use crate::Context;
use crate::event_loop::CallbackResult;
use crate::http::message::Limits;
use crate::http::message::fields::{Fields, check_token};
use crate::net::{Address, ConnectOptions, Error, LookupRequest, Socket, Target};
#[cfg(feature = "tls")]
use crate::tls;

/// A request that is to be made: made from a URL, and changed as needed. What is wrong with it is
/// told when it is made, as the request's [`Error`](super::RequestEvent::Error).
pub struct RequestOptions {
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// What the URL says.
    scheme: Option<Scheme>,
    pub(super) socket_path: Option<PathBuf>,
    pub(super) path: String,
    pub(super) method: String,
    pub(super) fields: Fields,
    pub(super) auth: Option<Vec<u8>>,
    pub(super) agent: Choice,
    pub(super) timeout: Option<Duration>,
    /// What is wrong with the URL that it was made from.
    wrong: Option<url::Wrong>,
    pub(super) error: Option<Error>,
    pub(super) sets_host: bool,
    pub(super) limits: Limits,
    family: Option<u8>,
    local_address: Option<IpAddr>,
    /// A [`LookUp`] of whatever state its loop lends.
    lookup: Option<Rc<dyn Any>>,
    #[cfg(feature = "tls")]
    tls: tls::ConnectOptions,
}

/// A program's own way to look a name up.
type LookUp<S> =
    Box<dyn Fn(&mut S, &mut Context<S>, LookupRequest) -> Result<(), String> + 'static>;

/// Where to connect, and how.
#[derive(Clone)]
pub(super) struct Place {
    target: Target,
    family: Option<u8>,
    local_address: Option<IpAddr>,
    #[cfg(feature = "tls")]
    tls: Option<tls::ConnectOptions>,
    lookup: Option<Rc<dyn Any>>,
}

impl Place {
    /// Begins to connect.
    pub(super) fn connect<S: 'static>(self, cx: &mut Context<S>) -> Socket {
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls.clone() {
            return tls::connect(cx, self.options(), &tls);
        }
        crate::net::create_connection(cx, self.options())
    }

    fn options<S: 'static>(self) -> ConnectOptions<S> {
        let mut options = ConnectOptions::new(self.target);
        if let Some(family) = self.family {
            options = options.family(family);
        }
        if let Some(address) = self.local_address {
            options = options.local_address(address);
        }
        if let Some(lookup) = self.lookup {
            options = options.lookup(move |state, cx, request| {
                match lookup.downcast_ref::<LookUp<S>>() {
                    Some(lookup) => lookup(state, cx, request),
                    None => Err("its lookup is for a loop with another state".to_owned()),
                }
            });
        }
        options
    }
}

/// Whose connections are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// The loop's own agent's.
    Global,
    Agent(Agent),
    /// One that is made for this request, and closed after it.
    None,
}

impl Default for RequestOptions {
    /// `GET /` of port 80 of this machine; 443 with TLS.
    fn default() -> Self {
        Self {
            host: "localhost".into(),
            port: None,
            scheme: None,
            socket_path: None,
            path: "/".into(),
            method: "GET".into(),
            fields: Fields::default(),
            auth: None,
            agent: Choice::Global,
            timeout: None,
            wrong: None,
            error: None,
            sets_host: true,
            limits: Limits::default(),
            family: None,
            local_address: None,
            lookup: None,
            #[cfg(feature = "tls")]
            tls: tls::ConnectOptions::new(),
        }
    }
}

impl From<&str> for RequestOptions {
    /// From a URL: `http://user:password@host:port/path?query`, read as a browser reads it. What
    /// cannot stand in a request is encoded (`/a b` is `/a%20b`), and `/a/../b` is `/b`.
    fn from(url: &str) -> Self {
        let mut options = Self::default();
        match url::parse(url) {
            Ok(url) => {
                (options.host, options.port) = (url.host, url.port);
                options.scheme = Some(url.scheme);
                (options.path, options.auth) = (url.path, url.auth);
            }
            Err(wrong) => options.wrong = Some(wrong),
        }
        options
    }
}

impl From<String> for RequestOptions {
    fn from(url: String) -> Self {
        Self::from(url.as_str())
    }
}

impl RequestOptions {
    /// `GET /` of port 80 of this machine; 443 with TLS.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A host name or an IP address (`host`).
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        self.host = host.to_owned();
        self
    }

    /// A port (`port`).
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The path of a Unix socket to connect to, instead of a host and a port (`socketPath`).
    #[must_use]
    pub fn socket_path(mut self, path: impl AsRef<Path>) -> Self {
        self.socket_path = Some(path.as_ref().to_owned());
        self
    }

    /// The target of the request, with the query, as it is to be sent; `/` if it is empty
    /// (`path`).
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = if path.is_empty() { "/" } else { path }.to_owned();
        self
    }

    /// The method, `GET` if none is set (`method`).
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = if method.is_empty() { "GET" } else { method }.to_ascii_uppercase();
        self
    }

    /// Adds a field (`headers`).
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        if let Err(error) = self.fields.append(name, value.as_ref()) {
            self.error.get_or_insert(error.into());
        }
        self
    }

    /// `user:password`, sent as `Authorization: Basic`, unless there is such a field already
    /// (`auth`).
    #[must_use]
    pub fn auth(mut self, user_and_password: &str) -> Self {
        self.auth = Some(user_and_password.as_bytes().to_owned());
        self
    }

    /// Uses the connections of this agent; `None` makes one for this request and closes it
    /// afterwards (`agent`). Without either, those of the loop's own agent are used.
    #[must_use]
    pub fn agent(mut self, agent: Option<Agent>) -> Self {
        self.agent = agent.map_or(Choice::None, Choice::Agent);
        self
    }

    /// How long the connection may be idle before
    /// [`Timeout`](super::RequestEvent::Timeout) comes (`timeout`).
    #[must_use]
    pub fn timeout(mut self, idle: Duration) -> Self {
        self.timeout = Some(idle);
        self
    }

    /// Takes an address of this family only, 4 or 6, of the host; 0 is any (`family`).
    #[must_use]
    pub fn family(mut self, family: u8) -> Self {
        self.family = Some(family);
        self
    }

    /// The address of this end of the connection (`localAddress`).
    #[must_use]
    pub fn local_address(mut self, ip: IpAddr) -> Self {
        self.local_address = Some(ip);
        self
    }

    /// Looks the host up in a way of one's own (`lookup`), called as a tick if a connection is to
    /// be made; as [`ConnectOptions::lookup`]. It has to be of the state that the loop lends: on a
    /// loop of another the request has an [`Error`](super::RequestEvent::Error).
    #[must_use]
    pub fn lookup<S: 'static, R: CallbackResult>(
        mut self,
        lookup: impl Fn(&mut S, &mut Context<S>, LookupRequest) -> R + 'static,
    ) -> Self {
        let lookup: LookUp<S> = Box::new(move |state, cx, request| {
            lookup(state, cx, request).into_error().map_or(Ok(()), Err)
        });
        self.lookup = Some(Rc::new(lookup));
        self
    }

    /// Whether `Host` is sent if there is no such field; it is by default (`setHost`).
    #[must_use]
    pub fn set_host(mut self, on: bool) -> Self {
        self.sets_host = on;
        self
    }

    /// Bytes that the head of the response may have, 16 KiB if nothing is said (`maxHeaderSize`);
    /// one that has more is an [`Error`](super::RequestEvent::Error), `HPE_HEADER_OVERFLOW`.
    #[must_use]
    pub fn max_header_size(mut self, bytes: usize) -> Self {
        self.limits.max_header_size = bytes;
        self
    }

    /// Whom to trust, and what else TLS is to know, for a request of
    /// [`https`](crate::https): the host is taken from the request, unless it is said.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, options: tls::ConnectOptions) -> Self {
        self.tls = options;
        self
    }

    /// Whatever is wrong with it: the first that Node would tell.
    pub(super) fn check(&mut self, scheme: Scheme) -> Option<Error> {
        if let Some(Err(error)) = self.scheme.map(|own| own.check(scheme)) {
            return Some(error);
        }
        if !self.path.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = "Request path contains unescaped characters";
            return Some(Error::with_code("ERR_UNESCAPED_CHARACTERS", message));
        }
        let found = check_token("Method", &self.method).err().map(Error::from);
        let wrong = self.wrong.take().map(|wrong| wrong.told(scheme));
        found.or(wrong).or(self.error.take())
    }

    /// Where to connect.
    pub(super) fn place(&self, scheme: Scheme) -> Place {
        let target = match &self.socket_path {
            Some(path) => Target::from(Address::Ipc(path.clone())),
            None => Target::from((self.host.as_str(), self.port_of(scheme))),
        };
        Place {
            target,
            family: self.family,
            local_address: self.local_address,
            lookup: self.lookup.clone(),
            #[cfg(feature = "tls")]
            tls: (scheme == Scheme::Https).then(|| self.tls.clone().or_host(&self.host)),
        }
    }

    fn port_of(&self, scheme: Scheme) -> u16 {
        self.port.unwrap_or(scheme.port())
    }

    /// What connections must have in common to be used for each other's requests (`agent.getName`).
    pub(super) fn name(&self, scheme: Scheme) -> String {
        #[cfg(feature = "tls")]
        let tls = match scheme {
            Scheme::Http => String::new(),
            Scheme::Https => format!(":{}", self.tls.name()),
        };
        #[cfg(not(feature = "tls"))]
        let tls = "";
        let port = self.port_of(scheme);
        let path = self.socket_path.as_ref();
        let path = path.map_or(String::new(), |path| format!(":{}", path.display()));
        let local = self
            .local_address
            .map_or(String::new(), |ip| ip.to_string());
        let family = self
            .family
            .map_or(String::new(), |family| format!(":{family}"));
        format!("{}:{port}:{local}{family}{path}{tls}", self.host)
    }

    /// The value of `Host`.
    pub(super) fn host_field(&self, scheme: Scheme) -> String {
        let mut host = self.host.clone();
        if host.contains(':') && !host.starts_with('[') {
            host = format!("[{host}]");
        }
        let port = self.port_of(scheme);
        if port != scheme.port() {
            host += &format!(":{port}");
        }
        host
    }
}

/// How an agent goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentOptions {
    pub(super) keep_alive: bool,
    pub(super) keep_alive_initial_delay: Duration,
    pub(super) max_sockets: Option<usize>,
    pub(super) max_free_sockets: usize,
    pub(super) timeout: Duration,
}

impl Default for AgentOptions {
    /// Node's `new http.Agent()`: nothing is kept, nothing is limited.
    fn default() -> Self {
        Self {
            keep_alive: false,
            keep_alive_initial_delay: Duration::from_secs(1),
            max_sockets: None,
            max_free_sockets: 256,
            timeout: Duration::ZERO,
        }
    }
}

impl AgentOptions {
    /// Node's `new http.Agent()`: nothing is kept, nothing is limited.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a connection is kept open after its response (`keepAlive`). It is not by default.
    #[must_use]
    pub fn keep_alive(mut self, on: bool) -> Self {
        self.keep_alive = on;
        self
    }

    /// After how long the kernel probes a connection that is kept and idle (`keepAliveMsecs`), a
    /// second by default; less than a second is never.
    #[must_use]
    pub fn keep_alive_initial_delay(mut self, delay: Duration) -> Self {
        self.keep_alive_initial_delay = delay;
        self
    }

    /// Connections to one place at most; further requests wait (`maxSockets`). `None`, the default,
    /// sets no limit.
    #[must_use]
    pub fn max_sockets(mut self, max: Option<usize>) -> Self {
        self.max_sockets = max;
        self
    }

    /// Idle connections to one place at most, 256 by default (`maxFreeSockets`).
    #[must_use]
    pub fn max_free_sockets(mut self, max: usize) -> Self {
        self.max_free_sockets = max;
        self
    }

    /// How long a connection may be idle; zero, the default, for ever (`timeout`). One that serves
    /// a request is left to that request, which is told; one that serves none is closed.
    #[must_use]
    pub fn timeout(mut self, idle: Duration) -> Self {
        self.timeout = idle;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_whom_to_ask_for_what() {
        for (url, host, port, path, field) in [
            ("http://a", "a", 80, "/", "a"),
            ("HTTP://a.b:8080/c?d=e#f", "a.b", 8080, "/c?d=e", "a.b:8080"),
            ("http://[::1]:3000?q", "::1", 3000, "/?q", "[::1]:3000"),
        ] {
            let mut options = RequestOptions::from(url);
            assert_eq!(options.check(Scheme::Http), None, "{url}");
            let own = (options.host.as_str(), options.port_of(Scheme::Http));
            assert_eq!(own, (host, port), "{url}");
            let own = options.host_field(Scheme::Http);
            assert_eq!((options.path.as_str(), own.as_str()), (path, field));
        }
    }

    #[test]
    fn another_scheme_is_told_beside_that_of_the_request() {
        for (url, over, message) in [
            (
                "ws://a/",
                Scheme::Http,
                r#"Protocol "ws:" not supported. Expected "http:""#,
            ),
            (
                "ws://a/",
                Scheme::Https,
                r#"Protocol "ws:" not supported. Expected "https:""#,
            ),
            (
                "data:a",
                Scheme::Https,
                r#"Protocol "data:" not supported. Expected "https:""#,
            ),
            (
                "http://a/",
                Scheme::Https,
                r#"Protocol "http:" not supported. Expected "https:""#,
            ),
        ] {
            let told = RequestOptions::from(url)
                .check(over)
                .map(|error| error.to_string());
            assert_eq!(told.as_deref(), Some(message), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_or_no_request_is_told() {
        for (options, code) in [
            (RequestOptions::from("a/b"), "ERR_INVALID_URL"),
            (RequestOptions::from("https://a/"), "ERR_INVALID_PROTOCOL"),
            (RequestOptions::new().path("/ä"), "ERR_UNESCAPED_CHARACTERS"),
            (
                RequestOptions::new().method("G T"),
                "ERR_INVALID_HTTP_TOKEN",
            ),
            (
                RequestOptions::new().method("GET\r\n"),
                "ERR_INVALID_HTTP_TOKEN",
            ),
            (
                RequestOptions::new().header("a b", "c"),
                "ERR_INVALID_HTTP_TOKEN",
            ),
            (
                RequestOptions::new().header("a", "b\r\nc: d"),
                "ERR_INVALID_CHAR",
            ),
        ] {
            let mut options = options;
            assert_eq!(options.check(Scheme::Http).expect("refused").code(), code);
        }
    }
}
