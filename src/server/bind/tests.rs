use super::*;

#[test]
fn a_second_address_that_fails_gives_the_first_back() {
    let taken = bind("127.0.0.1:0", 0o600).unwrap();
    let path = tempfile::tempdir().unwrap();
    let socket = path.path().join("chat.sock").display().to_string();
    let error = bind_all(
        &[socket.clone(), taken.address().to_string()],
        vec![],
        0o600,
    )
    .err()
    .unwrap();
    assert!(
        error
            .to_string()
            .starts_with(&format!("--listen {}: ", taken.address()))
    );
    assert!(!Path::new(&socket).exists());
}

#[test]
fn stale_socket_files_are_replaced_and_live_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.sock");
    let text = path.display().to_string();
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "std leaves the file: a stale one");
    let live = bind(&text, 0o600).unwrap();
    assert_eq!(
        bind(&text, 0o600).err().unwrap(),
        "another server is listening there"
    );
    assert!(path.exists());
    drop(live);
    assert!(!path.exists());
}

#[test]
fn a_socket_file_has_the_permissions_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o600, 0o660, 0o666] {
        let path = folder.path().join(format!("{mode:o}.sock"));
        let _listener = bind(&path.display().to_string(), mode).unwrap();
        let found = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode);
    }
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "precious").unwrap();
    assert!(bind(&path.display().to_string(), 0o600).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn addresses_that_cannot_be_are_explained() {
    for text in [
        "127.0.0.1",
        "127.0.0.1:66000",
        "",
        "nowhere:",
        "66000",
        ":",
        "@",
        "-1",
        "a b:1",
        "[::1]",
    ] {
        assert!(
            bind(text, 0o600).err().unwrap().contains("not an address"),
            "{text}"
        );
    }
    assert!(
        bind("/nowhere/at/all.sock", 0o600)
            .err()
            .unwrap()
            .contains("folder does not exist")
    );
}

#[test]
fn a_place_may_be_short() {
    let place = |text: &str| Place::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
    let address = |text: &str| Place::Address(text.parse().expect("an address"));
    assert_eq!(place("3000"), address("127.0.0.1:3000"));
    assert_eq!(place(":3000"), Place::Everywhere(3000));
    assert_eq!(place("*:0"), Place::Everywhere(0));
    assert_eq!(place("localhost:1"), Place::Host("localhost".into(), 1));
    assert_eq!(place("[::1]:80"), address("[::1]:80"));
    assert_eq!(place("./chat"), address("./chat"));
    assert_eq!(place("@chat"), Place::Address(Path::new("\0chat").into()));
    assert_eq!(place("[fe80::1%7]:80"), address("[fe80::1%7]:80"));
    let everywhere = bind(":0", 0o600).expect("a free port");
    assert!(
        everywhere
            .address()
            .ip()
            .is_some_and(|ip| ip.is_unspecified())
    );
}

#[test]
fn what_was_probably_meant_is_said() {
    for (text, said) in [
        ("::1", "[::1]:3000"),
        ("::1:3000", "[::1:3000]:3000"),
        ("fe80::1%eth0:3000", "not an address"),
        ("[::1%nowhere]:1", "no network interface"),
        ("[127.0.0.1%lo]:1", "not IPv6"),
        ("host:port", "is no port"),
    ] {
        let why = Place::parse(text).expect_err(text);
        assert!(why.contains(said), "{text}: {why}");
    }
    let long = format!("/{}", "x".repeat(107));
    let why = Place::parse(&long).expect_err("it is too long");
    assert_eq!(
        why,
        "the path has 108 bytes; that of a Unix socket may have 107"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_zone_is_a_name_or_a_number() {
    let lo = scope("lo").expect("every Linux has one");
    assert_eq!(scope(&lo.to_string()), Ok(lo));
    let place = Place::parse("[fe80::1%lo]:80");
    assert_eq!(place, Place::parse(&format!("[fe80::1%{lo}]:80")));
}

/// Catches: an address of IPv4 alone where somebody else has the port of IPv6.
#[test]
fn everywhere_is_both_families_or_an_error() {
    use socket2::{Domain, Socket, Type};

    let other = Socket::new(Domain::IPV6, Type::STREAM, None).and_then(|socket| {
        socket.set_only_v6(true)?;
        socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)).into())?;
        socket.listen(1)?;
        Ok(socket)
    });
    let Ok(other) = other else {
        return; // there is no IPv6 here
    };
    let port = other.local_addr().unwrap().as_socket().unwrap().port();
    let refused = bind(&format!(":{port}"), 0o600).err();
    let reason = refused.expect("IPv6 is taken");
    assert!(
        reason.contains("is another server running there?"),
        "{reason}"
    );
}

/// Catches: `localhost` where `nc localhost` does not look first.
#[test]
fn a_name_is_its_address_of_ipv4_if_it_has_one() {
    let found: Vec<SocketAddr> = ("localhost", 0).to_socket_addrs().unwrap().collect();
    let has_ipv4 = found.iter().any(SocketAddr::is_ipv4);
    let listener = bind("localhost:0", 0o600).unwrap();
    let Address::Tcp(address) = listener.address() else {
        panic!("it is a name")
    };
    assert_eq!(address.is_ipv4(), has_ipv4, "{found:?}");
    // In whatever order they are found.
    let (four, six) = ("127.0.0.1:1".parse().unwrap(), "[::1]:1".parse().unwrap());
    for found in [vec![six, four], vec![four, six]] {
        assert_eq!(first_to_try(found), Some(four));
    }
    assert_eq!(first_to_try(vec![six]), Some(six));
}
