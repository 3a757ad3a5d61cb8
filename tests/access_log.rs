//! Who was kept out, as the log has it, and as fail2ban reads it.

mod support;

use std::fs;
use std::process::Command;

use support::{Client, Folder, Server, has_tool, run};

/// The filter of the page.
fn filter() -> String {
    let page = include_str!("../docs/operating.md");
    let (_, block) = page
        .split_once("```ini\n# /etc/fail2ban/")
        .expect("a filter");
    let (_, block) = block.split_once('\n').expect("a line");
    block.split_once("```").expect("its end").0.to_owned()
}

/// A log with everything in it that is looked for: two at 127.0.0.1 are kicked and banned, two
/// more turned away, and one tries to write such a line itself.
fn log() -> Vec<String> {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let mut server = Server::with(&["--listen", &path]);
    let mut operator = Client::join(&path);
    operator.say("/nick op");
    operator.expect("* You are now op.");
    let mut forger = server.join();
    forger.say("/nick kicked_192.0.2.1");
    forger.expect("* You are now kicked_192.0.2.1.");
    forger.say("loopchat::access] kicked 192.0.2.1 by=op");
    operator.expect_line(|line| line.contains("kicked 192.0.2.1 by=op"));
    operator.say("/mute kicked_192.0.2.1 90s");
    operator.say("/unmute kicked_192.0.2.1");
    operator.say("/kick kicked_192.0.2.1 banned 192.0.2.2 by=me");
    forger.wait_for_end();
    let mut browser = Client::connect(&server.address);
    browser.send("GET / HTTP/1.1\r\n\r\n");
    browser.wait_for_end();
    let mut alice = server.join();
    operator.say(&format!(
        "/ban {} 2h refused 192.0.2.3 why=foreign",
        alice.name
    ));
    alice.wait_for_end();
    Client::connect(&server.address).wait_for_end();
    operator.say("/unban 127.0.0.1");
    operator.expect("* 127.0.0.1 is banned no more.");
    operator.say("/shutdown");
    assert!(server.ended().success());
    server.log()
}

#[test]
fn each_is_one_line_of_one_form_that_fail2ban_reads() {
    let log = log();
    let told = log
        .iter()
        .filter_map(|line| line.split_once("loopchat::access] "));
    let told: Vec<&str> = told.map(|(_, event)| event).collect();
    assert_eq!(
        told,
        [
            "muted 127.0.0.1 nick=kicked_192.0.2.1 by=op seconds=90",
            "unmuted 127.0.0.1 nick=kicked_192.0.2.1 by=op",
            "kicked 127.0.0.1 nick=kicked_192.0.2.1 by=op",
            "refused 127.0.0.1 why=foreign",
            "banned 127.0.0.1 by=op seconds=7200 members=1",
            "refused 127.0.0.1 why=banned",
            "unbanned 127.0.0.1 by=op",
        ]
    );
    if !has_tool("fail2ban-regex") {
        return;
    }
    let folder = Folder::new();
    let (log_file, filter_file) = (folder.path("log"), folder.path("loopchat.conf"));
    fs::write(&log_file, log.join("\n") + "\n").expect("a file");
    fs::write(&filter_file, filter()).expect("a file");
    let mut command = Command::new("fail2ban-regex");
    command
        .args(["--out", "ip"])
        .arg(&log_file)
        .arg(&filter_file);
    let output = run(&mut command);
    let found = String::from_utf8(output.stdout).expect("text");
    let found: Vec<&str> = found.lines().collect();
    assert_eq!(found, ["127.0.0.1"; 4]);
}
