//! What a connection costs the kernel: bounded while it lasts, and nothing once the server is rid
//! of it.

use procfs::net::{TcpNetEntry, TcpState};
use support::{Folder, Signal};

use super::*;

/// The most that may wait in the kernel for one connection, in either direction: twice what is
/// asked for, since the kernel counts its overhead, and one write that goes beyond.
const MOST: u32 = 2 * 64 * 1024 + 64 * 1024;

/// What the kernel has of connections to this port, on the server's side.
pub fn connections(server: &Server) -> Vec<TcpNetEntry> {
    let port = port(server);
    let all = procfs::net::tcp().expect("/proc/net/tcp");
    let ours =
        |entry: &TcpNetEntry| entry.local_address.port() == port && entry.state != TcpState::Listen;
    all.into_iter().filter(ours).collect()
}

fn port(server: &Server) -> u16 {
    let address: std::net::SocketAddr = server.address.parse().expect("an address");
    address.port()
}

/// What nobody has a descriptor for any more, and still holds something of the kernel's.
fn orphans(server: &Server) -> Vec<TcpNetEntry> {
    let holds = |entry: &TcpNetEntry| entry.inode == 0 && entry.tx_queue > 4096;
    let all = connections(server);
    all.into_iter().filter(|entry| holds(entry)).collect()
}

/// Waits until so many connections are left, and looks all the while at what the kernel holds.
fn until_left(server: &Server, count: usize) {
    eventually("the others to be gone", || {
        let found = orphans(server);
        assert!(found.is_empty(), "orphans: {found:#?}");
        let all = connections(server);
        let much = all.iter().find(|entry| entry.tx_queue > MOST);
        assert!(much.is_none(), "much waits: {much:#?}");
        let open = all.iter().filter(|entry| entry.inode != 0).count();
        (open == count).then_some(())
    });
}

/// A room with long messages in its history, and who has said them.
fn with_history(server: &Server) -> Client {
    let mut talker = server.join();
    for n in 0..20 {
        talker.say(&format!("{n} {}", "x".repeat(4000)));
    }
    talker.sync();
    talker
}

/// Asks for much, reads none of it.
fn stalls(server: &Server) -> Client {
    let mut client = Client::connect(&server.address);
    for _ in 0..8 {
        client.say("/history 20");
    }
    client
}

fn stalled_readers_leave_nothing(half_closed: bool) {
    let server = Server::with(&["--stall-timeout", "1"]);
    let mut talker = with_history(&server);
    let mut stalled: Vec<Client> = (0..20).map(|_| stalls(&server)).collect();
    if half_closed {
        stalled.iter_mut().for_each(Client::half_close);
    }
    until_left(&server, 1);
    talker.sync();
    drop(stalled);
}

/// Catches: orphans that hold what stalled readers have not read, for minutes.
#[test]
fn stalled_readers_leave_nothing_behind() {
    stalled_readers_leave_nothing(false);
}

/// Catches: the same of those that have ended their side, which go another way.
#[test]
fn half_closed_readers_leave_nothing_behind() {
    stalled_readers_leave_nothing(true);
}

/// Catches: the same of those who leave by themselves, and have not read what they asked for.
#[test]
fn who_quits_unread_leaves_nothing_behind() {
    let server = Server::start();
    let mut talker = with_history(&server);
    let stalled: Vec<Client> = (0..20)
        .map(|_| {
            let mut client = Client::connect(&server.address);
            client.say("/history 20");
            client.say("/quit");
            client
        })
        .collect();
    eventually("them to be let in", || {
        (connections(&server).len() > 20).then_some(())
    });
    until_left(&server, 1);
    talker.sync();
    drop(stalled);
}

/// Catches: what the server's own end leaves to the kernel.
#[test]
fn the_end_of_the_server_leaves_nothing_behind() {
    let mut server = Server::with(&["--shutdown-timeout", "1"]);
    let talker = with_history(&server);
    let stalled: Vec<Client> = (0..10).map(|_| stalls(&server)).collect();
    eventually("bytes to wait", || {
        let waits = |entry: &&TcpNetEntry| entry.tx_queue > 4096;
        let all = connections(&server);
        (all.iter().filter(waits).count() == 10).then_some(())
    });
    server.signal(Signal::TERM);
    drop(talker);
    assert_eq!(server.ended().code(), Some(0));
    let found = orphans(&server);
    assert!(found.is_empty(), "orphans: {found:#?}");
    drop(stalled);
}

/// Catches: pages that are asked for and not read.
#[test]
fn pages_that_nobody_reads_leave_nothing_behind() {
    let folder = Folder::new();
    let mut command = loopchat();
    let path = folder.text("chat.sock");
    command.args(["--listen", &path, "--web", "127.0.0.1:0"]);
    command.args(["--shutdown-timeout", "1"]);
    let mut server = Server::listening(&mut command);
    let line = server.expect_log(|line| line.contains("http://"));
    let (_, address) = line.rsplit_once("http://").expect("an address");
    server.address = address.trim_end_matches('/').to_owned();
    let pages: Vec<Client> = (0..10)
        .map(|_| {
            let mut client = Client::connect(&server.address);
            let request = "GET /docs/images/loop-load.png HTTP/1.1\r\nHost: localhost\r\n\r\n";
            client.send(request.repeat(30));
            client.half_close();
            client
        })
        .collect();
    eventually("bytes to wait", || {
        let waits = |entry: &&TcpNetEntry| entry.tx_queue > 4096;
        let all = connections(&server);
        (all.iter().filter(waits).count() == 10).then_some(())
    });
    server.signal(Signal::TERM);
    assert_eq!(server.ended().code(), Some(0));
    let found = orphans(&server);
    assert!(found.is_empty(), "orphans: {found:#?}");
    drop(pages);
}

/// Catches: a receive buffer that grows with what a peer sends and nobody reads.
#[test]
fn what_is_not_read_is_bounded_in_the_kernel_too() {
    let server = Server::with(&["--flood", "1:1"]);
    let mut flooder = server.join();
    flooder.send("one\ntwo\n");
    flooder.expect_line(|line| line.starts_with("* You are typing faster"));
    let sent = flooder.send_what_fits(&[b'x'; 16 * 1024]);
    let all = connections(&server);
    let unread = all.iter().map(|entry| entry.rx_queue).max();
    println!("{sent} bytes sent, {unread:?} unread in the kernel");
    assert!(unread <= Some(MOST), "{unread:?}");
}
