//! What any directory has to do: the one in memory here, the one of the store beside that.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;

const LONG: Duration = Duration::from_secs(30);

pub(crate) const NAMES: Bucket = Bucket {
    name: "names",
    most_entries: 5,
    most_bytes: 16,
};

pub(crate) const OTHERS: Bucket = Bucket {
    name: "others",
    most_entries: 1000,
    most_bytes: 1000,
};

pub(crate) fn set(bucket: Bucket, name: &str, expected: Expected, value: Option<&str>) -> Update {
    Update {
        key: Key::new(bucket, name),
        expected,
        value: value.map(|value| Value::new(value.as_bytes())),
        expires: None,
    }
}

pub(crate) fn list(bucket: Bucket, prefix: &str, after: Option<&str>, limit: usize) -> Wanted {
    let (prefix, after) = (prefix.into(), after.map(Into::into));
    Wanted::List {
        bucket,
        prefix,
        after,
        limit,
    }
}

/// Somebody who asks a directory, and waits for the answers.
pub(crate) struct Clerk<D> {
    pub(crate) directory: D,
    woken: Receiver<()>,
    asked: u64,
    pub(crate) utc: u64,
    /// What was told besides: key, version, whether it is still there.
    pub(crate) changes: Vec<(String, Version, bool)>,
}

impl<D: Directory> Clerk<D> {
    pub(crate) fn new(mut directory: D) -> Self {
        let (wake, woken) = channel();
        // Whoever has gone needs no waking.
        directory.wake_by(Box::new(move || _ = wake.send(())));
        Self {
            directory,
            woken,
            asked: 0,
            utc: 100,
            changes: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, wanted: Wanted) -> Result<Ticket, Question> {
        self.asked += 1;
        let (ticket, utc) = (Ticket(self.asked), self.utc);
        let question = Question {
            ticket,
            utc,
            wanted,
        };
        self.directory.ask(question).map(|()| ticket)
    }

    pub(crate) fn receive(&mut self) -> (Ticket, Result<Answer, Unavailable>) {
        loop {
            match self.directory.next_news() {
                Some(News::Answered { ticket, answer }) => return (ticket, answer),
                Some(News::Changed {
                    key,
                    version,
                    entry,
                }) => {
                    if let Some(entry) = &entry {
                        assert_eq!(entry.version, version);
                    }
                    let name = key.name.to_string();
                    self.changes.push((name, version, entry.is_some()));
                }
                None => self.woken.recv_timeout(LONG).expect("it wakes"),
            }
        }
    }

    pub(crate) fn ask(&mut self, wanted: Wanted) -> Result<Answer, Unavailable> {
        let ticket = self.send(wanted).expect("it is heard");
        let (of, answer) = self.receive();
        assert_eq!(of, ticket, "in their order");
        answer
    }

    pub(crate) fn get(&mut self, bucket: Bucket, name: &str) -> Option<Entry> {
        match self.ask(Wanted::Get(Key::new(bucket, name))) {
            Ok(Answer::Found(found)) => found,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn set(&mut self, update: Update) -> Result<Version, NotSet> {
        match self.ask(Wanted::Set(update)) {
            Ok(Answer::Set(set)) => set,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn page(&mut self, wanted: Wanted) -> (Vec<String>, bool) {
        match self.ask(wanted) {
            Ok(Answer::Page { entries, is_last }) => {
                let names = entries.iter().map(|(name, _)| name.to_string());
                (names.collect(), is_last)
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Catches: two who both have a name, a change that undoes another's, one that is told twice.
pub(crate) fn of_two_who_change_one_entry_the_second_is_told(directory: impl Directory) {
    let mut clerk = Clerk::new(directory);
    assert_eq!(clerk.ask(Wanted::Watch(NAMES)), Ok(Answer::Watching));
    let first = set(NAMES, "ann", Expected::Absent, Some("one"));
    let second = set(NAMES, "ann", Expected::Absent, Some("two"));
    let tickets = [first, second].map(|update| clerk.send(Wanted::Set(update)));
    let answers = [clerk.receive(), clerk.receive()];
    assert_eq!(
        answers.each_ref().map(|(ticket, _)| Ok(*ticket)),
        tickets,
        "in their order"
    );
    let entry = clerk.get(NAMES, "ann").expect("it is there");
    assert_eq!(entry.value.bytes(), b"one");
    let of = entry.version;
    assert_eq!(answers[0].1, Ok(Answer::Set(Ok(of))));
    let conflict = Err(NotSet::Conflict(Some(entry)));
    assert_eq!(answers[1].1, Ok(Answer::Set(conflict)));
    let next = clerk.set(set(NAMES, "ann", Expected::Version(of), Some("two")));
    let next = next.expect("nobody else has changed it");
    assert!(next > of);
    let late = clerk.set(set(NAMES, "ann", Expected::Version(of), None));
    assert!(matches!(late, Err(NotSet::Conflict(Some(_)))), "{late:?}");
    let gone = clerk.set(set(NAMES, "ann", Expected::Version(next), None));
    let gone = gone.expect("nobody else has changed it");
    assert_eq!(clerk.get(NAMES, "ann"), None);
    let late = clerk.set(set(NAMES, "ann", Expected::Version(next), Some("three")));
    assert_eq!(late, Err(NotSet::Conflict(None)));
    // Its versions go on, so that nobody takes the new one for the old.
    let again = clerk.set(set(NAMES, "ann", Expected::Absent, Some("four")));
    let again = again.expect("it is free");
    assert!(again > gone && gone > next);
    // Of a bucket that nobody watches nothing is told.
    let other = clerk.set(set(OTHERS, "ann", Expected::Absent, Some("one")));
    other.expect("it is another one");
    let told = [(of, true), (next, true), (gone, false), (again, true)];
    let told = told.map(|(version, is_there)| ("ann".to_owned(), version, is_there));
    assert_eq!(clerk.changes, told);
}

/// Catches: a directory that grows without limit, and one that whoever fills it closes for ever.
pub(crate) fn a_bucket_is_bounded_and_what_has_expired_takes_no_place(directory: impl Directory) {
    let mut clerk = Clerk::new(directory);
    clerk.ask(Wanted::Watch(NAMES)).expect("it can be watched");
    let long = set(NAMES, "ann", Expected::Absent, Some("0123456789abcd"));
    assert_eq!(clerk.set(long), Err(NotSet::TooLarge));
    let fits = set(NAMES, "ann", Expected::Absent, Some("0123456789abc"));
    clerk.set(fits).expect("it is as long as it may be");
    for (name, at) in [("b", 300), ("c", 200), ("d", 200), ("e", 400)] {
        let mut update = set(NAMES, name, Expected::Absent, Some("x"));
        update.expires = Some(at);
        clerk.set(update).expect("there is room");
    }
    let one_more = set(NAMES, "f", Expected::Absent, Some("x"));
    assert_eq!(clerk.set(one_more.clone()), Err(NotSet::Full));
    // What is there may be changed, and goes on to count once.
    let of = clerk.get(NAMES, "ann").expect("it is there").version;
    clerk
        .set(set(NAMES, "ann", Expected::Version(of), Some("y")))
        .expect("it takes no more room");
    clerk.utc = 199;
    assert_eq!(clerk.set(one_more.clone()), Err(NotSet::Full));
    clerk.utc = 200;
    assert_eq!(clerk.get(NAMES, "c"), None, "it has expired");
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let (all, is_last) = clerk.page(list(NAMES, "", None, 10));
    assert_eq!((all, is_last), (names(&["ann", "b", "e"]), true));
    clerk.changes.clear();
    clerk.set(one_more).expect("two have made room");
    let told: Vec<_> = clerk
        .changes
        .iter()
        .map(|(key, _, is)| (&**key, *is))
        .collect();
    assert_eq!(told, [("c", false), ("d", false), ("f", true)]);
    clerk.utc = 300;
    assert_eq!(
        clerk.ask(Wanted::Sweep(NAMES)),
        Ok(Answer::Swept { is_done: true })
    );
    let (all, _) = clerk.page(list(NAMES, "", None, 10));
    assert_eq!(all, names(&["ann", "e", "f"]));
    // An expired entry that nobody has swept yet may be made anew.
    clerk.utc = 400;
    let mut update = set(NAMES, "e", Expected::Absent, Some("new"));
    update.expires = Some(500);
    clerk.set(update).expect("it is as if it were not there");
    assert_eq!(
        clerk.ask(Wanted::Sweep(NAMES)),
        Ok(Answer::Swept { is_done: true })
    );
    let entry = clerk.get(NAMES, "e").expect("it has time until 500");
    assert_eq!(entry.value.bytes(), b"new");
}

/// Catches: a page that is too large, entries that none of them has, those of another prefix.
pub(crate) fn pages_have_each_entry_once(directory: impl Directory) {
    let mut clerk = Clerk::new(directory);
    let mut wanted: Vec<String> = (0..LISTED + 7).map(|at| format!("a/{at:04}")).collect();
    let strange = ["a", "a0", "b/1", "a/\u{10FFFF}", "a/é", "A/1"].map(str::to_owned);
    for name in wanted.iter().chain(&strange) {
        let update = set(OTHERS, name, Expected::Absent, Some("x"));
        clerk.set(update).expect("there is room");
    }
    wanted.extend(["a/é", "a/\u{10FFFF}"].map(str::to_owned));
    for limit in [1, 100, LISTED + 5, usize::MAX / 2] {
        let (mut all, mut pages): (Vec<String>, usize) = (Vec::new(), 0);
        loop {
            let after = all.last().map(String::as_str);
            let (page, is_last) = clerk.page(list(OTHERS, "a/", after, limit));
            assert!(page.len() <= limit.min(LISTED));
            all.extend(page);
            pages += 1;
            if is_last {
                break;
            }
        }
        assert_eq!(all, wanted);
        assert_eq!(pages, wanted.len().div_ceil(limit.min(LISTED)));
    }
    let before = clerk.page(list(OTHERS, "a/", Some("A"), 1));
    assert_eq!(before, (vec!["a/0000".to_owned()], false));
    let behind = clerk.page(list(OTHERS, "a/", Some("c"), 10));
    assert_eq!(behind, (Vec::new(), true));
}

/// Catches: questions that pile up without limit; one that is refused and answered nevertheless.
pub(crate) fn no_more_may_wait_than_so_many(directory: impl Directory) {
    let mut clerk = Clerk::new(directory);
    let wanted = || Wanted::Get(Key::new(NAMES, "ann"));
    let asked = (0..MOST_WAITING).map(|_| clerk.send(wanted()).expect("it is heard"));
    let asked: Vec<Ticket> = asked.collect();
    assert_eq!(clerk.send(wanted()).map_err(|it| it.wanted), Err(wanted()));
    let answered = asked.iter().map(|_| clerk.receive().0);
    let answered: Vec<Ticket> = answered.collect();
    assert_eq!(answered, asked);
    assert_eq!(clerk.get(NAMES, "ann"), None);
    assert_eq!(clerk.directory.next_news(), None);
}

#[test]
fn the_memory_does_what_any_directory_does() {
    of_two_who_change_one_entry_the_second_is_told(MemoryDirectory::default());
    a_bucket_is_bounded_and_what_has_expired_takes_no_place(MemoryDirectory::default());
    pages_have_each_entry_once(MemoryDirectory::default());
    no_more_may_wait_than_so_many(MemoryDirectory::default());
}

/// Catches: a hash in a line of log.
#[test]
fn what_is_kept_is_not_shown() {
    let mut clerk = Clerk::new(MemoryDirectory::default());
    let update = set(NAMES, "ann", Expected::Absent, Some("hunter2"));
    let shown = format!("{update:?}");
    clerk.set(update).expect("there is room");
    let entry = clerk.get(NAMES, "ann");
    for shown in [
        shown,
        format!("{entry:?}"),
        format!("{:?}", clerk.directory),
    ] {
        assert!(
            !shown.contains("hunter2") && !shown.contains("104"),
            "{shown}"
        );
    }
}
