//! Who is who: certificates of servers and of clients, and sessions that are resumed.

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use loopchat::net;
use loopchat::tls::{self, SecureContext, SecureContextOptions, ServerOptions, Version};

use crate::certificates::{Authority, Pair, params, self_signed};
use crate::rig::{Seen, any_port, connect, context, event_loop, log_events, of, run, trusting};

/// What a client says of a server's certificate.
fn verdict(pair: &Pair, options: &tls::ConnectOptions) -> String {
    let mut event_loop = event_loop();
    let server = ServerOptions::new(context(pair));
    let server = tls::create_server(&mut event_loop, server).expect("a server");
    server.listen(&mut event_loop, any_port());
    let client = connect(&mut event_loop, server, options);
    client.on_secure_connect(&mut event_loop, |seen: &mut Seen, cx, client| {
        let error = client.authorization_error(cx).map(|error| error.code());
        seen.log(format!("{} {error:?}", client.authorized(cx)));
        client.end(cx);
    });
    client.on_error(&mut event_loop, |seen: &mut Seen, _cx, _, error| {
        seen.log(error.code())
    });
    client.on_close(&mut event_loop, move |_, cx, _, _| {
        server.close(cx);
    });
    run(event_loop).log.join(", ")
}

#[test]
fn whose_certificate_is_not_good_is_told_with_nodes_codes() {
    let authority = Authority::new("authority");
    let trusts = tls::ConnectOptions::new()
        .secure_context(trusting(&authority))
        .host("localhost");
    let good = authority.sign(&["localhost"]);
    assert_eq!(verdict(&good, &trusts), "true None");

    let other = Authority::new("another").sign(&["localhost"]);
    assert_eq!(verdict(&other, &trusts), "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
    let lenient = trusts.clone().reject_unauthorized(false);
    assert_eq!(
        verdict(&other, &lenient),
        "false Some(\"UNABLE_TO_VERIFY_LEAF_SIGNATURE\")"
    );

    let own = self_signed(&["localhost"]);
    assert_eq!(verdict(&own, &trusts), "DEPTH_ZERO_SELF_SIGNED_CERT");
    let namesake = SecureContextOptions::new().ca(self_signed(&["localhost"]).cert);
    let namesake = SecureContext::new(&namesake).expect("a context");
    let namesake = tls::ConnectOptions::new()
        .secure_context(namesake)
        .host("localhost");
    assert_eq!(verdict(&own, &namesake), "DEPTH_ZERO_SELF_SIGNED_CERT");
    let named = SecureContextOptions::new().ca(&own.cert);
    let named = SecureContext::new(&named).expect("a context");
    let named = tls::ConnectOptions::new()
        .secure_context(named)
        .host("localhost");
    assert_eq!(verdict(&own, &named), "true None");

    let stranger = Authority::new("stranger");
    let chain = stranger.sign(&["localhost"]);
    let chain = Pair {
        cert: chain.cert + &stranger.cert,
        ..chain
    };
    assert_eq!(verdict(&chain, &trusts), "SELF_SIGNED_CERT_IN_CHAIN");

    let elsewhere = trusts.clone().host("example.org");
    assert_eq!(verdict(&good, &elsewhere), "ERR_TLS_CERT_ALTNAME_INVALID");
    let by_address = trusts.clone().host("127.0.0.1");
    assert_eq!(verdict(&good, &by_address), "ERR_TLS_CERT_ALTNAME_INVALID");
    let with_address = authority.sign(&["127.0.0.1"]);
    assert_eq!(verdict(&with_address, &by_address), "true None");

    let mut past = params(&["localhost"]);
    past.not_before = rcgen::date_time_ymd(2000, 1, 1);
    past.not_after = rcgen::date_time_ymd(2001, 1, 1);
    let past = authority.sign_with(past);
    assert_eq!(verdict(&past, &trusts), "CERT_HAS_EXPIRED");
    let mut future = params(&["localhost"]);
    future.not_before = rcgen::date_time_ymd(4000, 1, 1);
    future.not_after = rcgen::date_time_ymd(4001, 1, 1);
    let future = authority.sign_with(future);
    assert_eq!(verdict(&future, &trusts), "CERT_NOT_YET_VALID");
}

#[test]
fn a_name_that_none_can_have_is_an_error_of_the_socket() {
    let mut event_loop = event_loop();
    let options = tls::ConnectOptions::new().host("no name");
    let client = tls::connect(&mut event_loop, any_port(), &options);
    log_events(&mut event_loop, "client", client);
    let seen = run(event_loop);
    assert_eq!(
        seen.log,
        ["client error ERR_INVALID_ARG_VALUE", "client close true"]
    );
}

#[test]
fn a_second_connection_resumes_and_new_certificates_are_for_new_connections() {
    for version in [Version::Tls12, Version::Tls13] {
        let authority = Authority::new("authority");
        let pair = authority.sign(&["localhost"]);
        let options = SecureContextOptions::new()
            .key_and_cert(&pair.key, &pair.cert)
            .max_version(version);
        let old = SecureContext::new(&options).expect("a context");
        let pair = authority.sign(&["localhost", "also.example"]);
        let options = SecureContextOptions::new()
            .key_and_cert(&pair.key, &pair.cert)
            .max_version(version);
        let new = SecureContext::new(&options).expect("a context");
        let named = context(&authority.sign(&["*.example.org"]));
        let trusts = trusting(&authority);

        let mut event_loop = event_loop();
        let server = tls::create_server(&mut event_loop, ServerOptions::new(old));
        let server = server.expect("a server");
        server
            .add_context(&mut event_loop, "*.example.org", named)
            .expect("good");
        server.listen(&mut event_loop, any_port());
        server.on_secure_connection(&mut event_loop, |seen: &mut Seen, cx, socket| {
            let name = socket.servername(cx).unwrap_or_default().to_owned();
            seen.log(format!("asked for {name}"));
            socket.end_with(cx, "x"); // behind the tickets
        });
        fn next(
            cx: &mut crate::rig::Cx,
            server: net::Server,
            trusts: SecureContext,
            mut steps: Vec<(&'static str, Option<SecureContext>)>,
        ) {
            let (host, change) = steps.remove(0);
            if let Some(context) = change {
                assert_eq!(server.set_secure_context(cx, context), Ok(true));
            }
            let options = tls::ConnectOptions::new()
                .secure_context(trusts.clone())
                .host(host);
            let client = connect(cx, server, &options);
            client.on_data(cx, |_: &mut Seen, _cx, _, _| {});
            client.on_secure_connect(cx, |seen: &mut Seen, cx, client| {
                let shown = client.get_peer_certificate(cx).expect("one");
                let reused = client.is_session_reused(cx);
                seen.log(format!("{} {reused}", shown.subject_alt_name));
            });
            client.on_close(cx, move |_: &mut Seen, cx, _, had_error| {
                assert!(!had_error);
                match steps.is_empty() {
                    true => drop(server.close(cx)),
                    false => next(cx, server, trusts.clone(), steps.clone()),
                }
            });
        }
        let steps = vec![
            ("localhost", None),
            ("localhost", None),
            ("a.example.org", None),
            ("localhost", Some(new.clone())),
            ("also.example", None),
        ];
        next(&mut event_loop, server, trusts, steps);
        let log = run(event_loop).log;
        let clients: Vec<_> = log.iter().filter(|line| line.starts_with("DNS")).collect();
        // What is resumed still has the certificate with which it was begun.
        assert_eq!(
            clients,
            [
                "DNS:localhost false",
                "DNS:localhost true",
                "DNS:*.example.org false",
                "DNS:localhost true",
                "DNS:localhost, DNS:also.example false",
            ],
            "{version:?}"
        );
        let asked: Vec<_> = log
            .iter()
            .filter_map(|line| line.strip_prefix("asked for "))
            .collect();
        let hosts = [
            "localhost",
            "localhost",
            "a.example.org",
            "localhost",
            "also.example",
        ];
        assert_eq!(asked, hosts, "{version:?}");
    }
}

#[test]
fn clients_show_who_they_are_if_they_are_asked() {
    let authority = Authority::new("authority");
    let pair = authority.sign(&["localhost"]);
    let asks = SecureContextOptions::new()
        .key_and_cert(&pair.key, &pair.cert)
        .ca(&authority.cert);
    let asks = SecureContext::new(&asks).expect("a context");
    let ann = authority.sign(&["ann"]);
    let stranger = Authority::new("another").sign(&["ann"]);
    for (shown, rejects, server_says, client_says) in [
        (Some(&ann), true, "true Some(\"ann\") None", "data"),
        (Some(&stranger), true, "tlsClientError ECONNRESET", ""),
        (
            Some(&stranger),
            false,
            "false Some(\"ann\") Some(\"UNABLE_TO_VERIFY_LEAF_SIGNATURE\")",
            "data",
        ),
        (
            None,
            true,
            "tlsClientError ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE",
            "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
        ),
        (
            None,
            false,
            "false None Some(\"UNABLE_TO_GET_ISSUER_CERT\")",
            "data",
        ),
    ] {
        let mut event_loop = event_loop();
        let options = ServerOptions::new(asks.clone())
            .request_cert(true)
            .reject_unauthorized(rejects);
        let server = tls::create_server(&mut event_loop, options).expect("a server");
        server.listen(&mut event_loop, any_port());
        server.on_secure_connection(&mut event_loop, |seen: &mut Seen, cx, socket| {
            let shown = socket.get_peer_certificate(cx);
            let name = shown.as_ref().and_then(|shown| shown.common_name());
            let error = socket.authorization_error(cx).map(|error| error.code());
            let authorized = socket.authorized(cx);
            seen.log(format!("server {authorized} {name:?} {error:?}"));
            socket.end_with(cx, "data");
        });
        server.on_tls_client_error(&mut event_loop, |seen: &mut Seen, _cx, error, _| {
            seen.log(format!("server tlsClientError {}", error.code()));
        });
        let mut own = SecureContextOptions::new().ca(&authority.cert);
        if let Some(pair) = shown {
            own = own.key_and_cert(&pair.key, &pair.cert);
        }
        let own = SecureContext::new(&own).expect("a context");
        let options = tls::ConnectOptions::new()
            .secure_context(own)
            .host("localhost");
        let client = connect(&mut event_loop, server, &options);
        client.on_data(&mut event_loop, |seen: &mut Seen, _cx, _, bytes| {
            seen.log(format!("client {}", String::from_utf8_lossy(bytes)));
        });
        client.on_error(&mut event_loop, |seen: &mut Seen, _cx, _, error| {
            seen.log(format!("client {}", error.code()));
        });
        client.on_close(&mut event_loop, move |_, cx, _, _| {
            server.close(cx);
        });
        let seen = run(event_loop);
        assert_eq!(of(&seen, "server "), [server_says]);
        if !client_says.is_empty() {
            assert_eq!(of(&seen, "client "), [client_says]);
        }
    }
}

#[test]
fn a_context_that_was_removed_is_shown_no_more() {
    let authority = Authority::new("authority");
    let own = context(&authority.sign(&["localhost"]));
    let named = context(&authority.sign(&["localhost", "also.example"]));
    let mut event_loop = event_loop();
    let server = tls::create_server(&mut event_loop, ServerOptions::new(own)).expect("a server");
    let added = server.add_context(&mut event_loop, "localhost", named);
    assert_eq!(added, Ok(true));
    assert_eq!(server.remove_contexts(&mut event_loop), Ok(true));
    server.listen(&mut event_loop, any_port());
    let options = tls::ConnectOptions::new()
        .secure_context(trusting(&authority))
        .host("localhost");
    let client = connect(&mut event_loop, server, &options);
    client.on_secure_connect(&mut event_loop, move |seen: &mut Seen, cx, client| {
        let shown = client.get_peer_certificate(cx).expect("it has shown one");
        seen.log(shown.subject_alt_name);
        client.destroy(cx);
        server.close(cx);
    });
    assert_eq!(run(event_loop).log, ["DNS:localhost"]);
}

/// Catches: reading them where they are first wanted. Here their file is a pipe, and who opens it
/// waits until somebody writes; that is done only when the loop has turned.
#[test]
fn the_systems_roots_are_read_beside_the_loop() {
    const NAME: &str = "who::the_systems_roots_are_read_beside_the_loop";
    const FILE: &str = "SSL_CERT_FILE";
    const IS_CHILD: &str = "LOOPCHAT_TEST_READS_ROOTS";
    if std::env::var_os(IS_CHILD).is_some() {
        let pipe = std::env::var_os(FILE).expect("it was given one");
        return connects_before_the_roots_are_there(pipe.into());
    }
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("roots.pem");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    let test = std::env::current_exe().expect("a path");
    let mut child = Command::new(test);
    child.args(["--exact", NAME, "--nocapture"]);
    let child = child.env(FILE, &pipe).env(IS_CHILD, "1").output();
    let child = child.expect("it runs");
    assert!(child.status.success(), "{child:?}");
}

fn connects_before_the_roots_are_there(pipe: PathBuf) {
    // A loop that waits for the pipe has no deadline of its own.
    thread::spawn(|| {
        thread::sleep(Duration::from_secs(30));
        std::process::exit(9);
    });
    let mut event_loop = event_loop();
    let authority = Authority::new("authority");
    let shown = context(&authority.sign(&["localhost"]));
    let server = tls::create_server(&mut event_loop, ServerOptions::new(shown));
    let server = server.expect("a server");
    server.listen(&mut event_loop, any_port());
    let options = tls::ConnectOptions::new().host("localhost");
    let client = connect(&mut event_loop, server, &options);
    event_loop.set_immediate(move |seen: &mut Seen, _cx| {
        seen.log("turned");
        thread::spawn(move || std::fs::write(pipe, authority.cert));
    });
    client.on_secure_connect(&mut event_loop, move |seen: &mut Seen, cx, client| {
        seen.log(format!("authorized {}", client.authorized(cx)));
        client.destroy(cx);
        server.close(cx);
    });
    assert_eq!(run(event_loop).log, ["turned", "authorized true"]);
}
