//! How a session ends.

use super::*;

#[test]
fn the_last_line_needs_no_end() {
    let (_server, mut alice, mut bob) = two();
    alice.send("bye for now");
    alice.half_close();
    bob.expect("guest1: bye for now");
    bob.expect_line(|line| line.ends_with("guest1 left #lobby."));
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
    // One of whom nobody has heard goes without a notice.
    alice.send("here\n/quit\nnever said\n");
    let rest = alice.rest();
    assert_eq!(rest.last().map(String::as_str), Some("* Bye, guest1."));
    bob.expect("guest1: here");
    bob.expect_line(|line| line.ends_with("guest1 left #lobby."));
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

/// The line that uses up what it may say is also the one by which it leaves.
#[test]
fn a_flooder_that_quits_reads_its_farewell_last() {
    let server = Server::with(&["--flood", "1:2"]);
    let mut alice = server.join();
    alice.send("hello\n/quit\n");
    let last = alice.rest().pop();
    assert_eq!(last.as_deref(), Some("* Bye, guest1."));
}
