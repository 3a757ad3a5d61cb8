//! Who the peer is: whether its certificate is good, and for whom one takes it.
//!
//! As in Node, the handshake only proves that the peer has the key of the certificate that it
//! shows. Whether that is to be trusted is found out when it is done, before anything is sent or
//! handed out, for each connection anew: so one may look at a certificate that is not, and go on if
//! [`reject_unauthorized`](super::ConnectOptions::reject_unauthorized) is off.

use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::verify_tls13_signature;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName};

use super::certificate::{self, PeerCertificate};
use super::roots::{Roots, system_roots};
use crate::net::Error;

/// What is asked of a peer.
pub(super) enum Verify {
    /// Nothing: a client need not say who it is.
    Nobody,
    /// A client has to show a certificate.
    Client(Box<Trust>),
    /// A server has to be this host.
    Server(Box<Who>),
}

/// By whom a peer's certificate has to be signed.
pub(super) struct Trust {
    /// `None` for the system's.
    pub(super) roots: Option<Arc<Roots>>,
    pub(super) provider: Arc<CryptoProvider>,
    /// Whether nothing is done with whom else it is.
    pub(super) rejects: bool,
}

impl Trust {
    fn roots(&self) -> Arc<Roots> {
        self.roots.clone().unwrap_or_else(system_roots)
    }
}

/// Whom a client wants to talk to.
pub(super) struct Who {
    pub(super) trust: Trust,
    pub(super) host: String,
    /// The name that is asked for, if any is.
    pub(super) server_name: Option<String>,
}

impl Verify {
    pub(super) fn asks(&self) -> bool {
        !matches!(self, Self::Nobody)
    }

    pub(super) fn server_name(&self) -> Option<&str> {
        match self {
            Self::Server(who) => who.server_name.as_deref(),
            _ => None,
        }
    }

    /// Whether the peer is who it has to be.
    pub(super) fn verify(&self, chain: &[CertificateDer<'static>]) -> Result<(), Error> {
        match self {
            Self::Nobody => Ok(()),
            Self::Client(trust) => {
                let roots = trust.roots();
                check_chain(&roots, chain, |others| {
                    let verifier = WebPkiClientVerifier::builder_with_provider(
                        Arc::clone(&roots.store),
                        Arc::clone(&trust.provider),
                    );
                    let verifier = verifier
                        .build()
                        .map_err(|_| CertificateError::UnknownIssuer)?;
                    let verified = verifier.verify_client_cert(&chain[0], others, UnixTime::now());
                    verified.map(drop)
                })
            }
            Self::Server(who) => {
                let (roots, provider) = (who.trust.roots(), &who.trust.provider);
                check_chain(&roots, chain, |others| {
                    verify_server_cert_signed_by_trust_anchor(
                        &ParsedCertificate::try_from(&chain[0])?,
                        &roots.store,
                        others,
                        UnixTime::now(),
                        provider.signature_verification_algorithms.all,
                    )
                })?;
                let shown = certificate::first(chain).ok_or_else(no_certificate)?;
                shown.check_server_identity(&who.host)
            }
        }
    }

    /// What the socket is destroyed with, if it is.
    pub(super) fn verdict(&self, authorization: &Result<(), Error>) -> Result<(), Error> {
        match (self, authorization) {
            (Self::Server(who), Err(error)) if who.trust.rejects => Err(error.clone()),
            // What is wrong is told by the socket's own `authorization_error`, as in Node.
            (Self::Client(trust), Err(_)) if trust.rejects => {
                Err(Error::with_code("ECONNRESET", "socket hang up"))
            }
            _ => Ok(()),
        }
    }
}

fn no_certificate() -> Error {
    Error::with_code(
        "UNABLE_TO_GET_ISSUER_CERT",
        "unable to get issuer certificate",
    )
}

/// Whether a chain leads to somebody whom one trusts.
fn check_chain(
    roots: &Roots,
    chain: &[CertificateDer<'static>],
    verify: impl FnOnce(&[CertificateDer<'static>]) -> Result<(), rustls::Error>,
) -> Result<(), Error> {
    let Some((own, others)) = chain.split_first() else {
        return Err(no_certificate());
    };
    if roots.named.contains(own) {
        return check_time(own);
    }
    verify(others).map_err(|error| diagnose(&error, chain))
}

fn check_time(der: &CertificateDer<'_>) -> Result<(), Error> {
    let now = i64::try_from(UnixTime::now().as_secs()).unwrap_or(i64::MAX);
    let shown = PeerCertificate::read(der).ok_or_else(no_certificate)?;
    match () {
        () if now < shown.valid_from => Err(not_yet_valid()),
        () if now > shown.valid_to => Err(expired()),
        () => Ok(()),
    }
}

fn expired() -> Error {
    Error::with_code("CERT_HAS_EXPIRED", "certificate has expired")
}

fn not_yet_valid() -> Error {
    Error::with_code("CERT_NOT_YET_VALID", "certificate is not yet valid")
}

/// What is wrong with a chain, as OpenSSL tells it.
fn diagnose(error: &rustls::Error, chain: &[CertificateDer<'_>]) -> Error {
    use CertificateError as Wrong;
    let rustls::Error::InvalidCertificate(wrong) = error else {
        return super::error::from_rustls(error);
    };
    let (code, words) = match wrong {
        Wrong::Expired | Wrong::ExpiredContext { .. } => return expired(),
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => return not_yet_valid(),
        Wrong::UnknownIssuer => unknown_issuer(chain),
        // What tools make for development mostly says that it may sign others, which one's own may
        // not; or somebody else of the same name is trusted.
        Wrong::Other(_) | Wrong::BadSignature if is_self_issued(chain.first()) => {
            unknown_issuer(chain)
        }
        Wrong::Revoked => ("CERT_REVOKED", "certificate revoked"),
        Wrong::BadSignature => ("CERT_SIGNATURE_FAILURE", "certificate signature failure"),
        Wrong::InvalidPurpose | Wrong::InvalidPurposeContext { .. } => {
            ("INVALID_PURPOSE", "unsuitable certificate purpose")
        }
        other => return Error::with_code("CERT_REJECTED", format!("{other:?}")),
    };
    Error::with_code(code, words)
}

fn is_self_issued(der: Option<&CertificateDer<'_>>) -> bool {
    let shown = der.and_then(|der| PeerCertificate::read(der));
    shown.is_some_and(|shown| shown.is_self_issued())
}

/// Nobody is known who has signed it. OpenSSL tells by how far the chain leads.
fn unknown_issuer(chain: &[CertificateDer<'_>]) -> (&'static str, &'static str) {
    match (chain.len(), is_self_issued(chain.last())) {
        (1, true) => ("DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"),
        (1, false) => (
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "unable to verify the first certificate",
        ),
        (_, true) => (
            "SELF_SIGNED_CERT_IN_CHAIN",
            "self-signed certificate in certificate chain",
        ),
        (_, false) => (
            "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
            "unable to get local issuer certificate",
        ),
    }
}

/// What the handshake itself asks: that the peer has the key of what it shows.
#[derive(Debug)]
pub(super) struct HasItsKey {
    algorithms: WebPkiSupportedAlgorithms,
    /// Of a client: whom the server would trust, and whether there has to be a certificate.
    hints: Vec<DistinguishedName>,
    is_mandatory: bool,
}

impl HasItsKey {
    pub(super) fn new(
        provider: &CryptoProvider,
        hints: Vec<DistinguishedName>,
        is_mandatory: bool,
    ) -> Self {
        Self {
            algorithms: provider.signature_verification_algorithms,
            hints,
            is_mandatory,
        }
    }
}

type Verified = Result<HandshakeSignatureValid, rustls::Error>;

impl ServerCertVerifier for HasItsKey {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // `Verify` asks, once the handshake is done.
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verified {
        verify_tls12_signature(message, cert, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verified {
        verify_tls13_signature(message, cert, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for HasItsKey {
    fn client_auth_mandatory(&self) -> bool {
        self.is_mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        // `Verify` asks, once the handshake is done.
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verified {
        verify_tls12_signature(message, cert, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Verified {
        verify_tls13_signature(message, cert, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
