//! The line door, byte by byte: what goes in, what comes out, and what one connection can do to
//! the others.

mod support;

use std::sync::Barrier;
use std::thread;

use support::{Client, Folder, Server, eventually, is_message, joins, loopchat, messages};

/// A server with two members, `guest1` and `guest2`.
fn two() -> (Server, Client, Client) {
    let server = Server::start();
    let (alice, bob) = (server.join(), server.join());
    (server, alice, bob)
}

/// A third one, `guest3`, of whom the others have heard: who comes and goes within a second is not
/// worth a notice.
fn third(server: &Server, others: [&mut Client; 2]) -> Client {
    let carol = server.join();
    for other in others {
        other.expect_line(|line| line.starts_with("* ") && line.contains("guest3"));
    }
    carol
}

fn is_her_leaving(line: &str) -> bool {
    line.starts_with("* ") && line.contains("guest3 left #lobby")
}

/// What a reader has heard of everything that an author has sent until now.
fn heard(author: &mut Client, reader: &mut Client) -> Vec<String> {
    author.sync();
    messages(reader.sync())
}

/// Sends bytes one by one, each alone in a read of the server: before the next one is sent, the
/// server has answered the other member, who asked after this one was there.
fn trickle(author: &mut Client, bytes: &[u8], other: &mut Client) -> Vec<String> {
    let mut said = Vec::new();
    for byte in bytes {
        author.send([*byte]);
        said.extend(other.sync());
    }
    messages(said)
}

// --- lines

#[test]
fn the_greeting_is_short_and_the_first_line_a_message() {
    let server = Server::start();
    let mut alice = Client::connect(&server.address);
    let greeting = alice.sync();
    assert!((1..=3).contains(&greeting.len()), "{greeting:#?}");
    let mut bob = server.join();
    bob.say("hello");
    alice.expect("guest2: hello");
}

#[test]
fn lf_cr_lf_and_cr_nul_end_a_line() {
    let (_server, mut alice, mut bob) = two();
    alice.send("one\ntwo\r\nthree\r\0\n\r\n\r\0four\n");
    assert_eq!(
        heard(&mut alice, &mut bob),
        [
            "guest1: one",
            "guest1: two",
            "guest1: three",
            "guest1: four"
        ]
    );
}

#[test]
fn a_line_can_come_in_pieces() {
    let (_server, mut alice, mut bob) = two();
    let said = trickle(&mut alice, b"one\r\ntwo\r\0th ree\n/me waves\r\n", &mut bob);
    assert_eq!(
        [said, heard(&mut alice, &mut bob)].concat(),
        [
            "guest1: one",
            "guest1: two",
            "guest1: th ree",
            "** guest1 waves"
        ]
    );
}

#[test]
fn telnet_negotiation_is_taken_out_wherever_it_is_cut() {
    let session =
        b"\xFF\xFB\x01\xFF\xFD\x03he\xFF\xF1llo\xFF\xFA\x18\0xterm\n256\xFF\xFF\xFF\xF0 there\
        \xFF\xFE\x0A\r\0\xFF\xFC\x22second\r\n";
    let expected = ["guest1: hello there", "guest1: second"];
    let (_server, mut alice, mut bob) = two();
    alice.send(session);
    assert_eq!(heard(&mut alice, &mut bob), expected);
    let said = trickle(&mut alice, session, &mut bob);
    assert_eq!([said, heard(&mut alice, &mut bob)].concat(), expected);
    for cut in 1..session.len() {
        alice.send(&session[..cut]);
        let mut said = messages(bob.sync());
        alice.send(&session[cut..]);
        said.extend(heard(&mut alice, &mut bob));
        assert_eq!(said, expected, "cut at {cut}");
    }
}

#[test]
fn utf_8_is_put_together_across_reads() {
    let (_server, mut alice, mut bob) = two();
    let text = "žluťoučký kůň 🐎 日本";
    let said = trickle(&mut alice, format!("{text}\n").as_bytes(), &mut bob);
    let said = [said, heard(&mut alice, &mut bob)].concat();
    assert_eq!(said, [format!("guest1: {text}")]);
}

#[test]
fn what_is_not_utf_8_is_replaced() {
    let (_server, mut alice, mut bob) = two();
    let lines: [&[u8]; 5] = [
        b"caf\xE9",           // Latin-1
        b"\xC3\x28",          // the second byte is missing
        b"a\xE2\x82b",        // so is the third
        b"\xED\xA0\x80",      // half of a surrogate pair
        b"\x80\xF8 \xFF\xFF", // never in UTF-8; 255 is doubled for telnet
    ];
    for line in lines {
        alice.send([line, b"\n"].concat());
    }
    assert_eq!(
        heard(&mut alice, &mut bob),
        [
            "guest1: caf\u{FFFD}",
            "guest1: \u{FFFD}(",
            "guest1: a\u{FFFD}b",
            "guest1: \u{FFFD}\u{FFFD}\u{FFFD}",
            "guest1: \u{FFFD}\u{FFFD} \u{FFFD}",
        ]
    );
}

#[test]
fn own_lines_are_not_sent_back() {
    let (_server, mut alice, mut bob) = two();
    alice.send("hello\n/me waves\n//path\n/msg guest2 psst\n");
    assert_eq!(messages(alice.sync()), [""; 0]);
    assert_eq!(messages(bob.sync()).len(), 4);
}

#[test]
fn everyone_hears_the_others_of_one_turn_and_nobody_itself() {
    let server = Server::start();
    let mut members: Vec<Client> = (0..5).map(|_| server.join()).collect();
    let mut observer = server.join();
    server.freeze();
    for member in &mut members {
        member.say(&format!("I am {}", member.name));
    }
    server.thaw();
    let order = observer.messages(members.len());
    for member in &mut members {
        let own = format!("{0}: I am {0}", member.name);
        let others: Vec<String> = order.iter().filter(|line| **line != own).cloned().collect();
        assert_eq!(others.len(), 4, "{order:#?}");
        assert_eq!(messages(member.sync()), others);
    }
}

#[test]
fn what_is_said_stays_in_the_room_it_was_said_in() {
    let (server, mut alice, mut bob) = two();
    let mut carol = server.join();
    carol.say("/join tea");
    carol.sync();
    // Within one turn; the room is left and entered between the lines.
    alice.send("one\n/join tea\ntwo\n/join #lobby\nthree\n/msg guest3 four\n");
    alice.sync();
    assert_eq!(
        messages(bob.sync()),
        ["guest1: one", "guest1: three"],
        "in the lobby"
    );
    assert_eq!(
        messages(carol.sync()),
        ["guest1: two", "guest1 -> guest3: four"],
        "in the other room"
    );
}

/// Within one turn: what was said before someone moved and what was said after, on both sides.
#[test]
fn who_moves_misses_nothing_and_hears_nothing_twice() {
    let server = Server::start();
    let mut members: [Client; 5] = std::array::from_fn(|_| server.join());
    let [mover, before_there, after_there, before_here, after_here] = &mut members;
    for there in [&mut *before_there, after_there] {
        there.say("/join tea");
        there.sync();
    }
    mover.sync();
    server.freeze();
    before_here.say("you still hear this");
    before_there.say("this is replayed to you");
    mover.say("/join tea");
    after_here.say("you are not here any more");
    after_there.say("you are here");
    server.thaw();
    // That all of it was said is known from those who stay.
    before_here.expect("guest5: you are not here any more");
    before_there.expect("guest3: you are here");
    assert_eq!(
        messages(mover.sync()),
        [
            "guest4: you still hear this",
            "guest2: this is replayed to you",
            "guest3: you are here"
        ]
    );
}

// --- what never reaches another terminal

/// What someone types, and what is left of it.
const TYPED_AND_SHOWN: &[(&str, &str)] = &[
    ("\x1B[2J", "[2J"),
    ("\x1B]0;owned\x07", "]0;owned"),
    ("\x1B\x1B[31m", "[31m"),
    ("\u{9B}31m", "31m"),
    ("\u{85}", ""),
    ("\u{90}q\u{9C}", "q"),
    ("\u{202E}evil\u{202C}", "evil"),
    ("\u{2066}\u{2067}\u{2068}\u{2069}", ""),
    ("\u{202A}\u{202B}\u{202D}", ""),
    ("\u{200E}\u{200F}\u{61C}", ""),
    ("\0", ""),
    ("\x08\x08", ""),
    ("\x7F", ""),
    ("\rtext", "text"),
    ("\x0B\x0C\x0E", ""),
    ("\t", " "),
    ("\u{2028}", " "),
    ("\u{2029}", " "),
];

fn steers_a_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}'
            | '\u{61C}' | '\u{2028}' | '\u{2029}')
}

#[track_caller]
fn is_harmless(lines: &[String]) {
    for line in lines {
        assert!(!line.chars().any(steers_a_terminal), "{line:?}");
    }
}

#[test]
fn nothing_that_steers_a_terminal_reaches_another() {
    let server = Server::listening(
        loopchat()
            .args(["--listen", "127.0.0.1:0"])
            .env("RUST_LOG", "trace"),
    );
    let (mut mallory, mut bob) = (server.join(), server.join());
    let mut expected = Vec::new();
    for (typed, shown) in TYPED_AND_SHOWN {
        mallory.say(&format!("a{typed}b"));
        mallory.say(&format!("/me c{typed}d"));
        mallory.say(&format!("/msg guest2 e{typed}f"));
        expected.extend([
            format!("guest1: a{shown}b"),
            format!("** guest1 c{shown}d"),
            format!("guest1 -> guest2: e{shown}f"),
        ]);
    }
    mallory.sync();
    let lines = bob.sync();
    is_harmless(&lines);
    assert_eq!(messages(lines), expected);

    // What is kept and told later, to those who were not there.
    bob.say("/history 100");
    let lines = bob.sync();
    is_harmless(&lines);
    let public = expected.iter().filter(|line| !line.contains(" -> "));
    assert_eq!(messages(lines), public.cloned().collect::<Vec<_>>());

    for (typed, shown) in TYPED_AND_SHOWN {
        mallory.say(&format!("/topic g{typed}h"));
        mallory.sync();
        bob.say("/topic");
        let lines = bob.sync();
        is_harmless(&lines);
        for line in [
            format!("* guest1 set the topic: g{shown}h"),
            format!("* Topic of #lobby: g{shown}h"),
        ] {
            assert!(lines.contains(&line), "no {line:?} in {lines:#?}");
        }
    }

    // Names: a nickname, a room, and what errors repeat.
    for (typed, _) in TYPED_AND_SHOWN {
        for command in ["nick", "join", "who", "topic", "msg", "me"] {
            for text in [
                format!("/{command} x{typed}y\n"),
                format!("/{command} {typed}\n"),
                format!("/{command}{typed} x\n"),
                format!("/{command} x{typed}y text\n"),
            ] {
                mallory.send(text);
            }
        }
        mallory.say("/rooms");
        let lines = mallory.sync();
        assert!(lines.len() >= 10, "it was not answered: {lines:#?}");
        is_harmless(&lines);
        mallory.say("/join lobby");
        mallory.sync();
        bob.say("/who");
        bob.say("/rooms");
        is_harmless(&bob.sync());
    }
    let mut newcomer = Client::connect(&server.address);
    newcomer.say("/who");
    is_harmless(&newcomer.sync());

    // What the server logs is read in a terminal, too.
    is_harmless(&server.log());
}

// --- long lines

#[test]
fn a_line_has_as_many_bytes_as_it_may_have() {
    let (_server, mut alice, mut bob) = two();
    let most = "x".repeat(4096);
    for end in ["\n", "\r\n", "\r\0"] {
        alice.send(format!("{most}{end}"));
    }
    let wide = "é".repeat(2048);
    alice.say(&wide);
    assert_eq!(messages(alice.sync()), [""; 0]);
    assert_eq!(
        messages(bob.sync()),
        [&most, &most, &most, &wide].map(|line| format!("guest1: {line}"))
    );
    for long in [format!("{most}x"), format!("{wide}x"), most.repeat(10)] {
        alice.say(&long);
        let answer = alice.sync();
        assert_eq!(
            answer,
            ["! That line was not sent: it is longer than 4096 bytes."]
        );
        alice.say("still here");
        assert_eq!(heard(&mut alice, &mut bob), ["guest1: still here"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_line_without_end_is_refused_once_and_costs_no_memory() {
    const ENDLESS: usize = 50 * 1024 * 1024;
    let resident = |server: &Server| -> usize {
        let status = server.proc("status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    let (server, mut alice, mut bob) = two();
    let before = resident(&server);
    let piece = vec![b'x'; 1024 * 1024];
    let mut most = before;
    for _ in 0..ENDLESS / piece.len() {
        alice.send(&piece);
        most = most.max(resident(&server));
    }
    // The others are served meanwhile.
    bob.sync();
    alice.say("and its end");
    let answers = alice.sync();
    most = most.max(resident(&server));
    let refusals = answers.iter().filter(|line| line.starts_with("! ")).count();
    assert_eq!(refusals, 1, "{answers:#?}");
    assert_eq!(messages(bob.sync()), [""; 0]);
    assert!(
        most < before + 4 * 1024,
        "{before} KiB became {most} KiB of 51200"
    );
    alice.say("still here");
    assert_eq!(heard(&mut alice, &mut bob), ["guest1: still here"]);
}

#[test]
fn a_paste_arrives_whole_and_in_order() {
    let (_server, mut alice, mut bob) = two();
    let lines: Vec<String> = (0..1024)
        .map(|n| format!("{n:04} {}", "p".repeat(1018)))
        .collect();
    let paste = lines.join("\n") + "\n";
    assert_eq!(paste.len(), 1024 * 1024);
    // One write of it, which blocks until the server has read most of it.
    let (mut alice, said) = thread::scope(|scope| {
        let author = scope.spawn(move || {
            alice.send(paste);
            alice
        });
        let said = bob.messages(lines.len());
        (author.join().unwrap(), said)
    });
    let expected: Vec<String> = lines.iter().map(|line| format!("guest1: {line}")).collect();
    assert!(said == expected, "it is not what was pasted");
    assert_eq!(heard(&mut alice, &mut bob), [""; 0], "nothing twice");
}

#[test]
fn a_paste_does_not_hold_up_the_others() {
    const PASTE: usize = 3000;
    let (server, mut alice, mut bob) = two();
    // Both are there when the server looks, the paste first, and all of it fits into one read.
    server.freeze();
    let paste: String = (1..=PASTE).map(|n| format!("{n}\n")).collect();
    alice.send(paste);
    bob.say("/topic");
    server.thaw();
    let (before, _) = bob.lines_until(|line| line == "* #lobby has no topic.");
    let before = messages(before).len();
    assert!(before < PASTE / 2, "the answer came after {before} lines");
    assert_eq!(bob.messages(PASTE - before).len(), PASTE - before);
}

// --- ends

#[test]
fn the_last_line_needs_no_end() {
    let (_server, mut alice, mut bob) = two();
    alice.send("bye for now");
    alice.half_close();
    bob.expect("guest1: bye for now");
    bob.expect("* guest1 left #lobby.");
    assert_eq!(messages(alice.rest()), [""; 0]);
}

#[test]
fn a_half_closed_connection_gets_its_answers_and_the_end() {
    let (_server, mut alice, mut bob) = two();
    alice.send("/topic tea\nhello\n/who\n/rooms\n/topic");
    alice.half_close();
    let rest = alice.rest();
    let answers: Vec<&String> = rest
        .iter()
        .filter(|line| !line.contains(" joined "))
        .collect();
    assert_eq!(
        answers,
        [
            "* guest1 set the topic: tea",
            "* In #lobby (2): guest1, guest2",
            "* Rooms: #lobby (2)",
            "* Topic of #lobby: tea",
        ]
    );
    bob.expect("guest1: hello");
}

#[test]
fn a_long_paste_is_read_to_its_end_before_the_end_counts() {
    let (_server, mut alice, mut bob) = two();
    let paste: Vec<String> = (0..5000).map(|n| format!("line {n}")).collect();
    alice.send(paste.join("\n"));
    alice.half_close();
    let expected: Vec<String> = paste.iter().map(|line| format!("guest1: {line}")).collect();
    assert!(bob.messages(paste.len()) == expected);
    assert_eq!(messages(alice.rest()), [""; 0]);
}

#[test]
fn quitting_is_answered_with_the_end() {
    let (_server, mut alice, mut bob) = two();
    alice.send("/quit\nnever said\n");
    let rest = alice.rest();
    assert_eq!(rest.last().map(String::as_str), Some("* Bye, guest1."));
    bob.expect("* guest1 left #lobby.");
    assert_eq!(messages(bob.sync()), [""; 0]);
}

#[test]
fn a_reset_concerns_nobody_else() {
    let (server, mut alice, mut bob) = two();
    let carol = third(&server, [&mut alice, &mut bob]);
    alice.say("before");
    bob.expect("guest1: before");
    carol.reset();
    bob.expect_line(is_her_leaving);
    alice.say("after");
    bob.expect("guest1: after");
    alice.say("/who");
    alice.expect("* In #lobby (2): guest1, guest2");
}

#[test]
fn a_reset_with_more_to_read_and_to_write_concerns_nobody_else() {
    let (server, mut alice, mut bob) = two();
    let mut carol = third(&server, [&mut alice, &mut bob]);
    // The server finds both at once: lines of hers and the end of her, and lines for her.
    server.freeze();
    alice.say("to whom it may concern");
    carol.send("half a line");
    carol.reset();
    alice.say("and on");
    server.thaw();
    bob.expect("guest1: to whom it may concern");
    bob.expect("guest1: and on");
    bob.expect_line(is_her_leaving);
    assert_eq!(heard(&mut alice, &mut bob), [""; 0]);
}

#[test]
fn a_message_and_a_reset_right_after_it() {
    let (server, mut alice, mut bob) = two();
    let mut carol = third(&server, [&mut alice, &mut bob]);
    carol.say("my last words");
    carol.reset();
    // Linux keeps what came before a reset, and nobody else spoke.
    for member in [&mut alice, &mut bob] {
        member.expect("guest3: my last words");
        member.expect_line(is_her_leaving);
    }
    assert_eq!(heard(&mut alice, &mut bob), [""; 0]);
}

#[test]
fn connections_that_are_gone_before_they_are_accepted_harm_nobody() {
    let (server, mut alice, mut bob) = two();
    server.freeze();
    for n in 0..50 {
        let mut passer_by = Client::connect(&server.address);
        match n % 3 {
            0 => passer_by.reset(),
            1 => passer_by.half_close(),
            _ => passer_by.send("boo\n"),
        }
    }
    server.thaw();
    eventually("them to be gone", || {
        alice.say("/who");
        let who = alice.expect_line(|line| line.starts_with("* In #lobby ("));
        (who == "* In #lobby (2): guest1, guest2").then_some(())
    });
    alice.say("hello");
    bob.expect("guest1: hello");
}

/// A member leaves and another one arrives within one turn, and gets the place that came free.
#[test]
fn a_newcomer_in_a_place_just_left_is_greeted_once() {
    let (server, mut alice, mut bob) = two();
    server.freeze();
    alice.say("/quit");
    let mut newcomer = Client::connect(&server.address);
    server.thaw();
    newcomer.say("hello");
    let lines = newcomer.sync();
    assert_eq!(
        lines[0],
        "* Welcome to loopchat, guest3. You are in #lobby with 1 other."
    );
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert_eq!(messages(bob.sync()), ["guest3: hello"]);
    assert_eq!(
        alice.rest().last().map(String::as_str),
        Some("* Bye, guest1.")
    );
}

// --- many

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
