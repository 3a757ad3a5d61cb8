//! A step of the chat: one line in, effects out. What it costs must not depend on how many hear it.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use criterion::{BenchmarkId, Criterion};
use loopchat::chat::{Chat, Config, Effect, MemberId, Millis, Peer};
use loopchat::room_log::{MemoryLog, RoomLog};

const MESSAGE: &str = "Has anyone seen the keys? They were on the table a minute ago.";

/// Where they all come from.
const NEIGHBOUR: Peer = Peer::Tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chat");
    for size in [10, 1_000, 10_000] {
        // A line said in a room of so many, each in turn: sanitised, drafted, given its place, kept
        // in the history, one effect.
        group.bench_function(BenchmarkId::new("message, members", size), |b| {
            let (mut chat, members) = lobby(size);
            let (mut log, mut effects) = (MemoryLog::default(), Vec::new());
            let mut authors = members.iter().cycle();
            b.iter(|| {
                let author = *authors.next().expect("a cycle has no end");
                say(
                    &mut chat,
                    &mut log,
                    author,
                    black_box(MESSAGE),
                    &mut effects,
                );
                assert_eq!(effects.len(), 1);
                effects.clear();
            });
        });
    }
    for size in [10, 10_000] {
        // A whole stay: connected and greeted with the history, a name, another room, gone again.
        group.bench_function(BenchmarkId::new("visit, others", size), |b| {
            let (mut chat, members) = lobby(size);
            let mut effects = Vec::new();
            furnish_tea_room(&mut chat, members[0], &mut effects);
            let mut now = 0;
            b.iter(|| {
                now += 1; // a thousand come and go in a second, whose notices become one
                visit(&mut chat, now, &mut effects);
                effects.clear();
            });
            assert_eq!(chat.member_count(), size);
        });
    }
    group.finish();
}

/// A chat with so many members, all in the lobby, whose history is full.
fn lobby(size: usize) -> (Chat, Vec<MemberId>) {
    let mut chat = Chat::new(Config::default());
    let mut effects = Vec::new();
    let connect = |_| {
        chat.connect(NEIGHBOUR, 0, 0, &mut effects)
            .expect("there is room")
    };
    let members: Vec<_> = (0..size).map(connect).collect();
    let now = chat
        .next_deadline()
        .expect("they are still to be announced");
    chat.tick(now, now, &mut effects);
    talk(&mut chat, members[0], &mut effects);
    (chat, members)
}

/// Lets a member open a second room and fill its history.
fn furnish_tea_room(chat: &mut Chat, host: MemberId, effects: &mut Vec<Effect>) {
    chat.line(host, "/join tea", 0, 0, effects);
    talk(chat, host, effects);
    assert_eq!(chat.room_count(), 2);
}

fn talk(chat: &mut Chat, author: MemberId, effects: &mut Vec<Effect>) {
    let mut log = MemoryLog::default();
    for _ in 0..Config::default().history {
        say(chat, &mut log, author, MESSAGE, effects);
    }
    effects.clear();
}

/// Lets a member say something, which is heard.
fn say(
    chat: &mut Chat,
    log: &mut MemoryLog,
    author: MemberId,
    text: &str,
    effects: &mut Vec<Effect>,
) {
    chat.line(author, text, 0, 0, effects);
    if let Some(Effect::Append(draft)) = effects.pop() {
        let settled = log.append(draft, 0).expect("it is settled at once");
        chat.settle(settled, 0, effects);
    }
}

fn visit(chat: &mut Chat, now: Millis, effects: &mut Vec<Effect>) {
    if chat.next_deadline().is_some_and(|due| due <= now) {
        chat.tick(now, now, effects);
    }
    let visitor = chat
        .connect(NEIGHBOUR, now, now, effects)
        .expect("there is room");
    chat.line(visitor, "/nick Visitor", now, now, effects);
    chat.line(visitor, "/join tea", now, now, effects);
    assert_eq!(chat.nickname(visitor).map(|name| &**name), Some("Visitor"));
    chat.leave(visitor, now, effects);
}
