//! Keys, certificates and whom one trusts: what many connections have in common.

#[cfg(feature = "http")]
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore, SignatureScheme, SupportedProtocolVersion};

use super::certificate::PeerCertificate;
use super::error::from_rustls;
use super::roots::{Roots, begin_to_read_system_roots};
use super::verify::HasItsKey;
use crate::net::Error;

/// A version of the protocol. Older ones are not spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// What a [`SecureContext`] is made of (`tls.createSecureContext(options)`).
#[derive(Clone, Debug)]
pub struct SecureContextOptions {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    ca: Option<Vec<Vec<u8>>>,
    min_version: Version,
    max_version: Version,
}

impl Default for SecureContextOptions {
    fn default() -> Self {
        Self {
            pairs: Vec::new(),
            ca: None,
            min_version: Version::Tls12,
            max_version: Version::Tls13,
        }
    }
}

impl SecureContextOptions {
    /// No certificate of one's own, and the system's roots. Those are read from their files once in
    /// a process, in a thread of their own: from the first handshake on that a client begins with
    /// them, or when a server is made that asks for certificates. Only a peer that shows its
    /// certificate before they are read has the loop wait for them.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a private key and its certificate, in PEM, that of who has signed it behind it, and so
    /// on (`key`, `cert`). There may be several of different kinds: which of them a client is shown
    /// depends on what it knows.
    #[must_use]
    pub fn key_and_cert(mut self, key: impl AsRef<[u8]>, cert: impl AsRef<[u8]>) -> Self {
        self.pairs
            .push((key.as_ref().to_vec(), cert.as_ref().to_vec()));
        self
    }

    /// Trusts whoever is signed by one of these certificates, in PEM, instead of the system's
    /// (`ca`); called again, by these, too. A certificate that is named here itself is trusted as
    /// it is.
    #[must_use]
    pub fn ca(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.ca.get_or_insert_default().push(pem.as_ref().to_vec());
        self
    }

    /// The oldest version that is spoken (`minVersion`), TLS 1.2 if nothing is said.
    #[must_use]
    pub fn min_version(mut self, version: Version) -> Self {
        self.min_version = version;
        self
    }

    /// The newest version that is spoken (`maxVersion`).
    #[must_use]
    pub fn max_version(mut self, version: Version) -> Self {
        self.max_version = version;
        self
    }
}

/// Keys, certificates and whom one trusts (`tls.SecureContext`); cheap to copy, and what was
/// remembered of connections to be resumed goes with it.
#[derive(Clone)]
pub struct SecureContext(pub(super) Arc<Inner>);

/// Names of protocols, the one that is liked best first.
type Protocols = Vec<Vec<u8>>;

pub(super) struct Inner {
    /// No other context has it, or ever had.
    #[cfg(feature = "http")]
    pub(super) number: u64,
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) keys: Vec<Arc<CertifiedKey>>,
    /// `None` for the system's.
    ca: Option<Arc<Roots>>,
    versions: Vec<&'static SupportedProtocolVersion>,
    /// How clients talk, by the protocols that they offer: it has what they remember.
    clients: Mutex<Vec<(Protocols, Arc<ClientConfig>)>>,
}

impl SecureContext {
    /// Reads keys and certificates. Files are the caller's to read.
    ///
    /// # Errors
    ///
    /// `ERR_OSSL_PEM_NO_START_LINE` if there is no key or certificate where one should be,
    /// `ERR_OSSL_X509_KEY_VALUES_MISMATCH` if the two are not of one pair, or what else is wrong
    /// with them.
    pub fn new(options: &SecureContextOptions) -> Result<Self, Error> {
        let provider = provider();
        let pairs = options.pairs.iter();
        let keys = pairs
            .map(|(key, cert)| certified(&provider, key, cert))
            .collect::<Result<_, _>>()?;
        let ca = match &options.ca {
            Some(pem) => Some(Arc::new(read_roots(pem)?)),
            None => None,
        };
        let versions = [
            (Version::Tls13, &rustls::version::TLS13),
            (Version::Tls12, &rustls::version::TLS12),
        ];
        let spoken = options.min_version..=options.max_version;
        let versions = versions.into_iter().filter(|(of, _)| spoken.contains(of));
        let versions: Vec<_> = versions.map(|(_, version)| version).collect();
        if versions.is_empty() {
            let message = "minVersion is newer than maxVersion";
            return Err(Error::with_code(
                "ERR_TLS_INVALID_PROTOCOL_VERSION",
                message,
            ));
        }
        Ok(Self(Arc::new(Inner {
            #[cfg(feature = "http")]
            number: next_number(),
            provider,
            keys,
            ca,
            versions,
            clients: Mutex::default(),
        })))
    }

    /// The certificates that it shows.
    pub fn certificates(&self) -> impl Iterator<Item = PeerCertificate> {
        let shown = self.0.keys.iter();
        shown.filter_map(|key| PeerCertificate::read(key.cert.first()?))
    }
}

impl Inner {
    /// Whom a peer that will show a certificate has to be signed by: `None` for the
    /// system's, which are read from here on at the latest.
    pub(super) fn roots(&self) -> Option<Arc<Roots>> {
        if self.ca.is_none() {
            begin_to_read_system_roots();
        }
        self.ca.clone()
    }

    /// Whom one was told to trust.
    pub(super) fn ca(&self) -> Option<&Arc<Roots>> {
        self.ca.as_ref()
    }

    pub(super) fn versions(&self) -> &[&'static SupportedProtocolVersion] {
        &self.versions
    }

    /// How a client talks that offers these protocols.
    pub(super) fn client(self: &Arc<Self>, alpn: &[Vec<u8>]) -> Result<Arc<ClientConfig>, Error> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = clients.iter().find(|(of, _)| of == alpn) {
            return Ok(Arc::clone(known));
        }
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&self.versions)
            .map_err(|error| from_rustls(&error))?;
        let verifier = HasItsKey::new(&self.provider, Vec::new(), false);
        let mut config = config
            .dangerous() // in that `Verify` is to be asked afterwards, as it is
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(Shown(self.keys.clone())));
        config.alpn_protocols = alpn.to_vec();
        let config = Arc::new(config);
        clients.push((alpn.to_vec(), Arc::clone(&config)));
        Ok(config)
    }
}

/// The certificates that one has.
#[derive(Debug)]
pub(super) struct Shown(pub(super) Vec<Arc<CertifiedKey>>);

impl Shown {
    /// The first with which the other end can do something.
    pub(super) fn choose(&self, schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let fits = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some();
        self.0.iter().find(fits).cloned()
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.choose(schemes)
    }

    fn has_certs(&self) -> bool {
        !self.0.is_empty()
    }
}

/// From 1 on: what is said of none is 0.
#[cfg(feature = "http")]
fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let provider = || Arc::new(rustls::crypto::ring::default_provider());
    Arc::clone(PROVIDER.get_or_init(provider))
}

fn no_start_line(what: &str) -> Error {
    let message = format!("no start line: there is no {what} in PEM");
    Error::with_code("ERR_OSSL_PEM_NO_START_LINE", message)
}

fn certified(
    provider: &CryptoProvider,
    key: &[u8],
    cert: &[u8],
) -> Result<Arc<CertifiedKey>, Error> {
    let chain = read_certificates(cert)?;
    if chain.is_empty() {
        return Err(no_start_line("certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| no_start_line("private key"))?;
    let key = CertifiedKey::from_der(chain, key, provider);
    Ok(Arc::new(key.map_err(|error| from_rustls(&error))?))
}

fn read_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    read.map_err(|error| Error::with_code("ERR_OSSL_PEM_BAD_BASE64_DECODE", error.to_string()))
}

fn read_roots(pem: &[Vec<u8>]) -> Result<Roots, Error> {
    let mut store = RootCertStore::empty();
    let mut named = Vec::new();
    for pem in pem {
        let read = read_certificates(pem)?;
        if read.is_empty() {
            return Err(no_start_line("certificate"));
        }
        for certificate in read {
            let added = store.add(certificate.clone());
            added.map_err(|error| from_rustls(&error))?;
            named.push(certificate);
        }
    }
    Ok(Roots::new(store, named))
}
