//! The end of the server, in the middle of everything.

use std::sync::Barrier;
use std::thread;

use support::{Folder, Signal};

use super::*;

const GOODBYE: &str = "* The server is shutting down. Goodbye.";

/// What a member heard until the end, which has to be told.
fn until_the_end(member: &mut Client) -> Vec<String> {
    let mut lines = member.rest();
    assert_eq!(lines.pop().as_deref(), Some(GOODBYE), "{}", member.name);
    support::messages(lines)
}

/// Everyone must have heard the same, but for their own lines, with no hole in anybody's.
fn check_all_the_same(order: &[String], members: Vec<(String, Vec<String>)>) {
    for (name, heard) in members {
        let author = format!("{name}: ");
        let own: Vec<_> = order
            .iter()
            .filter(|line| line.starts_with(&author))
            .collect();
        let wanted = (0..own.len()).map(|n| format!("{author}line {n}"));
        assert!(
            own.into_iter().eq(wanted.collect::<Vec<_>>().iter()),
            "a hole in {name}'s lines"
        );
        let others = order.iter().filter(|line| !line.starts_with(&author));
        assert!(others.eq(heard.iter()), "{name} hears something else");
    }
}

/// Catches: lines that were read, and whose author was perhaps answered, thrown away with the turn
/// that brings the signal.
#[test]
fn a_signal_in_the_middle_of_a_broadcast_loses_nothing_that_was_accepted() {
    const TALKERS: usize = 10;
    const LINES: usize = 300;
    for heard_before in [1, 50, 500] {
        let mut server = Server::start();
        let mut observer = server.join();
        let talkers = all_join(&server.address, TALKERS);
        let start = Barrier::new(TALKERS);
        let (order, members) = thread::scope(|scope| {
            let talking: Vec<_> = talkers
                .into_iter()
                .map(|mut talker| {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        for n in 0..LINES {
                            talker.say(&format!("line {n}"));
                        }
                        let heard = until_the_end(&mut talker);
                        (talker.name.clone(), heard)
                    })
                })
                .collect();
            let mut order = observer.messages(heard_before);
            server.signal(Signal::TERM);
            order.extend(until_the_end(&mut observer));
            let members = talking.into_iter().map(|thread| thread.join().unwrap());
            (order, members.collect::<Vec<_>>())
        });
        println!(
            "the signal came after {heard_before} lines, the end after {}",
            order.len()
        );
        check_all_the_same(&order, members);
        drop(observer);
        assert_eq!(server.ended().code(), Some(0));
    }
}

/// The same, where all of it and the signal, or the order, are there when the server looks: what
/// came before is read before it, though it is too much for one turn.
#[test]
fn what_came_before_the_signal_is_heard_before_the_end() {
    for is_ordered in [false, true] {
        const TALKERS: usize = 10;
        const LINES: usize = 1000;
        let folder = Folder::new();
        let path = folder.text("chat.sock");
        let mut server = Server::with(&["--listen", &path]);
        let mut operator = Client::join(&path);
        let mut observer = server.join();
        let mut talkers = all_join(&server.address, TALKERS);
        server.freeze();
        for talker in &mut talkers {
            let lines: String = (0..LINES).map(|n| format!("line {n}\n")).collect();
            talker.send(lines);
        }
        match is_ordered {
            true => operator.say("/shutdown"),
            false => server.signal(Signal::TERM),
        }
        server.thaw();
        let order = until_the_end(&mut observer);
        assert_eq!(order.len(), TALKERS * LINES, "ordered: {is_ordered}");
        let heard = |talker: &mut Client| (talker.name.clone(), until_the_end(talker));
        check_all_the_same(&order, talkers.iter_mut().map(heard).collect());
        drop((talkers, observer, operator));
        assert_eq!(server.ended().code(), Some(0));
    }
}

/// The same again, where it is known what was read before the end: all that came on the connection
/// on which the end was ordered, and all whose author was answered.
#[test]
fn an_order_to_end_comes_after_all_that_was_said_before_it() {
    const LINES: usize = 200;
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let mut server = Server::with(&["--listen", &path]);
    let mut operator = Client::join(&path);
    let mut readers = all_join(&server.address, 10);
    let mut author = server.join();
    author.say("line 0");
    author.sync();
    let lines: String = (0..LINES).map(|n| format!("line {n}\n")).collect();
    operator.send(lines + "/shutdown\n");
    let mut wanted = vec![format!("{}: line 0", author.name)];
    wanted.extend((0..LINES).map(|n| format!("{}: line {n}", operator.name)));
    for reader in &mut readers {
        assert_eq!(until_the_end(reader), wanted);
    }
    assert_eq!(until_the_end(&mut author), wanted[1..]);
    drop((readers, author, operator));
    assert_eq!(server.ended().code(), Some(0));
}
