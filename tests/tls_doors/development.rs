//! A certificate that the server makes for itself.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rustix::system::uname;

use crate::rig::{certificate_in, connect, tls_address};
use crate::support::{Folder, Server, loopchat};

fn command(state: &Path) -> Command {
    let mut command = loopchat();
    command
        .args([
            "--listen",
            "127.0.0.1:0",
            "--listen",
            "tls://127.0.0.1:0",
            "--tls-dev",
        ])
        .env_remove("STATE_DIRECTORY")
        .env("XDG_STATE_HOME", state);
    command
}

/// The fingerprint that the log tells, and where lines are taken over TLS.
fn start(state: &Path) -> (Server, String, SocketAddr) {
    let server = Server::listening(&mut command(state));
    let line = server.expect_log(|line| line.contains("--tls-dev: ") && line.contains("SHA-256 "));
    let (_, fingerprint) = line.rsplit_once("SHA-256 ").expect("a fingerprint");
    let address = tls_address(&server);
    (server, fingerprint.to_owned(), address)
}

#[test]
fn it_is_made_once_for_this_machine_and_kept() {
    let folder = Folder::new();
    let state = folder.path("state");
    let (first, fingerprint, address) = start(&state);
    let kept = state.join("loopchat/tls-dev");
    let cert = kept.join("cert.pem");
    let mode = |path: &Path| {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&kept), 0o700);
    assert_eq!(mode(&kept.join("key.pem")), 0o600);
    assert_eq!(fs::read_dir(&kept).expect("a folder").count(), 2);
    assert_eq!(
        fingerprint,
        loopchat::tls::fingerprint(&certificate_in(&cert))
    );
    let trusted = fs::read_to_string(&cert).expect("text");
    let own = uname().nodename().to_string_lossy().into_owned();
    for name in ["localhost", "127.0.0.1", "::1", &own] {
        let client = connect(address, name, &[&trusted]);
        client
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .greeted();
    }
    drop(first);
    let (_second, again, address) = start(&state);
    assert_eq!(fingerprint, again);
    connect(address, "localhost", &[&trusted])
        .expect("the same")
        .greeted();
}

#[test]
fn one_that_cannot_be_used_is_made_anew_with_the_same_key() {
    let folder = Folder::new();
    let state = folder.path("state");
    let (first, fingerprint, _) = start(&state);
    drop(first);
    let kept = state.join("loopchat/tls-dev");
    let key = fs::read(kept.join("key.pem")).expect("a key");
    fs::write(kept.join("cert.pem"), "nonsense").expect("written");
    let (_second, again, address) = start(&state);
    assert_ne!(fingerprint, again);
    assert_eq!(fs::read(kept.join("key.pem")).expect("a key"), key);
    let trusted = fs::read_to_string(kept.join("cert.pem")).expect("text");
    connect(address, "localhost", &[&trusted]).expect("the new one");
}

#[test]
fn it_is_made_only_where_there_is_no_other() {
    let folder = Folder::new();
    let mut server =
        Server::spawn(command(&folder.path("state")).args(["--tls-cert", "a", "--tls-key", "b"]));
    assert_eq!(server.ended().code(), Some(1));
    let log = server.log();
    let wanted = "loopchat: --tls-dev: there is a certificate already, --tls-cert";
    assert_eq!(log.last().map(String::as_str), Some(wanted), "{log:#?}");
    assert!(!folder.path("state").exists());
}
