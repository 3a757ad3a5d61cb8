//! The handshake, data both ways, backpressure, the end.

use std::time::Duration;

use loopchat::net::{self, Socket};
use loopchat::tls;

use crate::rig::{Cx, Seen, connect, event_loop, log_events, of, run, server, server_with};

#[test]
fn both_ends_hear_of_each_other_in_order() {
    let mut event_loop = event_loop();
    let (server, options) = server(&mut event_loop);
    server.on_connection(&mut event_loop, |seen: &mut Seen, _cx, _| {
        seen.log("server connection")
    });
    server.on_secure_connection(&mut event_loop, |seen: &mut Seen, cx, socket| {
        seen.log("server secureConnection");
        log_events(cx, "accepted", socket);
        socket.write(cx, "welcome");
    });
    let client = connect(&mut event_loop, server, &options);
    log_events(&mut event_loop, "client", client);
    assert!(
        client.write(&mut event_loop, "before"),
        "it waits for the handshake"
    );
    client.once_data(&mut event_loop, move |seen: &mut Seen, cx, client, _| {
        assert!(client.encrypted(cx) && client.authorized(cx));
        assert_eq!(client.get_protocol(cx), Some("TLSv1.3"));
        let cipher = client.get_cipher(cx).expect("there is one");
        seen.log(cipher.name);
        let shown = client.get_peer_certificate(cx).expect("it has shown one");
        assert_eq!(shown.common_name(), Some("localhost"));
        assert_eq!(shown.subject_alt_name, "DNS:localhost");
        assert_eq!((client.bytes_written(cx), client.bytes_read(cx)), (6, 7));
        client.end(cx);
        server.close(cx);
    });
    let seen = run(event_loop);
    assert_eq!(
        of(&seen, "client "),
        [
            "connectionAttempt",
            "connect",
            "ready",
            "secure",
            "secureConnect",
            "data welcome",
            "finish",
            "end",
            "close false"
        ]
    );
    assert_eq!(
        of(&seen, "accepted "),
        ["data before", "end", "finish", "close false"]
    );
    assert_eq!(of(&seen, "server "), ["connection", "secureConnection"]);
    assert!(
        seen.log.contains(&"TLS_AES_256_GCM_SHA384".into()),
        "{:?}",
        seen.log
    );
}

#[test]
fn what_a_reader_does_not_take_is_neither_deciphered_nor_read() {
    const ALL: usize = 8 << 20;
    let mut event_loop = event_loop();
    let (server, options) = server(&mut event_loop);
    server.on_secure_connection(&mut event_loop, |_: &mut Seen, cx, socket| {
        fn pour(cx: &mut Cx, socket: Socket) {
            while socket.bytes_written(cx) < ALL as u64 {
                let byte = (socket.bytes_written(cx) / 1000) as u8;
                if !socket.write(cx, vec![byte; 1000]) {
                    return;
                }
            }
            socket.end(cx);
        }
        socket.on_drain(cx, |_: &mut Seen, cx, socket| pour(cx, socket));
        pour(cx, socket);
    });
    let client = connect(&mut event_loop, server, &options);
    client.on_data(
        &mut event_loop,
        move |seen: &mut Seen, cx, client, bytes| {
            seen.bytes.extend_from_slice(bytes);
            client.pause(cx);
            seen.count += 1;
            // Some turns later there is no more of it here than one may keep.
            cx.set_timeout(Duration::ZERO, move |_: &mut Seen, cx| {
                assert!(client.readable_length(cx) <= 100 << 10);
                client.resume(cx);
            });
        },
    );
    client.on_end(&mut event_loop, move |_, cx, _| {
        server.close(cx);
    });
    let seen = run(event_loop);
    let length = seen.bytes.len();
    assert_eq!(length, ALL.div_ceil(1000) * 1000);
    for (number, piece) in seen.bytes.chunks(1000).enumerate() {
        assert!(
            piece.iter().all(|byte| *byte == number as u8),
            "piece {number}"
        );
    }
    assert!(seen.count > 10);
}

#[test]
fn what_waits_counts_in_plaintext_and_goes_out_in_order() {
    let mut event_loop = event_loop();
    let (server, options) = server(&mut event_loop);
    server.on_secure_connection(&mut event_loop, move |_: &mut Seen, cx, socket| {
        let mut written = 0;
        // Until the kernel takes no more.
        while socket.buffered(cx) == 0 {
            socket.write(cx, vec![b'a'; 50_000]);
            written += 50_000;
        }
        assert!(
            socket.buffered(cx) <= 50_000,
            "plaintext, and none of it twice"
        );
        assert_eq!(socket.bytes_written(cx), written);
        let shared = std::rc::Rc::new(vec![b'b'; 70_000]);
        socket.write_shared(cx, &shared);
        socket.forget_unsent(cx);
        socket.end_with(cx, "last");
        socket.on_finish(cx, move |seen: &mut Seen, cx, socket| {
            seen.log(format!("sent {}", socket.bytes_written(cx)));
        });
    });
    let client = connect(&mut event_loop, server, &options);
    client.on_data(&mut event_loop, |seen: &mut Seen, _cx, _, bytes| {
        seen.bytes.extend_from_slice(bytes);
    });
    client.on_end(&mut event_loop, move |_, cx, _| {
        server.close(cx);
    });
    let seen = run(event_loop);
    let a = seen.bytes.iter().take_while(|byte| **byte == b'a').count();
    assert_eq!(a % 50_000, 0, "the write that was begun is whole");
    assert_eq!(&seen.bytes[a..], b"last", "what was forgotten is not sent");
    assert_eq!(seen.log, [format!("sent {}", a + 4)]);
}

#[test]
fn bytes_given_back_come_again_before_others() {
    let mut event_loop = event_loop();
    let (server, options) = server(&mut event_loop);
    server.on_secure_connection(&mut event_loop, |_: &mut Seen, cx, socket| {
        socket.end_with(cx, "0123456789");
    });
    let client = connect(&mut event_loop, server, &options);
    client.on_data(&mut event_loop, |seen: &mut Seen, cx, client, bytes| {
        seen.bytes.push(bytes[0]);
        client.unshift(cx, &bytes[1..]);
    });
    client.on_end(&mut event_loop, move |_, cx, _| {
        server.close(cx);
    });
    assert_eq!(run(event_loop).bytes, b"0123456789");
}

/// A connection that begins in the clear: a line, then TLS at both ends.
#[test]
fn a_connection_goes_over_to_tls() {
    let mut event_loop = event_loop();
    let (server, options) = server_with(&mut event_loop, |options| options.at_once(false));
    server.on_connection(&mut event_loop, |_: &mut Seen, cx, socket| {
        socket.once_data(cx, |seen: &mut Seen, cx, socket, bytes| {
            let line = bytes
                .iter()
                .position(|byte| *byte == b'\n')
                .expect("a line");
            seen.log(String::from_utf8_lossy(&bytes[..line]));
            socket.write(cx, "go ahead\n");
            socket.unshift(cx, &bytes[line + 1..]);
            socket.start_tls(cx).expect("it can");
        });
    });
    server.on_secure_connection(&mut event_loop, |_: &mut Seen, cx, socket| {
        socket.pipe(cx, socket);
    });
    let address = server.address(&event_loop).expect("it listens");
    let client = net::create_connection(&mut event_loop, address);
    // The handshake need not wait for the answer to the line.
    client.write(&mut event_loop, "STARTTLS\n");
    client.once_data(&mut event_loop, move |_: &mut Seen, cx, client, bytes| {
        assert_eq!(bytes, b"go ahead\n");
        tls::upgrade(cx, client, &options).expect("it can");
        client.on_data(cx, |seen: &mut Seen, _cx, _, bytes| {
            seen.bytes.extend_from_slice(bytes);
        });
        client.end_with(cx, "in cipher");
    });
    client.on_close(&mut event_loop, move |_, cx, _, _| {
        server.close(cx);
    });
    let seen = run(event_loop);
    assert_eq!(
        (seen.log, seen.bytes),
        (vec!["STARTTLS".into()], b"in cipher".to_vec())
    );
}

#[test]
fn the_first_protocol_of_the_servers_that_both_speak_is_spoken() {
    let mut event_loop = event_loop();
    let (server, options) = server_with(&mut event_loop, |options| {
        options.alpn_protocol("chat").alpn_protocol("http/1.1")
    });
    server.on_tls_client_error(&mut event_loop, |seen: &mut Seen, _cx, error, _| {
        seen.log(format!("server {}", error.code()));
    });
    let both = options
        .clone()
        .alpn_protocol("http/1.1")
        .alpn_protocol("chat");
    let client = connect(&mut event_loop, server, &both);
    client.on_secure_connect(&mut event_loop, move |seen: &mut Seen, cx, client| {
        assert_eq!(client.alpn_protocol(cx), Some(&b"chat"[..]));
        client.end(cx);
        let none = connect(cx, server, &options.clone().alpn_protocol("irc"));
        none.on_error(cx, |seen: &mut Seen, _cx, _, error| seen.log(error.code()));
        none.on_close(cx, move |_, cx, _, _| {
            server.close(cx);
        });
        seen.log("agreed");
    });
    let mut log = run(event_loop).log;
    log.sort();
    let alert = "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL";
    assert_eq!(
        log,
        [alert, "agreed", "server ERR_SSL_NO_APPLICATION_PROTOCOL"]
    );
}

/// As soon as more is kept than the line.
fn resume_with_more(cx: &mut Cx, socket: Socket) {
    match socket.readable_length(cx) > STARTTLS.len() {
        true => {
            socket.resume(cx);
        }
        false => {
            cx.set_immediate(move |_: &mut Seen, cx| resume_with_more(cx, socket));
        }
    }
}

const STARTTLS: &str = "STARTTLS\n";

/// The hello lies behind the line in what is handed out again, as it does for a listener that was
/// added late.
#[test]
fn what_is_given_back_is_the_handshakes_whether_before_or_after_it_begins() {
    for before in [true, false] {
        let mut event_loop = event_loop();
        let (server, options) = server_with(&mut event_loop, |options| options.at_once(false));
        server.on_connection(&mut event_loop, move |_: &mut Seen, cx, socket| {
            socket.once_data(cx, move |_: &mut Seen, cx, socket, bytes| {
                socket.pause(cx);
                socket.unshift(cx, bytes);
                socket.once_data(cx, move |_: &mut Seen, cx, socket, bytes| {
                    let rest = &bytes[STARTTLS.len()..];
                    assert!(!rest.is_empty(), "the hello came, too");
                    if before {
                        socket.unshift(cx, rest);
                    }
                    socket.start_tls(cx).expect("it can");
                    if !before {
                        socket.unshift(cx, rest);
                    }
                    socket.on_data(cx, |seen: &mut Seen, cx, socket, bytes| {
                        seen.log(String::from_utf8_lossy(bytes));
                        socket.end_with(cx, "in cipher, too");
                    });
                });
                resume_with_more(cx, socket);
            });
        });
        let address = server.address(&event_loop).expect("it listens");
        let client = net::create_connection(&mut event_loop, address);
        client.on_connect(&mut event_loop, move |_: &mut Seen, cx, client| {
            client.write(cx, STARTTLS);
            tls::upgrade(cx, client, &options).expect("it can");
            client.write(cx, "in cipher");
        });
        client.on_data(&mut event_loop, |seen: &mut Seen, _cx, _, bytes| {
            seen.bytes.extend_from_slice(bytes);
        });
        client.on_close(&mut event_loop, move |_, cx, _, _| {
            server.close(cx);
        });
        let seen = run(event_loop);
        assert_eq!(
            (seen.log, seen.bytes),
            (vec!["in cipher".into()], b"in cipher, too".to_vec())
        );
    }
}

#[test]
fn who_is_destroyed_once_it_has_opened_connects_no_more() {
    let mut event_loop = event_loop();
    let (server, options) = server(&mut event_loop);
    let client = connect(&mut event_loop, server, &options);
    log_events(&mut event_loop, "client", client);
    client.write_then(
        &mut event_loop,
        "never sent",
        |seen: &mut Seen, _cx, error| {
            let code = error.map(|error| error.code());
            seen.log(format!("client wrote {code:?}"));
        },
    );
    client.on(
        &mut event_loop,
        net::EventKind::Secure,
        |_: &mut Seen, cx, client, _| {
            client.destroy(cx);
        },
    );
    client.on_close(&mut event_loop, move |_, cx, _, _| {
        server.close(cx);
    });
    let seen = run(event_loop);
    let heard = of(&seen, "client ");
    let secure = heard
        .iter()
        .position(|line| line == "secure")
        .expect("it has opened");
    let code = "wrote Some(\"ERR_SOCKET_CLOSED\")";
    assert_eq!(heard[secure..], ["secure", code, "close false"]);
}
