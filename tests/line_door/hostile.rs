//! What never reaches another terminal.

use super::*;

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
    let repeated = messages(lines);
    let repeated = repeated.iter().map(|line| replayed(line));
    assert!(repeated.eq(public));

    // Each in a room of its own: a room hears of a topic at once if there was none of late.
    for (n, (typed, shown)) in TYPED_AND_SHOWN.iter().enumerate() {
        for member in [&mut mallory, &mut bob] {
            member.say(&format!("/join topic-{n}"));
            member.sync();
        }
        mallory.say(&format!("/topic g{typed}h"));
        mallory.sync();
        bob.say("/topic");
        let lines = bob.sync();
        is_harmless(&lines);
        for line in [
            format!("* guest1 set the topic: g{shown}h"),
            format!("* Topic of #topic-{n}: g{shown}h"),
        ] {
            assert!(lines.contains(&line), "no {line:?} in {lines:#?}");
        }
    }
    // And what waits until the room may hear of the next.
    for member in [&mut mallory, &mut bob] {
        member.say("/join lobby");
        member.sync();
    }
    for (typed, _) in TYPED_AND_SHOWN {
        mallory.say(&format!("/topic i{typed}j"));
    }
    let (lines, last) = bob.lines_until(|line| line.ends_with(" set the topic: i j"));
    is_harmless(&lines);
    is_harmless(&[last]);

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
