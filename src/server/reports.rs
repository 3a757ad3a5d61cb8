//! What operators ask that only the doors know.

use std::collections::VecDeque;

use super::{ChatServer, Flood, flood};
use crate::chat::{MemberId, Millis, Peer, Report};
use crate::net::Context;

/// How many connections a report lists, so that it is no burden itself.
const LISTED: usize = 40;

/// How many are remembered of those the server has disconnected.
const REMEMBERED: usize = 10;

/// Whom the server has disconnected of late, and why.
#[derive(Default)]
pub(super) struct Farewells(VecDeque<Farewell>);

struct Farewell {
    nickname: String,
    peer: Peer,
    reason: String,
    at: Millis,
}

impl Farewells {
    pub(super) fn note(&mut self, nickname: &str, peer: Peer, reason: &str, now: Millis) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        let reason = reason.trim_start_matches("! Disconnected: ").to_owned();
        self.0.push_back(Farewell {
            nickname: nickname.to_owned(),
            peer,
            reason,
            at: now,
        });
    }
}

impl ChatServer {
    /// Answers an operator.
    pub(super) fn report(&mut self, cx: &Context<Self>, to: MemberId, what: Report) {
        let lines = match what {
            Report::Limits => self.describe_limits(),
            Report::Connections => self.describe_connections(cx),
        };
        for line in lines {
            self.fan_out.tell(to, &line);
        }
    }

    fn describe_limits(&self) -> Vec<String> {
        let config = &self.config;
        let flood = match config.flood {
            None => format!("{} for strangers", Flood::Limit(flood::DEFAULT)),
            Some(flood) => flood.to_string(),
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
        let mut found: Vec<_> = self
            .connections
            .iter()
            .filter_map(|connection| {
                let member = connection.member?;
                Some((connection.socket.buffered(cx), member, connection))
            })
            .collect();
        found.sort_unstable_by_key(|&(waiting, member, _)| std::cmp::Reverse((waiting, member)));
        let mut lines = vec![format!("* Connections, {}:", found.len())];
        for &(waiting, member, connection) in found.iter().take(LISTED) {
            let (Some(nickname), Some(peer)) = (self.chat.nickname(member), self.chat.peer(member))
            else {
                continue;
            };
            let age = now / 1000 - u64::from(connection.since);
            let mut line = format!("*   {nickname}, {peer}: {waiting} bytes wait, {age} s old");
            if let Some(skipped) = self.fan_out.skipped(member) {
                line += &format!(", reads too slowly, {skipped} messages left out");
            }
            if connection
                .bound
                .as_ref()
                .is_some_and(|bound| bound.held_back)
            {
                line += ", types too fast";
            }
            lines.push(line + ".");
        }
        if found.len() > LISTED {
            lines.push(format!("*   and {} more.", found.len() - LISTED));
        }
        let gone = self.farewells.0.iter().rev();
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
