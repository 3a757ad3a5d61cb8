//! Keys and certificates of the TLS scenarios; `keys/make.sh` has how they were made.

use std::fs;

use loopchat::tls::{ConnectOptions, SecureContext, SecureContextOptions, ServerOptions};

pub fn key(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/keys");
    fs::read(format!("{folder}/{name}")).expect("it is there")
}

/// A key, and what is in a file of this name.
pub fn pair_of(key_name: &str, cert_name: &str) -> SecureContextOptions {
    let (own, cert) = (
        key(&format!("{key_name}.key")),
        key(&format!("{cert_name}.pem")),
    );
    SecureContextOptions::new().key_and_cert(own, cert)
}

pub fn context(options: &SecureContextOptions) -> SecureContext {
    SecureContext::new(options).expect("good keys")
}

pub fn pair(name: &str) -> SecureContext {
    context(&pair_of(name, name))
}

/// Options of a server with this key and certificate.
pub fn server(name: &str) -> ServerOptions {
    ServerOptions::new(pair(name))
}

/// Options of a client that trusts this one.
pub fn trusting(ca: &str) -> ConnectOptions {
    let options = SecureContextOptions::new().ca(key(&format!("{ca}.pem")));
    ConnectOptions::new().secure_context(context(&options))
}
