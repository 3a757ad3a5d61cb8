//! What a socket tells of its TLS.

use rustls::{CipherSuite, ProtocolVersion};

use super::certificate::{self, PeerCertificate};
use super::session::Session;
use crate::Context;
use crate::net::{Error, Socket};

/// What two ends cipher with (`tlsSocket.getCipher()`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cipher {
    /// OpenSSL's name for it (`name`).
    pub name: String,
    /// That of the standard (`standardName`).
    pub standard_name: String,
    /// The version of the protocol that it belongs to (`version`), `TLSv1.3` or `TLSv1.2`.
    pub version: &'static str,
}

fn version(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::TLSv1_3 => "TLSv1.3",
        _ => "TLSv1.2",
    }
}

fn cipher(suite: CipherSuite, version: &'static str) -> Cipher {
    let standard_name = suite.as_str().unwrap_or_default().replace("TLS13_", "TLS_");
    let name = match standard_name.strip_prefix("TLS_") {
        // As in ECDHE-RSA-AES128-GCM-SHA256.
        Some(rest) if version == "TLSv1.2" => rest
            .replace("_WITH_", "_")
            .replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305")
            .replace("AES_", "AES")
            .replace('_', "-"),
        _ => standard_name.clone(),
    };
    Cipher {
        name,
        standard_name,
        version,
    }
}

impl Socket {
    fn session<S>(self, cx: &Context<S>) -> Option<&Session> {
        self.layer(cx)
    }

    /// Whether it speaks TLS (`tlsSocket.encrypted`).
    #[must_use]
    pub fn encrypted<S>(self, cx: &Context<S>) -> bool {
        self.session(cx).is_some()
    }

    /// Whether the peer was asked who it is, and is whom one trusts (`authorized`). False before
    /// the handshake is done.
    #[must_use]
    pub fn authorized<S>(self, cx: &Context<S>) -> bool {
        let session = self.session(cx);
        matches!(session.and_then(Session::authorization), Some(Ok(())))
    }

    /// Why it is not, if it was asked (`authorizationError`).
    #[must_use]
    pub fn authorization_error<S>(self, cx: &Context<S>) -> Option<&Error> {
        self.session(cx)?.authorization()?.err()
    }

    /// The certificate that the peer has shown, trusted or not (`getPeerCertificate()`); `None` if
    /// it has none.
    #[must_use]
    pub fn get_peer_certificate<S>(self, cx: &Context<S>) -> Option<PeerCertificate> {
        certificate::first(self.session(cx)?.peer_certificates())
    }

    /// Its certificate and those of who has signed it, as far as it has shown them
    /// (`getPeerCertificate(true)`).
    #[must_use]
    pub fn get_peer_certificate_chain<S>(self, cx: &Context<S>) -> Vec<PeerCertificate> {
        let chain = self.session(cx).map_or(&[][..], Session::peer_certificates);
        chain
            .iter()
            .filter_map(|certificate| PeerCertificate::read(certificate))
            .collect()
    }

    /// `TLSv1.3` or `TLSv1.2` (`getProtocol()`).
    #[must_use]
    pub fn get_protocol<S>(self, cx: &Context<S>) -> Option<&'static str> {
        self.session(cx)?.agreed().protocol_version().map(version)
    }

    /// What is ciphered with (`getCipher()`).
    #[must_use]
    pub fn get_cipher<S>(self, cx: &Context<S>) -> Option<Cipher> {
        let agreed = self.session(cx)?.agreed();
        let suite = agreed.negotiated_cipher_suite()?.suite();
        Some(cipher(suite, self.get_protocol(cx)?))
    }

    /// The protocol that both ends have agreed on, if they talked of any (`alpnProtocol`).
    #[must_use]
    pub fn alpn_protocol<S>(self, cx: &Context<S>) -> Option<&[u8]> {
        self.session(cx)?.agreed().alpn_protocol()
    }

    /// The name that the client asks for (`servername`).
    #[must_use]
    pub fn servername<S>(self, cx: &Context<S>) -> Option<&str> {
        self.session(cx)?.server_name()
    }

    /// Whether the handshake was a short one, out of what both ends remembered
    /// (`isSessionReused()`).
    #[must_use]
    pub fn is_session_reused<S>(self, cx: &Context<S>) -> bool {
        self.session(cx).is_some_and(Session::is_resumed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ciphers_have_the_names_that_openssl_has_for_them() {
        for (suite, of, name, standard) in [
            (
                CipherSuite::TLS13_AES_256_GCM_SHA384,
                "TLSv1.3",
                "TLS_AES_256_GCM_SHA384",
                "TLS_AES_256_GCM_SHA384",
            ),
            (
                CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                "TLSv1.2",
                "ECDHE-RSA-AES128-GCM-SHA256",
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            ),
            (
                CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                "TLSv1.2",
                "ECDHE-ECDSA-CHACHA20-POLY1305",
                "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            ),
        ] {
            let found = cipher(suite, of);
            assert_eq!(
                (found.name.as_str(), found.standard_name.as_str()),
                (name, standard)
            );
        }
    }
}
