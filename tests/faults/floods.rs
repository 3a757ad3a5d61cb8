//! Peers that are many, or never done. Nothing here may cost memory without bound or hold up
//! others.

use super::*;
use measure::ResponseTimes;
use socket2::{Domain, Socket, Type};
use support::Folder;

/// What any of these attacks may cost at its height, in KiB.
const MEMORY: u64 = 16 * 1024;

fn logging_everything() -> Server {
    let mut command = loopchat();
    command.args(["--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", "trace");
    // As for a terminal: otherwise the logger itself takes out what terminals obey.
    Server::listening(command.env("RUST_LOG_STYLE", "always"))
}

/// A line of the log without the logger's own colours.
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\x1B[");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        text += rest.strip_prefix('m').unwrap_or(part);
    }
    text
}

/// Catches: descriptors or places that are lost; a log that a stranger writes to.
#[test]
fn a_storm_of_connections_and_resets() {
    const STORM: usize = 5000;
    let server = logging_everything();
    let mut crowd = Crowd::new(&server, 5);
    let mut asking = server.join();
    let before = (measure::descriptors(&server), measure::peak_memory(&server));
    let mut times = ResponseTimes::default();
    for n in 0..STORM {
        let mut client = Client::connect(&server.address);
        match n % 4 {
            0 => client.send("\x1B[2J\x07"),
            1 => client.send(b"/nick \x9B\xFF\x1B\n/join \x08\x07\xC2\x9B\n"),
            2 => client.send(b"GET / HTTP/1.1\r\n\r\n\0\x16\x03\x01"),
            _ => {}
        }
        client.reset();
        if n % 500 == 0 {
            crowd.round(|| {});
        }
        if n % 50 == 0 {
            times.ask(&mut asking);
        }
    }
    drop(asking);
    crowd.alone();
    crowd.round(|| {});
    let grown = measure::peak_memory(&server) - before.1;
    times.print(&format!("{STORM} connections and resets"));
    println!("{grown} KiB more");
    assert!(grown < MEMORY, "{grown} KiB more");
    assert_eq!(measure::descriptors(&server), before.0 - 1);
    for line in server.log() {
        let line = without_colours(&line);
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

/// Catches: work for each byte that grows with how many there are; memory for each line that never
/// ends.
#[test]
fn a_byte_at_a_time_on_a_thousand_connections() {
    const TYPISTS: usize = 1000;
    const BYTES: usize = 40;
    raise_limit();
    let server = Server::start();
    let mut alice = server.join();
    let mut typists = all_join(&server.address, TYPISTS);
    alice.sync();
    let before = measure::peak_memory(&server);
    let mut times = ResponseTimes::default();
    for _ in 0..BYTES {
        for (n, typist) in typists.iter_mut().enumerate() {
            typist.send("x");
            if n % 250 == 0 {
                times.ask(&mut alice);
            }
        }
    }
    let grown = measure::peak_memory(&server) - before;
    times.print(&format!("{TYPISTS} who type a byte at a time"));
    println!("{grown} KiB more");
    assert!(grown < MEMORY, "{grown} KiB more");
    // None of it is lost: the line is whole when its end comes.
    let typist = &mut typists[TYPISTS / 2];
    typist.send("\n");
    alice.expect(&format!("{}: {}", typist.name, "x".repeat(BYTES)));
}

/// Catches: memory for lines that never end, times those who send them.
#[test]
fn a_hundred_lines_without_an_end() {
    const AUTHORS: usize = 100;
    const PIECE: usize = 64 * 1024;
    let server = Server::start();
    let mut alice = server.join();
    let mut authors = all_join(&server.address, AUTHORS);
    let before = measure::peak_memory(&server);
    let mut times = ResponseTimes::default();
    let piece = vec![b'x'; PIECE];
    for _ in 0..(1 << 20) / PIECE {
        for author in &mut authors {
            author.send(&piece);
        }
        times.ask(&mut alice);
    }
    let grown = measure::peak_memory(&server) - before;
    times.print(&format!("{AUTHORS} lines of 1 MiB without an end"));
    println!("{grown} KiB more");
    assert!(grown < MEMORY, "{grown} KiB more");
    for author in &mut authors {
        author.expect("! That line was not sent: it is longer than 4096 bytes.");
    }
}

/// Catches: whoever has left and talks on for ever, and is listened to as long.
#[test]
fn whoever_talks_on_after_it_has_left_is_cut_off() {
    let server = Server::start();
    let mut crowd = Crowd::new(&server, 3);
    let before = measure::descriptors(&server);
    let mut client = server.join();
    client.say("/quit");
    let talking = std::thread::spawn(move || client.send_until_cut_off(b"and on\n"));
    eventually("the descriptor to come back", || {
        (measure::descriptors(&server) == before).then_some(())
    });
    talking.join().expect("it talked until it was cut off");
    crowd.round(|| {});
    assert_eq!(crowd.overheard(), [""; 0]);
}

/// Catches: somebody who is gone, and whose paste goes on for hours; a place, a name and 64 KiB
/// that it has until then.
#[test]
fn whoever_is_gone_is_heard_for_a_moment_and_no_more() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let server = Server::with(&["--listen", &path, "--flood", "10:40"]);
    let mut member = server.join();
    let before = measure::descriptors(&server);
    for door in [&server.address, &path] {
        for is_reset in [true, false] {
            if is_reset && door == &path {
                continue; // a Unix socket has none
            }
            let mut ghost = Client::connect(door);
            ghost.say("/nick ghost");
            ghost.expect("* You are now ghost.");
            ghost.send("boo\n".repeat(15_000));
            member.expect("ghost: boo");
            match is_reset {
                true => ghost.reset(),
                false => drop(ghost),
            }
            eventually("it to be gone", || {
                // Who has only ended its side may still be there, as long as it takes what it is
                // told.
                member.say("are you there?");
                member.say("/who");
                let who = member.expect_line(|line| line.starts_with("* In #lobby ("));
                (!who.contains("ghost")).then_some(())
            });
            assert_eq!(measure::descriptors(&server), before, "{door}, {is_reset}");
        }
    }
}

/// Catches: whoever is sent away, and pours as much as it can until its time is over.
#[test]
fn whoever_is_turned_away_is_not_read_on_and_on() {
    let server = Server::with(&["--max-connections", "1"]);
    let mut member = server.join();
    let address: std::net::SocketAddr = server.address.parse().expect("an address");
    let refused = "! Disconnected: the server is full, 1 are connected. Try again later.";
    let connect = || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a descriptor");
        socket.set_send_buffer_size(1).expect("the least there is");
        socket.connect(&address.into()).expect("it listens");
        Client::over(socket)
    };
    for has_left in [false, true] {
        let mut client = connect();
        if has_left {
            member.say("/quit");
            member.wait_for_end();
            // Until there is a place. Of many who are turned away some are not told why.
            while client.next_line().is_none_or(|line| line == refused) {
                client = connect();
            }
            client.say("/quit");
            client.expect_line(|line| line.starts_with("* Bye, "));
        } else {
            client.expect(refused);
        }
        let sent = client.send_what_fits(&[b'x'; 16 * 1024]);
        println!("{sent} bytes were taken");
        assert!(sent < 2 << 20, "{sent} bytes");
    }
}
