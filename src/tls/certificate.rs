//! Certificates as Node shows them, and whether one is for a certain host.

use std::borrow::Cow;
use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use crate::net::Error;

/// What a certificate says (`tlsSocket.getPeerCertificate()`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// Whom it is for, in parts such as `CN` and `O`, in order (`subject`).
    pub subject: Vec<(String, String)>,
    /// Who has signed it (`issuer`).
    pub issuer: Vec<(String, String)>,
    /// The names and addresses that it is for, as `DNS:localhost, IP Address:127.0.0.1`
    /// (`subjectaltname`); empty if it has none. A name with anything in it that could be taken
    /// for something else, such as a comma or the end of a line, is quoted and escaped.
    pub subject_alt_name: String,
    /// From when on it holds, in seconds since 1970 (`valid_from`).
    pub valid_from: i64,
    /// Until when (`valid_to`).
    pub valid_to: i64,
    /// SHA-256 of it, as `AB:CD:...` (`fingerprint256`).
    pub fingerprint256: String,
    /// Its number at who has signed it, in hexadecimal (`serialNumber`).
    pub serial_number: String,
    /// Whether it may sign others (`ca`).
    pub ca: bool,
    /// The certificate itself, in DER (`raw`).
    pub raw: Vec<u8>,
    names: Names,
}

/// What it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Names {
    dns: Vec<String>,
    ips: Vec<IpAddr>,
}

impl PeerCertificate {
    /// Reads one in DER; `None` if it is none.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let mut names = Names::default();
        let mut all = Vec::new();
        let extension = certificate.subject_alternative_name().ok().flatten();
        let general_names = extension.map(|extension| &extension.value.general_names);
        for name in general_names.into_iter().flatten() {
            match name {
                GeneralName::DNSName(name) => {
                    all.push(format!("DNS:{}", quoted(name)));
                    names.dns.push((*name).to_owned());
                }
                GeneralName::IPAddress(bytes) => {
                    if let Some(ip) = read_ip(bytes) {
                        all.push(format!("IP Address:{ip}"));
                        names.ips.push(ip);
                    }
                }
                GeneralName::RFC822Name(name) => all.push(format!("email:{}", quoted(name))),
                GeneralName::URI(name) => all.push(format!("URI:{}", quoted(name))),
                _ => {}
            }
        }
        let validity = certificate.validity();
        Some(Self {
            subject: parts(certificate.subject()),
            issuer: parts(certificate.issuer()),
            subject_alt_name: all.join(", "),
            valid_from: validity.not_before.timestamp(),
            valid_to: validity.not_after.timestamp(),
            fingerprint256: fingerprint(der),
            serial_number: format!("{:X}", certificate.serial),
            ca: certificate.is_ca(),
            raw: der.to_vec(),
            names,
        })
    }

    /// The name in its subject (`subject.CN`).
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        let mut parts = self.subject.iter();
        let (_, name) = parts.find(|(kind, _)| kind == "CN")?;
        Some(name)
    }

    /// The names of hosts that it is for, with and without a wildcard.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        &self.names.dns
    }

    /// Whether it is signed by the one it is for, as far as its names tell.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// Whether it is for this host, a name or an address (`tls.checkServerIdentity`).
    ///
    /// # Errors
    ///
    /// `ERR_TLS_CERT_ALTNAME_INVALID`, and why.
    pub fn check_server_identity(&self, host: &str) -> Result<(), Error> {
        let host = host.strip_suffix('.').unwrap_or(host);
        let names = &self.names.dns;
        let (fits, why) = if let Ok(ip) = host.parse::<IpAddr>() {
            let ips: Vec<_> = self.names.ips.iter().map(ToString::to_string).collect();
            let why = format!("IP: {host} is not in the cert's list: {}", ips.join(", "));
            (self.names.ips.contains(&ip), why)
        } else if !names.is_empty() {
            let all = &self.subject_alt_name;
            let why = format!("Host: {host}. is not in the cert's altnames: {all}");
            (names.iter().any(|name| is_for(name, host)), why)
        } else if let Some(name) = self.common_name() {
            let why = format!("Host: {host}. is not cert's CN: {}", quoted(name));
            (is_for(name, host), why)
        } else {
            (false, "Cert does not contain a DNS name".to_owned())
        };
        if fits {
            return Ok(());
        }
        let message = format!("Hostname/IP does not match certificate's altnames: {why}");
        Err(Error::with_code("ERR_TLS_CERT_ALTNAME_INVALID", message))
    }
}

/// SHA-256 of a certificate, as people compare it.
#[must_use]
pub fn fingerprint(der: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    let bytes = digest.as_ref().iter();
    bytes
        .map(|byte| format!("{byte:02X}"))
        .collect::<Vec<_>>()
        .join(":")
}

/// A name as it may be shown among others: what it consists of was the peer's to choose.
fn quoted(name: &str) -> Cow<'_, str> {
    let is_plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\'' | '\\' | ',');
    match name.chars().all(is_plain) {
        true => name.into(),
        false => format!("\"{}\"", name.escape_default()).into(),
    }
}

fn read_ip(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

fn parts(name: &X509Name<'_>) -> Vec<(String, String)> {
    let registry = x509_parser::objects::oid_registry();
    let parts = name.iter_attributes().map(|part| {
        let known = x509_parser::objects::oid2abbrev(part.attr_type(), registry);
        let kind = known.map_or_else(|_| part.attr_type().to_id_string(), str::to_owned);
        (kind, part.as_str().unwrap_or_default().to_owned())
    });
    parts.collect()
}

/// Whether a name with or without a wildcard stands for this host.
pub(super) fn is_for(pattern: &str, host: &str) -> bool {
    let pattern = pattern
        .strip_suffix('.')
        .unwrap_or(pattern)
        .to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    let (pattern, host): (Vec<_>, Vec<_>) =
        (pattern.split('.').collect(), host.split('.').collect());
    let is_name =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
    if pattern.len() != host.len() || !pattern.iter().all(is_name) || pattern[1..] != host[1..] {
        return false;
    }
    let (first, own) = (pattern[0], host[0]);
    match first.split_once('*') {
        None => first == own,
        _ if first.contains("xn--") => first == own,
        // `*.com` would be for half of the world.
        Some((before, after)) => {
            pattern.len() > 2
                && !after.contains('*')
                && before.len() + after.len() <= own.len()
                && own.starts_with(before)
                && own.ends_with(after)
        }
    }
}

/// Reads the first of a chain.
pub(super) fn first(chain: &[CertificateDer<'_>]) -> Option<PeerCertificate> {
    PeerCertificate::read(chain.first()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label_of_a_name_that_is_somebodys() {
        for (pattern, host, fits) in [
            ("a.example", "a.example", true),
            ("A.Example", "a.eXample", true),
            ("*.example.org", "a.example.org", true),
            ("*.example.org", "example.org", false),
            ("*.example.org", "a.b.example.org", false),
            ("*.org", "example.org", false),
            ("*", "localhost", false),
            ("a*c.example.org", "abc.example.org", true),
            ("a*c.example.org", "ac.example.org", true),
            ("a*c.example.org", "a.example.org", false),
            ("**.example.org", "a.example.org", false),
            ("xn--*.example.org", "xn--a.example.org", false),
            ("a..org", "a..org", false),
            ("", "", false),
        ] {
            assert_eq!(is_for(pattern, host), fits, "{pattern} for {host}");
        }
    }
}
