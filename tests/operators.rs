//! Orders: who may give them, and what they do to real connections.

mod support;

use support::{Client, Folder, Server};

/// A server with an operator, who comes through a socket of the server's own user, and a stranger.
fn server() -> (Server, Folder, Client, Client) {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let server = Server::with(&["--listen", &path]);
    let stranger = Client::join(&server.address);
    let mut operator = Client::join(&path);
    operator.say("/nick op");
    operator.expect("* You are now op.");
    (server, folder, operator, stranger)
}

#[test]
fn a_unix_socket_of_the_same_user_gives_orders_and_tcp_does_not() {
    let (server, _folder, mut operator, mut stranger) = server();
    for order in ["/shutdown", "/kick op", "/ban 127.0.0.1"] {
        stranger.say(order);
        let word = order.split(' ').next().unwrap();
        stranger.expect(&format!("! {word} is for operators only."));
    }
    let mut witness = Client::join(&server.address);
    operator.say(&format!("/kick {} enough", stranger.name));
    operator.expect(&format!("* You kicked {}.", stranger.name));
    stranger.expect("! Disconnected: you were kicked: enough");
    stranger.wait_for_end();
    witness.expect(&format!("* {} was kicked: enough", stranger.name));
}

/// `printf '/kick bob' | nc -N -U chat.sock`: the end must come, and not only for bob.
#[test]
fn an_order_may_be_a_last_line_without_an_end() {
    let (_server, _folder, mut operator, mut stranger) = server();
    operator.send(format!("/kick {}", stranger.name));
    operator.half_close();
    stranger.wait_for_end();
    operator.expect(&format!("* You kicked {}.", stranger.name));
    operator.wait_for_end();
}

#[test]
fn whoever_is_banned_is_told_so_at_the_door() {
    let (server, _folder, mut operator, mut stranger) = server();
    operator.say(&format!("/ban {} 7", stranger.name));
    operator.expect("* You banned 127.0.0.1 for 7 minutes; 1 member was disconnected.");
    let banned = "! Disconnected: you are banned for 7 minutes.";
    stranger.expect(banned);
    stranger.wait_for_end();
    let mut back = Client::connect(&server.address);
    assert_eq!(back.rest(), [banned]);
    operator.say("/unban 127.0.0.1");
    operator.expect("* 127.0.0.1 is banned no more.");
    Client::join(&server.address);
}

#[test]
fn what_only_the_doors_know_is_answered_in_order() {
    let (_server, _folder, mut operator, stranger) = server();
    operator.send("/limits\n/connections\n/who\n");
    let (lines, _) = operator.lines_until(|line| line.starts_with("* In #lobby"));
    let place = |wanted: &str| {
        // The age of a connection follows.
        let found = lines.iter().position(|line| line.starts_with(wanted));
        found.unwrap_or_else(|| panic!("no {wanted:?} in {lines:#?}"))
    };
    let order = [
        place("* Limits:"),
        place("*   bytes of a line: 4096"),
        place("* Connections, 2:"),
        place(&format!("*   {}, 127.0.0.1: 0 bytes wait, ", stranger.name)),
    ];
    assert!(order.is_sorted(), "{lines:#?}");
}

#[test]
fn an_operator_ends_the_server_for_everyone() {
    let (mut server, _folder, mut operator, mut stranger) = server();
    operator.say("/shutdown");
    for member in [&mut stranger, &mut operator] {
        member.expect("* The server is shutting down. Goodbye.");
        member.wait_for_end();
    }
    assert!(server.ended().success());
}
