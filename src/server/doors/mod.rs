//! The doors: sockets' events become calls of the hub, and what it gives back is put into words, or
//! into JSON, and written.
//!
//! | file | what |
//! | --- | --- |
//! | `line/` | the door for `nc`: TCP and IPC, lines of text |
//! | `web/` | the door for browsers and programs: pages, and WebSockets with lines or JSON |
//! | `json/` | the objects of `loopchat.v1.json`, whichever door they come through |
//! | `mod.rs` | all doors, and the framings that their members have |
//! | `outlet.rs` | what differs between the doors: how is written, read on, and ended |
//! | `connections.rs` | what the doors keep of each connection |
//! | `arrivals.rs`, `hearing.rs` | who comes and who is gone; when a connection is read |
//! | `handshakes.rs` | connections over TLS, until it is spoken |
//! | `trusted_proxies.rs` | which proxies may say who is behind them |

pub(in crate::server) mod arrivals;
pub(in crate::server) mod connections;
pub(in crate::server) mod handshakes;
pub(in crate::server) mod hearing;
pub(in crate::server) mod json;
pub(in crate::server) mod line;
pub(in crate::server) mod outlet;
pub(in crate::server) mod trusted_proxies;
pub(in crate::server) mod web;

use crate::server::core::rendering::{Framing, FramingId, Heard};
use json::rendering;
use line::times::Times;
use line::words;
use outlet::{Door, DoorId};

/// `nc`'s lines: old messages have their times.
pub(super) const LINES: FramingId = FramingId(0);
const LINES_ELSEWHERE: FramingId = FramingId(1);
/// All messages have.
const TIMED_LINES: FramingId = FramingId(2);
const TIMED_LINES_ELSEWHERE: FramingId = FramingId(3);
/// None has.
const BARE_LINES: FramingId = FramingId(4);
const BARE_LINES_ELSEWHERE: FramingId = FramingId(5);
/// Objects of JSON.
pub(super) const JSON: FramingId = FramingId(6);
const JSON_ELSEWHERE: FramingId = FramingId(7);

const JSON_FRAMING: Framing = Framing {
    render: rendering::render,
    echoes: true,
    elsewhere: JSON_ELSEWHERE,
    with_times: JSON,
    without_times: JSON,
    has_crowds: true,
};

/// Where members come in by lines.
const LINE_DOOR: DoorId = DoorId(0);
/// Where they come in by WebSockets.
const WEB_DOOR: DoorId = DoorId(1);

/// All doors that members have, each at the place that its id says.
static DOORS: [&Door; 2] = [&line::DOOR, &web::members::DOOR];

/// All framings there are, each at the place that its id says.
pub static FRAMINGS: [Framing; 8] = [
    lines(
        |heard, to| words::render(heard, Times::Old, to),
        LINES_ELSEWHERE,
    ),
    lines(
        |heard, to| words::render_elsewhere(heard, Times::Old, to),
        LINES_ELSEWHERE,
    ),
    lines(
        |heard, to| words::render(heard, Times::All, to),
        TIMED_LINES_ELSEWHERE,
    ),
    lines(
        |heard, to| words::render_elsewhere(heard, Times::All, to),
        TIMED_LINES_ELSEWHERE,
    ),
    lines(
        |heard, to| words::render(heard, Times::Never, to),
        BARE_LINES_ELSEWHERE,
    ),
    lines(
        |heard, to| words::render_elsewhere(heard, Times::Never, to),
        BARE_LINES_ELSEWHERE,
    ),
    JSON_FRAMING,
    Framing {
        render: rendering::render_elsewhere,
        ..JSON_FRAMING
    },
];

const fn lines(render: fn(Heard<'_>, &mut Vec<u8>), elsewhere: FramingId) -> Framing {
    Framing {
        render,
        echoes: false,
        elsewhere,
        with_times: TIMED_LINES,
        without_times: BARE_LINES,
        has_crowds: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_framing_is_where_others_look_for_it() {
        for (at, framing) in FRAMINGS.iter().enumerate() {
            for id in [framing.elsewhere, framing.with_times, framing.without_times] {
                let found = &FRAMINGS[usize::from(id.0)];
                assert_eq!(found.echoes, framing.echoes, "{at}");
                assert_eq!(found.has_crowds, framing.has_crowds, "{at}");
            }
        }
    }
}
