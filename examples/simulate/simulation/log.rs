//! The rooms' log: one that settles at once, as the server's does, or one that takes its time.
//!
//! A slow log commits what it has been given when it was flushed, and some time has passed. It
//! refuses some, is in doubt about some for long, and now and then does nothing at all for a minute.
//! Rooms overtake each other, and so do pairs of members; in one what one member has said keeps its order, and in some
//! rounds members overtake each other there, as they may.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use loopchat::chat::{Draft, LogId, Millis, Settled, Unkept};
use loopchat::room_log::{News, RoomLog};
use loopchat::server::Moment;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::plan::{choose, dice};
use super::tally::Count;

/// How long the log does nothing when it has stopped, in milliseconds.
const STOPPED_MS: Millis = 60_000;

/// How a log is in one round.
#[derive(Clone, Debug)]
pub struct Habits {
    /// The longest that a draft takes, in milliseconds.
    delay: Millis,
    /// Of so many drafts one is refused.
    refusals: u32,
    /// Of so many drafts one is in doubt.
    doubts: u32,
    /// In one room, too, what one member says may overtake what another does.
    mixes_members: bool,
    /// By how much the log's clock differs from people's.
    skew: i64,
    /// Drafts of one member that may be under way, and bytes of all.
    pub limits: (usize, usize),
    seed: u64,
}

impl Habits {
    /// `None` for a log that settles at once.
    pub fn choose(rng: &mut ChaCha8Rng) -> Option<Self> {
        let is_slow = rng.random_ratio(3, 5);
        let habits = Self {
            delay: *choose(rng, &[4, 150, 150, 2000]),
            refusals: *choose(rng, &[8, 30]),
            doubts: *choose(rng, &[20, 60]),
            mixes_members: rng.random_ratio(1, 2),
            skew: rng.random_range(-3000..=3000),
            limits: *choose(
                rng,
                &[
                    (64, 8 * 1024 * 1024),
                    (64, 8 * 1024 * 1024),
                    (64, 10_000),
                    (5, 40_000),
                ],
            ),
            seed: rng.random(),
        };
        is_slow.then_some(habits)
    }
}

/// What the log has been asked for, and has said.
#[derive(Debug)]
pub enum Noted {
    Appended(Draft),
    /// Told to the hub.
    Told(Settled),
}

/// The log; one half is the hub's.
#[derive(Clone, Debug)]
pub struct Log(Rc<RefCell<Desk>>);

#[derive(Debug)]
struct Desk {
    habits: Option<Habits>,
    /// Appended in this turn.
    unflushed: Vec<Draft>,
    /// What is to be settled, of each room or two members.
    logs: BTreeMap<LogId, VecDeque<Waiting>>,
    settled: VecDeque<Settled>,
    noted: Vec<Noted>,
    /// The number of what was committed last, of all rooms.
    number: u64,
    appended: u64,
    at: Moment,
    stopped_until: Millis,
    /// There is nothing more to wait for.
    hurries: bool,
    counted: Vec<Count>,
}

/// A draft that is under way.
#[derive(Debug)]
struct Waiting {
    draft: Draft,
    due: Millis,
    /// How long the log will be in doubt then.
    doubt: Option<Millis>,
    refusal: Option<Unkept>,
}

impl RoomLog for Log {
    fn append(&mut self, draft: Draft, utc: Millis) -> Option<Settled> {
        let mut desk = self.0.borrow_mut();
        desk.noted.push(Noted::Appended(draft.clone()));
        if desk.habits.is_some() {
            desk.unflushed.push(draft);
            return None;
        }
        desk.number += 1;
        let settled = Settled::Committed {
            draft,
            number: desk.number,
            time: utc,
        };
        desk.noted.push(Noted::Told(settled.clone()));
        Some(settled)
    }

    fn flush(&mut self) {
        let mut desk = self.0.borrow_mut();
        for draft in std::mem::take(&mut desk.unflushed) {
            desk.take(draft);
        }
    }

    fn next_news(&mut self) -> Option<News> {
        let mut desk = self.0.borrow_mut();
        let settled = desk.settled.pop_front()?;
        desk.noted.push(Noted::Told(settled.clone()));
        Some(News::Settled(settled))
    }
}

impl Log {
    pub fn new(habits: Option<Habits>, at: Moment) -> Self {
        Self(Rc::new(RefCell::new(Desk {
            habits,
            unflushed: Vec::new(),
            logs: BTreeMap::new(),
            settled: VecDeque::new(),
            noted: Vec::new(),
            number: 0,
            appended: 0,
            at,
            stopped_until: 0,
            hurries: false,
            counted: Vec::new(),
        })))
    }

    /// Whether it takes its time.
    pub fn is_slow(&self) -> bool {
        self.0.borrow().habits.is_some()
    }

    /// What has happened since, in order.
    pub fn take_noted(&self) -> Vec<Noted> {
        std::mem::take(&mut self.0.borrow_mut().noted)
    }

    /// Whether something has happened that nobody has [looked at](Self::take_noted).
    pub fn has_noted(&self) -> bool {
        !self.0.borrow().noted.is_empty()
    }

    pub fn take_counted(&self) -> Vec<Count> {
        std::mem::take(&mut self.0.borrow_mut().counted)
    }

    /// Whether anything was appended that was not flushed.
    pub fn is_unflushed(&self) -> bool {
        !self.0.borrow().unflushed.is_empty()
    }

    /// Does nothing for a minute.
    pub fn stop(&self) {
        let mut desk = self.0.borrow_mut();
        if desk.habits.is_some() && !desk.hurries {
            desk.stopped_until = desk.at.now + STOPPED_MS;
            desk.counted.push(Count::LogStops);
        }
    }

    /// From now on everything is settled as soon as it can be.
    pub fn hurry(&self) {
        self.0.borrow_mut().hurries = true;
    }

    /// Time has passed. Whether there is news.
    pub fn go_on(&self, at: Moment, rng: &mut ChaCha8Rng) -> bool {
        let mut desk = self.0.borrow_mut();
        desk.at = at;
        if desk.hurries || desk.stopped_until <= at.now {
            while desk.settle_one(rng) {}
        }
        !desk.settled.is_empty()
    }
}

impl Desk {
    /// A draft is on its way. What becomes of it follows from what it says, so that it is the same
    /// if other steps are left out.
    fn take(&mut self, draft: Draft) {
        let Some(habits) = &self.habits else {
            return;
        };
        self.appended += 1;
        let words = draft.content.text();
        let seed = words.map_or(self.appended, |words| hash(words));
        let mut rng = dice(habits.seed ^ seed);
        let unkept = [Unkept::Full, Unkept::Unavailable];
        let waiting = Waiting {
            due: self.at.now + rng.random_range(0..=habits.delay),
            doubt: rng
                .random_ratio(1, habits.doubts)
                .then(|| rng.random_range(1000..40_000)),
            refusal: rng
                .random_ratio(1, habits.refusals)
                .then(|| *choose(&mut rng, &unkept)),
            draft,
        };
        let log = self.logs.entry(waiting.draft.log()).or_default();
        log.push_back(waiting);
    }

    /// Settles one draft, if one is due.
    fn settle_one(&mut self, rng: &mut ChaCha8Rng) -> bool {
        let Some(habits) = &self.habits else {
            return false;
        };
        let (now, hurries) = (self.at.now, self.hurries);
        let mut due: Vec<(LogId, usize)> = Vec::new();
        for (&log, waiting) in &self.logs {
            let mut members = Vec::new();
            for (place, one) in waiting.iter().enumerate() {
                if !members.contains(&one.draft.member) && (hurries || one.due <= now) {
                    due.push((log, place));
                }
                members.push(one.draft.member);
                if !habits.mixes_members {
                    break;
                }
            }
        }
        if due.is_empty() {
            return false;
        }
        let (log, place) = *choose(rng, &due);
        let Some(waiting) = self.logs.get_mut(&log) else {
            return false;
        };
        if let Some(one) = waiting.get_mut(place)
            && let Some(doubt) = one.doubt.take()
            && !hurries
        {
            one.due = now + doubt;
            self.counted.push(Count::InDoubt);
            return true;
        }
        let Some(Waiting { draft, refusal, .. }) = waiting.remove(place) else {
            return false;
        };
        if waiting.is_empty() {
            self.logs.remove(&log);
        }
        self.settled.push_back(match refusal {
            Some(why) => Settled::Refused { draft, why },
            None => {
                self.number += rng.random_range(1..4);
                Settled::Committed {
                    draft,
                    number: self.number,
                    time: self.at.utc.saturating_add_signed(habits.skew),
                }
            }
        });
        true
    }
}

/// The same in every process (FNV-1a).
fn hash(words: &str) -> u64 {
    words.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
