//! What watchers are sent, as JSON. Times are in nanoseconds, phases in the order of
//! [`Phase::ALL`].

use std::time::Duration;

use serde_json::{Value, json};

use crate::event_loop::{Counters, EventLoopDelay, HandleId, Phase, Recording, Step, Turn};
use crate::net::Context;
use crate::server::ChatServer;
use crate::server::core::fan_out::Tally;
use crate::server::inspect::loop_view::BLOCK;
use crate::server::inspect::loop_view::RESOLUTION;
use crate::server::inspect::loop_view::Running;
use crate::server::inspect::loop_view::WATCHERS;

/// Bars of the strip in one frame at most. When there were more turns, each bar is the longest of
/// several in a row: a long turn is never lost among short ones.
const BARS: usize = 12;

/// Everything that only grows, at one time; a frame is what is between two of these.
#[derive(Clone, Copy, Default)]
pub(in crate::server) struct Sample {
    /// When it was taken, in nanoseconds of the loop.
    pub(in crate::server) nanos: u64,
    pub(in crate::server) counters: Counters,
    pub(in crate::server) tally: Tally,
    pub(in crate::server) lines: u64,
    pub(in crate::server) members: usize,
    total: Turn,
}

impl Sample {
    pub(in crate::server) fn take(server: &ChatServer, cx: &Context<ChatServer>) -> Self {
        Self {
            nanos: cx.nanos(),
            counters: cx.counters(),
            tally: server.hub.fan_out.tally(),
            lines: server.hub.lines(),
            members: server.hub.chat().member_count(),
            total: cx.monitor().map_or_else(Turn::default, |own| *own.total()),
        }
    }
}

/// The first message: what does not change.
pub(in crate::server) fn hello(may_block: bool) -> String {
    let phases = Phase::ALL.map(Phase::name);
    json!({
        "type": "hello",
        "version": env!("CARGO_PKG_VERSION"),
        "phases": phases,
        "mayBlock": may_block,
        "blockMs": BLOCK,
        "resolutionMs": RESOLUTION.as_millis() as u64,
        "maxWatchers": WATCHERS,
    })
    .to_string()
}

/// What the loop has done since the last frame.
pub(in crate::server) fn frame(
    cx: &Context<ChatServer>,
    sample: &Sample,
    running: &Running,
    watchers: usize,
) -> String {
    let before = &running.before;
    let sum = sample.total.since(&before.total);
    let turns = cx.monitor().map(|own| own.turns_after(running.last_turn));
    let turns: Vec<&Turn> = turns.into_iter().flatten().collect();
    let mut most = Turn::default();
    turns.iter().for_each(|turn| most.add(turn));
    let counters = sample.counters.since(&before.counters);
    let delay = &running.delay;
    json!({
        "type": "frame",
        "time": sample.nanos,
        "span": sample.nanos - before.nanos,
        "phases": Phase::ALL.map(|phase| {
            let stats = sum.phase(phase);
            json!([stats.nanos, stats.callbacks, most.phase(phase).queued])
        }),
        "ticks": [sum.ticks, sum.tick_nanos],
        "turns": counters.turns,
        "strip": strip(&turns),
        "connections": sample.counters.connections(),
        "members": sample.members,
        "watchers": watchers,
        "lines": sample.lines - before.lines,
        "messages": sample.tally.messages - before.tally.messages,
        "deliveries": sample.tally.deliveries - before.tally.deliveries,
        "skipped": sample.tally.skipped - before.tally.skipped,
        "reads": counters.reads,
        "writes": counters.writes,
        "accepts": counters.accepts,
        "polls": counters.polls,
        "bytesRead": counters.bytes_read,
        "bytesWritten": counters.bytes_written,
        "delay": {
            "count": delay.count(),
            "p50": late(delay, delay.percentile(50.0)),
            "p99": late(delay, delay.percentile(99.0)),
            "max": late(delay, delay.max()),
        },
    })
    .to_string()
}

/// How late the loop was, in nanoseconds, when a sample took so long.
pub(super) fn late(delay: &EventLoopDelay, sample: Option<Duration>) -> Option<u64> {
    sample.map(|sample| delay.lateness(sample).as_nanos() as u64)
}

/// The turns as bars: when it began, how many turns it stands for, and its phases' times.
fn strip(turns: &[&Turn]) -> Vec<Value> {
    let each = turns.len().div_ceil(BARS).max(1);
    let bars = turns.chunks(each).filter_map(|several| {
        let longest = several.iter().max_by_key(|turn| turn.busy())?;
        let times = Phase::ALL.map(|phase| longest.phase(phase).nanos);
        Some(json!([longest.start, several.len(), times]))
    });
    bars.collect()
}

/// A recorded turn, with the names that people know of what it was about.
pub(in crate::server) fn recording(
    server: &ChatServer,
    cx: &Context<ChatServer>,
    recording: &Recording,
) -> String {
    let steps = recording.steps.iter();
    let steps: Vec<Value> = steps.map(|step| describe(server, cx, step)).collect();
    let turn = &recording.turn;
    json!({
        "type": "recording",
        "turn": turn.number,
        "time": turn.start,
        "phases": Phase::ALL.map(|phase| {
            let stats = turn.phase(phase);
            json!([stats.nanos, stats.callbacks, stats.queued])
        }),
        "steps": steps,
        "leftOut": recording.left_out,
    })
    .to_string()
}

fn describe(server: &ChatServer, cx: &Context<ChatServer>, step: &Step) -> Value {
    json!({
        "phase": step.phase as usize,
        "origin": step.origin.name(),
        "handle": step.handle.map(|(id, _)| id.index()),
        "kind": step.handle.map(|(_, kind)| kind),
        "name": step.handle.and_then(|(id, _)| name(server, cx, id)),
        "event": step.event,
        "bytes": step.bytes,
        "start": step.start,
        "nanos": step.nanos,
        "reads": step.done.reads,
        "writes": step.done.writes,
        "accepts": step.done.accepts,
        "bytesRead": step.done.bytes_read,
        "bytesWritten": step.done.bytes_written,
    })
}

/// What people call it: a member's nickname, where a server listens. `None` if it is gone.
fn name(server: &ChatServer, cx: &Context<ChatServer>, id: HandleId) -> Option<String> {
    if let Some(connection) = server.connections.by_handle(id) {
        let mut watchers = server.loop_view.watchers.iter();
        let nickname = connection
            .session
            .and_then(|session| server.hub.member(session))
            .and_then(|member| server.hub.chat().nickname(member));
        return Some(match nickname {
            Some(nickname) => nickname.to_string(),
            None if watchers.any(|own| own.web_socket.socket() == connection.socket) => {
                "a page that watches".to_owned()
            }
            None => "a browser".to_owned(),
        });
    }
    let web = server.web.iter().map(|entrance| entrance.server.net());
    let mut doors = server.servers.iter().copied().chain(web);
    let door = doors.find(|door| door.handle_id() == id)?;
    Some(door.address(cx)?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_of_many_turns_keeps_the_longest() {
        let mut turns: Vec<Turn> = (0..1000)
            .map(|number| Turn {
                number,
                start: number,
                ..Turn::default()
            })
            .collect();
        turns[503].phases[Phase::Check as usize].nanos = 9;
        let turns: Vec<&Turn> = turns.iter().collect();
        let bars = strip(&turns);
        assert!(bars.len() <= BARS, "{}", bars.len());
        let counted: u64 = bars.iter().filter_map(|bar| bar[1].as_u64()).sum();
        assert_eq!(counted, 1000, "each turn is in one bar");
        let longest = bars.iter().filter(|bar| bar[2][3] == 9);
        assert_eq!(longest.count(), 1, "the long one is shown");
        assert!(strip(&[]).is_empty());
        assert_eq!(strip(&turns[..3]).len(), 3);
    }
}
