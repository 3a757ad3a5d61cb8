//! Nothing is said under another name, or in another room, than was asked for.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use crate::rig::{Client, FakeServer, at_terminal, file_with};
use crate::support::{self, Server, eventually, has_tool, loopchat};

const SECRET: &str = "the door code is 1234";

/// A server with one room, the lobby: no other can be opened.
fn lobby_only() -> Server {
    Server::listening(loopchat().args(["--listen", "127.0.0.1:0", "--max-rooms", "1"]))
}

/// One connection of the client, line by line as it speaks.
struct Heard(BufReader<TcpStream>);

impl Heard {
    fn accept(server: &FakeServer) -> Self {
        Self(BufReader::new(server.accept()))
    }

    /// The next line; empty at the end.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("the client speaks");
        line.trim_end().to_owned()
    }

    fn says(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.0
            .get_mut()
            .write_all(line.as_bytes())
            .expect("the client hears");
    }
}

#[test]
fn a_pipe_for_a_room_that_is_refused_says_nothing() {
    for room in ["private", "#private", "##"] {
        for text in [
            format!("{SECRET}\n"),
            SECRET.to_owned(),
            format!("/me knows {SECRET}\n"),
        ] {
            let server = lobby_only();
            let mut witness = server.join();
            let mut client = Client::piped(&["--room", room, &server.address], &text);
            client.exits_with(1);
            client.stderr.wait_for("was refused: ");
            assert!(
                !witness.sync().iter().any(|line| line.contains("1234")),
                "{room}"
            );
        }
    }
}

#[test]
fn a_pipe_under_a_name_that_is_refused_says_nothing() {
    let server = Server::start();
    let mut witness = server.join();
    witness.say("/nick ada");
    witness.expect("* You are now ada.");
    for name in ["ada", "ADA", "not,a,name", "x".repeat(100).as_str()] {
        let arguments = ["--nick", name, &server.address];
        let mut client = Client::with_stdin(&arguments, file_with(SECRET));
        client.exits_with(1);
        client
            .stderr
            .wait_for(&format!("-- the name {name} was refused: "));
    }
    assert_eq!(support::messages(witness.sync()), [""; 0]);
}

#[test]
fn behind_a_join_or_a_nick_that_is_refused_a_pipe_says_nothing() {
    for question in [
        "/join private",
        "/JOIN  #private",
        "/nick witness",
        "/nick not a name",
    ] {
        for before in ["", "hello\n", "/msg nobody hello\n", "/dance\n"] {
            let server = lobby_only();
            let mut witness = server.join();
            witness.say("/nick witness");
            witness.expect("* You are now witness.");
            let text = format!("{before}{question}\n/who\n/msg witness {SECRET}\n{SECRET}\n");
            let mut client = Client::piped(&[&server.address], &text);
            client.exits_with(1);
            client
                .stderr
                .wait_for("-- nothing more is said, since that was refused: ");
            let said = support::messages(witness.sync());
            assert!(
                !said.iter().any(|line| line.contains("1234")),
                "{question}: {said:?}"
            );
            assert_eq!(said.len(), usize::from(before == "hello\n"), "{said:?}");
        }
    }
}

/// Errors that answer something else are not taken for the answer to a question.
#[test]
fn what_was_asked_before_does_not_refuse_what_is_asked_now() {
    let server = Server::start();
    let mut witness = server.join();
    witness.say("/join tea");
    witness.expect("* You are now in #tea with 0 others.");
    let text = "/msg nobody hello\n/dance\n/nick ada\n/dance\n/dance\n/join tea\nmilk?\n/quit\n";
    let mut client = Client::piped(&[&server.address], text);
    client.exits_with(0);
    assert_eq!(witness.messages(1), ["ada: milk?"]);
    let printed = client.stdout.all();
    assert!(
        !printed.iter().any(|line| line.contains("answered")),
        "{printed:#?}"
    );
}

#[test]
fn at_a_terminal_what_is_typed_waits_for_another_room() {
    if !has_tool("script") {
        return;
    }
    let server = lobby_only();
    let mut witness = server.join();
    let mut client = at_terminal(&format!("--room private {}", server.address));
    client.stdout.wait_for("-- what you type waits for a room");
    client.types(&format!("{SECRET}\n/who\n/join lobby\nhello\n"));
    client.stdout.wait_for(&format!("-- not said: {SECRET}"));
    client.stdout.wait_for("* You are in #lobby already.");
    client.stdout.wait_for("* In #lobby (2)");
    assert_eq!(witness.messages(1), ["guest2: hello"]);
    client.types("/quit\n");
    client.exits_with(0);
}

#[test]
fn at_a_terminal_what_is_typed_waits_for_another_name() {
    if !has_tool("script") {
        return;
    }
    let server = Server::start();
    let mut witness = server.join();
    witness.say("/nick ada");
    witness.expect("* You are now ada.");
    let mut client = at_terminal(&format!("--nick ada {}", server.address));
    client.stdout.wait_for("-- what you type waits for a name");
    client.types("hello\n/nick ada\n");
    client.stdout.wait_for("-- what you type waits for a name");
    client.types("/nick eve\n");
    assert_eq!(witness.messages(1), ["eve: hello"]);
    client.types("/quit\n");
    client.exits_with(0);
}

/// It was cut off without a word, and the server believes that it is still there.
#[test]
fn its_own_ghost_has_the_name_until_it_is_gone() {
    let server = FakeServer::start();
    let mut client = Client::start(&["--nick", "ada", "--room", "tea", &server.address]);
    let mut first = Heard::accept(&server);
    assert_eq!(first.line(), "/nick ada");
    first.says("* You are now ada.");
    assert_eq!(first.line(), "/join tea");
    first.says("* You are now in #tea with 0 others.");
    client.stdout.wait_for("#tea");
    drop(first);
    client.stderr.wait_for("-- connection lost");
    client.types(&format!("{SECRET}\n"));
    let mut second = Heard::accept(&server);
    second.says("* Welcome to loopchat, guest1. You are in #lobby with 1 other.");
    assert_eq!(second.line(), "/nick ada");
    second.says("! ada is taken; try ada2.");
    client
        .stderr
        .wait_for("-- somebody is ada, perhaps the connection that was lost");
    assert_eq!(second.line(), "/nick ada");
    second.says("* You are now ada.");
    assert_eq!(second.line(), "/join tea");
    second.says("* You are now in #tea with 0 others.");
    assert_eq!(second.line(), SECRET);
    client.stdin = None;
    assert_eq!(second.line(), "");
    drop(second);
    client.exits_with(0);
}

#[test]
fn after_a_reconnect_a_room_that_is_refused_hears_nothing() {
    let server = FakeServer::start();
    let mut client = Client::start(&[&server.address]);
    client.types("/join tea\n");
    let mut first = Heard::accept(&server);
    assert_eq!(first.line(), "/join tea");
    first.says("* You are now in #tea with 0 others.");
    client.stdout.wait_for("#tea");
    drop(first);
    client.stderr.wait_for("-- connection lost");
    client.types(&format!("{SECRET}\n"));
    let mut second = Heard::accept(&server);
    assert_eq!(second.line(), "/join tea");
    second.says("! #tea is full, it has 1 members.");
    assert_eq!(second.line(), "", "and no secret");
    client.exits_with(1);
    client.stderr.wait_for("-- the room #tea was refused: ");
}

/// A question whose answer was lost with the connection is asked again, before what comes behind.
#[test]
fn a_question_that_was_cut_off_is_asked_again() {
    let server = FakeServer::start();
    let mut client = Client::start(&[&server.address]);
    client.types(&format!("/join tea\n{SECRET}\n"));
    let mut first = Heard::accept(&server);
    assert_eq!(first.line(), "/join tea");
    drop(first);
    let mut second = Heard::accept(&server);
    assert_eq!(second.line(), "/join tea");
    second.says("* You are now in #tea with 0 others.");
    assert_eq!(second.line(), SECRET);
}

#[test]
fn whoever_is_banned_or_kicked_stays_away() {
    let reasons = [
        "you are banned for 60 minutes.",
        "you are banned for 5 minutes: spam",
        "you were kicked.",
        "you were kicked: out",
    ];
    for reason in reasons {
        let server = FakeServer::start();
        let mut client = Client::start(&["--nick", "ada", &server.address]);
        let mut heard = Heard::accept(&server);
        assert_eq!(heard.line(), "/nick ada");
        heard.says(&format!("! Disconnected: {reason}"));
        client.exits_with(1);
        client
            .stderr
            .wait_for("-- the server wants us to stay away");
    }
}

#[test]
fn a_pipe_that_is_turned_away_is_an_error() {
    let server = FakeServer::start();
    let mut client = Client::piped(&[&server.address], "hello\n");
    let mut heard = Heard::accept(&server);
    assert_eq!(heard.line(), "hello");
    assert_eq!(heard.line(), "", "that is all");
    heard.says("! Disconnected: the server is full, 1 are connected. Try again later.");
    drop(heard);
    client.exits_with(1);
    client.stderr.wait_for("-- the server ended the session");
}

/// It accepts, and that is all: a server that hangs, or a path that is dead behind a proxy.
#[test]
fn a_server_that_does_not_answer_is_left_and_hears_nothing() {
    let server = FakeServer::start();
    let arguments = ["--nick", "ada", "--answer-timeout", "1", &server.address];
    let mut client = Client::start(&arguments);
    client.types(&format!("{SECRET}\n"));
    let mut first = Heard::accept(&server);
    client.stderr.wait_for("-- the server does not answer");
    assert_eq!(
        (first.line(), first.line()),
        ("/nick ada".into(), "".into())
    );
    // Where even this answer takes a second, the client is right to leave again.
    loop {
        let mut next = Heard::accept(&server);
        assert_eq!(next.line(), "/nick ada");
        let mut said = String::new();
        // Errors say that it has left.
        let _ = writeln!(next.0.get_mut(), "* You are now ada.");
        let _ = next.0.read_line(&mut said);
        match said.trim_end() {
            SECRET => return,
            said => assert_eq!(said, "", "only that"),
        }
    }
}

/// A link that is cut without a word is found dead, since TCP asks.
#[cfg(target_os = "linux")]
#[test]
fn a_silent_link_is_watched() {
    let server = FakeServer::start();
    let _client = Client::start(&[&server.address]);
    let accepted = server.accept();
    let peer = accepted.peer_addr().expect("it is connected").port();
    let local = format!("0100007F:{peer:04X}");
    eventually("a timer that asks whether the peer is there", || {
        let table = fs::read_to_string("/proc/net/tcp").expect("this is Linux");
        let fields = table
            .lines()
            .map(|row| row.split_whitespace().collect::<Vec<_>>());
        let row = fields
            .into_iter()
            .find(|row| row.get(1) == Some(&local.as_str()))?;
        row[5].starts_with("02:").then_some(()) // the kind of timer that is set
    });
}

/// A room that is watched is not the one where it is, whatever it is asked about it; and what comes
/// with a time or a room before it is shown so.
#[test]
fn a_watched_room_is_not_the_room_to_come_back_to() {
    let server = FakeServer::start();
    let mut client = Client::start(&["--room", "go", &server.address]);
    let mut first = Heard::accept(&server);
    assert_eq!(first.line(), "/join go");
    first.says("* You are now in #go with 0 others.");
    client.types("/watch tea\n/watch tea\n");
    assert_eq!(first.line(), "/watch tea");
    first.says("* You hear #tea now, with 1 other.");
    assert_eq!(first.line(), "/watch tea");
    for line in [
        "* You are in #tea already.",
        "#tea [2026-11-28T14:03:07.123Z] bob: * You are now in #chess with 0 others.",
        "#tea * bob is now in.",
        "[14:03] bob: ! Disconnected: you were kicked.",
    ] {
        first.says(line);
        client.stdout.wait_for(line);
    }
    drop(first);
    client.stderr.wait_for("-- connection lost");
    client.types(&format!("{SECRET}\n"));
    let mut second = Heard::accept(&server);
    assert_eq!(second.line(), "/join go");
    second.says("* You are now in #go with 0 others.");
    assert_eq!(second.line(), SECRET);
}
