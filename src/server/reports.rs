//! What operators ask that only the doors know.

use super::{ChatServer, OUTBOX_LIMIT};
use crate::chat::{MemberId, Report};
use crate::net::Context;

/// How many connections a report lists, so that it is no burden itself.
const LISTED: usize = 40;

impl ChatServer {
    /// Answers an operator.
    pub(super) fn report(&mut self, cx: &Context<Self>, to: MemberId, what: Report) {
        let lines = match what {
            Report::Limits => vec![
                format!("*   bytes of a line: {}", self.config.max_line),
                format!("*   bytes that may wait for a member: {OUTBOX_LIMIT}"),
            ],
            Report::Connections => self.describe_connections(cx),
        };
        for line in lines {
            self.fan_out.tell(to, &line);
        }
    }

    /// Those for whom most is waiting, a line each.
    fn describe_connections(&self, cx: &Context<Self>) -> Vec<String> {
        let members = self.connections.members();
        let waiting = |member: MemberId| {
            let socket = self.sockets.get(member.index()).copied().flatten();
            socket.map_or(0, |socket| socket.buffered(cx))
        };
        let mut queues: Vec<(usize, MemberId)> = members
            .into_iter()
            .map(|member| (waiting(member), member))
            .collect();
        queues.sort_unstable_by(|a, b| b.cmp(a));
        let header = format!("* Connections, {}:", queues.len());
        let listed = queues.iter().take(LISTED).filter_map(|&(waiting, member)| {
            let (nickname, peer) = (self.chat.nickname(member)?, self.chat.peer(member)?);
            Some(format!("*   {nickname}, {peer}: {waiting} bytes wait."))
        });
        let rest = queues.len().saturating_sub(LISTED);
        let rest = (rest > 0).then(|| format!("*   and {rest} more."));
        [header].into_iter().chain(listed).chain(rest).collect()
    }
}
