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

/// A slow reader, and two who were announced before anything is said: a notice that comes later
/// might be left out, too, and is counted with what is.
fn three(server: &Server, address: &str) -> [Client; 3] {
    let mut three = [Client::join(address), server.join(), server.join()];
    three.iter_mut().for_each(|member| _ = member.sync());
    three
}

/// How many lines a notice says were left out, if it is one of those.
fn left_out(line: &str) -> Option<usize> {
    let (lines, _) = line.strip_prefix("* ")?.split_once(" skipped while you")?;
    let count = lines.split(' ').next()?.parse().expect("a number");
    let lines = match count {
        1 => "1 line was".to_owned(),
        _ => format!("{count} lines were"),
    };
    let wanted = format!(
        "* {lines} skipped while you were not reading; /history {} shows the last.",
        count.min(200)
    );
    assert_eq!(line, wanted);
    Some(count)
}

/// What a slow reader knows of all that was said.
///
/// It may be told more than once of what was left out. The system of one that reads nothing takes
/// some more now and then, and when it has taken all that waits, the next lines are sent again.
pub(super) struct Account<'a> {
    said: &'a [String],
    /// Lines it has got, or knows to have missed.
    known: usize,
    missed: usize,
}

impl<'a> Account<'a> {
    pub(super) fn of(said: &'a [String]) -> Self {
        Self {
            said,
            known: 0,
            missed: 0,
        }
    }

    /// A line it got has to be the next that was said, or to say how many are missing at just this
    /// place.
    pub(super) fn note(&mut self, line: &str) {
        if let Some(count) = left_out(line) {
            self.missed += count;
            self.known += count;
        } else if is_message(line) {
            assert!(self.said.get(self.known).is_some_and(|said| said == line));
            self.known += 1;
        }
    }

    /// Reads until nothing is missing that it does not know of. Something has to have been left
    /// out.
    fn settle(mut self, slow: &mut Client) {
        while self.known < self.said.len() {
            self.note(&slow.line());
        }
        assert_eq!(self.known, self.said.len());
        assert!(self.missed > 0);
    }
}

fn a_slow_reader_is_told_how_much_it_missed(server: &Server, address: &str) {
    let [mut slow, mut talker, mut reader] = three(server, address);
    let said = talk_much(&mut talker, &mut reader);
    Account::of(&said).settle(&mut slow);
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
    let [mut slow, mut talker, mut reader] = three(&server, &server.address);
    let said = talk_much(&mut talker, &mut reader);
    slow.half_close();
    reader.expect_line(|line| line.contains(&format!("{} left #lobby", slow.name)));
    Account::of(&said).settle(&mut slow);
    assert_eq!(slow.rest(), [""; 0]);
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
