//! Whose signatures one trusts: certificates that were named, or the system's.

use std::sync::{Arc, Once, OnceLock};
use std::thread;

use rustls::pki_types::CertificateDer;
use rustls::{DistinguishedName, RootCertStore};

/// Whom one trusts.
#[derive(Debug)]
pub(super) struct Roots {
    pub(super) store: Arc<RootCertStore>,
    /// Certificates that were named themselves: they are trusted as they are, whether or not they
    /// say that they may sign others.
    pub(super) named: Vec<CertificateDer<'static>>,
}

impl Roots {
    pub(super) fn new(store: RootCertStore, named: Vec<CertificateDer<'static>>) -> Self {
        let store = Arc::new(store);
        Self { store, named }
    }

    pub(super) fn subjects(&self) -> Vec<DistinguishedName> {
        self.store.subjects()
    }
}

/// Has the system's read, if nobody has yet, and does not wait for that.
pub(super) fn begin_to_read_system_roots() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        let thread = thread::Builder::new().name("tls-roots".to_owned());
        if let Err(error) = thread.spawn(system_roots) {
            log::warn!("the system's certificates are read only when they are needed: {error}");
        }
    });
}

/// The system's. Whoever asks while they are read waits.
pub(super) fn system_roots() -> Arc<Roots> {
    static ROOTS: OnceLock<Arc<Roots>> = OnceLock::new();
    let read = || {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            log::warn!("some of the system's certificates cannot be read: {error}");
        }
        let mut store = RootCertStore::empty();
        let (added, ignored) = store.add_parsable_certificates(found.certs);
        log::debug!("of the system's certificates {added} are trusted, {ignored} are not read");
        Arc::new(Roots::new(store, Vec::new()))
    };
    Arc::clone(ROOTS.get_or_init(read))
}
