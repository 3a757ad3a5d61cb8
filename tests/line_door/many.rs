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

/// More than the system keeps for a connection, in lines of 4000 bytes.
const MUCH: usize = 5000;

/// Lines that another one reads at once, so that it is never slow itself.
const LINES_AT_ONCE: usize = 16;

/// Has one who talks say much, while one reads it all. Returns what was said.
fn talk_much(talker: &mut Client, reader: &mut Client) -> Vec<String> {
    let mut said = Vec::new();
    while said.len() < MUCH {
        talk(talker, reader, &mut said);
    }
    said
}

/// Has one say some more, while another one reads it.
fn talk(talker: &mut Client, reader: &mut Client, said: &mut Vec<String>) {
    let text = "x".repeat(4000);
    let first = said.len();
    for n in first..first + LINES_AT_ONCE {
        talker.say(&format!("{n} {text}"));
        said.push(format!("{}: {n} {text}", talker.name));
    }
    assert!(reader.messages(LINES_AT_ONCE) == said[first..]);
}

fn a_slow_reader_is_told_how_much_it_missed(server: &Server, address: &str) {
    let mut slow = Client::join(address);
    let (mut talker, mut reader) = (server.join(), server.join());
    let said = talk_much(&mut talker, &mut reader);
    let (got, skipped) = slow.lines_until(|line| line.contains("skipped while you"));
    let got = messages(got);
    assert!(got[..] == said[..got.len()], "what it got has holes");
    let count = said.len() - got.len();
    assert!(count > 0);
    let wanted = format!(
        "* {count} lines were skipped while you were not reading; /history {} shows the last.",
        count.min(200)
    );
    assert_eq!(skipped, wanted);
    talker.say("and on");
    slow.expect(&format!("{}: and on", talker.name));
}

#[test]
fn messages_are_left_out_for_a_slow_reader_and_counted() {
    let server = Server::start();
    a_slow_reader_is_told_how_much_it_missed(&server, &server.address);
}

#[test]
fn messages_are_left_out_for_a_slow_reader_on_a_path() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let server = Server::with(&["--listen", &path]);
    a_slow_reader_is_told_how_much_it_missed(&server, &path);
}

/// Below the usual high-water mark, too: it is told as soon as it has read what waited.
#[test]
fn messages_are_left_out_for_a_slow_reader_with_little_room() {
    let server = Server::with(&["--outbox-soft", "4096"]);
    a_slow_reader_is_told_how_much_it_missed(&server, &server.address);
}

#[test]
fn a_slow_reader_that_ends_its_side_is_told_how_much_it_missed() {
    let server = Server::start();
    let mut slow = server.join();
    let (mut talker, mut reader) = (server.join(), server.join());
    let said = talk_much(&mut talker, &mut reader);
    slow.half_close();
    reader.expect_line(|line| line.contains(&format!("{} left #lobby", slow.name)));
    let mut lines = slow.rest();
    let last = lines.pop().expect("a last line");
    let count = said.len() - messages(lines).len();
    assert!(count > 0);
    let wanted = format!("* {count} lines were skipped while you were not reading");
    assert!(last.starts_with(&wanted), "{last}, not {wanted}");
}

#[test]
fn a_reader_that_stalls_is_disconnected_and_told_why() {
    let server = Server::with(&["--stall-timeout", "1"]);
    let mut stalled = Client::join(&server.address);
    let (mut talker, mut reader) = (server.join(), server.join());
    let mut said = Vec::new();
    loop {
        talk(&mut talker, &mut reader, &mut said);
        talker.say("/who");
        let who = talker.expect_line(|line| line.starts_with("* In #lobby ("));
        if !who.contains(&stalled.name) {
            break;
        }
        assert!(said.len() < 1_000_000, "4 GB wait for it");
    }
    let mut lines = stalled.rest();
    let last = lines.pop().expect("a last line");
    assert_eq!(last, "! Disconnected: you read nothing for 1 second.");
    let got = messages(lines);
    assert!(got[..] == said[..got.len()], "what it got has holes");
}

/// Private messages are never left out: too many of them are too much.
#[test]
fn more_than_the_hard_limit_is_the_end() {
    let server = Server::start();
    let mut slow = server.join();
    let mut talker = server.join();
    let text = "x".repeat(3900);
    let mut said = 0;
    loop {
        for _ in 0..LINES_AT_ONCE {
            talker.say(&format!("/msg {} {said} {text}", slow.name));
            said += 1;
        }
        talker.say("/who");
        let who = talker.expect_line(|line| line.starts_with("* In #lobby ("));
        if who.starts_with("* In #lobby (1): ") {
            break;
        }
        assert!(said < 50_000, "200 MB wait for it");
    }
    let mut lines = slow.rest();
    let last = lines.pop().expect("a last line");
    assert_eq!(
        last,
        "! Disconnected: you read too slowly, more than 256 KiB were waiting for you."
    );
    let got = lines.iter().filter(|line| line.contains(" -> "));
    let wanted = |(n, line): (usize, &String)| line.contains(&format!(": {n} x"));
    assert!(got.enumerate().all(wanted), "what it got has holes");
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
