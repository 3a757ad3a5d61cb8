//! A connection that is cut at a point of the test's choice: between the client and the server stands
//! the test, and passes lines on.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};

use crate::rig::{Client, FakeServer};
use crate::support::{self, Server};

/// One connection of the client, and one to the server. Both are cut when it is dropped.
struct Between {
    client: BufReader<TcpStream>,
    server: BufReader<TcpStream>,
}

impl Between {
    fn accept(listener: &FakeServer, server: &Server) -> Self {
        let client = listener.accept_silently();
        let server = TcpStream::connect(&server.address).expect("it listens");
        let deadline = server.set_read_timeout(Some(support::DEADLINE));
        deadline.expect("sockets have timeouts");
        Self {
            client: BufReader::new(client),
            server: BufReader::new(server),
        }
    }

    /// Passes on what the client says, up to a line with this in it.
    fn up(&mut self, part: &str) {
        while !pass(&mut self.client, self.server.get_mut(), part) {}
    }

    /// Passes on what the server says, up to a line with this in it.
    fn down(&mut self, part: &str) {
        while !pass(&mut self.server, self.client.get_mut(), part) {}
    }

    /// Reads what the client says, up to a line with this in it: the server never hears it.
    fn swallow(&mut self, part: &str) {
        while !pass(&mut self.client, &mut std::io::sink(), part) {}
    }

    fn begin(&mut self) {
        self.up("/json");
        self.down(r#""kind":"welcome""#);
    }

    fn resume(&mut self) {
        self.up("/json");
        self.down(r#""kind":"hello""#);
        self.up(r#""kind":"resume""#);
        self.down(r#""ref":"resume""#);
    }

    /// The client has said all, and hears all.
    fn end(mut self) {
        let mut said = Vec::new();
        self.client.read_to_end(&mut said).expect("it half-closes");
        let server = self.server.get_mut();
        server.write_all(&said).expect("the server reads");
        server.shutdown(Shutdown::Write).expect("it is open");
        let mut heard = Vec::new();
        self.server.read_to_end(&mut heard).expect("it ends");
        let client = self.client.get_mut();
        client.write_all(&heard).expect("the client reads");
    }
}

/// Whether that was the line.
fn pass(from: &mut impl BufRead, to: &mut impl Write, part: &str) -> bool {
    let mut line = String::new();
    from.read_line(&mut line).expect("it speaks");
    assert!(
        line.ends_with('\n'),
        "it has ended before {part:?}: {line:?}"
    );
    to.write_all(line.as_bytes()).expect("it hears");
    line.contains(part)
}

#[test]
fn a_session_goes_on_and_shows_what_it_has_missed_once() {
    let server = Server::start();
    let mut other = server.join();
    let listener = FakeServer::start();
    let mut client = Client::start(&["--nick", "ada", "--room", "tea", &listener.address]);
    other.say("/join tea");
    let mut between = Between::accept(&listener, &server);
    between.begin();
    between.up("/nick ada");
    between.down(r#""kind":"done""#);
    between.up("/join tea");
    between.down(r#""kind":"done""#);
    client.types("before\n");
    between.up("before");
    other.expect("ada: before");
    other.say("heard");
    between.down("heard");
    client.stdout.wait_for("guest1: heard");
    drop(between);
    client.stderr.wait_for("-- connection lost");
    other.say("missed");
    other.sync();
    client.types("after\n");
    let mut between = Between::accept(&listener, &server);
    between.resume();
    client
        .stdout
        .wait_for("* You are back as ada, in #tea with 1 other.");
    let missed = client.stdout.wait_for("guest1: missed");
    assert_eq!(support::replayed(&missed), "guest1: missed");
    between.up("after");
    other.expect("ada: after");
    client.stdin = None;
    between.end();
    client.exits_with(0);
    let shown = client.stdout.all();
    for once in ["Welcome to loopchat", "guest1: heard", "guest1: missed"] {
        let lines = shown.iter().filter(|line| line.contains(once));
        assert_eq!(lines.count(), 1, "{once}: {shown:#?}");
    }
    assert!(
        !shown.iter().any(|line| line.starts_with("ada: ")),
        "{shown:#?}"
    );
}

/// Nobody knows what the other had of a connection that is cut: the message, or the answer, may be
/// lost. A pipe that has said all sees to that, too, before it ends.
#[test]
fn what_was_on_its_way_is_said_once_whichever_way_it_was_lost() {
    for is_heard in [true, false] {
        for ends in [true, false] {
            let server = Server::start();
            let mut other = server.join();
            let listener = FakeServer::start();
            let mut client = Client::start(&[&listener.address]);
            client.types("on its way\n");
            if ends {
                client.stdin = None;
            }
            let mut between = Between::accept(&listener, &server);
            between.begin();
            match is_heard {
                true => {
                    between.up("on its way");
                    other.expect("guest2: on its way");
                }
                false => between.swallow("on its way"),
            }
            drop(between);
            client.stderr.wait_for("-- connection lost");
            let mut between = Between::accept(&listener, &server);
            between.resume();
            if !is_heard {
                between.up("on its way");
                other.expect("guest2: on its way");
            }
            client.stdin = None;
            between.end();
            client.exits_with(0);
            assert_eq!(support::messages(other.sync()), [""; 0], "said once");
            let shown = client.stdout.all();
            assert!(
                !shown.iter().any(|line| line.contains("on its way")),
                "{shown:#?}"
            );
        }
    }
}

/// The server does not know the session any more: what was perhaps not said is told, and a pipe that
/// has said all ends with an error.
#[test]
fn a_session_that_cannot_go_on_starts_anew_and_says_so() {
    let listener = FakeServer::start();
    for ends in [true, false] {
        let first = Server::start();
        let mut client = Client::start(&["--nick", "ada", &listener.address]);
        client.types("on its way\n");
        if ends {
            client.stdin = None;
        }
        let mut between = Between::accept(&listener, &first);
        between.begin();
        between.up("/nick ada");
        between.down(r#""kind":"done""#);
        between.swallow("on its way");
        drop(between);
        client.stderr.wait_for("-- connection lost");
        let second = Server::start();
        let mut between = Between::accept(&listener, &second);
        between.resume();
        client
            .stderr
            .wait_for("-- the server cannot go on with the session: you start anew");
        client.stderr.wait_for("-- perhaps not said: on its way");
        if ends {
            client.exits_with(1);
            client
                .stderr
                .wait_for("-- what was said last may be missing");
        } else {
            between.up("/nick ada");
            between.down(r#""kind":"done""#);
            client.stdin = None;
            between.end();
            client.exits_with(0);
            client.stdout.wait_for("* You are now ada.");
            client.stdout.wait_for("* You are now ada.");
        }
    }
}
