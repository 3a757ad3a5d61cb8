//! The log with its threads.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use super::super::behind::{REDACTED, has_to_empty};
use super::super::shared::{Job, Reader, Shared, Told, leave_out};
use super::super::threads;
use super::*;
use crate::room_log::{News, RoomLog};

/// A log, and what it wakes.
fn open_log(folder: &Folder, options: Options) -> (StoreLog, Receiver<()>) {
    let mut log = StoreLog::open(folder, options).expect("it can be opened");
    let (wake, woken) = channel();
    log.wake_by(Box::new(move || _ = wake.send(())));
    (log, woken)
}

fn next_news(log: &mut StoreLog, woken: &Receiver<()>) -> News {
    loop {
        if let Some(news) = log.next_news() {
            return news;
        }
        woken.recv_timeout(LONG).expect("it wakes who waits");
    }
}

fn text_of(settled: &Settled) -> String {
    let Settled::Committed { draft, .. } = settled else {
        panic!("it is refused: {settled:?}");
    };
    draft
        .content
        .text()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn messages(news: News) -> String {
    let News::Found(found) = news else {
        panic!("it was asked for something: {news:?}");
    };
    texts(&found)
}

/// Catches: an order that is another, a line that is told before it is kept, or twice.
#[test]
fn drafts_come_back_in_order_and_are_kept() {
    let (_kept, folder) = folder();
    let (mut log, woken) = open_log(&folder, OPTIONS);
    for at in 0..100 {
        let room = if at % 3 == 0 { "tea" } else { "chess" };
        assert_eq!(log.append(saying(room, &at.to_string()), at), None);
        if at % 7 == 0 {
            log.flush();
        }
    }
    log.flush();
    let mut last = 0;
    for at in 0..100 {
        let News::Settled(settled) = next_news(&mut log, &woken) else {
            panic!("nothing was asked");
        };
        assert_eq!(text_of(&settled), at.to_string());
        assert!(number(&settled) > last);
        last = number(&settled);
    }
    assert!(log.next_news().is_none());
    drop(log);
    let writer = open(&folder);
    assert_eq!(all(&writer, "tea").split(' ').count(), 34);
    assert_eq!(all(&writer, "chess").split(' ').count(), 66);
}

/// Whoever stops asking at the last of what was taken, since that is enough for a turn, hears what
/// has come meanwhile when it asks again: it was woken for that already, and is not a second time.
#[test]
fn what_was_taken_is_used_up_and_what_has_come_since_follows_at_once() {
    let (_kept, folder) = folder();
    let (mut log, woken) = open_log(&folder, OPTIONS);
    for text in ["one", "two"] {
        assert!(log.append(saying("tea", text), 1).is_none());
        log.flush();
        // It is committed, and the wake for it is over: nobody is woken again.
        woken.recv_timeout(LONG).expect("it wakes who waits");
        let Some(News::Settled(settled)) = log.next_news() else {
            panic!("{text} is not told");
        };
        assert_eq!(text_of(&settled), text);
    }
    assert!(log.next_news().is_none());
}

/// Catches: a page, a search or a room without what was said before it was asked for.
#[test]
fn questions_see_what_was_appended_before_them() {
    let (_kept, folder) = folder();
    let (mut log, woken) = open_log(&folder, OPTIONS);
    assert!(log.append(saying("tea", "the kettle"), 1).is_none());
    log.flush();
    let News::Settled(settled) = next_news(&mut log, &woken) else {
        panic!("nothing was asked");
    };
    let heard = |wanted| Query {
        up_to: number(&settled),
        ..query("tea", wanted)
    };
    log.read(heard(Wanted::Page(Side::END)))
        .expect("it keeps them");
    assert_eq!(messages(next_news(&mut log, &woken)), "the kettle");
    log.search(heard(Wanted::Words("kettle".into())))
        .expect("it keeps them");
    assert_eq!(messages(next_news(&mut log, &woken)), "the kettle");
    assert!(log.append(saying("tea", "is on"), 2).is_none());
    let recall = Recall {
        id: QueryId::of_test(),
        room: Name::kept("tea"),
        limit: 9,
        bytes: 900,
    };
    log.recall(recall.clone()).expect("it keeps rooms");
    assert!(matches!(next_news(&mut log, &woken), News::Settled(_)));
    let News::Recalled { found, .. } = next_news(&mut log, &woken) else {
        panic!("a room was asked for");
    };
    let found = found.expect("it can be read").expect("it is kept");
    assert_eq!(found.events.len(), 2);
    assert_eq!(
        log.recall_at_once(recall).as_ref(),
        Ok(&Some((*found).clone()))
    );
}

/// Catches: a store that keeps what nobody may keep for so long, or grows for ever.
#[test]
fn it_keeps_no_more_than_it_may() {
    let (_kept, folder) = folder();
    let options = Options {
        most_bytes: 1 << 20,
        most_days: Some(7),
        ..OPTIONS
    };
    let (mut log, woken) = open_log(&folder, options);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("it is after 1970").as_millis() as u64;
    assert!(log.append(saying("old", "long ago"), 1).is_none());
    assert!(log.append(saying("quiet", "remember"), now).is_none());
    log.flush();
    let long = "lorem ipsum dolor ".repeat(100);
    for at in 0..1500 {
        assert!(
            log.append(saying("loud", &format!("{at} {long}")), now)
                .is_none()
        );
        log.flush();
        assert!(matches!(
            next_news(&mut log, &woken),
            News::Settled(Settled::Committed { .. })
        ));
    }
    drop(log);
    let writer = open(&folder);
    let size = fs::metadata(folder.database()).expect("it is there").len();
    assert!(size < 3 << 20, "{size}");
    assert_eq!(
        (all(&writer, "quiet"), all(&writer, "old")),
        ("remember".into(), String::new())
    );
    assert!(all(&writer, "loud").contains("1499 lorem"));
}

/// Catches: a store that grows as fast as a great deal is said at once, since little goes for each
/// transaction however large that is; a transaction whose journal has no bound.
#[test]
fn however_much_is_said_at_once_it_takes_no_more_than_it_may() {
    let (_kept, folder) = folder();
    let options = Options {
        most_bytes: 4 << 20,
        ..OPTIONS
    };
    let (mut log, woken) = open_log(&folder, options);
    let long = "lorem ipsum dolor ".repeat(50);
    let (mut given, mut largest) = (0, 0);
    for _ in 0..40 {
        for _ in 0..4 {
            for _ in 0..250 {
                assert!(log.append(saying("loud", &long), 1).is_none());
                given += 1;
            }
            log.flush();
        }
        while given > 0 {
            let News::Settled(settled) = next_news(&mut log, &woken) else {
                panic!("nothing was asked");
            };
            number(&settled);
            given -= 1;
        }
        let sizes = ["chat.sqlite", "chat.sqlite-wal"].map(|name| {
            let file = fs::metadata(folder.path().join(name));
            file.map_or(0, |file| file.len())
        });
        largest = largest.max(sizes.iter().sum());
    }
    // What is committed at once comes on top, and goes before the next.
    assert!(largest < 3 * options.most_bytes, "{largest}");
    drop(log);
}

/// Catches: every member written to once for each of two transactions, and what was committed held
/// up by something that takes its time.
#[test]
fn what_is_settled_next_is_waited_for_unless_that_takes_its_time() {
    let shared = Shared::default();
    let woken = Arc::new(AtomicU64::new(0));
    let counts = Arc::clone(&woken);
    shared.wake_by(Box::new(move || _ = counts.fetch_add(1, Ordering::Relaxed)));
    let tell = || shared.tell_settled(vec![vec![Passing::new(saying("tea", "one"), 1)]]);
    let take = |given| {
        let mut news = VecDeque::new();
        shared.take_news(given, &mut news);
        news.len()
    };
    shared.set_prompt(true);
    tell();
    assert_eq!(take(2), 0, "another is under way");
    tell();
    assert_eq!(take(3), 2, "what came later is not waited for");
    tell();
    assert_eq!(take(4), 0);
    assert_eq!(woken.load(Ordering::Relaxed), 3);
    shared.set_prompt(false);
    assert_eq!(woken.load(Ordering::Relaxed), 4, "it is asked again");
    assert_eq!(take(4), 1);
    tell();
    assert_eq!(take(5), 1, "nothing is waited for as long as that is so");
}

/// Catches: a text that is taken back and stays in the journal as long as others talk.
#[test]
fn the_journal_is_emptied_of_what_is_taken_back_however_busy_it_is() {
    let at = Instant::now();
    assert!(!has_to_empty(None, true, at), "nothing was taken back");
    let redacted = Some(at);
    assert!(has_to_empty(redacted, true, at));
    assert!(!has_to_empty(redacted, false, at + REDACTED / 2));
    assert!(has_to_empty(redacted, false, at + REDACTED));
}

/// Catches: what is said, held up by those who come to rooms; many who come to one, for each of
/// whom it is read.
#[test]
fn rooms_are_looked_up_while_others_talk() {
    let (kept, folder) = folder();
    let mut writer = open(&folder);
    say(&mut writer, "tea", "hello", 1);
    let copy = kept.path().join("copy");
    backup(&folder, &copy).expect("it can be copied");
    let readers = [&copy, &copy].map(|path| {
        let reader = schema::open_to_read(path).expect("it can be opened");
        reader.busy_timeout(LONG).expect("it can be set");
        reader
    });
    let journal = schema::open(&folder.database(), &OPTIONS).expect("it can be opened");
    // Nobody reads the copy for now.
    let other = rusqlite::Connection::open(&copy).expect("it can be opened");
    other.execute_batch("BEGIN EXCLUSIVE").expect("it is free");
    let shared = threads::start(writer, readers, journal, OPTIONS).expect("they start");
    let (wake, woken) = channel();
    shared.wake_by(Box::new(move || _ = wake.send(())));
    let next = |given| {
        let mut news = VecDeque::new();
        while news.is_empty() {
            woken.recv_timeout(LONG).expect("it wakes who waits");
            shared.take_news(given, &mut news);
        }
        news
    };
    let recall = Recall {
        id: QueryId::of_test(),
        room: Name::kept("tea"),
        limit: 9,
        bytes: 900,
    };
    shared.give(Job::Recall(recall.clone()));
    let draft = Passing::new(saying("chess", "e4"), 1);
    for room in ["TEA", "tea", "Tea"] {
        let room = Name::kept(room);
        shared.give(Job::Recall(Recall {
            room,
            ..recall.clone()
        }));
    }
    shared.give(Job::Commit(vec![draft]));
    assert!(matches!(next(1)[0], Told::Settled(_)));
    other.execute_batch("ROLLBACK").expect("it was begun");
    let mut found = Vec::new();
    while found.len() < 4 {
        found.extend(next(1).into_iter().map(|told| match told {
            Told::Other(News::Recalled { found, .. }) => {
                found.expect("it is read").expect("it is kept")
            }
            told => panic!("{told:?}"),
        }));
    }
    // The first may be read before the others have come.
    let is_shared = |it| Arc::ptr_eq(&found[0], it) || Arc::ptr_eq(&found[3], it);
    assert!(found.iter().all(is_shared));
    assert!(shared.end(LONG));
}

/// Catches: a search that waits, or fails, since the index cannot be written to; one that looks
/// whole although the index is behind.
#[test]
fn a_search_says_that_the_index_is_behind() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    say(&mut writer, "tea", "the kettle", 1);
    writer.index(1).expect("it can be indexed");
    let last = say(&mut writer, "tea", "another kettle", 1);
    let readers = [(); 2].map(|()| {
        let reader = schema::open_to_read(&folder.database());
        reader.expect("it can be opened")
    });
    let journal = schema::open(&folder.database(), &OPTIONS).expect("it can be opened");
    let other = rusqlite::Connection::open(folder.database()).expect("it can be opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("it is free");
    let shared = threads::start(writer, readers, journal, OPTIONS).expect("they start");
    let (wake, woken) = channel();
    shared.wake_by(Box::new(move || _ = wake.send(())));
    shared.give(Job::Find(Query {
        up_to: last,
        ..query("tea", Wanted::Words("kettle".into()))
    }));
    let mut news = VecDeque::new();
    while news.is_empty() {
        woken.recv_timeout(LONG).expect("it wakes who waits");
        shared.take_news(0, &mut news);
    }
    let Some(Told::Other(News::Found(found))) = news.pop_front() else {
        panic!("{news:?}");
    };
    assert_eq!(
        (texts(&found).as_str(), found.is_whole),
        ("the kettle", false)
    );
    other.execute_batch("ROLLBACK").expect("it was begun");
    assert!(shared.end(LONG));
}

/// Catches: a room that is told as it was before what was heard of it already.
#[test]
fn a_room_that_hears_something_while_it_is_read_is_read_again() {
    let shared = Shared::default();
    let recall = Recall {
        id: QueryId::of_test(),
        room: Name::kept("Tea"),
        limit: 9,
        bytes: 900,
    };
    let mut askers = VecDeque::from([recall]);
    for (said, is_told) in [("tea", false), ("chess", true)] {
        shared.begin_reading(Reader::Short, Some("tea"));
        shared.tell_settled(vec![vec![Passing::new(saying(said, "one"), 1)]]);
        shared.tell_recalled(Reader::Short, &mut askers, &Ok(None));
        assert_eq!(askers.is_empty(), is_told, "{said}");
    }
}

/// Catches: a page that is read again and again, since lines of other rooms are taken back.
#[test]
fn what_was_taken_back_meanwhile_is_left_out_and_nothing_else_matters() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    let numbers = ["a", "b"].map(|text| say(&mut writer, "tea", text, 1));
    let other = say(&mut writer, "chess", "e4", 1);
    let mut found = find(&writer, query("tea", Wanted::Page(Side::END)));
    let count = |found: &Found| found.messages.as_ref().map(Vec::len);
    assert!(leave_out(&mut found, &[other]));
    assert_eq!(count(&found), Some(2));
    assert!(leave_out(&mut found, &[numbers[0]]));
    assert_eq!(count(&found), Some(1));
    assert!(
        !leave_out(&mut found, &[numbers[1]]),
        "nothing is left of it"
    );
    assert!(leave_out(&mut found, &[other]), "there was nothing");
}
