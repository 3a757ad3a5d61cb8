//! Truncation, what is no TLS, slow, half and too many handshakes.

use std::net::IpAddr;
use std::time::Duration;

use loopchat::net::{self, Error, Event, Socket};
use loopchat::tls;

use crate::rig::{Seen, connect, event_loop, log_events, run, server, server_with};

#[test]
fn an_end_that_did_not_come_from_the_peer_is_an_error_at_either_end() {
    for server_cuts in [true, false] {
        let mut event_loop = event_loop();
        let (server, options) = server(&mut event_loop);
        server.on_secure_connection(&mut event_loop, move |_: &mut Seen, cx, socket| {
            log_events(cx, "server", socket);
            socket.write(cx, "pay 10");
            if server_cuts {
                socket.destroy_with_error(cx, Error::new("cut"));
            }
        });
        let client = connect(&mut event_loop, server, &options);
        log_events(&mut event_loop, "client", client);
        client.on_data(&mut event_loop, move |_: &mut Seen, cx, client, _| {
            if !server_cuts {
                client.destroy_with_error(cx, Error::new("cut"));
            }
        });
        client.on_close(&mut event_loop, move |_, cx, _, _| {
            server.close(cx);
        });
        let log = run(event_loop).log;
        let cut = if server_cuts { "client" } else { "server" };
        let error = format!("{cut} error ERR_SSL_UNEXPECTED_EOF_WHILE_READING");
        assert!(log.contains(&error), "{log:?}");
        assert!(log.contains(&format!("{cut} close true")), "{log:?}");
        assert!(!log.contains(&format!("{cut} end")), "{log:?}");
        assert!(log.contains(&"client data pay 10".into()), "{log:?}");
    }
}

#[test]
fn who_destroys_a_socket_with_all_sent_has_ended_it() {
    let mut event_loop = event_loop();
    let (server, options) = server(&mut event_loop);
    server.on_secure_connection(&mut event_loop, |_: &mut Seen, cx, socket| {
        socket.write(cx, "all");
        socket.destroy(cx);
    });
    let client = connect(&mut event_loop, server, &options);
    log_events(&mut event_loop, "client", client);
    client.on_close(&mut event_loop, move |_, cx, _, _| {
        server.close(cx);
    });
    let log = run(event_loop).log;
    let last = log.iter().rev().take(4).rev().collect::<Vec<_>>();
    assert_eq!(
        last,
        [
            "client data all",
            "client end",
            "client finish",
            "client close false"
        ]
    );
}

#[test]
fn what_is_no_tls_can_be_answered_in_plain() {
    let mut event_loop = event_loop();
    let (server, _) = server(&mut event_loop);
    server.on_tls_client_error(&mut event_loop, |seen: &mut Seen, cx, error, socket| {
        seen.log(error.code());
        assert!(socket.remove_layer(cx), "nothing was said yet");
        socket.on_data(cx, |seen: &mut Seen, _cx, _, bytes| {
            seen.log(String::from_utf8_lossy(bytes));
        });
        socket.end_with(cx, "this port speaks TLS\n");
    });
    let address = server.address(&event_loop).expect("it listens");
    let client = net::create_connection(&mut event_loop, address);
    client.write(&mut event_loop, "hello\n");
    client.on_data(&mut event_loop, |seen: &mut Seen, _cx, _, bytes| {
        seen.bytes.extend_from_slice(bytes);
    });
    client.on_close(&mut event_loop, move |_, cx, _, _| {
        server.close(cx);
    });
    let seen = run(event_loop);
    assert_eq!(seen.log, ["ERR_SSL_WRONG_VERSION_NUMBER", "hello\n"]);
    assert_eq!(seen.bytes, b"this port speaks TLS\n");
}

#[test]
fn what_is_no_tls_is_closed_if_nobody_minds_it() {
    let mut event_loop = event_loop();
    let (server, _) = server(&mut event_loop);
    server.on_socket_event(&mut event_loop, |seen: &mut Seen, _cx, _, event| {
        assert!(!matches!(event, Event::Data(_)), "it is nobody's");
        seen.log(format!("server {}", event.name()));
    });
    let address = server.address(&event_loop).expect("it listens");
    let client = net::create_connection(&mut event_loop, address);
    client.write(&mut event_loop, "GET / HTTP/1.1\r\n\r\n");
    client.on_close(&mut event_loop, move |_, cx, _, _| {
        server.close(cx);
    });
    assert_eq!(run(event_loop).log, ["server close"]);
}

#[test]
fn a_server_that_is_none_is_an_error_of_the_client() {
    let mut event_loop = event_loop();
    let server = net::create_server(&mut event_loop);
    server.listen(&mut event_loop, crate::rig::any_port());
    server.on_connection(&mut event_loop, |_: &mut Seen, cx, socket| {
        socket.end_with(cx, "welcome to a chat without TLS\n");
    });
    let options = tls::ConnectOptions::new().host("localhost");
    let client = connect(&mut event_loop, server, &options);
    log_events(&mut event_loop, "client", client);
    client.on_close(&mut event_loop, move |_, cx, _, _| {
        server.close(cx);
    });
    let log = run(event_loop).log;
    assert!(
        log.contains(&"client error ERR_SSL_WRONG_VERSION_NUMBER".into()),
        "{log:?}"
    );
    assert!(!log.iter().any(|line| line.contains("data")), "{log:?}");
}

#[test]
fn a_peer_that_goes_during_the_handshake_is_told_as_such() {
    let mut event_loop = event_loop();
    let (server, options) = server(&mut event_loop);
    server.on_tls_client_error(&mut event_loop, |seen: &mut Seen, _cx, error, _| {
        seen.log(format!("server {} {error}", error.code()));
    });
    let address = server.address(&event_loop).expect("it listens");
    let client = net::create_connection(&mut event_loop, address);
    client.end(&mut event_loop);
    client.on_close(&mut event_loop, move |_, cx, _, _| {
        server.close(cx);
    });
    assert_eq!(run(event_loop).log, ["server ECONNRESET socket hang up"]);

    let mut event_loop = self::event_loop();
    let server = net::create_server(&mut event_loop);
    server.listen(&mut event_loop, crate::rig::any_port());
    server.on_connection(&mut event_loop, |_: &mut Seen, cx, socket| {
        socket.end(cx);
    });
    let client = connect(&mut event_loop, server, &options);
    client.on_error(&mut event_loop, |seen: &mut Seen, _cx, _, error| {
        seen.log(format!("client {} {error}", error.code()));
    });
    client.on_close(&mut event_loop, move |_, cx, _, _| {
        server.close(cx);
    });
    let why = "Client network socket disconnected before secure TLS connection was established";
    assert_eq!(run(event_loop).log, [format!("client ECONNRESET {why}")]);
}

#[test]
fn a_handshake_that_is_not_done_in_time_is_given_up() {
    let mut event_loop = event_loop();
    let (server, _) = server_with(&mut event_loop, |options| {
        options.handshake_timeout(Duration::from_millis(50))
    });
    server.on_tls_client_error(&mut event_loop, |seen: &mut Seen, _cx, error, _| {
        seen.log(error.code());
    });
    let address = server.address(&event_loop).expect("it listens");
    let client = net::create_connection(&mut event_loop, address);
    // The beginning of a hello, and nothing behind it.
    client.write(&mut event_loop, [22, 3, 1, 1, 0, 1]);
    client.on_close(&mut event_loop, move |_, cx, _, _| {
        server.close(cx);
    });
    assert_eq!(run(event_loop).log, ["ERR_TLS_HANDSHAKE_TIMEOUT"]);
}

#[test]
fn of_too_many_handshakes_the_oldest_makes_room() {
    let mut event_loop = event_loop();
    let (server, options) = server_with(&mut event_loop, |options| options.max_handshakes(2));
    server.on_tls_client_error(&mut event_loop, |seen: &mut Seen, _cx, error, _| {
        seen.log(error.code());
    });
    server.on_secure_connection(&mut event_loop, |seen: &mut Seen, cx, socket| {
        seen.log("secureConnection");
        socket.end(cx);
    });
    let address = server.address(&event_loop).expect("it listens");
    let silent: Vec<_> = (0..5)
        .map(|_| net::create_connection(&mut event_loop, address.clone()))
        .collect();
    let in_earnest = connect(&mut event_loop, server, &options);
    in_earnest.on_data(&mut event_loop, |_: &mut Seen, _cx, _, _| {});
    in_earnest.on_close(&mut event_loop, move |seen: &mut Seen, cx, _, had_error| {
        assert!(!had_error);
        seen.log(format!("{} left", server.handshakes(cx)));
        for socket in &silent {
            socket.destroy(cx);
        }
        server.close(cx);
    });
    let log = run(event_loop).log;
    let code = "ERR_TLS_TOO_MANY_HANDSHAKES";
    let given_up = log.iter().filter(|line| *line == code).count();
    assert_eq!(given_up, 4, "{log:?}");
    assert!(log.contains(&"secureConnection".into()), "{log:?}");
    assert!(log.contains(&"1 left".into()), "{log:?}");
}

/// Somebody has begun before anybody else, and is slow; then another address begins more than there
/// may be, and goes on with none. `whose` says whose a connection is, if not who connects.
fn a_slow_one_beside_many_half(whose: Option<fn(usize) -> IpAddr>) {
    const MOST: usize = 3;
    const HALF: usize = 20;
    let mut event_loop = event_loop();
    let (server, options) = server_with(&mut event_loop, |options| {
        options.at_once(whose.is_none()).max_handshakes(MOST)
    });
    let address = server.address(&event_loop).expect("it listens");
    let to = net::ConnectOptions::new(address.clone());
    let to = match whose {
        Some(_) => to,
        None => to.local_address([127, 0, 0, 2].into()),
    };
    let slow = net::create_connection(&mut event_loop, to);
    let half: [Socket; HALF] = std::array::from_fn(|_| Socket::new(&mut event_loop));
    server.on_connection(&mut event_loop, move |seen: &mut Seen, cx, socket| {
        if let Some(whose) = whose {
            let began = socket.start_tls_for(cx, whose(seen.count));
            began.expect("it can");
        }
        if seen.count == 0 {
            for half in half {
                half.connect(cx, address.clone());
            }
        }
        seen.count += 1;
    });
    let mut given_up = 0;
    server.on_tls_client_error(&mut event_loop, move |seen: &mut Seen, cx, error, _| {
        seen.log(error.code());
        given_up += 1;
        if given_up == 1 + HALF - MOST {
            let begun = tls::upgrade(cx, slow, &options);
            begun.expect("it was not given up");
        }
    });
    server.on_secure_connection(&mut event_loop, |seen: &mut Seen, cx, socket| {
        seen.log("secureConnection");
        socket.end(cx);
    });
    slow.on_data(&mut event_loop, |_: &mut Seen, _cx, _, _| {});
    slow.on_close(&mut event_loop, move |seen: &mut Seen, cx, _, had_error| {
        seen.log(format!("close {had_error}, {} left", server.handshakes(cx)));
        for half in half {
            half.destroy(cx);
        }
        server.close(cx);
    });
    let log = run(event_loop).log;
    let (given_up, rest) = log.split_at(1 + HALF - MOST);
    let code = "ERR_TLS_TOO_MANY_HANDSHAKES";
    assert!(given_up.iter().all(|line| line == code), "{log:?}");
    let left = format!("close false, {} left", MOST - 1);
    assert_eq!(rest[..2], ["secureConnection", &left]);
}

#[test]
fn who_begins_many_handshakes_pushes_out_its_own() {
    a_slow_one_beside_many_half(None);
}

#[test]
fn behind_a_proxy_who_begins_many_handshakes_pushes_out_its_own() {
    a_slow_one_beside_many_half(Some(|count| [192, 0, 2, u8::from(count > 0)].into()));
}

#[test]
fn what_was_written_before_a_layer_is_taken_off_goes_out_in_plain() {
    let mut event_loop = event_loop();
    let (server, _) = server(&mut event_loop);
    let client = Socket::new(&mut event_loop);
    server.on_connection(&mut event_loop, move |_: &mut Seen, cx, socket| {
        socket.write(cx, "this port ");
        // Once the kernel has said that there is room, and nothing could be sent.
        cx.set_immediate(move |_: &mut Seen, cx| {
            cx.set_immediate(move |_: &mut Seen, cx| {
                client.write(cx, "hello\n");
            });
        });
    });
    server.on_tls_client_error(&mut event_loop, |_: &mut Seen, cx, _, socket| {
        assert!(socket.remove_layer(cx), "nothing was said yet");
        socket.end_with(cx, "speaks TLS\n");
    });
    let address = server.address(&event_loop).expect("it listens");
    client.connect(&mut event_loop, address);
    client.on_data(&mut event_loop, |seen: &mut Seen, _cx, _, bytes| {
        seen.bytes.extend_from_slice(bytes);
    });
    client.on_close(&mut event_loop, move |_, cx, _, _| {
        server.close(cx);
    });
    assert_eq!(run(event_loop).bytes, b"this port speaks TLS\n");
}

/// A listener of all sockets begins one handshake too many: what follows from that follows it.
#[test]
fn giving_up_the_oldest_handshake_calls_nobody_within_a_call() {
    let mut event_loop = event_loop();
    let (server, _) = server_with(&mut event_loop, |options| {
        options.at_once(false).max_handshakes(1)
    });
    server.on_data(&mut event_loop, |seen: &mut Seen, cx, socket, _| {
        cx.next_tick(|seen: &mut Seen, _cx| seen.log("tick"));
        seen.log("begins");
        socket.start_tls(cx).expect("it can");
        seen.log("begun");
    });
    let mut clients = Vec::new();
    server.on_tls_client_error(&mut event_loop, move |seen: &mut Seen, cx, error, _| {
        seen.log(error.code());
        server.close(cx);
    });
    for _ in 0..2 {
        let address = server.address(&event_loop).expect("it listens");
        let client = net::create_connection(&mut event_loop, address);
        client.write(&mut event_loop, "line\n");
        clients.push(client);
    }
    server.on_socket_event(&mut event_loop, move |_: &mut Seen, cx, _, event| {
        if let Event::Close(_) = event {
            for client in &clients {
                client.destroy(cx);
            }
        }
    });
    let log = run(event_loop).log;
    let once = ["begins", "begun", "tick"];
    assert_eq!(log[..3], once);
    assert_eq!(log[3..6], once);
    assert_eq!(log[6], "ERR_TLS_TOO_MANY_HANDSHAKES");
}

#[test]
fn a_limit_that_is_none_or_longer_than_a_timer_is_not_over_at_once() {
    for limit in [
        Duration::ZERO,
        Duration::from_secs(30 * 24 * 3600),
        Duration::MAX,
    ] {
        let mut event_loop = event_loop();
        let (server, options) =
            server_with(&mut event_loop, |options| options.handshake_timeout(limit));
        server.on_secure_connection(&mut event_loop, |_: &mut Seen, cx, socket| {
            socket.end(cx);
        });
        let options = options.handshake_timeout(limit);
        let client = connect(&mut event_loop, server, &options);
        // Time enough for a timer of a millisecond.
        client.on_connect(&mut event_loop, |_: &mut Seen, cx, _| {
            let start = cx.nanos();
            while cx.nanos() - start < 5_000_000 {}
        });
        client.on_secure_connect(&mut event_loop, |seen: &mut Seen, _cx, _| {
            seen.log("secure")
        });
        client.on_error(&mut event_loop, |seen: &mut Seen, _cx, _, error| {
            seen.log(error.code());
        });
        client.resume(&mut event_loop);
        client.on_close(&mut event_loop, move |_, cx, _, _| {
            server.close(cx);
        });
        assert_eq!(run(event_loop).log, ["secure"], "{limit:?}");
    }
}

#[test]
fn a_server_is_made_to_speak_tls_once_and_what_has_ended_begins_no_layer() {
    let mut event_loop = event_loop();
    let pair = crate::certificates::Authority::new("authority").sign(&["localhost"]);
    let context = crate::rig::context(&pair);
    let (server, _) = server(&mut event_loop);
    let again = tls::secure_server(&mut event_loop, server, tls::ServerOptions::new(context));
    assert!(again.is_err(), "each connection would begin twice");
    let address = server.address(&event_loop).expect("it listens");
    let client = net::create_connection(&mut event_loop, address);
    client.on_connect(&mut event_loop, move |_: &mut Seen, cx, client| {
        client.end(cx);
        let late = tls::upgrade(cx, client, &tls::ConnectOptions::new().host("localhost"));
        let code = late.expect_err("it cannot say anything").code();
        assert_eq!(code, "ERR_STREAM_WRITE_AFTER_END");
        client.destroy(cx);
        server.close(cx);
    });
    run(event_loop);
}
