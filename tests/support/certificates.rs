//! Keys and certificates for tests, made anew each time.

#![allow(dead_code, reason = "every test file uses a part of it")]

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// A private key and its certificate, in PEM.
pub struct Pair {
    pub key: String,
    pub cert: String,
}

/// Somebody who signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub cert: String,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let cert = params.self_signed(&key).expect("a certificate").pem();
        Self {
            issuer: Issuer::new(params, key),
            cert,
        }
    }

    /// A pair for these names and addresses; the first is its common name.
    pub fn sign(&self, names: &[&str]) -> Pair {
        self.sign_with(params(names))
    }

    pub fn sign_with(&self, params: CertificateParams) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.issuer).expect("a certificate");
        Pair {
            key: key.serialize_pem(),
            cert: cert.pem(),
        }
    }
}

/// A pair that is signed by itself.
pub fn self_signed(names: &[&str]) -> Pair {
    let key = KeyPair::generate().expect("a key");
    let cert = params(names).self_signed(&key).expect("a certificate");
    Pair {
        key: key.serialize_pem(),
        cert: cert.pem(),
    }
}

pub fn params(names: &[&str]) -> CertificateParams {
    let all: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(all).expect("names");
    let first = names.first().copied().unwrap_or_default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, first);
    params
}
