//! What is further back than the memory: read by number and by time, and taken back.

use super::*;
use crate::support::Signal;

/// Enough to push all that was said before out of memory.
const LATER: usize = 12;

/// Goes back from page to page, as the notices say, until there is no more: what was said, and the
/// numbers.
fn read_back(client: &mut Client, first: &str) -> Vec<(u64, String)> {
    let (mut all, mut asked) = (Vec::new(), first.to_owned());
    loop {
        client.say(&asked);
        client.expect_line(|line| line.starts_with("* ") && line.contains(" of #tea before "));
        let (lines, end) = client.lines_until(|line| line.starts_with("* There is "));
        let mut page: Vec<(u64, String)> = lines
            .iter()
            .map(|line| {
                let (number, said) = line.split_once(' ').expect("a number first");
                (number.parse().expect("a number"), said.to_owned())
            })
            .collect();
        page.append(&mut all);
        all = page;
        match end.strip_prefix("* There is more: ") {
            Some(next) => asked = next.replace("/history", "/history 7"),
            None => return all,
        }
    }
}

/// Catches: pages that end where the memory does, a message of before that nobody can name, or that
/// is taken back and still there after a start anew.
#[test]
fn an_operator_reads_back_to_the_beginning_and_takes_back_what_was_said_there() {
    let folder = Folder::new();
    let (store, path) = (folder.text("store"), folder.text("chat.sock"));
    let flags = ["--store", &store, "--listen", &path, "--history", "5"];
    let mut server = Server::with(&flags);
    let (mut ann, mut bob) = (server.join(), server.join());
    for client in [&mut ann, &mut bob] {
        goes(client, "tea");
    }
    says(&mut ann, &mut bob, "a slip of the tongue");
    for at in 0..LATER {
        says(&mut ann, &mut bob, &format!("line {at}"));
    }
    // Its author takes back what is not remembered any more, and others may not.
    let all = read_back(&mut bob, "/history 7 before 9007199254740991");
    assert_eq!(all.len(), 1 + LATER);
    assert!(
        all.is_sorted() && all[0].1.ends_with("a slip of the tongue"),
        "{all:?}"
    );
    let second = all[1].0;
    bob.say(&format!("/delete {second}"));
    bob.expect(&format!("! Only its author can take {second} back."));
    ann.say(&format!("/delete {second}"));
    ann.expect("* You took it back.");
    server.signal(Signal::KILL);
    server.ended();
    let server = Server::with(&flags);
    let (mut op, mut bob) = (Client::join(&path), server.join());
    for client in [&mut op, &mut bob] {
        goes(client, "tea");
    }
    let all = read_back(&mut op, "/history 7 before 9007199254740991");
    assert_eq!(all.len(), LATER, "{all:?}");
    let first = all[0].0;
    bob.say(&format!("/delete {first}"));
    bob.expect(&format!("! Only its author can take {first} back."));
    op.say(&format!("/delete {first}"));
    op.expect("* You took it back.");
    bob.expect_line(|line| line.contains("took back a message of guest1"));
    op.say(&format!("/delete {first}"));
    op.expect(&format!("! There is no message {first} here."));
    op.say("/history 3 after yesterday");
    op.expect_line(|line| line.starts_with("* 3 messages of #tea after "));
    let (lines, _) = op.lines_until(|line| line.starts_with("* There is more: /history after "));
    assert!(lines[0].ends_with("line 1"), "{lines:?}");
    assert_eq!(kept(&store, "tea").len(), LATER - 1);
    bob.say("/search slip");
    bob.expect("* No message in #tea has slip.");
}
