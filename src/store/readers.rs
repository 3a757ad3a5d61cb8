//! The threads that read, so that nothing of that holds up what is said: one for pages and rooms,
//! which are short, and one for searches, which need not be.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use log::error;
use rusqlite::Connection;

use super::reading;
use super::shared::{Reader, Shared};
use crate::chat::{Found, Query, Recall, Wanted};
use crate::room_log::{News, Unreadable};

/// How often a room is read that hears something each time.
const MOST_TRIES: usize = 8;

/// What a thread that reads is asked for.
#[derive(Debug)]
enum Asked {
    Find(Query),
    Recall(Recall),
}

/// The threads, which end with this.
#[derive(Debug)]
pub(super) struct Readers {
    short: Sender<Asked>,
    searches: Sender<Asked>,
}

impl Readers {
    /// Starts them, each with a connection of its own. What was said up to `life` was said in
    /// another life of the program.
    pub(super) fn start(
        shared: &Arc<Shared>,
        connections: [Connection; 2],
        life: u64,
    ) -> io::Result<Self> {
        let [pages, words] = connections;
        let start = |name: &str, which, connection| {
            let (ask, asked) = channel();
            let reading = Reading {
                shared: Arc::clone(shared),
                which,
                connection,
                life,
                is_failing: false,
            };
            let thread = thread::Builder::new().name(name.to_owned());
            thread.spawn(move || reading.run(&asked))?;
            io::Result::Ok(ask)
        };
        Ok(Self {
            short: start("store-read", Reader::Short, pages)?,
            searches: start("store-search", Reader::Searches, words)?,
        })
    }

    /// Asks for a page, a message or a search. What was committed before is in what is found.
    pub(super) fn find(&self, shared: &Shared, query: Query) {
        let thread = match query.wanted {
            Wanted::Page(_) | Wanted::Message(_) => &self.short,
            Wanted::Words(_) => &self.searches,
        };
        if let Err(unread) = thread.send(Asked::Find(query)) {
            refuse(shared, unread.0);
        }
    }

    /// Asks for a room, likewise.
    pub(super) fn recall(&self, shared: &Shared, recall: Recall) {
        if let Err(unread) = self.short.send(Asked::Recall(recall)) {
            refuse(shared, unread.0);
        }
    }
}

/// The thread is gone, which was said when it went.
fn refuse(shared: &Shared, asked: Asked) {
    let found = Err(Unreadable);
    shared.tell([match asked {
        Asked::Find(query) => News::Found(unanswered_by(query)),
        Asked::Recall(recall) => News::Recalled { recall, found },
    }]);
}

/// What a thread that reads has.
struct Reading {
    shared: Arc<Shared>,
    which: Reader,
    connection: Connection,
    life: u64,
    /// The last could not be read, and that was logged.
    is_failing: bool,
}

impl Reading {
    fn run(mut self, asked: &Receiver<Asked>) {
        let mut waiting = VecDeque::new();
        while let Ok(first) = asked.recv() {
            waiting.push_back(first);
            while let Some(next) = waiting.pop_front() {
                waiting.extend(asked.try_iter());
                match next {
                    Asked::Find(query) => self.find(&query),
                    Asked::Recall(recall) => {
                        let mut askers = same_room(&recall, &mut waiting);
                        askers.push_front(recall);
                        self.recall(askers);
                    }
                }
            }
        }
    }

    fn find(&mut self, query: &Query) {
        loop {
            self.shared.begin_reading(self.which, None);
            let found = reading::found(&self.connection, self.life, query.clone());
            let found = self.heed(found).unwrap_or_else(|| {
                unanswered_by(query.clone()) // it was logged
            });
            if self.shared.tell_found(self.which, found) {
                break;
            }
        }
    }

    /// Tells a room to all who have asked for it.
    fn recall(&mut self, mut askers: VecDeque<Recall>) {
        for _ in 0..MOST_TRIES {
            let Some(first) = askers.front() else {
                return;
            };
            let room = first.room.folded();
            self.shared.begin_reading(self.which, Some(&room));
            let found = reading::recall(&self.connection, self.life, first);
            let found = self.heed(found).ok_or(Unreadable);
            let found = found.map(|found| found.map(Arc::new));
            self.shared.tell_recalled(self.which, &mut askers, &found);
        }
        // It is there by now, and full of life: others do not wait for a lull.
        let refused = askers.into_iter().map(|recall| News::Recalled {
            recall,
            found: Err(Unreadable),
        });
        self.shared.tell(refused);
    }

    /// Logs the first of failures in a row.
    fn heed<T>(&mut self, read: rusqlite::Result<T>) -> Option<T> {
        let was_failing = mem::replace(&mut self.is_failing, read.is_err());
        if let Err(error) = &read
            && !was_failing
        {
            error!("what was said cannot be read: {error}");
        }
        read.ok()
    }
}

/// Takes out who else wants the same of the same room.
fn same_room(recall: &Recall, waiting: &mut VecDeque<Asked>) -> VecDeque<Recall> {
    let is_same = |other: &Recall| {
        (other.limit, other.bytes) == (recall.limit, recall.bytes)
            && other.room.folded() == recall.room.folded()
    };
    let (same, others) = mem::take(waiting)
        .into_iter()
        .partition::<VecDeque<_>, _>(|asked| matches!(asked, Asked::Recall(it) if is_same(it)));
    *waiting = others;
    let same = same.into_iter().filter_map(|asked| match asked {
        Asked::Recall(recall) => Some(recall),
        Asked::Find(_) => None,
    });
    same.collect()
}

/// It cannot be read now.
fn unanswered_by(query: Query) -> Found {
    Found {
        query,
        messages: None,
        is_whole: false,
        is_last: true,
    }
}
