//! Other programs that have the database open: these tests are one.

use std::path::PathBuf;

use rusqlite::Connection;

use super::*;
use crate::support::eventually;

/// A server with a page of metrics, and where that is.
fn measured(store: &str, flags: &[&str]) -> (Server, String) {
    let mut command = loopchat();
    command.args(["--listen", "127.0.0.1:0", "--web", "127.0.0.1:0"]);
    command.args(["--flood", "off", "--store", store]);
    let server = Server::listening(command.args(flags));
    let web = server.web_address().to_string();
    (server, web)
}

/// What the page says of one thing.
fn metric(web: &str, name: &str) -> u64 {
    let mut client = Client::connect(web);
    client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let page = client.rest();
    let mut lines = page.iter();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.and_then(|value| value.parse().ok()).expect(name)
}

/// The database, as another program opens it.
fn opened(store: &str) -> Connection {
    Connection::open(PathBuf::from(store).join("chat.sqlite")).expect("a database")
}

/// Catches: a loop that waits for another program, a line that is heard although it was refused,
/// and a server that has to be started again.
#[test]
fn while_another_program_writes_authors_are_refused_and_nobody_else_waits() {
    let folder = Folder::new();
    let store = folder.text("store");
    let (server, web) = measured(&store, &[]);
    let (mut ann, mut bob) = (server.join(), server.join());
    says(&mut ann, &mut bob, "before");
    let other = opened(&store);
    other.execute_batch("BEGIN IMMEDIATE").expect("it may");
    ann.say("nobody hears this");
    bob.say("/who");
    bob.expect_line(|line| line.starts_with("* In #lobby (2)"));
    ann.expect_line(|line| line.starts_with("! Nobody hears that, since"));
    server.expect_log(|line| line.contains("nothing can be said in rooms"));
    assert_eq!(metric(&web, "loopchat_store_refused_total"), 1);
    other.execute_batch("ROLLBACK").expect("it may");
    ann.say("after");
    bob.expect_line(|line| line.ends_with("guest1: after"));
    server.expect_log(|line| line.contains("what is said is kept again"));
    assert_eq!(metric(&web, "loopchat_store_lines_total"), 2);
    assert_eq!(kept(&store, "lobby"), ["before", "after"]);
}

/// Catches: a journal that grows and grows since somebody reads, without a word.
#[test]
fn a_program_that_reads_for_long_is_told_of_and_done_with() {
    let folder = Folder::new();
    let store = folder.text("store");
    let (server, web) = measured(&store, &["--store-max", "1M"]);
    let (mut ann, mut bob) = (server.join(), server.join());
    says(&mut ann, &mut bob, "before");
    let other = opened(&store);
    other.execute_batch("BEGIN").expect("it may");
    let rooms = other.query_row("SELECT count(*) FROM rooms", [], |row| row.get::<_, i64>(0));
    assert_eq!(rooms, Ok(1));
    let long = "lorem ipsum ".repeat(200);
    for at in 0..400 {
        says(&mut ann, &mut bob, &format!("{at} {long}end"));
    }
    server.expect_log(|line| line.contains("WARN") && line.contains("in one long transaction"));
    let held = || metric(&web, "loopchat_store_held_journal_bytes");
    assert!(held() > 0);
    other.execute_batch("COMMIT").expect("it may");
    eventually("the journal to be free again", || {
        says(&mut ann, &mut bob, "more");
        (held() == 0).then_some(())
    });
}
