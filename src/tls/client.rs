//! The end that begins: whom it wants to talk to.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

use rustls::pki_types::ServerName;

use super::context::{SecureContext, SecureContextOptions};
use super::session::Session;
use super::verify::{Trust, Verify, Who};
use crate::Context;
use crate::net::{self, Error, Side, Socket};

/// Whom a client wants to talk to, and how (`tls.connect(options)`).
#[derive(Clone, Default)]
pub struct ConnectOptions {
    context: Option<SecureContext>,
    host: Option<String>,
    server_name: Option<String>,
    alpn: Vec<Vec<u8>>,
    accepts_unauthorized: bool,
    handshake_timeout: Option<Duration>,
}

impl ConnectOptions {
    /// Whoever it connects to has to have that name, and a certificate signed by one of the
    /// system's authorities.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts as this context says, shows its certificate if it is asked for one, and resumes what
    /// was agreed on by others who use it (`secureContext`).
    #[must_use]
    pub fn secure_context(mut self, context: SecureContext) -> Self {
        self.context = Some(context);
        self
    }

    /// The name or the address that the certificate has to be for, if it is another than that which
    /// is connected to (`host`).
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// The name that the server is asked for (`servername`), and that the certificate has to be
    /// for; if nothing is said, the host, unless that is an address.
    #[must_use]
    pub fn server_name(mut self, name: &str) -> Self {
        self.server_name = Some(name.to_owned());
        self
    }

    /// Adds a protocol that is offered (`ALPNProtocols`).
    #[must_use]
    pub fn alpn_protocol(mut self, protocol: impl AsRef<[u8]>) -> Self {
        self.alpn.push(protocol.as_ref().to_vec());
        self
    }

    /// Whether a server whose certificate is not good is an error (`rejectUnauthorized`). It is
    /// unless this turns it off; then [`Socket::authorization_error`] tells.
    #[must_use]
    pub fn reject_unauthorized(mut self, on: bool) -> Self {
        self.accepts_unauthorized = !on;
        self
    }

    /// How long the handshake may take, from the call on; zero for no limit, which there is none
    /// of unless it is said. More than 24.8 days are that long. Node has no such thing for clients.
    #[must_use]
    pub fn handshake_timeout(mut self, duration: Duration) -> Self {
        self.handshake_timeout = Some(duration);
        self
    }

    /// The host, if none is said.
    #[cfg(feature = "http")]
    pub(crate) fn or_host(mut self, host: &str) -> Self {
        self.host.get_or_insert_with(|| host.to_owned());
        self
    }

    /// What connections must have in common to be used for each other's requests.
    #[cfg(feature = "http")]
    pub(crate) fn name(&self) -> String {
        let context = self.context.as_ref().map_or(0, |own| own.0.number);
        let Self {
            host,
            server_name,
            alpn,
            accepts_unauthorized,
            ..
        } = self;
        format!("{context}:{host:?}:{server_name:?}:{alpn:?}:{accepts_unauthorized}")
    }

    /// The session with whoever is connected to.
    pub(super) fn session(&self, connected: Option<&str>) -> Result<Session, Error> {
        let context = self.context.as_ref().unwrap_or_else(|| default_context());
        let inner = &context.0;
        let named = self.server_name.as_deref().or(self.host.as_deref());
        let host = named.or(connected).unwrap_or("localhost");
        let name = ServerName::try_from(host.strip_suffix('.').unwrap_or(host).to_owned());
        let name = name.map_err(|_| {
            let message = format!("\"{host}\" is no name that a server could have");
            Error::with_code("ERR_INVALID_ARG_VALUE", message)
        })?;
        let who = Who {
            trust: Trust {
                roots: inner.roots(),
                provider: Arc::clone(&inner.provider),
                rejects: !self.accepts_unauthorized,
            },
            host: host.to_owned(),
            server_name: host.parse::<IpAddr>().is_err().then(|| host.to_owned()),
        };
        let verify = Verify::Server(Box::new(who));
        Session::client(inner.client(&self.alpn)?, name, verify)
    }
}

fn default_context() -> &'static SecureContext {
    static CONTEXT: OnceLock<SecureContext> = OnceLock::new();
    CONTEXT.get_or_init(|| {
        let made = SecureContext::new(&SecureContextOptions::new());
        made.expect("there is nothing in it that could be wrong")
    })
}

/// Makes a socket, connects it and begins the handshake (`tls.connect`).
/// [`SecureConnect`](net::Event::SecureConnect) follows, or [`Error`](net::Event::Error): as well
/// of what is wrong with the options.
pub fn connect<S>(
    cx: &mut Context<S>,
    to: impl Into<net::ConnectOptions<S>>,
    options: &ConnectOptions,
) -> Socket {
    let to = to.into();
    let host = to.host();
    let socket = net::create_connection(cx, to);
    if let Err(error) = begin(cx, socket, host.as_deref(), options) {
        socket.destroy_with_error(cx, error);
    }
    socket
}

/// Begins the handshake on a socket that is connected already, or connects (`tls.connect({ socket
/// })`), whoever listens to it. What follows is as with [`connect`].
///
/// # Errors
///
/// What is wrong with the options, and as [`Socket::set_layer`].
pub fn upgrade<S>(
    cx: &mut Context<S>,
    socket: Socket,
    options: &ConnectOptions,
) -> Result<(), Error> {
    begin(cx, socket, None, options)
}

fn begin<S>(
    cx: &mut Context<S>,
    socket: Socket,
    host: Option<&str>,
    options: &ConnectOptions,
) -> Result<(), Error> {
    let session = options.session(host)?;
    socket.set_layer(
        cx,
        Box::new(session),
        Side::Client,
        options.handshake_timeout.filter(|limit| !limit.is_zero()),
    )
}
