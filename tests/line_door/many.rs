//! Many members at once.

use super::*;

#[test]
fn all_hear_all_lines_in_one_order() {
    const TALKERS: usize = 20;
    const LINES: usize = 200;
    let server = Server::start();
    let mut observer = server.join();
    let talkers: Vec<Client> = (0..TALKERS).map(|_| server.join()).collect();
    let names: Vec<String> = talkers.iter().map(|talker| talker.name.clone()).collect();
    let start = Barrier::new(TALKERS);
    let (order, heard) = thread::scope(|scope| {
        let talking: Vec<_> = talkers
            .into_iter()
            .map(|mut talker| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    for n in 0..LINES {
                        talker.say(&format!("line {n}"));
                    }
                    let mut heard = talker.messages((TALKERS - 1) * LINES);
                    heard.extend(messages(talker.sync()));
                    heard
                })
            })
            .collect();
        let order = observer.messages(TALKERS * LINES);
        let heard = talking.into_iter().map(|thread| thread.join().unwrap());
        (order, heard.collect::<Vec<_>>())
    });
    for (name, heard) in names.iter().zip(heard) {
        let own: Vec<&String> = order
            .iter()
            .filter(|line| line.starts_with(&format!("{name}: ")))
            .collect();
        let said: Vec<String> = (0..LINES).map(|n| format!("{name}: line {n}")).collect();
        assert!(own.into_iter().eq(&said), "{name} is not heard as it spoke");
        let others = order
            .iter()
            .filter(|line| !line.starts_with(&format!("{name}: ")));
        assert!(others.eq(&heard), "{name} hears another order");
    }
}

/// Talks until the server has had enough of a member who does not read.
fn disconnects_a_slow_reader(server: &Server, address: &str) {
    const LINES_AT_ONCE: usize = 16;
    let mut slow = Client::join(address);
    let (mut talker, mut reader) = (server.join(), server.join());
    let text = "x".repeat(4000);
    let mut said = Vec::new();
    loop {
        let first = said.len();
        for n in first..first + LINES_AT_ONCE {
            talker.say(&format!("{n} {text}"));
            said.push(format!("{}: {n} {text}", talker.name));
        }
        // The others get everything, the one who reads no less than before.
        assert!(reader.messages(LINES_AT_ONCE) == said[first..]);
        talker.say("/who");
        let who = talker.expect_line(|line| line.starts_with("* In #lobby ("));
        if who.starts_with("* In #lobby (2): ") {
            break;
        }
        assert!(said.len() < 50_000, "200 MB wait for it");
    }
    let mut lines = slow.rest();
    let last = lines.pop().expect("a last line");
    assert!(
        last.starts_with("! ") && last.contains("too slowly"),
        "no reason: {last}"
    );
    let got = messages(lines);
    assert!(got[..] == said[..got.len()], "what it got has holes");
    let bytes: usize = got.iter().map(|line| line.len() + 1).sum();
    assert!(bytes > 256 * 1024, "it was disconnected at {bytes} bytes");
    reader.expect_line(|line| line.contains(&format!("{} left #lobby", slow.name)));
    talker.say("and on");
    reader.expect(&format!("{}: and on", talker.name));
}

#[test]
fn a_slow_reader_is_disconnected_and_told_why() {
    let server = Server::start();
    disconnects_a_slow_reader(&server, &server.address);
}

#[test]
fn a_slow_reader_on_a_path_is_disconnected_and_told_why() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let server = Server::with(&["--listen", &path]);
    disconnects_a_slow_reader(&server, &path);
}

#[test]
fn a_crowd_of_arrivals_is_a_few_notices() {
    const CROWD: usize = 300;
    support::raise_limit();
    let server = Server::start();
    let mut alice = server.join();
    server.freeze();
    let mut crowd: Vec<Client> = (0..CROWD)
        .map(|_| Client::connect(&server.address))
        .collect();
    server.thaw();
    let (mut notices, mut joined) = (0, 0);
    while joined < CROWD {
        let line = alice.line();
        assert!(!is_message(&line), "{line}");
        joined += joins(&line);
        notices += 1;
    }
    assert_eq!(joined, CROWD);
    assert!(notices < 30, "{notices} notices");
    for member in &mut crowd {
        member.read_greeting();
    }
    // Nobody was counted twice.
    assert_eq!(alice.sync(), [""; 0]);
}

#[test]
fn a_taken_nickname_comes_with_a_suggestion() {
    let (_server, mut alice, mut bob) = two();
    alice.say("/nick Žofie");
    alice.expect("* You are now Žofie.");
    bob.say("/nick žOFIE");
    let refusal = bob.expect_line(|line| line.starts_with("! "));
    let (_, suggestion) = refusal.split_once("; try ").expect("a suggestion");
    let suggestion = suggestion.trim_end_matches('.').to_owned();
    bob.say(&format!("/nick {suggestion}"));
    bob.expect(&format!("* You are now {suggestion}."));
    bob.say("hello");
    alice.expect(&format!("{suggestion}: hello"));
    alice.say(&format!("/msg {suggestion} psst"));
    bob.expect(&format!("Žofie -> {suggestion}: psst"));
}
