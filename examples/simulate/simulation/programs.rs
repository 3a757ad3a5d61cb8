//! A program that reads JSON, and comes back after a cut: what it does by `docs/protocol.md` and
//! what it has read, and by nothing else.
//!
//! It keeps its token, of each room and of each with whom it speaks alone up to where it has
//! everything, and what it has said and not seen come back. It looks at the numbers and the ids that
//! it reads: nothing comes twice, however often it was cut.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use loopchat::chat::{Epoch, EventId, Millis, Peer, Position, Text};
use loopchat::server::core::hub::HeardUpTo;
use loopchat::server::core::resuming::ResumeToken;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde_json::Value;

use super::speech::{Act, Spoken};
use super::{Checked, violated};

/// So many messages are on their way at most that it knows by its own ids.
const CLIENT_IDS: usize = 64;

/// A life of a log that no log has.
const NO_EPOCH: &str = "0123456789abcdef";

pub struct Program {
    number: usize,
    pub peer: Peer,
    /// By what its session may be resumed.
    token: Option<ResumeToken>,
    /// By what the one that its connection has begun with may be, until that is known to be its own.
    fresh: Option<ResumeToken>,
    /// It was told one that is of no use any more.
    useless: Option<ResumeToken>,
    heard: Heard,
    /// What it hears as the newcomer that it is until it goes on.
    as_newcomer: Option<Heard>,
    /// When it says that it was here before.
    pub resumes_at: Option<Millis>,
    /// The tokens that it tries, the last first.
    attempts: Vec<ResumeToken>,
    /// It is back, and has not read all that it has missed.
    is_told: bool,
    /// What it has said, and has not seen come back.
    unconfirmed: VecDeque<Spoken>,
    said: u64,
    /// What has come back, of what it has said.
    confirmed: BTreeMap<Text, String>,
}

/// Up to where it has everything, by the names of rooms, and of what is said alone in the order in
/// which it has heard of it (epochs are others in each run), and what it has read.
#[derive(Default)]
struct Heard {
    rooms: BTreeMap<String, Position>,
    private: Vec<Position>,
    had: BTreeSet<String>,
}

impl Heard {
    /// Up to where it has what it and another say to each other alone: nothing at first.
    fn private_log(&mut self, epoch: Epoch) -> &mut Position {
        let known = self.private.iter().position(|known| known.epoch == epoch);
        let at = known.unwrap_or_else(|| {
            self.private.push(Position { epoch, number: 0 });
            self.private.len() - 1
        });
        &mut self.private[at]
    }
}

/// It was told that it has all of a log now, behind a number that it had.
#[derive(Debug)]
pub struct Complete {
    /// The room, in small letters, and the epoch.
    pub log: (String, String),
    pub since: u64,
    pub last: u64,
}

/// What a line was to it.
#[derive(Default)]
pub struct Read {
    pub complete: Option<Complete>,
    /// It could not go on, and is who it is now.
    pub is_new: bool,
    /// It is back, and may speak.
    pub is_back: bool,
    /// It came again, behind a gap.
    pub again: u64,
}

impl Program {
    /// One whose session has just begun.
    pub fn new(number: usize, peer: Peer, token: ResumeToken) -> Self {
        Self {
            number,
            peer,
            token: None,
            fresh: Some(token),
            useless: None,
            heard: Heard::default(),
            as_newcomer: None,
            resumes_at: None,
            attempts: Vec::new(),
            is_told: false,
            unconfirmed: VecDeque::new(),
            said: 0,
            confirmed: BTreeMap::new(),
        }
    }

    /// It is another newcomer, and will say who it was.
    pub fn comes_back(&mut self, token: ResumeToken, at: Millis, rng: &mut ChaCha8Rng) {
        self.fresh = Some(token);
        self.as_newcomer = Some(Heard::default());
        self.resumes_at = Some(at);
        self.is_told = false;
        self.attempts = self.token.into_iter().collect();
        if rng.random_ratio(1, 10) {
            let wrong = ResumeToken::new(u128::MAX - u128::from(rng.random::<u32>()));
            let useless = self.useless.filter(|_| rng.random_ratio(2, 3));
            self.attempts.push(useless.unwrap_or(wrong));
        }
    }

    /// Whether it may come back when its connection is gone.
    pub fn may_come_back(&self) -> bool {
        self.token.is_some()
    }

    /// Whether it speaks: not before it knows who it is, and what it has missed.
    pub fn is_ready(&self) -> bool {
        self.as_newcomer.is_none() && !self.is_told
    }

    /// The token that it shows next, and up to where it has heard what; now and then what cannot
    /// be.
    pub fn resumes(&mut self, rng: &mut ChaCha8Rng) -> Option<(ResumeToken, Vec<HeardUpTo>)> {
        self.resumes_at = None;
        let token = self.attempts.pop()?;
        if rng.random_ratio(1, 8) {
            self.heard.private.clear(); // it was not kept
        }
        let rooms = self.heard.rooms.iter();
        let rooms = rooms.map(|(room, position)| (Some(Text::from(room.as_str())), *position));
        let private = self.heard.private.iter();
        let private = private.map(|position| (None, *position));
        let mut heard: Vec<HeardUpTo> = rooms.chain(private).collect();
        for (room, position) in &mut heard {
            match rng.random_range(0..40) {
                0 => position.number += 1_000_000,
                1 if room.is_some() => position.epoch = NO_EPOCH.parse().unwrap_or(position.epoch),
                _ => {}
            }
        }
        Some((token, heard))
    }

    /// It says something, and knows it by an id if it is a message.
    pub fn says(&mut self, spoken: &mut Spoken) {
        let is_message = matches!(spoken.act, Act::Say(_) | Act::Me(_) | Act::Msg { .. });
        if is_message && self.unconfirmed.len() < CLIENT_IDS {
            self.said += 1;
            spoken.client_id = Some(format!("p{}.{}", self.number, self.said).into());
            self.unconfirmed.push_back(spoken.clone());
        }
    }

    /// What it says again after a cut, in order.
    pub fn unconfirmed(&self) -> impl Iterator<Item = &Spoken> {
        self.unconfirmed.iter()
    }

    /// What it said was refused.
    pub fn refused(&mut self, client_id: &Text) {
        self.unconfirmed
            .retain(|spoken| spoken.client_id.as_ref() != Some(client_id));
    }

    /// It has read a line.
    pub fn reads(&mut self, line: &str) -> Checked<Read> {
        let mut read = Read::default();
        let Ok(object) = serde_json::from_str::<Value>(line) else {
            return violated("programs are sent JSON", line);
        };
        match object["kind"].as_str().unwrap_or_default() {
            "welcome" => {
                if self.as_newcomer.is_none() {
                    self.token = self.fresh.take().or(self.token);
                }
                self.begins_with(&object);
            }
            "entered" | "watching" => self.begins_with(&object),
            "parted" => {
                let room = object["room"].as_str().unwrap_or_default();
                self.heard_now().rooms.remove(room);
            }
            "returned" => {
                self.as_newcomer = None;
                self.attempts.clear();
                self.useless = self.fresh.take();
                self.is_told = true;
            }
            "token" => {
                self.is_told = false;
                read.is_back = true;
            }
            "refused" => self.is_refused(&object, &mut read),
            "message" | "action" | "topic" | "redaction" | "deleted" | "private" => {
                self.hears(&object)?;
            }
            "backlog" => self.catches_up(&object, &mut read)?,
            "committed" => self.confirms(&object)?,
            _ => {}
        }
        Ok(read)
    }

    fn is_refused(&mut self, object: &Value, read: &mut Read) {
        if let Some(client_id) = object["client_id"].as_str() {
            self.refused(&client_id.into());
        }
        if object["code"] != "cannot_resume" {
            return;
        }
        if !self.attempts.is_empty() {
            self.resumes_at = Some(0);
        } else if let Some(heard) = self.as_newcomer.take() {
            self.heard = heard;
            self.useless = self.token;
            self.token = self.fresh.take();
            self.unconfirmed.clear();
            read.is_new = true;
        }
    }

    fn heard_now(&mut self) -> &mut Heard {
        self.as_newcomer.as_mut().unwrap_or(&mut self.heard)
    }

    /// It has all of a room that was said there before.
    fn begins_with(&mut self, object: &Value) {
        if let (Some(room), Some(position)) = (object["room"].as_str(), position(object)) {
            let rooms = &mut self.heard_now().rooms;
            rooms.insert(room.to_owned(), position);
        }
    }

    /// Something that has a place is said.
    fn hears(&mut self, object: &Value) -> Checked {
        let (Some(number), Some(previous)) =
            (object["number"].as_u64(), object["previous"].as_u64())
        else {
            return violated("what is said has a place", object.to_string());
        };
        let id = object["id"].as_str().unwrap_or_default().to_owned();
        let heard = self.heard_now();
        // What its member has taken back by a session that is gone it hears, and is told, too.
        if !heard.had.insert(id) && object["kind"] != "deleted" {
            let seen = object.to_string();
            return violated("what a program has had never comes live again", seen);
        }
        let position = match (object["room"].as_str(), object["epoch"].as_str()) {
            (Some(room), _) => heard.rooms.get_mut(room),
            (None, Some(epoch)) => {
                let epoch = epoch.parse().ok();
                epoch.map(|epoch| heard.private_log(epoch))
            }
            (None, None) => None,
        };
        // Behind a gap it stays where it is.
        if let Some(position) = position.filter(|position| position.number == previous) {
            position.number = number;
        }
        self.confirms(object)
    }

    /// Something that it has said has come back.
    fn confirms(&mut self, object: &Value) -> Checked {
        let own = format!("p{}.", self.number);
        let Some(client_id) = object["client_id"].as_str() else {
            return Ok(());
        };
        if !client_id.starts_with(&own) {
            return Ok(()); // that of another of its member's sessions
        }
        let (client_id, id) = (Text::from(client_id), &object["id"]);
        let id = id.as_str().unwrap_or_default().to_owned();
        self.refused(&client_id); // it is not on its way any more
        match self.confirmed.insert(client_id, id.clone()) {
            Some(before) if before != id => {
                violated("what is said again is said once", object.to_string())
            }
            _ => Ok(()),
        }
    }

    /// It is told what it has missed of one log.
    fn catches_up(&mut self, object: &Value, read: &mut Read) -> Checked {
        let Some(position) = position(object) else {
            return violated("what was missed has an end", object.to_string());
        };
        let epoch = position.epoch.to_string();
        let heard = &mut self.heard;
        let before = match object["room"].as_str() {
            Some(room) => heard.rooms.insert(room.to_owned(), position),
            None => Some(std::mem::replace(
                heard.private_log(position.epoch),
                position,
            )),
        };
        let since = before.map_or(0, |before| before.number);
        if object["complete"] != true {
            return Ok(());
        }
        let room = object["room"].as_str().unwrap_or_default();
        read.complete = Some(Complete {
            log: (room.to_ascii_lowercase(), epoch),
            since,
            last: position.number,
        });
        for event in object["events"].as_array().into_iter().flatten() {
            let id = event["id"].as_str().unwrap_or_default().to_owned();
            // What it had behind a gap comes again, and nothing else does.
            if !self.heard.had.insert(id) {
                read.again += 1;
                if event["number"]
                    .as_u64()
                    .is_none_or(|number| number <= since)
                {
                    let seen = event.to_string();
                    return violated("what a program says it has does not come again", seen);
                }
            }
            self.confirms(event)?;
        }
        Ok(())
    }

    /// Whether it has read something.
    pub fn has_had(&self, id: EventId) -> bool {
        self.heard.had.contains(&id.to_string())
    }
}

/// Up to where something was heard.
fn position(object: &Value) -> Option<Position> {
    Some(Position {
        epoch: object["epoch"].as_str()?.parse().ok()?,
        number: object["last"].as_u64()?,
    })
}
