//! What operators ask that only the doors know.

use std::cmp::Reverse;
use std::collections::VecDeque;

use super::{ChatServer, Connects, Flood, flood};
use crate::chat::{MemberId, Millis, Peer, Report};
use crate::net::Context;

/// How many connections a report lists, so that it is no burden itself.
const LISTED: usize = 40;

/// How many are remembered of those the server has disconnected.
const REMEMBERED: usize = 10;

/// What the server disconnects somebody for: how the last line begins, and its name in the metrics.
const REASONS: [(&str, &str); 5] = [
    ("! Disconnected: you read too slowly", "read_too_slowly"),
    ("! Disconnected: you read nothing", "read_nothing"),
    ("! Disconnected: you said nothing", "said_nothing"),
    ("! Disconnected: the server is short of memory", "memory"),
    ("* The server is shutting down", "shutdown"),
];

/// Whom the server has disconnected of late, and why.
#[derive(Default)]
pub(super) struct Farewells {
    latest: VecDeque<Farewell>,
    counts: [u64; REASONS.len()],
}

struct Farewell {
    nickname: String,
    peer: Peer,
    reason: String,
    at: Millis,
}

impl Farewells {
    pub(super) fn note(&mut self, nickname: &str, peer: Peer, reason: &str, now: Millis) {
        let known = REASONS
            .iter()
            .position(|(start, _)| reason.starts_with(start));
        if let Some(known) = known {
            self.counts[known] += 1;
        }
        if self.latest.len() == REMEMBERED {
            self.latest.pop_front();
        }
        let reason = reason.trim_start_matches("! Disconnected: ").to_owned();
        self.latest.push_back(Farewell {
            nickname: nickname.to_owned(),
            peer,
            reason,
            at: now,
        });
    }

    /// How many were disconnected for what, by its name in the metrics. Kicks and bans are an
    /// operator's doing, and not among them.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        REASONS
            .iter()
            .zip(self.counts)
            .map(|((_, name), count)| (*name, count))
    }
}

impl ChatServer {
    /// Answers somebody, mostly an operator.
    pub(super) fn report(&mut self, cx: &Context<Self>, to: MemberId, what: Report) {
        let lines = match what {
            Report::Loop => self.describe_loop(cx),
            Report::Limits => self.describe_limits(),
            Report::Connections => self.describe_connections(cx),
        };
        for line in lines {
            self.hub.tell(to, line);
        }
    }

    fn describe_limits(&self) -> Vec<String> {
        let config = &self.config;
        let flood = match config.flood {
            None => format!("{} for strangers", Flood::Limit(flood::DEFAULT)),
            Some(flood) => flood.to_string(),
        };
        let connects = match config.connects {
            None => format!("{} for strangers", Connects::Limit(flood::DEFAULT_CONNECTS)),
            Some(connects) => connects.to_string(),
        };
        let idle = match config.idle_timeout {
            0 => "for ever".to_owned(),
            seconds => seconds.to_string(),
        };
        [
            ("connections", config.max_connections.to_string()),
            (
                "connections of one address",
                config.max_per_address.to_string(),
            ),
            ("connections of one address a second, and at once", connects),
            ("bytes of a line", config.max_line.to_string()),
            ("lines a second, and at once", flood),
            ("seconds to say nothing", idle),
            (
                "bytes that wait before messages are left out",
                config.outbox_soft.to_string(),
            ),
            (
                "bytes that may wait for a member",
                config.outbox_hard.to_string(),
            ),
            ("seconds to read nothing", config.stall_timeout.to_string()),
        ]
        .map(|(what, limit)| format!("*   {what}: {limit}"))
        .into()
    }

    /// Those for whom most is waiting, a line each; then who was disconnected.
    fn describe_connections(&self, cx: &Context<Self>) -> Vec<String> {
        let now = cx.now();
        let chat = self.hub.chat();
        let mut found: Vec<_> = self
            .connections
            .iter()
            .filter_map(|connection| {
                let member = connection.member?;
                Some((connection.socket.buffered(cx), member, connection))
            })
            .collect();
        let count = found.len();
        let rank = |&(waiting, member, _): &(usize, MemberId, _)| Reverse((waiting, member));
        if count > LISTED {
            found.select_nth_unstable_by_key(LISTED, rank);
            found.truncate(LISTED);
        }
        found.sort_unstable_by_key(rank);
        let mut lines = vec![format!("* Connections, {count}:")];
        for &(waiting, member, connection) in &found {
            let (Some(nickname), Some(peer)) = (chat.nickname(member), chat.peer(member)) else {
                continue;
            };
            let age = now / 1000 - u64::from(connection.since);
            let mut line = format!("*   {nickname}, {peer}: {waiting} bytes wait, {age} s old");
            if let Some(skipped) = self.hub.fan_out.skipped(member) {
                line += &format!(", reads too slowly, {skipped} messages left out");
            }
            if connection.input.is_held_back() {
                line += ", types too fast";
            }
            lines.push(line + ".");
        }
        if count > LISTED {
            lines.push(format!("*   and {} more.", count - LISTED));
        }
        let gone = self.hub.farewells.latest.iter().rev();
        lines.extend(gone.map(|gone| {
            let ago = (now - gone.at) / 1000;
            let Farewell {
                nickname,
                peer,
                reason,
                ..
            } = gone;
            format!("*   Gone {ago} s ago: {nickname}, {peer}: {reason}")
        }));
        lines
    }
}
