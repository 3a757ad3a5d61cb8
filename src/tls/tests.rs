//! Sessions without sockets: whatever comes, in whatever pieces.

use std::io::IoSlice;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::client::ConnectOptions;
use super::context::{SecureContext, SecureContextOptions, Version};
use super::server::{ServerOptions, session_of};
use super::session::Session;
use super::testing::certificates::{Authority, Pair};
use crate::net::{Error, Layer, Stage};

/// An authority, and a certificate of its for `localhost`.
struct Keys {
    authority: Authority,
    pair: Pair,
}

fn keys() -> Keys {
    keys_of("authority")
}

fn keys_of(authority: &str) -> Keys {
    let authority = Authority::new(authority);
    let pair = authority.sign(&["localhost"]);
    Keys { authority, pair }
}

fn sessions(keys: &Keys, version: Version) -> (Session, Session) {
    let context = SecureContextOptions::new()
        .key_and_cert(&keys.pair.key, &keys.pair.cert)
        .max_version(version);
    let server = ServerOptions::new(SecureContext::new(&context).expect("a context"));
    let trusts = SecureContextOptions::new().ca(&keys.authority.cert);
    let client =
        ConnectOptions::new().secure_context(SecureContext::new(&trusts).expect("a context"));
    (
        session_of(server).expect("a session"),
        client.session(Some("localhost")).expect("a session"),
    )
}

/// One end, with what it has read and what it has to send.
struct Peer {
    session: Session,
    read: Vec<u8>,
    out: Vec<u8>,
    failure: Option<Error>,
}

impl Peer {
    fn new(session: Session) -> Self {
        let mut peer = Self {
            session,
            read: Vec::new(),
            out: Vec::new(),
            failure: None,
        };
        peer.receive(&[]);
        peer
    }

    fn receive(&mut self, bytes: &[u8]) {
        if self.failure.is_some() {
            return;
        }
        let read = &mut self.read;
        let hand_on = &mut |bytes: &[u8]| read.extend_from_slice(bytes);
        let mut bytes = bytes.to_vec();
        self.failure = self
            .session
            .receive(&mut bytes, hand_on, &mut self.out)
            .err();
    }

    fn send(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let sent = self.session.send(&[IoSlice::new(bytes)], &mut self.out);
            bytes = &bytes[sent.expect("it is open")..];
        }
    }
}

/// Passes on what each has to say, in pieces of these lengths, until neither has anything.
fn talk(one: &mut Peer, other: &mut Peer, lengths: &[usize]) {
    let mut lengths = lengths.iter().copied().cycle();
    while !(one.out.is_empty() && other.out.is_empty()) {
        for is_first in [true, false] {
            let (from, to) = match is_first {
                true => (&mut *one, &mut *other),
                false => (&mut *other, &mut *one),
            };
            let out = std::mem::take(&mut from.out);
            let mut rest = &out[..];
            while !rest.is_empty() {
                let length = lengths.next().unwrap_or(1).clamp(1, rest.len());
                to.receive(&rest[..length]);
                rest = &rest[length..];
            }
        }
    }
}

fn open(version: Version, lengths: &[usize]) -> (Peer, Peer) {
    let (server, client) = sessions(&keys(), version);
    let (mut server, mut client) = (Peer::new(server), Peer::new(client));
    talk(&mut client, &mut server, lengths);
    for peer in [&mut server, &mut client] {
        assert_eq!(peer.failure, None);
        assert_eq!(peer.session.stage(), Stage::Open);
        assert_eq!(peer.session.opened(), Ok(()));
    }
    (server, client)
}

#[test]
fn both_ends_know_with_whom_they_speak_and_how() {
    for (version, name) in [(Version::Tls12, "TLSv1_2"), (Version::Tls13, "TLSv1_3")] {
        let (server, client) = open(version, &[usize::MAX]);
        for peer in [&server, &client] {
            let spoken = peer.session.agreed().protocol_version();
            assert_eq!(spoken.and_then(|version| version.as_str()), Some(name));
            assert_eq!(peer.session.server_name(), Some("localhost"));
        }
        assert_eq!(client.session.authorization(), Some(Ok(())));
        assert_eq!(server.session.authorization(), None, "nobody was asked");
    }
}

#[test]
fn an_idle_session_keeps_nothing() {
    let (mut server, mut client) = open(Version::Tls13, &[7]);
    client.send(b"hello");
    talk(&mut client, &mut server, &[3]);
    assert_eq!(server.read, b"hello");
    assert_eq!((server.session.kept(), client.session.kept()), (0, 0));
}

#[test]
fn the_end_is_heard_once_and_writing_goes_on() {
    let (mut server, mut client) = open(Version::Tls13, &[usize::MAX]);
    client.send(b"last words");
    client.session.end(&mut client.out);
    talk(&mut client, &mut server, &[1]);
    assert_eq!(server.read, b"last words");
    assert_eq!(
        (server.session.stage(), server.failure.take()),
        (Stage::Ended, None)
    );
    server.send(b"the answer");
    server.session.end(&mut server.out);
    talk(&mut client, &mut server, &[1]);
    assert_eq!(client.read, b"the answer");
    assert_eq!(
        (client.session.stage(), client.failure),
        (Stage::Ended, None)
    );
}

#[test]
fn an_end_that_did_not_come_from_the_peer_is_an_error() {
    let (server, client) = open(Version::Tls13, &[usize::MAX]);
    for peer in [server, client] {
        let code = peer.session.cut_off().code();
        assert_eq!(code, "ERR_SSL_UNEXPECTED_EOF_WHILE_READING");
    }
    let (server, client) = sessions(&keys(), Version::Tls13);
    for session in [server, client] {
        assert_eq!(session.cut_off().code(), "ECONNRESET");
    }
}

#[test]
fn keys_may_be_made_anew_at_any_time() {
    let (mut server, mut client) = open(Version::Tls13, &[usize::MAX]);
    for round in 0..5 {
        client.session.update_keys(&mut client.out);
        client.send(b"to the server ");
        server.send(b"to the client ");
        talk(&mut client, &mut server, &[1 + round]);
    }
    assert_eq!(server.read, b"to the server ".repeat(5));
    assert_eq!(client.read, b"to the client ".repeat(5));
    assert_eq!((server.failure, client.failure), (None, None));
}

#[test]
fn what_was_changed_on_its_way_is_refused_and_the_peer_told() {
    let (mut server, mut client) = open(Version::Tls13, &[usize::MAX]);
    client.send(b"pay 10");
    let last = client.out.len() - 1;
    client.out[last] ^= 1;
    talk(&mut client, &mut server, &[usize::MAX]);
    assert_eq!(server.read, b"");
    let code = server.failure.as_ref().map(Error::code);
    assert_eq!(code, Some("ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC"));
    let told = client.failure.as_ref().map(Error::code);
    assert_eq!(told, Some("ERR_SSL_SSLV3_ALERT_BAD_RECORD_MAC"));
}

#[test]
fn what_is_no_tls_is_given_back_as_it_came() {
    for (said, code) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "ERR_SSL_HTTP_REQUEST"),
        (b"hello\n", "ERR_SSL_WRONG_VERSION_NUMBER"),
        (b"\0", "ERR_SSL_WRONG_VERSION_NUMBER"),
    ] {
        let (server, _) = sessions(&keys(), Version::Tls13);
        let mut server = Peer::new(server);
        server.receive(said);
        assert_eq!(server.failure.as_ref().map(Error::code), Some(code));
        assert_eq!(server.out, b"", "nothing is said to that");
        assert_eq!(server.session.give_back().as_deref(), Some(said));
        assert_eq!(server.session.kept(), 0);
    }
}

#[test]
fn a_server_that_nobody_has_vouched_for_is_told_apart() {
    let (good, other) = (keys(), keys_of("another"));
    let (server, _) = sessions(&good, Version::Tls13);
    let (_, client) = sessions(&other, Version::Tls13);
    let (mut server, mut client) = (Peer::new(server), Peer::new(client));
    talk(&mut client, &mut server, &[usize::MAX]);
    assert_eq!(client.session.stage(), Stage::Open);
    let verdict = client.session.opened().expect_err("a stranger");
    assert_eq!(verdict.code(), "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (one, other) = (keys(), keys());
    let options = SecureContextOptions::new().key_and_cert(&one.pair.key, &other.pair.cert);
    let refused = SecureContext::new(&options).err().map(|error| error.code());
    assert_eq!(refused, Some("ERR_OSSL_X509_KEY_VALUES_MISMATCH"));
    for (key, cert) in [("", &*one.pair.cert), (&*one.pair.key, "")] {
        let options = SecureContextOptions::new().key_and_cert(key, cert);
        let refused = SecureContext::new(&options).err().map(|error| error.code());
        assert_eq!(refused, Some("ERR_OSSL_PEM_NO_START_LINE"));
    }
}

#[test]
fn contexts_can_be_made_on_another_thread() {
    fn goes_anywhere<T: Send + Sync>(_: &T) {}
    let Keys { pair, .. } = keys();
    let options = SecureContextOptions::new().key_and_cert(&pair.key, &pair.cert);
    goes_anywhere(&SecureContext::new(&options).expect("a context"));
    let _ = Arc::new(options);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// However the bytes are cut, what is written is read, in order, and then the end.
    #[test]
    fn however_the_bytes_are_cut_they_are_the_same(
        lengths in vec(1..600_usize, 1..12),
        writes in vec((any::<bool>(), 1..40_000_usize), 1..8),
        is_new in any::<bool>(),
    ) {
        let version = if is_new { Version::Tls13 } else { Version::Tls12 };
        let (mut server, mut client) = open(version, &lengths);
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        for (number, (to_the_server, length)) in writes.iter().enumerate() {
            let bytes = vec![number as u8; *length];
            match to_the_server {
                true => { client.send(&bytes); to_server.extend(bytes); }
                false => { server.send(&bytes); to_client.extend(bytes); }
            }
            if number % 2 == 0 {
                talk(&mut client, &mut server, &lengths);
            }
        }
        client.session.end(&mut client.out);
        talk(&mut client, &mut server, &lengths);
        prop_assert!(server.read == to_server && client.read == to_client);
        prop_assert_eq!(server.session.stage(), Stage::Ended);
        prop_assert_eq!((server.failure, client.failure), (None, None));
    }

    /// Whatever comes, nothing panics, nothing is handed out, and little is kept.
    #[test]
    fn garbage_is_refused_or_waited_for(
        mut garbage in vec(any::<u8>(), 1..3000),
        looks_like_tls in any::<bool>(),
        lengths in vec(1..3000_usize, 1..5),
    ) {
        if looks_like_tls {
            let head = [22, 3, 1];
            let length = garbage.len().min(3);
            garbage[..length].copy_from_slice(&head[..length]);
        }
        let (server, client) = sessions(&keys(), Version::Tls13);
        for session in [server, client] {
            let mut peer = Peer::new(session);
            let mut rest = &garbage[..];
            for length in lengths.iter().cycle() {
                let length = (*length).min(rest.len());
                peer.receive(&rest[..length]);
                rest = &rest[length..];
                if rest.is_empty() { break; }
            }
            prop_assert_eq!(peer.read, b"");
            prop_assert_eq!(peer.session.stage(), Stage::Opening);
            prop_assert!(peer.session.kept() <= garbage.len() + 64);
        }
    }
}

/// A connection that was made with one context is not for the requests of another, even if that
/// is where the first one was.
#[test]
#[cfg(feature = "http")]
fn no_two_contexts_have_one_name_in_a_pool() {
    let of_one = || {
        let context = SecureContext::new(&SecureContextOptions::new()).expect("a context");
        ConnectOptions::new().secure_context(context).name()
    };
    let names: std::collections::HashSet<_> = (0..10).map(|_| of_one()).collect();
    assert_eq!(names.len(), 10);
}

#[test]
fn what_is_kept_counts_even_if_it_is_asked_back_in_vain() {
    let (mut server, client) = sessions(&keys(), Version::Tls13);
    let mut client = Peer::new(client);
    let torn = &mut client.out[..20];
    let received = server.receive(torn, &mut |_| {}, &mut Vec::new());
    assert_eq!(received, Ok(()));
    assert!(server.kept() >= 20);
    assert_eq!(server.give_back(), None);
    assert!(server.kept() >= 20);
}

/// Who shows a certificate has chosen what is in it, and somebody reads it in a log.
#[test]
fn names_that_could_be_taken_for_something_else_are_quoted() {
    let pair = Authority::new("authority").sign(&["a\n2026 all is well", "b, DNS:c"]);
    let options = SecureContextOptions::new().key_and_cert(&pair.key, &pair.cert);
    let context = SecureContext::new(&options).expect("a context");
    let shown = context.certificates().next().expect("its own");
    let names = r#"DNS:"a\n2026 all is well", DNS:"b, DNS:c""#;
    assert_eq!(shown.subject_alt_name, names);
    let error = shown.check_server_identity("d").expect_err("another");
    assert!(error.to_string().ends_with(names), "{error}");
}
