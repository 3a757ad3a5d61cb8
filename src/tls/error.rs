//! What goes wrong with TLS, with the codes that Node has for it: those of OpenSSL.

use std::fmt::Display;

use rustls::{
    AlertDescription, CertificateError, Error as Engine, InvalidMessage, PeerIncompatible,
};

use crate::net::Error;

/// What the peer has said in an alert: its number, the code for it, OpenSSL's words.
const ALERTS: &[(u8, &str, &str)] = &[
    (
        10,
        "ERR_SSL_SSLV3_ALERT_UNEXPECTED_MESSAGE",
        "sslv3 alert unexpected message",
    ),
    (
        20,
        "ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC",
        "sslv3 alert bad record mac",
    ),
    (
        22,
        "ERR_SSL_TLSV1_ALERT_RECORD_OVERFLOW",
        "tlsv1 alert record overflow",
    ),
    (
        40,
        "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
        "sslv3 alert handshake failure",
    ),
    (
        42,
        "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE",
        "sslv3 alert bad certificate",
    ),
    (
        43,
        "ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "sslv3 alert unsupported certificate",
    ),
    (
        44,
        "ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED",
        "sslv3 alert certificate revoked",
    ),
    (
        45,
        "ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "sslv3 alert certificate expired",
    ),
    (
        46,
        "ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "sslv3 alert certificate unknown",
    ),
    (
        47,
        "ERR_SSL_SSLV3_ALERT_ILLEGAL_PARAMETER",
        "sslv3 alert illegal parameter",
    ),
    (
        48,
        "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
        "tlsv1 alert unknown ca",
    ),
    (
        49,
        "ERR_SSL_TLSV1_ALERT_ACCESS_DENIED",
        "tlsv1 alert access denied",
    ),
    (
        50,
        "ERR_SSL_TLSV1_ALERT_DECODE_ERROR",
        "tlsv1 alert decode error",
    ),
    (
        51,
        "ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR",
        "tlsv1 alert decrypt error",
    ),
    (
        70,
        "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
        "tlsv1 alert protocol version",
    ),
    (
        71,
        "ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY",
        "tlsv1 alert insufficient security",
    ),
    (
        80,
        "ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR",
        "tlsv1 alert internal error",
    ),
    (
        90,
        "ERR_SSL_TLSV1_ALERT_USER_CANCELLED",
        "tlsv1 alert user cancelled",
    ),
    (
        109,
        "ERR_SSL_TLSV13_ALERT_MISSING_EXTENSION",
        "tlsv13 alert missing extension",
    ),
    (
        112,
        "ERR_SSL_TLSV1_UNRECOGNIZED_NAME",
        "tlsv1 unrecognized name",
    ),
    (
        116,
        "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "tlsv13 alert certificate required",
    ),
    (
        120,
        "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
        "tlsv1 alert no application protocol",
    ),
];

fn of_alert(alert: AlertDescription) -> Error {
    let number = u8::from(alert);
    let known = ALERTS.iter().find(|(known, ..)| *known == number);
    let (code, words) = known.map_or(("EPROTO", "alert"), |(_, code, words)| (code, words));
    Error::with_code(code, format!("{words} (SSL alert number {number})"))
}

/// What the engine says.
pub(super) fn from_rustls(error: &Engine) -> Error {
    let code = match error {
        Engine::AlertReceived(alert) => return of_alert(*alert),
        Engine::NoCertificatesPresented => "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE",
        Engine::NoApplicationProtocol => "ERR_SSL_NO_APPLICATION_PROTOCOL",
        Engine::DecryptError => "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC",
        Engine::PeerSentOversizedRecord => "ERR_SSL_DATA_LENGTH_TOO_LONG",
        Engine::InvalidMessage(
            InvalidMessage::UnknownProtocolVersion | InvalidMessage::InvalidContentType,
        ) => "ERR_SSL_WRONG_VERSION_NUMBER",
        Engine::InvalidMessage(InvalidMessage::MessageTooLarge) => "ERR_SSL_PACKET_LENGTH_TOO_LONG",
        Engine::InvalidMessage(_) => "ERR_SSL_BAD_PACKET",
        Engine::InappropriateMessage { .. } | Engine::InappropriateHandshakeMessage { .. } => {
            "ERR_SSL_UNEXPECTED_MESSAGE"
        }
        Engine::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon) => {
            "ERR_SSL_NO_SHARED_CIPHER"
        }
        Engine::PeerIncompatible(
            PeerIncompatible::NoSignatureSchemesInCommon
            | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon,
        ) => "ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM",
        Engine::PeerIncompatible(PeerIncompatible::NoKxGroupsInCommon) => {
            "ERR_SSL_NO_SUITABLE_KEY_SHARE"
        }
        Engine::PeerIncompatible(_) => "ERR_SSL_UNSUPPORTED_PROTOCOL",
        Engine::InvalidCertificate(CertificateError::BadSignature) => "ERR_SSL_BAD_SIGNATURE",
        Engine::InconsistentKeys(_) => "ERR_OSSL_X509_KEY_VALUES_MISMATCH",
        _ => "EPROTO",
    };
    Error::with_code(code, error.to_string())
}

/// The engine refuses to go on, for a reason that Node has no code for.
pub(super) fn broken(why: impl Display) -> Error {
    Error::with_code("EPROTO", why.to_string())
}

/// The first that came is none of TLS's.
pub(super) fn not_tls(came: &[u8]) -> Error {
    const METHODS: [&str; 4] = ["GET ", "POST ", "HEAD ", "PUT "];
    if METHODS
        .iter()
        .any(|method| came.starts_with(method.as_bytes()))
    {
        Error::with_code("ERR_SSL_HTTP_REQUEST", "http request")
    } else if came.starts_with(b"CONNECT ") {
        Error::with_code("ERR_SSL_HTTPS_PROXY_REQUEST", "https proxy request")
    } else {
        Error::with_code("ERR_SSL_WRONG_VERSION_NUMBER", "wrong version number")
    }
}
