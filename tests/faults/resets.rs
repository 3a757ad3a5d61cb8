//! Peers that are gone at once: in the middle of a broadcast, while they are accepted, after a
//! word.

use super::*;

const CROWD: usize = 12;

/// Runs a test with peers on TCP and with peers on a path; the crowd is on TCP.
fn on_each_door(test: fn(&Server, &str)) {
    let folder = support::Folder::new();
    for path in [None, Some(folder.text("chat.sock"))] {
        let flags: Vec<&str> = path.iter().flat_map(|path| ["--listen", path]).collect();
        let server = Server::with(&flags);
        test(&server, path.as_ref().unwrap_or(&server.address));
    }
}

/// Catches: a write to a connection that is gone that ends the turn, or the server; a seat that is
/// not given up.
#[test]
fn resets_in_the_middle_of_a_broadcast() {
    let server = Server::start();
    let mut crowd = Crowd::new(&server, CROWD);
    for at_once in [true, false] {
        let victims = all_join(&server.address, CROWD);
        let mut victims = victims.into_iter();
        for gone in [1, 3, 8] {
            // Held, the server finds lines and resets in one turn; running, it is anywhere.
            if at_once {
                server.freeze();
            }
            crowd.round(|| {
                for mut victim in victims.by_ref().take(gone) {
                    victim.send("half a li");
                    victim.reset();
                }
                server.thaw();
            });
        }
        crowd.alone();
    }
    crowd.round(|| {});
    // Bytes that come together with the reset are read before it, and it then passes for an end,
    // as in libuv: what a victim typed last is heard or not, but nothing else is.
    let heard = texts(crowd.overheard());
    assert!(heard.iter().all(|text| text == "half a li"), "{heard:?}");
    assert!(heard.len() <= 2 * CROWD, "something is heard twice");
}

/// Catches: a server that stumbles over connections that are dead when it accepts them; what was
/// said last, lost since its author is gone when its greeting is written.
#[test]
fn peers_that_are_gone_before_they_are_accepted() {
    on_each_door(gone_before_they_are_accepted);
}

fn gone_before_they_are_accepted(server: &Server, address: &str) {
    let mut crowd = Crowd::new(server, CROWD);
    server.freeze();
    let mut said = Vec::new();
    for n in 0..100 {
        let mut client = Client::connect(address);
        match n % 4 {
            0 => drop(client),
            1 if address.contains('/') => drop(client), // there is no reset on a path
            1 => client.reset(),
            2 => {
                client.send(format!("last words {n}\n"));
                said.push(format!("last words {n}"));
            }
            _ => {
                client.send("/me is gone");
                match address.contains('/') {
                    true => drop(client),
                    false => client.reset(),
                }
            }
        }
    }
    crowd.round(|| server.thaw());
    crowd.alone();
    // Each had a connection of its own: nothing says whose words are read first.
    let mut heard = texts(crowd.overheard());
    heard.sort();
    said.sort();
    if address.contains('/') {
        // To write to a path whose peer is gone is an error at once, and the end of the connection
        // (as in Node): what was not read before that is lost. On TCP the system keeps it.
        said.retain(|line| heard.contains(line));
    }
    assert_eq!(heard, said);
}

/// What was said, without who said it.
fn texts(lines: Vec<String>) -> Vec<String> {
    let text = |line: &String| line.split_once(": ").map(|(_, text)| text.to_owned());
    lines.iter().filter_map(text).collect()
}

/// Catches: a half-closed peer that hears nothing more, or hears with holes; last words that are
/// lost.
#[test]
fn half_closes_in_the_middle_of_a_broadcast() {
    on_each_door(half_closes);
}

fn half_closes(server: &Server, address: &str) {
    let mut crowd = Crowd::new(server, CROWD);
    for at_once in [true, false] {
        let mut leaving = all_join(address, CROWD);
        if at_once {
            server.freeze();
        }
        crowd.round(|| {
            for (n, client) in leaving.iter_mut().enumerate() {
                client.send(format!("last words {n}, and no line end"));
                client.half_close();
            }
            server.thaw();
        });
        crowd.alone();
        let mut heard = texts(crowd.overheard());
        heard.sort_by_key(|line| (line.len(), line.clone()));
        let said = (0..CROWD).map(|n| format!("last words {n}, and no line end"));
        assert_eq!(heard, said.collect::<Vec<_>>());
        // Each is told everything up to its end, and then the end.
        let mut longest: Vec<String> = Vec::new();
        for client in &mut leaving {
            let heard = support::messages(client.rest());
            let of_crowd = heard.into_iter().filter(|line| line.contains(": round "));
            let heard: Vec<String> = of_crowd.collect();
            let (shorter, longer) = match heard.len() < longest.len() {
                true => (heard, longest),
                false => (longest, heard),
            };
            assert!(longer.starts_with(&shorter), "{} has holes", client.name);
            longest = longer;
        }
    }
}

/// Catches: a connection that the peer never closes, held for ever once it has left the chat.
#[test]
#[cfg(target_os = "linux")]
fn peers_that_leave_and_do_not_close() {
    let server = Server::start();
    let mut crowd = Crowd::new(&server, 3);
    let before = measure::descriptors(&server);
    let mut open = all_join(&server.address, 200);
    for client in &mut open {
        client.say("/quit");
    }
    crowd.round(|| {});
    // They are still connected, as far as they are concerned.
    eventually("the descriptors to come back", || {
        (measure::descriptors(&server) == before).then_some(())
    });
    crowd.round(|| {});
}

/// Catches: a peer that has vanished without a word, and of whom nobody ever asks. (What is said
/// to it in vain makes it one that [reads nothing](super::slow).)
#[test]
#[cfg(target_os = "linux")]
fn the_system_asks_silent_peers_whether_they_are_there() {
    let server = Server::start();
    let _silent = server.join();
    let port = server.address.rsplit_once(':').expect("a port").1;
    let port: u16 = port.parse().expect("a number");
    let local = format!("0100007F:{port:04X}");
    // Of its own connections: the address, established (01), with the timer for keep-alives (02).
    let is_asked = |row: &str| {
        let fields: Vec<&str> = row.split_whitespace().collect();
        fields[1] == local && fields[3] == "01" && fields[5].starts_with("02:")
    };
    eventually("a timer", || {
        let table = server.proc("net/tcp");
        table.lines().skip(1).any(is_asked).then_some(())
    });
}
