//! Certificates that change while the server runs.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;

use crate::certificates::self_signed;
use crate::rig::{Keys, certificate_in};
use crate::support::{Signal, eventually};

/// Waits until newcomers are shown what is in the file now.
fn shows_the_new_one(keys: &Keys, address: SocketAddr) {
    let wanted = certificate_in(&keys.folder.path("cert.pem"));
    eventually("the new certificate", || {
        (keys.connect(address).certificate() == wanted).then_some(())
    });
}

#[test]
fn a_signal_has_them_read_again_and_nobody_is_dropped() {
    let keys = Keys::new();
    let (server, address) = keys.serve(&[]);
    let mut member = keys.connect(address).greeted();
    let mut plain = server.join();
    server.signal(Signal::HUP);
    server.expect_log(|line| line.ends_with("the certificates are the same as before"));
    keys.put("cert.pem", "key.pem", &keys.authority.sign(&["localhost"]));
    server.signal(Signal::HUP);
    shows_the_new_one(&keys, address);
    member.say("still here");
    plain.expect(&format!("{}: still here", member.name));
}

#[test]
fn a_change_is_noticed_by_itself() {
    let keys = Keys::new();
    let (_server, address) = keys.serve(&[]);
    keys.put("cert.pem", "key.pem", &keys.authority.sign(&["localhost"]));
    shows_the_new_one(&keys, address);
}

/// As certbot keeps them, and others.
#[test]
fn a_link_that_leads_elsewhere_is_a_change() {
    let keys = Keys::new();
    for number in ["1", "2"] {
        let pair = keys.authority.sign(&["localhost"]);
        let folder = keys.folder.path(format!("archive{number}"));
        fs::create_dir(&folder).expect("made");
        fs::write(folder.join("cert.pem"), &pair.cert).expect("written");
        fs::write(folder.join("key.pem"), &pair.key).expect("written");
    }
    let lead_to = |number: &str| {
        for name in ["cert.pem", "key.pem"] {
            let beside = keys.folder.path("link");
            symlink(
                keys.folder.path(format!("archive{number}")).join(name),
                &beside,
            )
            .expect("made");
            fs::rename(&beside, keys.folder.path(name)).expect("renamed");
        }
    };
    lead_to("1");
    let (_server, address) = keys.serve(&[]);
    shows_the_new_one(&keys, address);
    lead_to("2");
    shows_the_new_one(&keys, address);
}

#[test]
fn what_cannot_be_used_changes_nothing() {
    let keys = Keys::new();
    let (server, address) = keys.serve(&[]);
    let before = certificate_in(&keys.folder.path("cert.pem"));
    fs::write(keys.folder.path("key.pem"), self_signed(&["localhost"]).key).expect("written");
    server.signal(Signal::HUP);
    let said = "it is not the key of the certificate in ";
    server.expect_log(|line| line.contains("WARN") && line.contains(said));
    assert_eq!(keys.connect(address).certificate(), before);
    fs::remove_file(keys.folder.path("cert.pem")).expect("removed");
    server.signal(Signal::HUP);
    let said = "No such file or directory (os error 2); the certificates stay as they were";
    server.expect_log(|line| line.contains("WARN") && line.ends_with(said));
    assert_eq!(keys.connect(address).certificate(), before);
    keys.put("cert.pem", "key.pem", &keys.authority.sign(&["localhost"]));
    shows_the_new_one(&keys, address);
}
