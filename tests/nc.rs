//! The chat with the client it was made for: real `nc` processes.

mod support;

use std::process::{Command, Stdio};

use support::{
    Client, Folder, Process, Server, Signal, has_tool, is_message, raise_limit, replayed, run,
    skip, without_digits,
};

const CROWD: usize = 200;

/// Whether there is an `nc`, and the one that the flags here are those of.
fn has_nc() -> bool {
    if !has_tool("nc") {
        return false;
    }
    let usage = run(Command::new("nc").arg("-h"));
    let usage = [usage.stdout, usage.stderr].concat();
    String::from_utf8_lossy(&usage).contains("OpenBSD netcat") || skip("nc is not netcat-openbsd")
}

/// `nc`, to where a server listens.
fn nc(address: &str) -> Command {
    let mut command = Command::new("nc");
    match address.rsplit_once(':') {
        Some((host, port)) => command.args([host, port]),
        None => command.args(["-U", address]),
    };
    command
}

/// Everyone says a line, and everyone has to hear everyone else's exactly once, all in one order:
/// that in which the observer, who says nothing, hears them.
fn round(title: &str, observer: &mut Client, crowd: &mut [Client]) {
    for member in crowd.iter_mut() {
        member.say(&format!("{title} of {}", member.name));
    }
    let order = observer.messages(crowd.len());
    let mut said: Vec<String> = crowd
        .iter()
        .map(|member| format!("{0}: {title} of {0}", member.name))
        .collect();
    let mut heard = order.clone();
    said.sort_unstable();
    heard.sort_unstable();
    assert_eq!(heard, said, "not every line exactly once");
    for member in crowd.iter_mut() {
        let own = format!("{0}: {title} of {0}", member.name);
        let expected: Vec<&String> = order.iter().filter(|line| **line != own).collect();
        let before = member.sync();
        let heard: Vec<&String> = before.iter().filter(|line| is_message(line)).collect();
        assert_eq!(heard, expected, "{} hears another order", member.name);
    }
}

#[test]
fn two_hundred_talk_and_half_of_them_die() {
    if !has_nc() {
        return;
    }
    raise_limit();
    let server = Server::start();
    let mut observer = server.join();
    let mut crowd: Vec<Client> = (0..CROWD)
        .map(|_| Client::through(&mut nc(&server.address)))
        .collect();
    for member in &mut crowd {
        member.read_greeting();
    }
    round("first", &mut observer, &mut crowd);

    // Every other one of them.
    let mut index = 0;
    let (mut killed, mut crowd): (Vec<Client>, Vec<Client>) = crowd.into_iter().partition(|_| {
        index += 1;
        index % 2 == 0
    });
    for member in &killed {
        member.process.as_ref().unwrap().signal(Signal::KILL);
    }
    for member in &mut killed {
        member.process.as_mut().unwrap().wait();
    }
    round("second", &mut observer, &mut crowd);
    // The observer, too.
    let left = format!("* In #lobby ({}): ", crowd.len() + 1);
    support::eventually("the dead to be gone", || {
        observer.say("/who");
        let who = observer.expect_line(|line| line.starts_with("* In #lobby ("));
        who.starts_with(&left).then_some(())
    });
    round("third", &mut observer, &mut crowd);
}

#[test]
fn a_pipe_through_nc_delivers_and_leaves() {
    if !has_nc() {
        return;
    }
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let server = Server::with(&["--listen", &path]);
    let mut observer = server.join();
    let (host, port) = server.address.rsplit_once(':').unwrap();
    for command in [format!("nc -N {host} {port}"), format!("nc -N -U {path}")] {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("printf 'hello\\n/who\\nbye' | {command}")]);
        let output = run(&mut shell);
        assert_eq!(output.status.code(), Some(0), "{command}");
        let output = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = output.lines().collect();
        let name = lines[0]
            .strip_prefix("* Welcome to loopchat, ")
            .and_then(|rest| rest.split_once('.'))
            .unwrap_or_else(|| panic!("{output}"))
            .0;
        let who = format!("* In #lobby (2): guest1, {name}");
        assert!(lines.contains(&who.as_str()), "no answer: {output}");
        observer.expect(&format!("{name}: hello"));
        observer.expect(&format!("{name}: bye"));
        // In its own time, but alone in the room again.
        support::eventually("it to leave", || {
            observer.say("/who");
            let who = observer.expect_line(|line| line.starts_with("* In #lobby ("));
            (who == "* In #lobby (1): guest1").then_some(())
        });
    }
}

#[test]
fn nc_talks_over_a_path() {
    if !has_nc() {
        return;
    }
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let server = Server::with(&["--listen", &path]);
    let mut over_tcp = Client::through(&mut nc(&server.address));
    let mut over_path = Client::through(&mut nc(&path));
    over_tcp.read_greeting();
    over_path.read_greeting();
    over_path.say("from the path");
    over_tcp.expect(&format!("{}: from the path", over_path.name));
    over_tcp.say("from the port");
    over_path.expect(&format!("{}: from the port", over_tcp.name));
}

/// What a person types who wants to see times, and to hear another room.
#[test]
fn nc_shows_times_and_other_rooms() {
    if !has_nc() {
        return;
    }
    let server = Server::start();
    let mut alice = Client::through(&mut nc(&server.address));
    let mut bob = Client::through(&mut nc(&server.address));
    alice.read_greeting();
    bob.read_greeting();
    alice.say("/times on");
    alice.expect("* Each message is shown with its time.");
    alice.say("/watch tea");
    alice.expect("* You hear #tea now, with 0 others.");
    bob.say("hello");
    let hello = format!("{}: hello", bob.name);
    let line = alice.expect_line(|line| line.ends_with(&hello));
    let time = line.strip_suffix(&hello).expect("a time before it");
    assert_eq!(without_digits(time), "[0000-00-00T00:00:00.000Z] ");
    bob.say("/join tea");
    bob.say("milk?");
    let milk = format!("{}: milk?", bob.name);
    let line = alice.expect_line(|line| line.ends_with(&milk));
    let time = line.strip_suffix(&milk).expect("a time before it");
    assert_eq!(without_digits(time), "#tea [0000-00-00T00:00:00.000Z] ");
    alice.say("/times off");
    alice.expect("* No times are shown.");
    bob.say("sugar?");
    alice.expect(&format!("#tea {}: sugar?", bob.name));
    alice.say("/history");
    alice.expect("* The last 1 messages of #lobby:");
    assert_eq!(alice.line(), hello);
    bob.say("/delete");
    bob.expect("* You took it back.");
    let took_back = format!("#tea * {} took back a message of ", bob.name);
    alice.expect_line(|line| line.starts_with(&took_back));
    bob.say("/history");
    bob.expect("* The last 1 messages of #tea:");
    assert_eq!(replayed(&bob.line()), milk);
    alice.say("/part tea");
    alice.expect("* You left #tea.");
    bob.say(&format!("/ignore {}", alice.name));
    bob.expect(&format!("* You hear nothing more of {}.", alice.name));
    alice.say("/join tea");
    alice.say("unheard");
    alice.say(&format!("/msg {} unheard", bob.name));
    alice.sync();
    assert!(bob.sync().iter().all(|line| !line.contains("unheard")));
}

/// A program needs no more than a shell and `nc` to speak JSON.
#[test]
fn nc_speaks_json_behind_its_first_line() {
    if !has_nc() {
        return;
    }
    let server = Server::start();
    let mut bob = server.join();
    let (host, port) = server.address.rsplit_once(':').unwrap();
    let said = r#"/json\n{"kind":"line","text":"hello","ref":1}\n{"kind":"line","text":"/who"}\n"#;
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("printf '{said}' | nc -N {host} {port}")]);
    let output = String::from_utf8(run(&mut shell).stdout).expect("text");
    let objects = output.lines().skip_while(|line| !line.starts_with('{'));
    let kinds: Vec<&str> = objects
        .map(|object| object.split('"').nth(3).expect("a kind"))
        .collect();
    let expected = ["hello", "token", "welcome", "message", "done", "members"];
    assert_eq!(kinds, expected, "{output}");
    bob.expect("guest2: hello");
}

#[test]
fn quitting_ends_nc() {
    if !has_nc() {
        return;
    }
    let server = Server::start();
    // Its input ends, so that nothing but the server's end is left to wait for.
    let mut shell = Command::new("sh");
    let (host, port) = server.address.rsplit_once(':').unwrap();
    shell.args(["-c", &format!("echo /quit | nc {host} {port}")]);
    shell.stdin(Stdio::null()).stdout(Stdio::null());
    assert!(Process::spawn(&mut shell).wait().success());
}
