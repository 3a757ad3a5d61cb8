//! `examples/chat_client` as its users meet it: the real program against the real server, or
//! against one that misbehaves.

#[path = "../support/mod.rs"]
mod support;

#[path = "../../examples/chat_client/wire/mod.rs"]
mod wire;

mod asking;
mod cuts;
mod protocol;
mod rig;
mod secure;

use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use rig::{Client, FakeServer, Lines, at_terminal, example, file_with, start};
use support::{Folder, Process, Server, Signal, eventually, has_tool, loopchat};

#[test]
fn a_pipe_is_delivered_and_its_answers_are_printed() {
    let server = Server::start();
    let mut other = server.join();
    // The last line has no end, and is a line all the same.
    let mut client = Client::piped(&[&server.address], "hello\n/who\nand goodbye");
    client.exits_with(0);
    client.stdout.wait_for("* Welcome to loopchat, guest2.");
    client.stdout.wait_for("* In #lobby (2): guest1, guest2");
    assert_eq!(other.messages(2), ["guest2: hello", "guest2: and goodbye"]);
    assert!(client.stderr.all().is_empty());
}

#[test]
fn a_file_is_as_good_as_a_pipe() {
    let server = Server::start();
    let mut other = server.join();
    let mut client = Client::with_stdin(&[&server.address], file_with("hello\n/who\n"));
    client.exits_with(0);
    client.stdout.wait_for("* In #lobby (2): guest1, guest2");
    assert_eq!(other.messages(1), ["guest2: hello"]);
}

#[test]
fn no_input_at_all_is_an_end() {
    let server = Server::start();
    let mut client = Client::with_stdin(&[&server.address], Stdio::null());
    client.exits_with(0);
    client.stdout.wait_for("* Welcome to loopchat, guest1.");
}

#[test]
fn input_that_cannot_be_read_is_an_error() {
    let server = Server::start();
    let folder = File::open("/").expect("it is there");
    let mut client = Client::with_stdin(&[&server.address], folder);
    client.exits_with(1);
    client.stderr.wait_for("-- cannot read the input: ");
}

#[test]
fn a_path_is_a_unix_socket() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let _server = Server::listening(loopchat().args(["--listen", &path]));
    let mut client = Client::piped(&[&path], "/who\n");
    client.exits_with(0);
    client.stdout.wait_for("* In #lobby (1): guest1");
}

#[test]
fn a_host_name_is_looked_up() {
    let server = Server::start();
    let (_, port) = server.address.rsplit_once(':').expect("it has a port");
    let mut client = Client::piped(&[format!("localhost:{port}")], "/who\n");
    client.exits_with(0);
    client.stdout.wait_for("* In #lobby (1): guest1");
}

#[test]
fn flags_give_name_and_room() {
    let server = Server::start();
    let arguments = ["--nick", "ada", "--room", "tea", &server.address];
    let mut client = Client::piped(&arguments, "/who\n");
    client.exits_with(0);
    client.stdout.wait_for("* You are now ada.");
    client.stdout.wait_for("* You are now in #tea");
    client.stdout.wait_for("* In #tea (1): ada");
}

/// What is sent of a name is one line, whatever it holds.
#[test]
fn a_name_or_a_room_that_is_no_word_is_an_error() {
    let server = Server::start();
    for word in [
        "eve\n/join secret",
        "eve\r\n/join secret",
        "eve\r",
        "\neve",
        "eve adams",
        "eve\tadams",
        "eve\u{85}adams",
        "eve\u{2028}adams",
        "\u{1b}[31meve",
        "eve\u{7f}",
    ] {
        for (flag, variable) in [("--nick", "LOOPCHAT_NICK"), ("--room", "LOOPCHAT_ROOM")] {
            let mut client = Client::with_stdin(&[flag, word, &server.address], Stdio::null());
            client.exits_with(2);
            client.stderr.wait_for("it wants one word");
            let mut command = Command::new(example());
            command.arg(&server.address).env(variable, word);
            // `untouched` takes only what the tests' own environment says.
            let output = support::run(&mut command);
            assert_eq!(output.status.code(), Some(2), "{variable}={word:?}");
        }
    }
}

#[test]
fn after_quit_it_says_no_more_and_exits_with_zero() {
    let server = Server::start();
    let mut other = server.join();
    let mut client = Client::start(&[&server.address]);
    client.types("before\n/QUIT now\nafter\n");
    client.exits_with(0);
    client.stdout.wait_for("* Bye, guest2.");
    assert_eq!(support::messages(other.sync()), ["guest2: before"]);
}

#[test]
fn a_pipe_to_nobody_is_an_error() {
    let (nobody, _kept) = support::nobody::nobody();
    let mut client = Client::piped(&[&nobody.to_string()], "");
    client.exits_with(1);
    let reason = format!("-- cannot connect to {nobody}: connect ECONNREFUSED {nobody}");
    assert_eq!(client.stderr.all(), [reason]);
    let mut client = Client::piped(&["nonsense"], "");
    client.exits_with(2);
    client.stderr.wait_for("it wants IP:PORT");
}

/// The heart of it: name, room and what is said meanwhile survive the server.
#[test]
fn it_comes_back_when_the_server_does() {
    let mut first = Server::start();
    let address = first.address.clone();
    let mut client = Client::start(&[&address]);
    // What is confirmed counts, not what is typed.
    client.types("/nick ada\n/nick not a name\n/join Tea\n/join ##\n");
    client.stdout.wait_for("* You are now ada.");
    client.stdout.wait_for("* You are now in #Tea");
    client.stdout.wait_for("! A room name");
    first.signal(Signal::KILL);
    first.wait();
    let lost = "-- connection lost; next try in 1 s";
    assert_eq!(client.stderr.wait_for(""), lost);
    client.types("/who\n");
    client.stderr.wait_for("ECONNREFUSED");

    let _second = Server::listening(loopchat().args(["--listen", &address]));
    client.stderr.wait_for("-- connected again");
    client.stdout.wait_for("* Welcome to loopchat, guest1.");
    client.stdout.wait_for("* You are now ada.");
    client.stdout.wait_for("* You are now in #Tea");
    client.stdout.wait_for("* In #Tea (1): ada");
    client.stdin = None;
    client.exits_with(0);
}

#[test]
fn a_guest_comes_back_as_a_guest_to_the_lobby() {
    let server = FakeServer::start();
    let mut client = Client::start(&[&server.address]);
    let mut stream = server.accept();
    let greeting = "* Welcome to loopchat, guest7. You are in #lobby with 1 other.\n\
                    * You are now in #tea with 0 others.\n\
                    * You are now in #lobby with 1 other.\n\
                    ada: * You are now eve.\n";
    stream.write_all(greeting.as_bytes()).expect("it reads");
    client.stdout.wait_for("ada:");
    drop(stream);
    client.stderr.wait_for("-- connection lost");
    client.types("first\n"); // it waits in the pipe
    let stream = server.accept();
    client.stderr.wait_for("-- connected again");
    let said = Lines::of(stream).wait_for("");
    assert_eq!(said, "first", "neither a /nick nor a /join");
}

#[test]
fn what_comes_after_the_input_is_printed_and_made_harmless() {
    let server = FakeServer::start();
    let mut client = Client::piped(&[&server.address], "question\n");
    let mut stream = server.accept();
    let mut asked = String::new();
    stream.read_to_string(&mut asked).expect("it half-closes");
    assert_eq!(asked, "question\n");
    let answer = "\x1b[31mred\u{202E}\r\n\x07 žluťoučký kůň\nno end\x1b";
    stream.write_all(answer.as_bytes()).expect("it reads");
    drop(stream);
    client.exits_with(0);
    let printed = client.stdout.all();
    assert_eq!(printed, ["[31mred", " žluťoučký kůň", "no end"]);
}

/// A megabyte of lines, told apart by their numbers.
fn megabyte() -> (String, Vec<String>) {
    let lines = (0..16 * 1024).map(|number| format!("{number:063}"));
    let lines: Vec<String> = lines.collect();
    (lines.join("\n") + "\n", lines)
}

#[test]
fn a_megabyte_arrives_complete() {
    let server = Server::start();
    let mut other = server.join();
    let (text, lines) = megabyte();
    let expected = |guest: &str| -> Vec<String> {
        let said = lines.iter().map(|line| format!("{guest}: {line}"));
        said.collect()
    };
    let mut client = Client::start(&[&server.address]);
    let mut stdin = client.stdin.take().expect("it is open");
    let feeder = {
        let text = text.clone();
        thread::spawn(move || stdin.write_all(text.as_bytes()).expect("the client reads"))
    };
    assert!(other.messages(lines.len()) == expected("guest2"), "a pipe");
    feeder.join().expect("all was taken");
    client.exits_with(0);
    let mut client = Client::with_stdin(&[&server.address], file_with(&text));
    assert!(other.messages(lines.len()) == expected("guest3"), "a file");
    client.exits_with(0);
}

/// Someone says a megabyte, and the client's output goes to a pipe that nobody reads. Returns when
/// that is full, with the reader that will not.
fn stuck() -> (Process, PipeReader, thread::JoinHandle<()>) {
    let server = FakeServer::start();
    let mut command = Command::new(example());
    command.arg(&server.address);
    let (process, stdout, _stderr) = start(command, Stdio::null());
    let mut stream = server.accept();
    let speaker = thread::spawn(move || {
        // An error says that the client is gone.
        let _ = stream.write_all(megabyte().0.as_bytes());
    });
    eventually("the pipe to be full", || {
        let unread = rustix::io::ioctl_fionread(&stdout).expect("it is a pipe");
        (unread > 60 * 1024).then_some(())
    });
    (process, stdout, speaker)
}

#[test]
fn output_that_nobody_reads_waits_and_is_complete() {
    let (mut process, mut stdout, speaker) = stuck();
    let mut printed = String::new();
    stdout.read_to_string(&mut printed).expect("it is text");
    assert!(printed == megabyte().0, "{} bytes", printed.len());
    assert_eq!(process.wait().code(), Some(0));
    speaker.join().expect("it does not panic");
}

#[test]
fn ctrl_c_exits_with_130_whatever_the_output_does() {
    let server = Server::start();
    let mut client = Client::start(&[&server.address]);
    client.stdout.wait_for("Type to talk");
    client.process.signal(Signal::INT);
    client.exits_with(130);
    let (mut process, _unread, _speaker) = stuck();
    process.signal(Signal::INT);
    assert_eq!(process.wait().code(), Some(130));
}

#[test]
fn at_a_terminal_it_keeps_trying_and_keeps_what_is_typed() {
    if !has_tool("script") {
        return;
    }
    let (nobody, _kept) = support::nobody::nobody();
    let address = nobody.to_string();
    let mut client = at_terminal(&address);
    client.stdout.wait_for("ECONNREFUSED");
    for number in 0..=100 {
        client.types(&format!("line {number}\n"));
    }
    client.stdout.wait_for("-- not connected, and too many");
    let mut server = Server::listening(loopchat().args(["--listen", &address]));
    client.stdout.wait_for("* Welcome to loopchat, guest1.");
    client.types("/history 999\n");
    client.stdout.wait_for("* The last 100 messages of #lobby:");
    client.stdout.wait_for("guest1: line 99");
    server.signal(Signal::TERM);
    server.wait();
    client.stdout.wait_for("Goodbye.");
    client.stdout.wait_for("-- connection lost"); // in this order
    client.types("\x04"); // Ctrl-D: who would wait for answers
    client.exits_with(0);
}

#[test]
fn ctrl_d_and_ctrl_c_at_a_terminal() {
    if !has_tool("script") {
        return;
    }
    let server = Server::start();
    let mut client = at_terminal(&server.address);
    client.stdout.wait_for("Type to talk");
    client.types("/who\n\x04");
    client.stdout.wait_for("* In #lobby (1)");
    client.exits_with(0);
    let mut client = at_terminal(&server.address);
    client.stdout.wait_for("Type to talk");
    client.types("\x03");
    client.exits_with(130);
}
