//! What operators ask that only the doors know.

use std::cmp::Reverse;
use std::rc::Rc;

use crate::chat::{Answer, ConnectionListed, ConnectionsReport, Question, Report};
use crate::net::Context;
use crate::server::core::flood;
use crate::server::core::sessions::SessionId;
use crate::server::{ChatServer, Connects, Flood};

/// How many connections a report lists, so that it is no burden itself.
const LISTED: usize = 40;

impl ChatServer {
    /// Answers somebody, mostly an operator.
    pub(in crate::server) fn report(&mut self, cx: &Context<Self>, to: SessionId, what: Question) {
        let report = match what {
            Question::Loop => Report::Loop(self.loop_report(cx)),
            Question::Limits => Report::Limits(self.limits()),
            Question::Connections => Report::Connections(self.connections_report(cx)),
        };
        self.hub.tell(to, Answer::Report(Rc::new(report)));
    }

    /// The chat's limits, then those of connections.
    fn limits(&self) -> Vec<(&'static str, String)> {
        let config = &self.config;
        let chat = config.chat();
        let of_chat = [
            ("rooms", chat.rooms),
            ("rooms that one member hears", chat.rooms_per_member),
            ("members of a room", chat.room_members),
            ("messages a room keeps", chat.history),
            ("bytes of messages a room keeps", chat.history_bytes),
            ("messages replayed to who enters a room", chat.replay),
            ("characters of a nickname", chat.nickname),
            ("characters of a room's name", chat.room_name),
            ("characters of a topic", chat.topic),
            ("characters of a reason", chat.reason),
            ("bans", chat.bans),
            ("mutes", chat.mutes),
        ];
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
        let of_connections = [
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
        ];
        let of_chat = of_chat.into_iter();
        of_chat
            .map(|(what, limit)| (what, limit.to_string()))
            .chain(of_connections)
            .collect()
    }

    /// Those for whom most is waiting, and who was disconnected.
    fn connections_report(&self, cx: &Context<Self>) -> ConnectionsReport {
        let now = cx.now();
        let chat = self.hub.chat();
        let mut found: Vec<_> = self
            .connections
            .iter()
            .filter_map(|connection| {
                let session = connection.session?;
                Some((connection.socket.buffered(cx), session, connection))
            })
            .collect();
        let count = found.len();
        let rank = |&(waiting, session, _): &(usize, SessionId, _)| Reverse((waiting, session));
        if count > LISTED {
            found.select_nth_unstable_by_key(LISTED, rank);
            found.truncate(LISTED);
        }
        found.sort_unstable_by_key(rank);
        let listed = found.iter().filter_map(|&(waiting, session, connection)| {
            let member = self.hub.member(session)?;
            Some(ConnectionListed {
                nickname: chat.nickname(member)?.clone(),
                peer: chat.peer(member)?,
                waiting,
                seconds: now / 1000 - u64::from(connection.since),
                skipped: self.hub.fan_out.skipped(session),
                is_held_back: connection.input.is_held_back(),
            })
        });
        ConnectionsReport {
            count,
            listed: listed.collect(),
            gone: self.hub.farewells.latest(now).collect(),
        }
    }
}
