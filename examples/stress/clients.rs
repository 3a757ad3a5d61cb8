//! The clients: from connecting to being in their room, and their end.

use std::time::Duration;

use loopchat::net::{self, Event};

use super::lines::{self, Lines};
use super::message::Heard;
use super::objects;
use super::run::{Context, Phase, Stress};
use super::wire::{self, Wire};

/// Connections that may be under way at a time, so that the server's backlog is not overrun.
const WAVE: usize = 256;

/// Milliseconds after which a Unix socket whose backlog was full is tried again.
const RETRY: Duration = Duration::from_millis(10);

/// One of the clients; its number is its place among them.
pub struct Client {
    pub kind: Kind,
    pub room: usize,
    pub link: Link,
    pub wire: Option<Wire>,
    pub lines: Lines,
    /// It has been in its room before.
    returns: bool,
    /// What the server last refused or what broke the connection, for who asks why it has ended.
    pub trouble: Option<Box<str>>,
    retry: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// Stays, and has to get everything.
    Steady,
    /// Leaves and comes back.
    Churning,
    /// Reads nothing.
    Slow,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Link {
    /// Not connected: not yet, or not any more.
    Down,
    /// Connecting, or waiting for the server to let it into its room.
    Joining,
    /// In its room.
    In,
    /// It has said that it leaves.
    Leaving,
    /// The server has said goodbye: the end of the connection is in order.
    Left,
}

impl Client {
    pub fn new(kind: Kind, room: usize) -> Self {
        Self {
            kind,
            room,
            link: Link::Down,
            wire: None,
            lines: Lines::default(),
            returns: false,
            trouble: None,
            retry: false,
        }
    }

    /// Says that it leaves; the server answers, and ends the connection.
    pub fn leave(&mut self, cx: &mut Context) {
        if let Some(wire) = self.wire {
            self.link = Link::Leaving;
            wire.end_with(cx, b"/quit\n");
        }
    }

    /// What is no message of ours.
    pub fn hear_other(&mut self, heard: &Heard<'_>) {
        match heard {
            Heard::Entered if self.link == Link::Joining => self.link = Link::In,
            Heard::Farewell if self.link == Link::Leaving => self.link = Link::Left,
            Heard::Refused(why) | Heard::Disconnected(why) => {
                self.trouble = Some(why.as_ref().into());
            }
            _ => {}
        }
    }
}

/// Connects the next ones, as many as may be under way.
pub fn connect_more(stress: &mut Stress, cx: &mut Context) {
    while stress.under_way < WAVE && stress.next_client < stress.clients.len() {
        stress.under_way += 1;
        stress.next_client += 1;
        connect(stress, cx, stress.next_client - 1);
    }
}

/// Connects one, the first time or again.
pub fn connect(stress: &mut Stress, cx: &mut Context, index: usize) {
    let client = &mut stress.clients[index];
    client.wire = None;
    client.link = Link::Joining;
    client.lines = Lines::default();
    if client.returns {
        stress.check.came_back(index); // before the first line: it may be in one piece with the answer
    }
    if let Some((endpoint, url)) = &stress.web {
        return wire::connect(cx, *endpoint, url, index);
    }
    let socket = net::create_connection(cx, stress.target.clone());
    socket.set_no_delay(cx, true);
    socket.on_event(cx, move |stress, cx, _, event| match event {
        Event::Connect => connected(stress, cx, index),
        Event::Data(bytes) => data(stress, cx, index, bytes),
        Event::Error(error) => {
            let client = &mut stress.clients[index];
            client.retry = error.code() == "EAGAIN" && client.link == Link::Joining;
            // What the server has said explains more than how the connection broke.
            let explained = explain(error);
            client.trouble.get_or_insert(explained.into());
        }
        Event::Close(_) => closed(stress, cx, index),
        _ => {}
    });
    stress.clients[index].wire = Some(Wire::Line(socket));
}

/// One is connected: it asks for its name and its room.
pub fn connected(stress: &mut Stress, cx: &mut Context, index: usize) {
    let client = &stress.clients[index];
    let nick = stress.format.nick(index);
    if let Some(wire) = client.wire {
        let lines = format!("/nick {nick}\n/join r{}\n", client.room);
        wire.send(cx, lines.as_bytes());
    }
}

/// Adds what the error alone does not say.
pub fn explain(error: &net::Error) -> String {
    let hint = match error.code() {
        "EADDRNOTAVAIL" => {
            "; every TCP client takes one of this machine's ephemeral ports (net.ipv4.ip_local_port_range), \
             and those to this address are used up: take fewer clients, or a Unix socket"
        }
        "ECONNREFUSED" | "ENOENT" => "; is the server running?",
        _ => "",
    };
    format!("{error}{hint}")
}

/// What the server says to one client, in lines.
fn data(stress: &mut Stress, cx: &mut Context, index: usize, bytes: &[u8]) {
    let client = &mut stress.clients[index];
    let was = client.link;
    // Lent out while the lines are looked at.
    let mut lines = std::mem::take(&mut client.lines);
    let now = stress.now();
    let fine = lines.feed(bytes, |line| {
        let heard = lines::read(&stress.format, line);
        stress.hear(index, &heard, now);
    });
    stress.clients[index].lines = lines;
    if !fine {
        return give_up_on(stress, cx, index, "it sent a line without an end");
    }
    after(stress, cx, index, was);
}

/// The same in objects, one a line.
pub fn message(stress: &mut Stress, cx: &mut Context, index: usize, text: &str) {
    let was = stress.clients[index].link;
    let now = stress.now();
    for object in text.lines() {
        let Some(heard) = objects::read(&stress.format, object) else {
            return give_up_on(stress, cx, index, "it sent what is no object");
        };
        stress.hear(index, &heard, now);
    }
    after(stress, cx, index, was);
}

/// What it sends cannot be understood.
fn give_up_on(stress: &mut Stress, cx: &mut Context, index: usize, why: &str) {
    let client = &mut stress.clients[index];
    client.trouble = Some(why.into());
    if let Some(wire) = client.wire {
        wire.destroy(cx);
    }
}

/// What follows from what a client was told.
fn after(stress: &mut Stress, cx: &mut Context, index: usize, was: Link) {
    let client = &mut stress.clients[index];
    if was == Link::Joining && client.trouble.is_some() {
        // Name or room was refused, and without them there is nothing to check.
        if let Some(wire) = client.wire {
            wire.destroy(cx);
        }
        return;
    }
    if was == Link::Joining && client.link == Link::In {
        entered(stress, cx, index);
    }
    stress.go_on(cx, index);
}

/// The server has let one into its room.
fn entered(stress: &mut Stress, cx: &mut Context, index: usize) {
    let client = &mut stress.clients[index];
    if std::mem::replace(&mut client.returns, true) {
        stress.came_back += 1;
        return;
    }
    if let (Kind::Slow, Some(wire)) = (client.kind, client.wire) {
        wire.pause(cx);
    }
    stress.under_way -= 1;
    stress.entered += 1;
    stress.progress = stress.now();
    connect_more(stress, cx);
    if stress.entered == stress.clients.len() {
        stress.begin(cx);
    }
}

/// A connection is gone, or never was.
pub fn closed(stress: &mut Stress, cx: &mut Context, index: usize) {
    // What follows from it may be the end of the run, in which this one has no part any more.
    let phase = stress.phase;
    let client = &mut stress.clients[index];
    client.wire = None;
    let link = std::mem::replace(&mut client.link, Link::Down);
    let trouble = client.trouble.take();
    let retry = std::mem::take(&mut client.retry);
    if retry && phase != Phase::Leaving {
        client.link = Link::Joining;
        cx.set_timeout(RETRY, move |stress: &mut Stress, cx| {
            if stress.phase != Phase::Leaving {
                connect(stress, cx, index);
            }
        });
        return;
    }
    let in_order = match phase {
        Phase::Connecting => {
            let why = trouble.as_deref().unwrap_or("the server closed it");
            let (entered, all) = (stress.entered, stress.clients.len());
            let reason = format!("{entered} of {all} clients are in, and another is not: {why}");
            return stress.fail(cx, reason);
        }
        Phase::Running => link == Link::Left || client.kind == Kind::Slow,
        // Those who were not in their room were not asked to leave, but cut off by us.
        Phase::Leaving => matches!(link, Link::Left | Link::Joining) || client.kind == Kind::Slow,
    };
    if !in_order {
        stress.disconnected += 1;
        let why = trouble.unwrap_or_else(|| "without a word".into());
        stress.first_disconnect.get_or_insert(why);
        stress.give_up(cx, index);
    }
    if phase == Phase::Leaving {
        stress.left(cx);
    } else if link == Link::Left {
        connect(stress, cx, index);
    }
}

/// Every so often one leaves in an orderly way; [`closed`] lets it come back.
pub fn churn(stress: &mut Stress, cx: &mut Context, begun: u64, mut churned: u64) {
    let (clients, rate) = (stress.flags.clients as usize, u64::from(stress.flags.churn));
    if stress.phase != Phase::Running {
        return;
    }
    let due = (stress.now() - begun) * rate / 1_000_000_000;
    while churned < due {
        let index = clients - 1 - (churned % rate) as usize;
        churned += 1;
        let client = &mut stress.clients[index];
        // One that is not back yet is left out this time.
        if client.link == Link::In {
            client.leave(cx);
        }
    }
    let wait = Duration::from_millis(1000 / rate); // a timer's least is one
    cx.set_timeout(wait, move |stress, cx| churn(stress, cx, begun, churned));
}
