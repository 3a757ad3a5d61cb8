//! Which servers are trusted, of those that are spoken to over TLS.

use std::fs;
use std::path::Path;
use std::time::Duration;

use loopchat::net::{Error, Socket};
use loopchat::tls::{ConnectOptions, SecureContext, SecureContextOptions};

use crate::Context;

/// Whom we talk to.
pub struct Trust {
    pub options: ConnectOptions,
    /// The one certificate that it may have; otherwise whoever has a good one is trusted.
    fingerprint: Option<String>,
}

impl Trust {
    /// Trusts whom the system trusts, or whoever is signed by a certificate in a file, or whoever
    /// has the certificate with this fingerprint.
    pub fn new(
        ca: Option<&Path>,
        fingerprint: Option<String>,
        handshake_timeout: Duration,
    ) -> Result<Self, String> {
        let mut context = SecureContextOptions::new();
        if let Some(path) = ca {
            let pem = fs::read(path).map_err(|error| wrong(path, &error))?;
            context = context.ca(pem);
        }
        let context = SecureContext::new(&context)
            .map_err(|error| wrong(ca.unwrap_or(Path::new("")), &error))?;
        // What is wrong with a certificate is looked at when it is there: its fingerprint is told.
        let options = ConnectOptions::new()
            .secure_context(context)
            .handshake_timeout(handshake_timeout)
            .reject_unauthorized(false);
        Ok(Self {
            options,
            fingerprint,
        })
    }

    /// Whether the server is one to talk to; why not.
    pub fn check(&self, cx: &Context, socket: Socket) -> Result<(), String> {
        let shown = socket.get_peer_certificate(cx);
        let shown = shown.map_or_else(String::new, |certificate| certificate.fingerprint256);
        match &self.fingerprint {
            Some(wanted) if *wanted == shown => Ok(()),
            Some(wanted) => Err(format!(
                "that is another server: its certificate's SHA-256 is {shown}, and not {wanted}"
            )),
            None if socket.authorized(cx) => Ok(()),
            None => {
                let why = socket.authorization_error(cx).map(Error::to_string);
                let why = why.unwrap_or_default();
                Err(format!(
                    "the server's certificate is not to be trusted: {why}. If you know better: --ca FILE \
                     names who has signed it, and --fingerprint {shown} this very one"
                ))
            }
        }
    }
}

fn wrong(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!("--ca {}: {error}", path.display())
}

/// A SHA-256, with colons or without, as `AB:CD:...`.
pub fn parse_fingerprint(text: &str) -> Result<String, &'static str> {
    let digits: Vec<char> = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    if digits.len() != 64 || !digits.iter().all(char::is_ascii_hexdigit) {
        return Err("it wants a SHA-256 of 32 bytes in hexadecimal, AB:CD:...");
    }
    let bytes = digits.chunks(2).map(|byte| byte.iter().collect::<String>());
    Ok(bytes.collect::<Vec<_>>().join(":").to_ascii_uppercase())
}
