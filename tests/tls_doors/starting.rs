//! What is wrong with keys and certificates is told at the start, in one line.

use std::fs;

use crate::certificates::{params, self_signed};
use crate::rig::Keys;
use crate::support::{Server, Signal, loopchat};

/// The one line with which it gives up.
fn refusal(flags: &[&str]) -> String {
    let mut server = Server::spawn(loopchat().args(["--listen", "127.0.0.1:0"]).args(flags));
    assert_eq!(server.ended().code(), Some(1));
    let log = server.log();
    let last = log.last().expect("a line").clone();
    assert_eq!(
        log.iter()
            .filter(|line| line.starts_with("loopchat: "))
            .count(),
        1,
        "{log:#?}"
    );
    last
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let keys = Keys::new();
    let (cert, key) = (keys.path("cert.pem"), keys.path("key.pem"));
    let path = |name: &str, text: &[u8]| {
        let path = keys.path(name);
        fs::write(&path, text).expect("written");
        path
    };
    let garbage = path("garbage.pem", b"\xff\xfe no PEM");
    let no_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let no_der = path("no_der.pem", no_der.as_bytes());
    let secret =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let secret = path("secret.pem", secret.as_bytes());
    let other = path("other.key", self_signed(&["a"]).key.as_bytes());
    let nowhere = keys.path("nowhere.pem");
    let nothing = "No such file or directory (os error 2)";
    for (cert, key, wanted) in [
        (&nowhere, &key, format!("--tls-cert {nowhere}: {nothing}")),
        (&cert, &nowhere, format!("--tls-key {nowhere}: {nothing}")),
        (
            &garbage,
            &key,
            format!("--tls-cert {garbage}: there is no certificate in it, in PEM"),
        ),
        (
            &key,
            &key,
            format!("--tls-cert {key}: there is no certificate in it, in PEM"),
        ),
        (
            &no_der,
            &key,
            format!("--tls-cert {no_der}: its certificate cannot be read"),
        ),
        (
            &cert,
            &garbage,
            format!("--tls-key {garbage}: there is no private key in it, in PEM"),
        ),
        (
            &cert,
            &cert,
            format!("--tls-key {cert}: there is no private key in it, in PEM"),
        ),
        (
            &cert,
            &secret,
            format!(
                "--tls-key {secret}: its key is encrypted, and nobody is there to give the passphrase"
            ),
        ),
        (
            &cert,
            &other,
            format!("--tls-key {other}: it is not the key of the certificate in {cert}"),
        ),
    ] {
        let flags = [
            "--listen",
            "tls://127.0.0.1:0",
            "--tls-cert",
            cert,
            "--tls-key",
            key,
        ];
        assert_eq!(refusal(&flags), format!("loopchat: {wanted}"));
    }
    for (flags, wanted) in [
        (
            &["--listen", "tls://127.0.0.1:0"][..],
            "it wants --tls-cert and --tls-key, or --tls-dev",
        ),
        (
            &["--web", "https://127.0.0.1:0"],
            "it wants --tls-cert and --tls-key, or --tls-dev",
        ),
        (
            &["--tls-cert", &cert],
            "it has no --tls-key: as many are to be given",
        ),
        (
            &["--tls-key", &key],
            "it has no --tls-cert: as many are to be given",
        ),
        (
            &["--listen", "https://127.0.0.1:0"],
            "in front of one may stand tls://",
        ),
        (
            &["--web", "tls://127.0.0.1:0"],
            "in front of one may stand https://",
        ),
        (
            &["--web", "http://127.0.0.1:0"],
            "in front of one may stand https://",
        ),
    ] {
        let line = refusal(flags);
        assert!(line.contains(wanted), "{line}");
    }
}

#[test]
fn certificates_that_do_not_hold_are_warned_of() {
    let keys = Keys::new();
    let day = |days: i64| {
        let date = jiff::Timestamp::now()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        let date = date.saturating_add(jiff::Span::new().days(days));
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        rcgen::date_time_ymd(date.year().into(), month, day)
    };
    for (from, to, wanted) in [
        (-20, -2, "its certificate has expired"),
        (2, 100, "its certificate does not hold yet"),
        (-20, 8, "its certificate expires in 7 days"),
        (-20, 100, ""),
    ] {
        let mut params = params(&["localhost"]);
        (params.not_before, params.not_after) = (day(from), day(to));
        keys.put("cert.pem", "key.pem", &keys.authority.sign_with(params));
        let (mut server, _) = keys.serve(&[]);
        server.signal(Signal::TERM);
        server.ended();
        let log = server.log();
        let warned = log.iter().find(|line| line.contains("its certificate"));
        match (wanted, warned) {
            ("", None) => {}
            (_, Some(line)) => assert!(line.contains("WARN") && line.ends_with(wanted), "{line}"),
            (_, None) => panic!("{wanted}: {log:#?}"),
        }
    }
}

#[test]
fn a_certificate_that_no_door_shows_is_a_warning() {
    let keys = Keys::new();
    let (cert, key) = (keys.path("cert.pem"), keys.path("key.pem"));
    let server = Server::with(&["--tls-cert", &cert, "--tls-key", &key]);
    server.expect_log(|line| line.contains("no door shows the certificate"));
}
