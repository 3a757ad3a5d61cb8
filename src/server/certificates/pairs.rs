//! Keys and certificates as files: read, checked, and put together for whom they are.

use std::fs;
use std::path::PathBuf;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::net::{Context, Error, Server};
use crate::server::{ChatServer, Config, StartError};
use crate::tls::{self, PeerCertificate, SecureContext, SecureContextOptions};

/// The files of a certificate and of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
}

/// A certificate that was read, with its key.
pub(super) struct Pair {
    pub(super) source: Source,
    /// What it says of itself.
    pub(super) certificate: PeerCertificate,
    cert: Vec<u8>,
    key: Vec<u8>,
}

/// All pairs, as servers show them.
pub(super) struct Pairs {
    pub(super) pairs: Vec<Pair>,
    /// For whoever asks for no name, or for one that none of them is for.
    others: SecureContext,
    /// For those who ask for one of these names, the more certain behind the less.
    named: Vec<(String, SecureContext)>,
}

/// What PEM says before a key that has a passphrase.
const ENCRYPTED: [&str; 2] = [
    "-----BEGIN ENCRYPTED PRIVATE KEY-----",
    "Proc-Type: 4,ENCRYPTED",
];

/// The pairs that the flags name.
///
/// # Errors
///
/// One of the two is missing.
pub(super) fn sources(config: &Config) -> Result<Vec<Source>, StartError> {
    let (certs, keys) = (&config.tls_cert, &config.tls_key);
    let alone = |flag: &str, path: &PathBuf, other: &str| {
        let reason = format!("it has no {other}: as many are to be given, in the same order");
        StartError::new(format!("{flag} {}", path.display()), reason)
    };
    if let Some(cert) = certs.get(keys.len()) {
        return Err(alone("--tls-cert", cert, "--tls-key"));
    }
    if let Some(key) = keys.get(certs.len()) {
        return Err(alone("--tls-key", key, "--tls-cert"));
    }
    let pairs = certs.iter().cloned().zip(keys.iter().cloned());
    Ok(pairs.map(|(cert, key)| Source { cert, key }).collect())
}

impl Pairs {
    /// Reads them all. `None` if there are none to be read. It may wait for the disk.
    ///
    /// # Errors
    ///
    /// What is wrong with which file.
    pub(super) fn read(sources: &[Source]) -> Result<Option<Self>, StartError> {
        let read: Result<Vec<_>, _> = sources.iter().map(Pair::read).collect();
        match read? {
            pairs if pairs.is_empty() => Ok(None),
            pairs => Self::new(pairs).map(Some),
        }
    }

    fn new(pairs: Vec<Pair>) -> Result<Self, StartError> {
        let others = context(pairs.iter())?;
        let mut names: Vec<String> = pairs.iter().flat_map(Pair::names).collect();
        // Of those that fit the last counts: one without a wildcard.
        names.sort_by_key(|name| (!name.contains('*'), name.clone()));
        names.dedup();
        let named = names.into_iter().map(|name| {
            let own = pairs.iter().filter(|pair| pair.names().contains(&name));
            let context = context(own)?;
            Ok((name, context))
        });
        Ok(Self {
            named: named.collect::<Result<_, StartError>>()?,
            others,
            pairs,
        })
    }

    /// What a server begins with.
    pub(super) fn context(&self) -> SecureContext {
        self.others.clone()
    }

    /// Has a server show them, from the next connection on.
    pub(super) fn show(&self, cx: &mut Context<ChatServer>, server: Server) -> Result<(), Error> {
        server.set_secure_context(cx, self.others.clone())?;
        server.remove_contexts(cx)?;
        for (name, context) in &self.named {
            server.add_context(cx, name, context.clone())?;
        }
        Ok(())
    }

    /// Whether it is all the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let bytes = |pair: &'_ Pair| (pair.cert.clone(), pair.key.clone());
        let (own, others) = (self.pairs.iter().map(bytes), other.pairs.iter().map(bytes));
        own.eq(others)
    }
}

impl Pair {
    fn read(source: &Source) -> Result<Self, StartError> {
        let of_cert = format!("--tls-cert {}", source.cert.display());
        let of_key = format!("--tls-key {}", source.key.display());
        let cert = fs::read(&source.cert).map_err(|error| StartError::new(&of_cert, error))?;
        let key = fs::read(&source.key).map_err(|error| StartError::new(&of_key, error))?;
        let no_certificate = || StartError::new(&of_cert, "there is no certificate in it, in PEM");
        let first = CertificateDer::pem_slice_iter(&cert).next();
        let first = first.and_then(Result::ok).ok_or_else(no_certificate)?;
        let certificate = PeerCertificate::read(&first)
            .ok_or_else(|| StartError::new(&of_cert, "its certificate cannot be read"))?;
        if PrivateKeyDer::from_pem_slice(&key).is_err() {
            let text = String::from_utf8_lossy(&key);
            let reason = match ENCRYPTED.iter().any(|mark| text.contains(mark)) {
                true => "its key is encrypted, and nobody is there to give the passphrase",
                false => "there is no private key in it, in PEM",
            };
            return Err(StartError::new(&of_key, reason));
        }
        let pair = Self {
            source: source.clone(),
            certificate,
            cert,
            key,
        };
        context([&pair])?;
        Ok(pair)
    }

    /// The names that it is for.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.certificate.dns_names();
        match (names, self.certificate.common_name()) {
            ([], Some(name)) => vec![name.to_ascii_lowercase()],
            _ => names.iter().map(|name| name.to_ascii_lowercase()).collect(),
        }
    }

    /// Where its certificate is.
    pub(super) fn file(&self) -> String {
        self.source.cert.display().to_string()
    }
}

/// What shows the first of these pairs with which a client can do something.
fn context<'a>(pairs: impl IntoIterator<Item = &'a Pair>) -> Result<SecureContext, StartError> {
    let (mut options, mut last) = (SecureContextOptions::new(), None);
    for pair in pairs {
        options = options.key_and_cert(&pair.key, &pair.cert);
        last = Some(pair);
    }
    SecureContext::new(&options).map_err(|error| {
        let (key, cert) = last.map_or_else(Default::default, |pair| {
            (pair.source.key.display().to_string(), pair.file())
        });
        match error.code() {
            "ERR_OSSL_X509_KEY_VALUES_MISMATCH" => StartError::new(
                format!("--tls-key {key}"),
                format!("it is not the key of the certificate in {cert}"),
            ),
            _ => StartError::new(format!("--tls-cert {cert}"), error),
        }
    })
}

/// SHA-256 of a certificate, as people compare it.
pub(super) fn fingerprint(pair: &Pair) -> String {
    tls::fingerprint(&pair.certificate.raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_certificate() {
        let with = |certs: &[&str], keys: &[&str]| {
            let paths = |of: &[&str]| of.iter().map(PathBuf::from).collect();
            let (tls_cert, tls_key) = (paths(certs), paths(keys));
            let config = Config {
                tls_cert,
                tls_key,
                ..Config::default()
            };
            sources(&config).map_err(|error| error.to_string())
        };
        assert_eq!(
            with(&["a", "b"], &["c", "d"]).map(|found| found.len()),
            Ok(2)
        );
        let wanted =
            "--tls-cert b: it has no --tls-key: as many are to be given, in the same order";
        assert_eq!(with(&["a", "b"], &["c"]), Err(wanted.to_owned()));
        let wanted =
            "--tls-key c: it has no --tls-cert: as many are to be given, in the same order";
        assert_eq!(with(&[], &["c"]), Err(wanted.to_owned()));
    }
}
