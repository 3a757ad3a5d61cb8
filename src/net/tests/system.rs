//! What is asked of the system, and what sockets and servers tell of themselves.

use std::time::Duration;

use super::*;

/// Catches: a peer that is given up before the time that a program gives it.
#[test]
fn what_a_listener_has_set_its_connections_have() {
    let mut event_loop = event_loop();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let listener = super::Listener::from_tcp(listener).expect("it listens");
    listener
        .set_keep_alive(Duration::from_secs(120))
        .expect("it is known");
    listener
        .set_user_timeout(Duration::from_secs(3660))
        .expect("it is known");
    let server = create_server(&mut event_loop);
    server.listen_on(&mut event_loop, listener);
    server.on_connection(&mut event_loop, move |said: &mut Said, cx, socket| {
        let idle = tcp(cx, socket).tcp_keepalive_time().expect("it is known");
        let patience = tcp(cx, socket).tcp_user_timeout().expect("it is known");
        said.push(format!("{idle:?} {patience:?}"));
        server.close(cx);
        socket.end(cx);
    });
    create_connection(&mut event_loop, address).resume(&mut event_loop);
    server.on_socket_event(&mut event_loop, |_, _, _, _| {});
    let mut said = Said::new();
    event_loop.run(&mut said).expect("it ends");
    assert_eq!(said, ["120s Some(3660s)"]);
}

/// Catches: options that are accepted and not set, in whichever order they come with the
/// connection.
#[test]
fn keep_alive_and_no_delay_are_the_sockets_own_whenever_they_are_set() {
    let mut event_loop = event_loop();
    let (server, address) = listening(&mut event_loop);
    server.on_connection(&mut event_loop, |_, cx, socket| {
        assert!(!tcp(cx, socket).keepalive().expect("it is known"));
        assert!(!tcp(cx, socket).tcp_nodelay().expect("it is known"));
        socket
            .set_keep_alive(cx, Some(Duration::from_secs(45)))
            .set_no_delay(cx, true);
        let own = tcp(cx, socket);
        assert!(own.keepalive().expect("it is known"));
        assert!(own.tcp_nodelay().expect("it is known"));
        let idle = own.tcp_keepalive_time().expect("it is known");
        assert_eq!(idle, Duration::from_secs(45));
        socket.set_keep_alive(cx, None).set_no_delay(cx, false);
        assert!(!tcp(cx, socket).keepalive().expect("it is known"));
        assert!(!tcp(cx, socket).tcp_nodelay().expect("it is known"));
        socket.set_no_delay(cx, false); // as it is
        assert!(!tcp(cx, socket).tcp_nodelay().expect("it is known"));
    });
    let client = create_connection(&mut event_loop, address);
    client.set_keep_alive(&mut event_loop, Some(Duration::from_secs(30)));
    client.set_no_delay(&mut event_loop, true);
    client.on_connect(&mut event_loop, move |said: &mut Said, cx, client| {
        let idle = tcp(cx, client).tcp_keepalive_time().expect("it is known");
        assert!(tcp(cx, client).keepalive().expect("it is known"));
        assert!(tcp(cx, client).tcp_nodelay().expect("it is known"));
        assert_eq!(idle, Duration::from_secs(30));
        said.push("as it was set".into());
        client.end(cx);
        server.close(cx);
    });
    client.resume(&mut event_loop);
    let mut said = Said::new();
    server.on_socket_event(&mut event_loop, |_, _, _, _| {});
    server.on_data(&mut event_loop, |_, _, _, _| {});
    event_loop.run(&mut said).expect("the poll works");
    assert_eq!(said, ["as it was set"]);
}

/// Catches: options of a connection or of a server that nobody sets.
#[test]
fn what_is_said_when_connecting_and_of_a_server_is_set() {
    let mut event_loop = event_loop();
    let (server, address) = listening(&mut event_loop);
    server
        .set_keep_alive(&mut event_loop, Some(Duration::from_secs(45)))
        .set_no_delay(&mut event_loop, true);
    let note = |said: &mut Said, cx: &mut Context<Said>, socket: Socket| {
        let own = tcp(cx, socket);
        let idle = own.tcp_keepalive_time().expect("it is known");
        let probed = own.keepalive().expect("it is known");
        let at_once = own.tcp_nodelay().expect("it is known");
        said.push(format!("{probed} {idle:?} {at_once}"));
    };
    server.on_connection(&mut event_loop, move |said: &mut Said, cx, socket| {
        note(said, cx, socket);
        socket.resume(cx);
        server.close(cx);
    });
    let options = ConnectOptions::new(Address::from(address));
    let options = options.keep_alive(Duration::from_secs(30)).no_delay(true);
    let client = create_connection(&mut event_loop, options);
    client.on_connect(&mut event_loop, move |said: &mut Said, cx, client| {
        note(said, cx, client);
        client.end(cx);
    });
    client.resume(&mut event_loop);
    let mut said = Said::new();
    event_loop.run(&mut said).expect("the poll works");
    said.sort();
    assert_eq!(said, ["true 30s true", "true 45s true"]);
}

/// Catches: IPv4 let in where it was to be left out, or the other way round.
#[test]
fn ipv6_alone_leaves_ipv4_out() {
    let mut event_loop = event_loop();
    for only in [false, true] {
        let server = create_server(&mut event_loop);
        let options = ListenOptions::from(0).ipv6_only(only);
        server.listen(&mut event_loop, options);
        let address = server.address(&event_loop).expect("it listens");
        if address.family() == Some("IPv4") {
            return; // there is no IPv6 here
        }
        let v4 = TcpStream::connect(("127.0.0.1", server.port(&event_loop)));
        assert_eq!(v4.is_err(), only);
        server.close(&mut event_loop);
    }
}

/// Catches: an address that is given another time than was said.
#[test]
fn one_of_several_addresses_has_the_time_that_was_said() {
    let clock = event_loop::ManualClock::new();
    let mut event_loop = Loop::with_clock(clock).expect("a poll");
    // The backlog is full: who comes waits.
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let full = full.expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    full.bind(&any.into()).expect("a free port");
    full.listen(0).expect("it listens");
    let address = full.local_addr().expect("it is bound").as_socket();
    let address = address.expect("it is TCP");
    let _first = TcpStream::connect(address).expect("there is room for one");
    for (said_ms, ms) in [(40, 40), (0, 10)] {
        let options = ConnectOptions::new(("several.test", address.port()));
        let options = options
            .auto_select_family_attempt_timeout(Duration::from_millis(said_ms))
            .lookup(|_, cx, request| {
                let (one, two) = ([127, 0, 0, 1].into(), [127, 0, 0, 2].into());
                request.answer(cx, Ok(vec![one, two]));
            });
        let client = create_connection(&mut event_loop, options);
        client.on_connection_attempt_timeout(&mut event_loop, |said: &mut Said, cx, _, _| {
            said.push(cx.now().to_string());
        });
        client.on_error(&mut event_loop, |_, _, _, _| {});
        let (mut said, begun) = (Said::new(), event_loop.now());
        event_loop.run(&mut said).expect("the poll works");
        assert_eq!(said, [(begun + ms).to_string()]);
    }
}

/// Catches: what the peer's system has not taken being lost sight of once it is the kernel's.
#[cfg(target_os = "linux")]
#[test]
fn what_a_peer_has_not_acknowledged_is_known() {
    use std::io::Read;

    let mut event_loop = event_loop();
    let (server, address) = listening(&mut event_loop);
    let mut peer = TcpStream::connect(address).expect("it listens");
    server.on_connection(&mut event_loop, |_, cx, socket| {
        cx.extensions_mut().insert(socket);
        while socket.buffered(cx) == 0 {
            socket.write(cx, [b'x'; 64 * 1024]);
        }
        socket.destroy_soon(cx);
    });
    let mut said = Said::new();
    turn_until(&mut event_loop, &mut said, |cx, _| {
        cx.extensions().get::<Socket>().is_some()
    });
    let socket = *event_loop.extensions().get::<Socket>().expect("one came");
    let held = unacknowledged::unacknowledged(&mut event_loop, socket.0);
    assert!(
        held.is_some_and(|bytes| bytes > 0),
        "the peer reads nothing: {held:?}"
    );
    peer.set_nonblocking(true).expect("it can be");
    server.close(&mut event_loop);
    let mut bytes = vec![0; 64 * 1024];
    while socket.buffered(&event_loop) > 0 {
        while peer.read(&mut bytes).is_ok() {}
        event_loop.set_immediate(|_, _| {});
        event_loop.turn(&mut said).expect("the poll works");
    }
}

#[test]
fn who_is_at_the_other_end_is_the_systems_word() {
    let mut event_loop = event_loop();
    let (server, address) = listening(&mut event_loop);
    let (local, _directory, path) = listening_on_a_path(&mut event_loop);
    for server in [server, local] {
        server.on_connection(&mut event_loop, move |said: &mut Said, cx, socket| {
            said.push(format!("{:?}", socket.remote_party(cx)));
            socket.destroy(cx);
            assert_eq!(socket.remote_party(cx), None);
            server.close(cx);
        });
    }
    let mut said = Said::new();
    let peers = (TcpStream::connect(address), UnixStream::connect(&path));
    event_loop.run(&mut said).expect("the poll works");
    drop(peers);
    said.sort();
    let user = rustix::process::getuid().as_raw();
    let host = format!("{:?}", Some(RemoteParty::Host(address.ip())));
    assert_eq!(
        said,
        [host, format!("{:?}", Some(RemoteParty::User(Some(user))))]
    );
}

/// Catches: one user taken for another. The superuser, as whom tests run in containers, can be
/// another.
#[cfg(target_os = "linux")]
#[test]
fn a_peer_of_another_user_is_known_as_that_user() {
    use std::fs::Permissions;
    use std::os::unix::{fs::PermissionsExt, process::CommandExt};
    use std::process::{Command, Stdio};

    const OTHER: u32 = 54_321;
    if !rustix::process::getuid().is_root() {
        return; // then its own number tells it from the superuser's already, in the test before
    }
    let mut event_loop = event_loop();
    let (server, directory, path) = listening_on_a_path(&mut event_loop);
    for (path, mode) in [(directory.path(), 0o755), (path.as_path(), 0o777)] {
        let mode = Permissions::from_mode(mode);
        std::fs::set_permissions(path, mode).expect("it is the test's own");
    }
    let forks = crate::event_loop::forks::one();
    let client = Command::new("nc")
        .args(["-U".as_ref(), path.as_os_str()])
        .uid(OTHER)
        .stdin(Stdio::piped())
        .spawn();
    drop(forks);
    let mut client = match client {
        Ok(client) => client,
        Err(error) => {
            let required = std::env::var_os("LOOPCHAT_REQUIRE_TOOLS").is_some();
            assert!(!required, "nc cannot be run as another user: {error}");
            eprintln!("skipped: nc cannot be run as another user: {error}");
            return;
        }
    };
    server.on_connection(&mut event_loop, move |said: &mut Said, cx, socket| {
        said.push(format!("{:?}", socket.remote_party(cx)));
        socket.destroy(cx);
        server.close(cx);
    });
    let mut said = Said::new();
    event_loop.run(&mut said).expect("the poll works");
    drop(client.stdin.take());
    client.wait().expect("it was started");
    assert_eq!(
        said,
        [format!("{:?}", Some(RemoteParty::User(Some(OTHER))))]
    );
}

/// Catches: idle timers that outlive their sockets: who comes and goes often would leave thousands.
#[test]
fn an_idle_timer_goes_with_its_socket() {
    let mut event_loop = event_loop(); // with one timer of its own
    let (address, _kept) = refusing();
    event_loop.start_monitoring();
    event_loop.set_immediate(move |_, cx: &mut Context<Said>| {
        for seconds in [300, 300, 400] {
            let client = create_connection(cx, address);
            client
                .set_timeout(cx, Duration::from_secs(seconds))
                .destroy(cx);
        }
    });
    event_loop.run(&mut Said::new()).expect("the poll works");
    event_loop.turn(&mut Said::new()).expect("the poll works");
    let monitor = event_loop.monitor().expect("it is watched");
    let last = monitor.turns_after(0).last().expect("there are some");
    assert_eq!(last.phase(event_loop::Phase::Timers).queued, 1);
}

/// Catches: a connection that goes on with the timer of another period, set before it.
#[test]
fn the_period_that_a_connection_begins_with_is_its_own() {
    for (before, ms, told) in [
        (5000, 100, vec![100]),
        (100, 0, vec![]),
        (100, 5000, vec![5000]),
    ] {
        let clock = event_loop::ManualClock::new();
        let mut event_loop = EventLoop::<Vec<u64>>::with_clock(clock).expect("a loop");
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = Address::Tcp(silent.local_addr().expect("it has one"));
        let client = Socket::new(&mut event_loop);
        client.set_timeout(&mut event_loop, Duration::from_millis(before));
        let options = ConnectOptions::new(address).timeout(Duration::from_millis(ms));
        client.connect(&mut event_loop, options);
        client.on_timeout(&mut event_loop, |told: &mut Vec<u64>, cx, _| {
            told.push(cx.now())
        });
        event_loop.set_timeout(Duration::from_secs(6), move |_, cx| {
            client.destroy(cx);
        });
        let mut heard = Vec::new();
        event_loop.run(&mut heard).expect("the poll works");
        assert_eq!(heard, told, "{before}, then {ms}");
    }
}

#[test]
fn values_hang_on_servers_and_sockets_one_of_each_type() {
    let mut event_loop = event_loop();
    let server = create_server(&mut event_loop);
    assert_eq!(server.set_data(&mut event_loop, 1_u8), None);
    assert_eq!(server.set_data(&mut event_loop, "text"), None);
    assert_eq!(server.set_data(&mut event_loop, 2_u8), Some(1));
    *server
        .data_mut::<_, u8>(&mut event_loop)
        .expect("it is there") += 1;
    assert_eq!(server.data(&event_loop), Some(&3_u8));
    assert_eq!(
        server.take_data::<_, u8>(&mut event_loop),
        Some(Box::new(3))
    );
    assert_eq!(server.data::<_, u8>(&event_loop), None);
    assert_eq!(server.data(&event_loop), Some(&"text"));

    let socket = Socket::new(&mut event_loop);
    assert_eq!(socket.data_mut::<_, u8>(&mut event_loop), None);
    assert_eq!(socket.set_data(&mut event_loop, 1_u8), None);
    assert_eq!(socket.set_data(&mut event_loop, 2_u8), Some(1));
    *socket
        .data_mut::<_, u8>(&mut event_loop)
        .expect("it is there") += 1;
    assert_eq!(
        socket.take_data::<_, u8>(&mut event_loop),
        Some(Box::new(3))
    );
    assert_eq!(socket.data::<_, u8>(&event_loop), None);
}

/// Catches: an idle time longer than a timer can be, which would be over at once.
#[test]
fn who_may_be_idle_for_ever_is_not_told_at_once() {
    let clock = event_loop::ManualClock::new();
    let mut event_loop = EventLoop::<Vec<u64>>::with_clock(clock).expect("a loop");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = Address::Tcp(silent.local_addr().expect("it has one"));
    let client = create_connection(&mut event_loop, address);
    client.set_timeout(&mut event_loop, Duration::MAX);
    let longest = Duration::from_millis((1 << 31) - 1);
    assert_eq!(client.timeout(&event_loop), longest);
    client.on_timeout(&mut event_loop, |told: &mut Vec<u64>, cx, client| {
        told.push(cx.now());
        client.destroy(cx);
    });
    let mut told = Vec::new();
    event_loop.run(&mut told).expect("the poll works");
    assert!(told[0] >= longest.as_millis() as u64, "{told:?}");
}
