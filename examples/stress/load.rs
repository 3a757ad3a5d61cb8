//! The load: who says what when, and how much may be on its way.

use std::time::Duration;

use super::clients::{Kind, Link};
use super::message::Message;
use super::objects;
use super::run::{Context, Phase, Stress};

/// Bytes of messages that may be on their way in a room: a quarter of what a loopchat server lets
/// wait for one member before it disconnects it.
const IN_FLIGHT: usize = 64 * 1024;

/// The loop's timers have milliseconds. What is sent later than that counts from when it was due:
/// a server that holds us up must not make its own latency look better.
const TIMER_SLACK: u64 = 2_000_000;

/// One room, and what is said in it.
#[derive(Default)]
pub struct Room {
    /// The clients that send, and how much each has sent.
    pub senders: Vec<usize>,
    pub sent: Vec<u32>,
    /// Clients whose deliveries are counted, the senders among them.
    pub steady: u64,
    /// The senders speak in turn; this many messages have had theirs.
    turn: u64,
    /// Deliveries that have to come and are not settled.
    pub pending: u64,
    /// An immediate is set that will send.
    sending: bool,
    done: bool,
}

impl Room {
    /// Messages of all its senders.
    pub fn total(&self, each: u32) -> u64 {
        self.senders.len() as u64 * u64::from(each)
    }

    /// To how many a message has to be delivered: its sender does not get it.
    pub fn receivers(&self) -> u64 {
        self.steady.saturating_sub(1)
    }

    /// How many more may be sent before some of them are delivered.
    fn allowed(&self, window: u64) -> u64 {
        match self.receivers() {
            0 => window,
            receivers => window.saturating_sub(self.pending.div_ceil(receivers)),
        }
    }
}

impl Stress {
    /// Messages that may be on their way in a room.
    fn window(&self) -> u64 {
        let besides = self.web.as_ref().map_or(0, |_| objects::BESIDES);
        (IN_FLIGHT / (self.format.line_length() + besides)).max(1) as u64
    }

    /// When a message is due, in nanoseconds since the beginning of the load.
    fn due(&self, room: usize, turn: u64) -> u64 {
        let here = self.rooms[room].senders.len() as u64;
        let rooms = self.rooms.len() as u64;
        let place = (turn / here) * self.flags.senders() as u64 + (turn % here) * rooms;
        let seconds = (place + room as u64) as f64 / f64::from(self.flags.rate);
        (seconds * 1e9) as u64
    }

    /// Sends what is due and may be sent in one room: one write for each sender.
    fn send(&mut self, cx: &mut Context, room: usize) {
        let now = self.now();
        let here = &self.rooms[room];
        let left = here.total(self.flags.messages) - here.turn;
        let mut count = here.allowed(self.window()).min(left);
        if self.flags.rate > 0 {
            let first = here.turn;
            let due = |turn: &u64| self.begun + self.due(room, first + turn) <= now;
            count = (0..count).take_while(due).count() as u64;
        }
        let here = &self.rooms[room];
        let (turn, senders, receivers) = (here.turn, here.senders.len() as u64, here.receivers());
        let mut text = std::mem::take(&mut self.text);
        for first in turn..turn + count.min(senders) {
            let place = (first % senders) as usize;
            let sender = self.rooms[room].senders[place];
            let Link::In = self.clients[sender].link else {
                continue; // disconnected: it says no more
            };
            text.clear();
            for turn in (first..turn + count).step_by(senders as usize) {
                let sequence = (turn / senders) as u32;
                let mut stamp = now;
                if self.flags.rate > 0 {
                    let due = self.begun + self.due(room, turn);
                    if due + TIMER_SLACK < now {
                        stamp = due;
                    }
                }
                let sender = sender as u32;
                let message = Message {
                    sender,
                    sequence,
                    stamp,
                };
                self.format.write(message, &mut text);
                let here = &mut self.rooms[room];
                here.sent[place] = sequence + 1;
                here.pending += receivers;
                self.sent += 1;
            }
            if let Some(wire) = self.clients[sender].wire {
                wire.send(cx, &text);
            }
        }
        self.text = text;
        if count > 0 {
            self.progress = now;
        }
        self.rooms[room].turn += count;
        self.after(cx, room);
    }

    /// Sends more in a room if half of what may be on its way has arrived, at the end of this turn
    /// of the loop; or finds that the room is done.
    pub fn after(&mut self, cx: &mut Context, room: usize) {
        let window = self.window();
        let here = &mut self.rooms[room];
        if here.turn == here.total(self.flags.messages) {
            if here.pending == 0 && !std::mem::replace(&mut here.done, true) {
                self.rooms_left -= 1;
                if self.rooms_left == 0 {
                    self.finish(cx);
                }
            }
        } else if self.flags.rate == 0 && !here.sending && here.allowed(window) * 2 >= window {
            here.sending = true;
            cx.set_immediate(move |stress: &mut Self, cx| {
                stress.rooms[room].sending = false;
                if stress.phase == Phase::Running {
                    stress.send(cx, room);
                }
            });
        }
    }

    /// Sends in all rooms; with a rate, again and again.
    pub fn pace(&mut self, cx: &mut Context) {
        for room in 0..self.rooms.len() {
            if self.phase == Phase::Running {
                self.send(cx, room);
            }
        }
        let unsaid =
            |room: &usize| self.rooms[*room].turn < self.rooms[*room].total(self.flags.messages);
        let next = (0..self.rooms.len()).filter(unsaid);
        let next = next.map(|room| self.begun + self.due(room, self.rooms[room].turn));
        if self.flags.rate > 0
            && let Some(next) = next.min()
        {
            let wait = Duration::from_nanos(next.saturating_sub(self.now()));
            cx.set_timeout(wait, |stress: &mut Self, cx| {
                if stress.phase == Phase::Running {
                    stress.pace(cx);
                }
            });
        }
    }

    /// A client is gone that should not be: nothing is on its way to it any more, and what was is
    /// lost.
    pub fn give_up(&mut self, cx: &mut Context, index: usize) {
        let client = &self.clients[index];
        let room = client.room;
        if self.phase != Phase::Running || client.kind != Kind::Steady {
            return;
        }
        let here = &mut self.rooms[room];
        let sent = here.senders.iter().zip(&here.sent).enumerate();
        let to_it = sent.filter(|(_, (sender, _))| **sender != index);
        let to_it = to_it.map(|(place, (_, &sent))| (place, sent));
        let lost = self.check.outstanding(index, to_it);
        here.steady -= 1;
        here.pending -= lost;
        self.cut_off += lost;
        let heard = |sender: &usize| self.clients[*sender].link == Link::In;
        if !here.senders.iter().any(heard) {
            here.turn = here.total(self.flags.messages); // nobody is left to say anything
        }
        self.after(cx, room);
    }
}
