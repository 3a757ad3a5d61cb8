//! The dearest line of each command: 4 KB of whatever is dearest for it, said by somebody in a
//! chat that is as large as may be. That the work is bounded, tests show by counting; what it
//! comes to in time is here.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::ControlFlow;

use criterion::{BenchmarkId, Criterion};
use loopchat::chat::{Chat, Config, MemberId, Peer};
use loopchat::server::framing::LineDecoder;

const NEIGHBOUR: Peer = Peer::Tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));

const OPERATOR: Peer = Peer::Local {
    user: 1000,
    operator: true,
};

/// Bytes of a line.
const MAX_LINE: usize = 4096;

/// A word of so many bytes, of this again and again.
fn filled(with: &str) -> String {
    with.repeat((MAX_LINE - 20) / with.len())
}

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("worst line");
    // Eighteen letters in one, nothing but marks, what is no UTF-8: names that are none.
    let (phrase, marks, broken) = (
        filled("\u{FDFA}"),
        filled("\u{323}\u{307}"),
        filled("\u{FFFD}"),
    );
    // The dearest that is one.
    let name = "\u{1F82}".repeat(24);
    let lines = [
        ("said, plain", filled("x")),
        ("said, marks", marks.clone()),
        ("said, not UTF-8", broken.clone()),
        ("said, controls", filled("\u{9B}")),
        ("/nick, too long", format!("/nick {phrase}")),
        ("/nick, marks", format!("/nick q{marks}")),
        ("/nick, the longest, taken", format!("/nick {name}")),
        ("/join, too long", format!("/join {phrase}")),
        ("/who, too long", format!("/who {phrase}")),
        (
            "/who, the longest",
            format!("/who {}", "\u{1F82}".repeat(32)),
        ),
        ("/who, 20,000 are here", "/who".to_owned()),
        ("/msg, too long", format!("/msg {phrase} x")),
        ("/msg, the longest", format!("/msg {name} {}", filled("x"))),
        ("/rooms, 10,000", "/rooms".to_owned()),
        ("/topic, too long", format!("/topic {phrase}")),
        ("/history, 64 KiB", "/history 200".to_owned()),
        ("/help", "/help".to_owned()),
        ("unknown", format!("/{phrase}")),
        ("/kick, too long", format!("/kick {phrase}")),
        ("/unban, too long", format!("/unban {phrase}")),
    ];
    let (mut chat, talker, operator) = large_chat(&name);
    for (what, line) in lines {
        let member = match what {
            "/kick, too long" | "/unban, too long" => operator,
            _ => talker,
        };
        group.bench_function(BenchmarkId::from_parameter(what), |b| {
            let mut effects = Vec::new();
            b.iter(|| {
                chat.line(member, black_box(&line), 0, 0, &mut effects);
                effects.clear();
            });
        });
    }
    for (what, bytes) in [
        (
            "bytes: not UTF-8",
            [vec![0xFE; MAX_LINE], b"\n".to_vec()].concat(),
        ),
        (
            "bytes: CRs",
            [b"x\r".repeat(MAX_LINE / 2), b"x\n".to_vec()].concat(),
        ),
        (
            "bytes: NULs",
            [b"x\0".repeat(MAX_LINE / 2), b"\n".to_vec()].concat(),
        ),
        ("bytes: telnet commands", [255, 241].repeat(MAX_LINE / 2)),
        ("bytes: empty lines", vec![b'\n'; MAX_LINE]),
    ] {
        group.bench_function(BenchmarkId::from_parameter(what), |b| {
            let mut decoder = LineDecoder::new();
            b.iter(|| {
                decoder.feed_items(MAX_LINE, black_box(&bytes), |item| {
                    black_box(item);
                    ControlFlow::Continue(())
                })
            });
        });
    }
    group.finish();
}

/// 20,000 members, 10,000 rooms, a full history, and somebody who has the dearest name, in all its
/// numbers.
fn large_chat(name: &str) -> (Chat, MemberId, MemberId) {
    let config = Config {
        rooms: 10_001,
        ..Config::default()
    };
    let mut chat = Chat::new(config);
    let mut effects = Vec::new();
    for number in 0..10_000 {
        let member = chat
            .connect(NEIGHBOUR, 0, 0, &mut effects)
            .expect("a place");
        chat.line(
            member,
            &format!("/join {number}-{}", "ž".repeat(20)),
            0,
            0,
            &mut effects,
        );
        effects.clear();
    }
    let mut members = Vec::new();
    for _ in 0..9_998 {
        members.push(
            chat.connect(NEIGHBOUR, 0, 0, &mut effects)
                .expect("a place"),
        );
        effects.clear();
    }
    chat.line(members[0], &format!("/nick {name}"), 0, 0, &mut effects);
    for (number, &member) in members.iter().enumerate().take(100).skip(2) {
        let letters = if number < 10 { 23 } else { 22 };
        let taken: String = name.chars().take(letters).collect();
        chat.line(
            member,
            &format!("/nick {taken}{number}"),
            0,
            0,
            &mut effects,
        );
    }
    let message = "x".repeat(300);
    for _ in 0..200 {
        chat.line(members[1], &message, 0, 0, &mut effects);
    }
    let operator = chat.connect(OPERATOR, 0, 0, &mut effects).expect("a place");
    (chat, members[200], operator)
}
