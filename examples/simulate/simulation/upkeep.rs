//! What must hold of all members at once, and the orderly end.

use loopchat::chat::{Answer, DisconnectReason, Effect, MemberId, Millis, RoomId};
use loopchat::server::core::fan_out::Rendering;

use super::checker::Session;
use super::framed::LINES;
use super::members::Client;
use super::world::World;
use super::{Checked, violated};

/// From so many bytes on, answers of one member and what is said in one room are delivered at once.
/// One line brings less than as many.
const LARGE: usize = 16 * 1024;

/// How many times as much a short message takes in JSON as in a line. What is said in a room is
/// weighed by its words alone.
const OBJECTS: usize = 7;

/// The longest a greeting waits, in milliseconds.
const GREETING_MS: Millis = 20;

impl World<'_> {
    /// What must hold after every step.
    pub fn check(&self) -> Checked {
        let chat = self.hub.chat();
        if chat.member_count() != self.checker.seats().count()
            || self
                .checker
                .seats()
                .map(|(_, seat)| seat.sessions.len())
                .sum::<usize>()
                != self.sockets.len()
        {
            return violated(
                "members are those who have connected",
                chat.member_count().to_string(),
            );
        }
        for (member, seat) in self.checker.seats() {
            let is_there = |own: &Session| self.hub.member(own.id) == Some(member);
            if seat.sessions.is_empty() && !seat.is_leaving() || !seat.sessions.iter().all(is_there)
            {
                let seen = seat.nickname.clone();
                return violated("a member is there as long as one session of it", seen);
            }
            if chat
                .nickname(member)
                .is_none_or(|nickname| **nickname != seat.nickname)
            {
                let seen = format!("{} is {:?}", seat.nickname, chat.nickname(member));
                return violated("names are those that were given", seen);
            }
            let own = [seat.room].into_iter().chain(seat.watched.iter().copied());
            let holds = |room: &RoomId| {
                let members = chat.members_of(*room);
                members.contains(&member) && members.len() == self.checker.members_in(*room)
            };
            if chat.room_of(member) != Some(seat.room)
                || !chat.rooms_of(member).eq(own.clone())
                || !own.clone().all(|room| holds(&room))
            {
                return violated("rooms hold those who went there", seat.nickname.clone());
            }
        }
        let hard = self.setting.config.outbox_hard as usize;
        let most_rooms = self.setting.config.max_rooms_per_member as usize;
        let too_much = |client: &&Client| {
            let most = hard + largest_write(client, most_rooms);
            client.session.is_some() && client.wire.waiting() > most
        };
        match self.clients.values().find(too_much) {
            Some(client) => violated(
                "nothing is added to what is more than the hard limit",
                format!("{} has {}", client.number, client.wire.waiting()),
            ),
            None => Ok(()),
        }
    }

    /// What must hold when nothing is on its way.
    pub fn check_deliveries(&self) -> Checked {
        if self.hub.has_deliveries() {
            return Ok(());
        }
        let is_done = |client: &&Client| {
            client.session.is_some()
                && !client.is_reset
                && client.wire.is_all_read()
                && self.now > client.connected_at + GREETING_MS
        };
        let mut done = self.clients.values().filter(is_done);
        done.try_for_each(|client| self.checker.has_everything(client.number))
    }

    /// The orderly end: everybody is told, and hears nothing of the others. Here others may connect
    /// again afterwards, as to a server that has just begun.
    pub fn shut_down(&mut self) -> Checked {
        self.settle()?;
        let everybody: Vec<MemberId> = self.checker.seats().map(|(member, _)| member).collect();
        let reason = DisconnectReason::Shutdown;
        self.hub.disconnect_everyone(&reason, self.moment());
        let effects = self.hub.effects();
        let is_told = |member: &MemberId| {
            let told = effects.iter().filter(|effect| {
                matches!(effect, Effect::Tell { to, answer: Answer::Disconnected(why) }
                    if to == member && *why == reason)
            });
            let gone = effects.iter().filter(|effect| {
                matches!(effect, Effect::Disconnect { member: gone, reason: why }
                    if gone == member && *why == reason)
            });
            (told.count(), gone.count()) == (1, 1)
        };
        let is_said = |effect: &Effect| matches!(effect, Effect::Say { .. });
        if !everybody.iter().all(is_told) || effects.iter().any(is_said) {
            let seen = format!("{effects:?}");
            return violated("at the end everybody is told, and nothing else", seen);
        }
        self.checker.drafts.hold_nobody();
        self.settle()?;
        match self.hub.chat().member_count() {
            0 => Ok(()),
            left => violated("at the end everybody leaves", left.to_string()),
        }
    }
}

/// The most that one write to one member can be: its own answers and its rooms' batches, each of
/// which is delivered at once when it is large, and what the line that tipped them brought.
pub fn largest_write(client: &Client, most_rooms: usize) -> usize {
    let lines = LARGE * (most_rooms + 2);
    match client.framing == LINES {
        true => lines,
        false => OBJECTS * lines,
    }
}

/// Whether a frame is one whole text message, with all of a batch in it (RFC 6455, section 5.2).
pub fn is_one_message(rendering: &Rendering) -> bool {
    const WHOLE_TEXT: u8 = 0x81;
    let bytes = rendering.bytes();
    let rest = rendering.frame().strip_prefix(&[WHOLE_TEXT]);
    let payload = match rest {
        Some([length @ 0..=125, payload @ ..]) => {
            (usize::from(*length) == bytes.len()).then_some(payload)
        }
        Some([126, high, low, payload @ ..]) => {
            let length = u16::from_be_bytes([*high, *low]);
            (usize::from(length) == bytes.len()).then_some(payload)
        }
        Some([127, rest @ ..]) => rest.split_first_chunk().and_then(|(length, payload)| {
            (u64::from_be_bytes(*length) == bytes.len() as u64).then_some(payload)
        }),
        _ => None,
    };
    payload == Some(&bytes[..])
}
