//! A log for tests: it settles, and answers, what the test says, when it says so. It keeps
//! everything.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::{News, RoomLog, Unreadable, Wake};
use crate::chat::{
    Audience, Content, Draft, Epoch, Found, LogId, Message, Millis, Place, Query, Recall, Recalled,
    Recipient, Settled, Side, Unkept, Wanted,
};

/// The log and the test hold the same.
#[derive(Clone, Default)]
pub(crate) struct SlowLog(Rc<RefCell<Desk>>);

#[derive(Default)]
struct Desk {
    appended: VecDeque<Draft>,
    queries: VecDeque<Query>,
    recalls: VecDeque<Recall>,
    keeps_rooms: bool,
    news: VecDeque<News>,
    number: u64,
    flushed: usize,
    kept: HashMap<(LogId, Epoch), Vec<Message>>,
    wake: Option<Wake>,
}

impl fmt::Debug for SlowLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SlowLog").field(&self.len()).finish()
    }
}

impl RoomLog for SlowLog {
    fn append(&mut self, draft: Draft, _utc: Millis) -> Option<Settled> {
        self.0.borrow_mut().appended.push_back(draft);
        None
    }

    fn flush(&mut self) {
        self.0.borrow_mut().flushed += 1;
    }

    fn read(&mut self, query: Query) -> Result<(), Query> {
        self.0.borrow_mut().queries.push_back(query);
        Ok(())
    }

    fn search(&mut self, query: Query) -> Result<(), Query> {
        self.read(query)
    }

    fn keeps_rooms(&self) -> bool {
        self.0.borrow().keeps_rooms
    }

    fn recall(&mut self, recall: Recall) -> Result<(), Recall> {
        self.0.borrow_mut().recalls.push_back(recall);
        Ok(())
    }

    fn next_news(&mut self) -> Option<News> {
        self.0.borrow_mut().news.pop_front()
    }

    fn wake_by(&mut self, wake: Wake) {
        self.0.borrow_mut().wake = Some(wake);
    }
}

impl SlowLog {
    /// How many drafts it has not settled.
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().appended.len()
    }

    /// How many questions it has not answered.
    pub(crate) fn queries(&self) -> usize {
        self.0.borrow().queries.len()
    }

    /// How many turns were over that had brought something.
    pub(crate) fn flushed(&self) -> usize {
        self.0.borrow().flushed
    }

    /// It keeps rooms from now on.
    pub(crate) fn keep_rooms(&self) {
        self.0.borrow_mut().keeps_rooms = true;
    }

    /// How many rooms it has not looked up.
    pub(crate) fn recalls(&self) -> usize {
        self.0.borrow().recalls.len()
    }

    /// Tells what it has of the room that it was asked for first.
    pub(crate) fn recall_first(&self, found: Result<Option<Recalled>, Unreadable>) {
        let mut desk = self.0.borrow_mut();
        let recall = desk.recalls.pop_front().expect("it was asked");
        let found = found.map(|found| found.map(Arc::new));
        desk.has_news(News::Recalled { recall, found });
    }

    /// Commits the draft that is at this place of those that wait. Its time is its number.
    pub(crate) fn commit(&self, at: usize) {
        self.settle(at, |desk, draft, number| {
            desk.keep(&draft, number);
            Settled::Committed {
                draft,
                number,
                time: number,
            }
        });
    }

    pub(crate) fn refuse(&self, at: usize) {
        let why = Unkept::Full;
        self.settle(at, |_, draft, _| Settled::Refused { draft, why });
    }

    fn settle(&self, at: usize, settled: impl FnOnce(&mut Desk, Draft, u64) -> Settled) {
        let mut desk = self.0.borrow_mut();
        let draft = desk.appended.remove(at).expect("it was appended");
        desk.number += 10;
        let number = desk.number;
        let settled = settled(&mut desk, draft, number);
        desk.has_news(News::Settled(settled));
    }

    /// Answers the question that is at this place of those that wait.
    pub(crate) fn answer(&self, at: usize) {
        let mut desk = self.0.borrow_mut();
        let query = desk.queries.remove(at).expect("it was asked");
        let found = desk.find(query);
        desk.has_news(News::Found(found));
    }

    /// The same, if what it keeps cannot be read.
    pub(crate) fn fail(&self, at: usize) {
        let mut desk = self.0.borrow_mut();
        let query = desk.queries.remove(at).expect("it was asked");
        desk.has_news(News::Found(Found {
            query,
            messages: None,
            is_whole: false,
            is_last: true,
        }));
    }
}

impl Desk {
    fn has_news(&mut self, news: News) {
        self.news.push_back(news);
        if let Some(wake) = &self.wake {
            wake();
        }
    }

    fn keep(&mut self, draft: &Draft, number: u64) {
        let kept = self.kept.entry((draft.log(), draft.epoch)).or_default();
        match &draft.content {
            Content::Message { kind, text } => kept.push(Message {
                place: Place {
                    id: draft.id,
                    number,
                    previous: kept.last().map_or(0, |last| last.place.number),
                    time: number,
                },
                audience: match &draft.to {
                    Recipient::Room { name, .. } => Audience::Room(name.clone()),
                    Recipient::Member(reader) => Audience::Member {
                        nickname: reader.who.nickname.clone(),
                        epoch: draft.epoch,
                    },
                },
                author: draft.author.clone(),
                member: draft.member,
                kind: *kind,
                text: text.clone(),
            }),
            Content::Redaction(it) => kept.retain(|kept| kept.place.id != it.message),
            Content::Topic { .. } => {}
        }
    }

    fn find(&self, query: Query) -> Found {
        let kept = self
            .kept
            .get(&(query.log, query.epoch))
            .map_or(&[][..], Vec::as_slice);
        let kept = kept.iter().filter(|kept| kept.place.number <= query.up_to);
        let mut found: Vec<Message> = match &query.wanted {
            Wanted::Page(side) => {
                let page = kept.filter(|kept| match *side {
                    Side::Before(number) => kept.place.number < number,
                    Side::After(number) => kept.place.number > number,
                    Side::Until(time) => kept.place.time < time,
                    Side::Since(time) => kept.place.time >= time,
                });
                match side.goes_back() {
                    true => page.rev().cloned().collect(),
                    false => page.cloned().collect(),
                }
            }
            Wanted::Message(meant) => kept.filter(|kept| meant.is(&kept.place)).cloned().collect(),
            Wanted::Words(words) => {
                let has = |kept: &&Message| words.split(' ').all(|word| kept.text.contains(word));
                kept.rev().filter(has).cloned().collect()
            }
        };
        let is_all = found.len() <= query.limit;
        found.truncate(query.limit);
        let goes = |back| matches!(query.wanted, Wanted::Page(side) if side.goes_back() == back);
        if goes(true) {
            found.reverse();
        }
        let goes_forward = goes(false);
        Found {
            query,
            messages: Some(found),
            is_whole: is_all || goes_forward,
            is_last: is_all,
        }
    }
}
