//! Over TLS.

use crate::rig::Client;
use crate::support::{Folder, Server, loopchat};

/// A server with a certificate that nobody has signed: where it is, that, and its fingerprint.
fn serve(folder: &Folder) -> (Server, String, String, String) {
    let mut command = loopchat();
    command
        .args([
            "--listen",
            "127.0.0.1:0",
            "--listen",
            "tls://0.0.0.0:0",
            "--tls-dev",
        ])
        .env_remove("STATE_DIRECTORY")
        .env("XDG_STATE_HOME", folder.path(""));
    let server = Server::listening(&mut command);
    let behind = |said: &str| {
        let line = server.expect_log(|line| line.contains(said));
        line.rsplit_once(said).expect("it is there").1.to_owned()
    };
    let port = behind("listening on tls://0.0.0.0:");
    let fingerprint = behind(", SHA-256 ");
    let cert = folder.text("loopchat/tls-dev/cert.pem");
    (server, format!("localhost:{port}"), cert, fingerprint)
}

#[test]
fn who_is_signed_by_whom_one_trusts_is_talked_to() {
    let folder = Folder::new();
    let (server, address, cert, fingerprint) = serve(&folder);
    let mut other = server.join();
    let small = fingerprint.replace(':', "").to_lowercase();
    for trust in [
        ["--ca", &cert],
        ["--fingerprint", &fingerprint],
        ["--fingerprint", &small],
    ] {
        let arguments = [&["--tls", &address][..], &trust].concat();
        let mut client = Client::piped(&arguments, "hello\n");
        client.exits_with(0);
        other.expect_line(|line| line.ends_with(": hello"));
        assert!(client.stderr.all().is_empty());
    }
}

#[test]
fn who_is_not_to_be_trusted_is_told_nothing() {
    let folder = Folder::new();
    let (server, address, cert, fingerprint) = serve(&folder);
    let mut other = server.join();
    let wrong = "00".repeat(32);
    let by_address = address.replace("localhost", "127.0.0.2");
    for (arguments, said) in [
        (
            vec!["--tls", &address],
            "-- the server's certificate is not to be trusted: ",
        ),
        (
            vec!["--tls", &by_address, "--ca", &cert],
            "-- the server's certificate is not to be trusted: Hostname/IP does not match",
        ),
        (
            vec!["--tls", &address, "--fingerprint", &wrong],
            "-- that is another server: its certificate's SHA-256 is ",
        ),
    ] {
        let mut client = Client::piped(&arguments, "hello\n");
        client.exits_with(1);
        let told = client.stderr.wait_for(said);
        assert!(told.contains(&fingerprint), "{told}");
    }
    assert!(other.sync().is_empty());
}

#[test]
fn what_speaks_no_tls_is_an_error() {
    let server = Server::start();
    let mut client = Client::piped(&["--tls", &server.address], "hello\n");
    client.exits_with(1);
    client.stderr.wait_for("-- cannot connect to ");
}

#[test]
fn flags_that_make_no_sense_are_refused() {
    for arguments in [
        &["--tls", "--ca", "/nowhere.pem"][..],
        &["--tls", "--fingerprint", "AB:CD"],
        &["--ca", "/nowhere.pem"],
    ] {
        let mut client = Client::piped(arguments, "");
        client.exits_with(2);
    }
}
