//! The end that waits: what a server offers, and how many handshakes it has under way.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring::Ticketer;
use rustls::server::{ClientHello, ProducesTickets, ResolvesServerCert};
use rustls::server::{ServerSessionMemoryCache, StoresServerSessions};
use rustls::sign::CertifiedKey;

use super::certificate::is_for;
use super::context::{SecureContext, Shown};
use super::error::from_rustls;
use super::session::{Session, note_server_name};
use super::under_way::UnderWay;
use super::verify::{HasItsKey, Trust, Verify};
use crate::Context;
use crate::net::{self, Error, RemoteParty, Server, Side, Socket};

/// Sessions of TLS 1.2 that are remembered, of clients that keep no tickets.
const SESSIONS: usize = 256;

/// What a server offers, and asks of its clients (`tls.createServer(options)`).
#[derive(Clone)]
pub struct ServerOptions {
    context: SecureContext,
    alpn: Vec<Vec<u8>>,
    request_cert: bool,
    reject_unauthorized: bool,
    handshake_timeout: Duration,
    max_handshakes: usize,
    at_once: bool,
}

impl ServerOptions {
    /// Shows this context's certificate, and asks nothing of its clients.
    #[must_use]
    pub fn new(context: SecureContext) -> Self {
        Self {
            context,
            alpn: Vec::new(),
            request_cert: false,
            reject_unauthorized: true,
            handshake_timeout: Duration::from_secs(120),
            max_handshakes: 1000,
            at_once: true,
        }
    }

    /// Adds a protocol that is spoken; the first that a client offers, too, is
    /// (`ALPNProtocols`). One that offers others only is refused.
    #[must_use]
    pub fn alpn_protocol(mut self, protocol: impl AsRef<[u8]>) -> Self {
        self.alpn.push(protocol.as_ref().to_vec());
        self
    }

    /// A protocol that is spoken, if none was said to be.
    #[cfg(feature = "http")]
    pub(crate) fn or_alpn_protocol(self, protocol: &str) -> Self {
        match self.alpn.is_empty() {
            true => self.alpn_protocol(protocol),
            false => self,
        }
    }

    /// Whether clients are asked for a certificate (`requestCert`), signed by one of the context's
    /// `ca`. Off by default.
    #[must_use]
    pub fn request_cert(mut self, on: bool) -> Self {
        self.request_cert = on;
        self
    }

    /// Whether clients who have none that is good are refused, if they are asked
    /// (`rejectUnauthorized`). On by default; otherwise [`Socket::authorized`] tells.
    #[must_use]
    pub fn reject_unauthorized(mut self, on: bool) -> Self {
        self.reject_unauthorized = on;
        self
    }

    /// How long a handshake may take (`handshakeTimeout`, 120 s); zero for no limit, and more than
    /// 24.8 days are that long. [`TlsClientError`](net::ServerEvent::TlsClientError) tells of one
    /// that takes longer.
    #[must_use]
    pub fn handshake_timeout(mut self, duration: Duration) -> Self {
        self.handshake_timeout = duration;
        self
    }

    /// How many handshakes may be under way, 1000 if nothing is said. One more, and one is given
    /// up, with `ERR_TLS_TOO_MANY_HANDSHAKES`: the oldest of the address that has most of them
    /// under way, [counted](net::counted) as one; of several that have as many, the oldest. So
    /// whoever begins many pushes out its own, and a client that goes on with its handshake is done
    /// with it before that. Clients on Unix sockets count as one. Node has no such thing.
    #[must_use]
    pub fn max_handshakes(mut self, most: usize) -> Self {
        self.max_handshakes = most.max(1);
        self
    }

    /// Whether a connection begins with the handshake. If not, it begins in the clear, and
    /// [`Socket::start_tls`] goes over to TLS: after a line that both ends know (STARTTLS), or a
    /// header of a proxy's. On by default.
    #[must_use]
    pub fn at_once(mut self, on: bool) -> Self {
        self.at_once = on;
        self
    }
}

/// What hangs on a server that speaks TLS.
struct State {
    options: ServerOptions,
    /// Contexts for certain names, in the order in which they were added.
    named: Vec<(String, SecureContext)>,
    tickets: Arc<dyn ProducesTickets>,
    sessions: Arc<dyn StoresServerSessions>,
    config: Arc<ServerConfig>,
    under_way: UnderWay<Socket>,
}

/// The certificates of a server, by the name that the client asks for.
#[derive(Debug)]
struct Certificates {
    named: Vec<(String, Shown)>,
    others: Shown,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let asked = hello.server_name();
        note_server_name(asked);
        let named = asked.and_then(|asked| {
            let fits = |(name, _): &&(String, Shown)| is_for(name, asked);
            self.named.iter().rev().find(fits)
        });
        let shown = named.map_or(&self.others, |(_, shown)| shown);
        shown.choose(hello.signature_schemes())
    }
}

impl State {
    fn new(options: ServerOptions) -> Result<Self, Error> {
        let tickets = Ticketer::new().map_err(|error| from_rustls(&error))?;
        let sessions = ServerSessionMemoryCache::new(SESSIONS);
        let config = config(&options, &[], &tickets, sessions.clone())?;
        Ok(Self {
            options,
            named: Vec::new(),
            tickets,
            sessions,
            config,
            under_way: UnderWay::default(),
        })
    }

    /// What connections get that come from now on. Tickets that were given out stay good.
    fn renew(&mut self) -> Result<(), Error> {
        let sessions = Arc::clone(&self.sessions);
        self.config = config(&self.options, &self.named, &self.tickets, sessions)?;
        Ok(())
    }

    fn session(&self) -> Result<Session, Error> {
        let inner = &self.options.context.0;
        let verify = match self.options.request_cert {
            false => Verify::Nobody,
            true => Verify::Client(Box::new(Trust {
                roots: inner.roots(),
                provider: Arc::clone(&inner.provider),
                rejects: self.options.reject_unauthorized,
            })),
        };
        Session::server(Arc::clone(&self.config), verify)
    }
}

/// A session as such a server has it.
#[cfg(test)]
pub(super) fn session_of(options: ServerOptions) -> Result<Session, Error> {
    State::new(options)?.session()
}

fn config(
    options: &ServerOptions,
    named: &[(String, SecureContext)],
    tickets: &Arc<dyn ProducesTickets>,
    sessions: Arc<dyn StoresServerSessions>,
) -> Result<Arc<ServerConfig>, Error> {
    let inner = &options.context.0;
    let shown = |context: &SecureContext| Shown(context.0.keys.clone());
    let certificates = Certificates {
        named: named
            .iter()
            .map(|(name, context)| (name.clone(), shown(context)))
            .collect(),
        others: shown(&options.context),
    };
    let config = ServerConfig::builder_with_provider(Arc::clone(&inner.provider))
        .with_protocol_versions(inner.versions())
        .map_err(|error| from_rustls(&error))?;
    let config = if options.request_cert {
        inner.roots(); // they are read before anybody shows a certificate
        let hints = inner.ca().map_or(Vec::new(), |ca| ca.subjects());
        let verifier = HasItsKey::new(&inner.provider, hints, options.reject_unauthorized);
        config.with_client_cert_verifier(Arc::new(verifier))
    } else {
        config.with_no_client_auth()
    };
    let mut config = config.with_cert_resolver(Arc::new(certificates));
    config.alpn_protocols.clone_from(&options.alpn);
    config.ticketer = Arc::clone(tickets);
    config.session_storage = sessions;
    Ok(Arc::new(config))
}

/// Makes a server that speaks TLS and does not listen yet (`tls.createServer`). It is one of
/// [`net`]'s: [`SecureConnection`](net::ServerEvent::SecureConnection) is the event to listen to.
///
/// # Errors
///
/// What the engine makes of the options; what is wrong with keys and certificates is found out when
/// a [`SecureContext`] is made of them.
pub fn create_server<S>(cx: &mut Context<S>, options: ServerOptions) -> Result<Server, Error> {
    let state = State::new(options)?;
    let server = net::create_server(cx);
    set_up(cx, server, state);
    Ok(server)
}

/// Has a server speak TLS that was made for something else, such as one of `http`. What listens to
/// its connections already still hears of them before their handshakes.
///
/// # Errors
///
/// As [`create_server`], and if it speaks TLS already: what it shows is changed by
/// [`Server::set_secure_context`].
pub fn secure_server<S>(
    cx: &mut Context<S>,
    server: Server,
    options: ServerOptions,
) -> Result<(), Error> {
    if server.data::<S, State>(cx).is_some() {
        return Err(Error::new("the server speaks TLS already"));
    }
    let state = State::new(options)?;
    set_up(cx, server, state);
    Ok(())
}

fn set_up<S>(cx: &mut Context<S>, server: Server, state: State) {
    server.set_data(cx, state);
    server.on_connection(cx, move |_, cx, socket| {
        let own: Option<&State> = server.data(cx);
        if own.is_some_and(|own| own.options.at_once)
            && let Err(error) = begin(cx, server, socket, None)
        {
            socket.destroy_with_error(cx, error);
        }
    });
}

/// Begins the handshake on a connection; if there are too many, one is given up. `client` is whose
/// it is, if that is not who is connected.
fn begin<S>(
    cx: &mut Context<S>,
    server: Server,
    socket: Socket,
    client: Option<IpAddr>,
) -> Result<(), Error> {
    start(cx, server, socket, client)?;
    while let Some(given_up) = one_too_many(cx, server) {
        let message = "Too many TLS handshakes are under way";
        let error = Error::with_code("ERR_TLS_TOO_MANY_HANDSHAKES", message);
        given_up.fail_layer(cx, error);
    }
    Ok(())
}

fn start<S>(
    cx: &mut Context<S>,
    server: Server,
    socket: Socket,
    client: Option<IpAddr>,
) -> Result<(), Error> {
    let Some(own) = server.data::<S, State>(cx) else {
        return Err(Error::new("the server does not speak TLS"));
    };
    let client = client.or_else(|| match socket.remote_party(cx)? {
        RemoteParty::Host(address) => Some(address),
        RemoteParty::User(_) => None,
    });
    let place = own.under_way.begins(socket, client.map(net::counted));
    let session = own.session()?.counts(place);
    let timeout = own.options.handshake_timeout;
    let timeout = (!timeout.is_zero()).then_some(timeout);
    socket.set_layer(cx, Box::new(session), Side::Server, timeout)
}

/// Whose handshake is to be given up, if there are more than there may be. It does not count any
/// more.
fn one_too_many<S>(cx: &Context<S>, server: Server) -> Option<Socket> {
    let own: &State = server.data(cx)?;
    own.under_way.one_too_many(own.options.max_handshakes)
}

impl Server {
    /// Shows another certificate, and trusts others, from the next connection on
    /// (`server.setSecureContext`): those that are there stay as they are. False if the server
    /// speaks no TLS.
    ///
    /// # Errors
    ///
    /// What the engine makes of it; the server goes on with what it had.
    pub fn set_secure_context<S>(
        self,
        cx: &mut Context<S>,
        context: SecureContext,
    ) -> Result<bool, Error> {
        let Some(own) = self.data_mut::<S, State>(cx) else {
            return Ok(false);
        };
        let old = std::mem::replace(&mut own.options.context, context);
        if let Err(error) = own.renew() {
            own.options.context = old;
            return Err(error);
        }
        Ok(true)
    }

    /// Shows the certificate of another context to clients that ask for this name, which may have a
    /// wildcard (`server.addContext`). Of several that fit the last counts. Only its keys and
    /// certificates: whom the server trusts, and the versions that it speaks, are those of its
    /// own context. False if the server speaks no TLS.
    ///
    /// # Errors
    ///
    /// As [`set_secure_context`](Self::set_secure_context).
    pub fn add_context<S>(
        self,
        cx: &mut Context<S>,
        name: &str,
        context: SecureContext,
    ) -> Result<bool, Error> {
        let Some(own) = self.data_mut::<S, State>(cx) else {
            return Ok(false);
        };
        own.named.push((name.to_owned(), context));
        if let Err(error) = own.renew() {
            own.named.pop();
            return Err(error);
        }
        Ok(true)
    }

    /// Forgets all contexts that were [added](Self::add_context) for certain names, from the next
    /// connection on. With those that are added anew it is how certificates are replaced. False if
    /// the server speaks no TLS.
    ///
    /// # Errors
    ///
    /// As [`set_secure_context`](Self::set_secure_context).
    pub fn remove_contexts<S>(self, cx: &mut Context<S>) -> Result<bool, Error> {
        let Some(own) = self.data_mut::<S, State>(cx) else {
            return Ok(false);
        };
        let old = std::mem::take(&mut own.named);
        if let Err(error) = own.renew() {
            own.named = old;
            return Err(error);
        }
        Ok(true)
    }

    /// How many handshakes are under way.
    #[must_use]
    pub fn handshakes<S>(self, cx: &Context<S>) -> usize {
        let own: Option<&State> = self.data(cx);
        own.map_or(0, |own| own.under_way.count())
    }
}

impl Socket {
    /// Goes over to TLS on a connection that a server has accepted which [does not begin with
    /// it](ServerOptions::at_once) (`new tls.TLSSocket(socket, { isServer: true })`). What has come
    /// and was given back, or not handed out yet, is taken for the beginning of the handshake.
    ///
    /// # Errors
    ///
    /// As [`set_layer`](Self::set_layer), and if its server speaks no TLS.
    pub fn start_tls<S>(self, cx: &mut Context<S>) -> Result<(), Error> {
        start_tls(cx, self, None)
    }

    /// The same for a client that is known to be at this address, though a proxy is connected: of
    /// [too many handshakes](ServerOptions::max_handshakes) its own is one of that address's.
    ///
    /// # Errors
    ///
    /// As [`start_tls`](Self::start_tls).
    pub fn start_tls_for<S>(self, cx: &mut Context<S>, client: IpAddr) -> Result<(), Error> {
        start_tls(cx, self, Some(client))
    }
}

fn start_tls<S>(cx: &mut Context<S>, socket: Socket, client: Option<IpAddr>) -> Result<(), Error> {
    let server = socket.server(cx);
    let server = server.ok_or_else(|| Error::new("no server has accepted the socket"))?;
    begin(cx, server, socket, client)
}
