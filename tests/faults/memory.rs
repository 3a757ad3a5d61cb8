//! The budget for all: many connections, each within its own limits.

use super::slow::with_a_small_window;
use super::*;

const REASON: &str =
    "! Disconnected: the server is short of memory, and most of it was held for you.";

/// On the line door and the web door: the server, and the web door's address.
fn on_both_doors(flags: &[&str]) -> (Server, String) {
    let mut command = loopchat();
    command.args(["--listen", "127.0.0.1:0", "--web", "127.0.0.1:0"]);
    let server = Server::listening(command.args(["--max-memory", "1M"]).args(flags));
    let line = server.expect_log(|line| line.contains("http://"));
    let (_, web) = line.rsplit_once("http://").expect("an address");
    let web = web.trim_end_matches('/').to_owned();
    (server, web)
}

/// What the server says it holds for its connections.
fn held(web: &str) -> usize {
    let mut client = Client::connect(web);
    client.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let name = "loopchat_held_bytes{for=\"connections\"} ";
    let page = client.rest();
    let value = page.iter().find_map(|line| line.strip_prefix(name));
    value.and_then(|value| value.parse().ok()).expect("a gauge")
}

/// Until no more is held than may be.
fn expect_kept(web: &str) {
    eventually("the budget to be kept", || {
        (held(web) <= 1024 * 1024).then_some(())
    });
}

/// Until what is held is only what asking takes. Meanwhile a member reads what the others' last
/// words were.
fn expect_all_let_go(web: &str, member: &mut Client) {
    eventually("everything to be let go of", || {
        member.take_what_came();
        (held(web) < 4096).then_some(())
    });
}

/// Catches: torn lines that add up; an innocent member that is thrown out for what others hold.
#[test]
fn many_torn_lines_are_held_within_the_budget_and_the_largest_goes_first() {
    let (server, web) = on_both_doors(&["--max-line", "65536", "--history", "0"]);
    let mut innocent = server.join();
    let mut large = server.join();
    large.send("x".repeat(65_000));
    eventually("the torn line to be read", || {
        (held(&web) > 65_000).then_some(())
    });
    // Smaller ones, until it is too much.
    let mut others: Vec<Client> = Vec::new();
    while !large.has_come(REASON) {
        let mut client = server.join();
        client.send("y".repeat(30_000));
        others.push(client);
        innocent.sync();
        assert!(others.len() < 200, "6 MB are held");
    }
    assert_eq!(large.rest().last().map(String::as_str), Some(REASON));
    innocent.sync();
    assert!(held(&web) > 512 * 1024, "no more were ended than had to be");
    drop(others);
    expect_all_let_go(&web, &mut innocent);
    innocent.sync();
}

/// Catches: heads of requests that never end, and messages of WebSockets, that are left out of the
/// count; all of them ended since what they hold is let go of a little later.
#[test]
fn torn_requests_and_messages_are_held_within_the_budget() {
    for upgraded in [false, true] {
        let (server, web) = on_both_doors(&[]);
        let mut innocent = server.join();
        let mut torn: Vec<Client> = (0..100)
            .map(|_| {
                let mut client = Client::connect(&web);
                if upgraded {
                    client.send(
                        "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
                         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
                    );
                    client.expect_line(|line| line == "\r");
                    // A masked text of 40,000 bytes, of which half comes.
                    client.send(b"\x81\xfe\x9c\x40\0\0\0\0");
                } else {
                    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
                }
                client
            })
            .collect();
        // No door is told of anything meanwhile.
        for client in &mut torn {
            client.send_until_end(&[b'x'; 20_000][..if upgraded { 20_000 } else { 15_000 }]);
        }
        let line = server.expect_log(|line| line.contains("--max-memory: "));
        let (_, rest) = line.split_once("held: ").expect("a number");
        let ended = rest
            .split(' ')
            .next()
            .and_then(|count| count.parse::<usize>().ok());
        assert!(
            ended.is_some_and(|ended| (1..80).contains(&ended)),
            "{line}"
        );
        innocent.sync();
        let now = held(&web);
        assert!((256 * 1024..=1024 * 1024).contains(&now), "{now}");
        drop(torn);
        expect_all_let_go(&web, &mut innocent);
        innocent.sync();
    }
}

/// Catches: private messages to many who read nothing, each within its own limit; members who are
/// ended one after the other, and the sum above the budget meanwhile.
#[test]
fn many_outboxes_are_held_within_the_budget() {
    let (server, web) = on_both_doors(&["--stall-timeout", "3600", "--history", "0"]);
    let mut innocent = server.join();
    let readers: Vec<Client> = (0..100).map(|_| with_a_small_window(&server)).collect();
    let text = "x".repeat(4000);
    let mut most = 0;
    for reader in &readers {
        for n in 0..60 {
            innocent.say(&format!("/msg {} {n} {text}", reader.name));
            // It reads what it is answered: nothing is to be held for it.
            innocent.sync();
        }
        most = most.max(held(&web));
    }
    // A look sees each line: what is held beyond the budget is one line, and the question itself.
    assert!((768 * 1024..1040 * 1024).contains(&most), "{most}");
    server.expect_log(|line| line.contains("--max-memory: "));
    drop(readers);
    expect_all_let_go(&web, &mut innocent);
    innocent.sync();
}

/// Catches: what a paused socket goes on reading, of which nobody is told.
#[test]
fn many_inboxes_are_held_within_the_budget() {
    let (server, web) = on_both_doors(&["--flood", "1:1"]);
    let mut innocent = server.join();
    let mut flooders: Vec<Client> = (0..60).map(|_| server.join()).collect();
    for flooder in &mut flooders {
        flooder.send_until_end("x\n".repeat(40_000).as_bytes());
    }
    server.expect_log(|line| line.contains("--max-memory: "));
    expect_kept(&web);
    innocent.sync();
    // What they said before they went is still heard, a line a second, and held until then.
    drop(flooders);
    expect_kept(&web);
    innocent.sync();
}
