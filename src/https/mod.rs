//! HTTP over TLS as Node's `https` shows it. It is [`http`] on sockets of [`tls`]: the same
//! servers, requests, responses, agents and events. What is new is how they are made.
//!
//! ```no_run
//! use loopchat::{EventLoop, https, tls};
//!
//! let (key, cert) = (std::fs::read("key.pem")?, std::fs::read("cert.pem")?);
//! let context = tls::SecureContextOptions::new().key_and_cert(key, cert);
//! let context = tls::SecureContext::new(&context).expect("a key and its certificate");
//!
//! let mut event_loop = EventLoop::new()?;
//! let options = tls::ServerOptions::new(context);
//! let server = https::create_server(&mut event_loop, options).expect("good options");
//! server.on_request(&mut event_loop, |_, cx, _, response| {
//!     response.end_with(cx, "hello\n");
//! });
//! server.listen(&mut event_loop, 8443);
//! event_loop.run(&mut ())?;
//! # Ok::<(), std::io::Error>(())
//! ```

use crate::http::{self, Scheme};
pub use crate::http::{Agent, AgentOptions, ClientRequest, RequestOptions, Server};
use crate::net::Error;
use crate::{Context, tls};

/// The protocol that is agreed on, if the client offers any: no other is spoken.
const ALPN: &str = "http/1.1";

/// Makes a server that does not listen yet (`https.createServer`). A handshake that fails is a
/// [`ClientError`](http::ServerEvent::ClientError).
///
/// # Errors
///
/// As [`tls::create_server`].
pub fn create_server<S: 'static>(
    cx: &mut Context<S>,
    options: tls::ServerOptions,
) -> Result<Server, Error> {
    let server = tls::create_server(cx, options.or_alpn_protocol(ALPN))?;
    Ok(http::create_secure_server(cx, server))
}

/// Makes a request, as [`http::request`], over TLS (`https.request`): to port 443 if nothing is
/// said, with what [`RequestOptions::tls`] says. A server that is not whom it should be is an
/// [`Error`](http::RequestEvent::Error).
///
/// Connections of one [`Agent`] are used again only by requests that say the same of TLS.
pub fn request<S: 'static>(
    cx: &mut Context<S>,
    options: impl Into<RequestOptions>,
) -> ClientRequest {
    http::request_over(cx, Scheme::Https, options.into())
}

/// Makes a request without a body (`https.get`).
pub fn get<S: 'static>(cx: &mut Context<S>, options: impl Into<RequestOptions>) -> ClientRequest {
    request(cx, options).end(cx)
}
