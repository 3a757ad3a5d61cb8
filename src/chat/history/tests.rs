//! What is remembered, what is forgotten, and pages of it.

use super::super::tests::said;
use super::super::{Name, TopicSet};
use super::*;

fn kept(history: &History, count: usize) -> Vec<String> {
    texts(&history.page(Side::END, count, |_| true))
}

fn texts(page: &Page) -> Vec<String> {
    let texts = page.messages.iter().map(|message| message.text.to_string());
    texts.collect()
}

/// Of all messages together, each of somebody called `ann`.
const BYTES: usize = 1000;

fn filled(limit: usize, texts: &[&str]) -> History {
    let mut history = History::new(limit, BYTES);
    for (number, text) in texts.iter().enumerate() {
        history.push(&said(number as u64, "ann", text));
    }
    history
}

#[test]
fn the_newest_messages_come_oldest_first() {
    let history = filled(3, &["a", "b", "c", "d"]);
    assert_eq!(kept(&history, 9), ["b", "c", "d"]);
    assert_eq!(kept(&history, 2), ["c", "d"]);
    assert!(kept(&history, 0).is_empty());
    assert!(kept(&filled(3, &[]), 5).is_empty());
}

#[test]
fn a_room_may_keep_nothing() {
    let history = filled(0, &["a", "b"]);
    assert!(kept(&history, 9).is_empty());
    assert_eq!(history.bytes, 0);
}

#[test]
fn long_messages_push_out_more_than_one() {
    let half = "x".repeat(BYTES / 2 - "ann: ".len());
    let mut history = filled(4, &["a", "b", &half]);
    assert_eq!(history.messages.len(), 3);
    history.push(&said(9, "ann", &half));
    assert_eq!(history.messages.len(), 2);
    assert_eq!(history.bytes, BYTES);
}

#[test]
fn one_message_heavier_than_the_whole_is_kept() {
    let long = "x".repeat(9 * BYTES);
    assert_eq!(kept(&filled(1, &["a", &long]), 9), [long]);
}

#[test]
fn one_that_is_forgotten_leaves_no_byte() {
    let mut history = filled(9, &["a", "bb", "c"]);
    let id = EventId::new(1);
    let found = [Meant::Id(id), Meant::Number(1)].map(|meant| history.find(meant));
    assert!(
        found
            .iter()
            .all(|found| found.is_some_and(|it| &*it.text == "bb"))
    );
    history.forget(id);
    history.forget(id);
    assert_eq!(kept(&history, 9), ["a", "c"]);
    assert_eq!(history.bytes, 2 * "ann: x".len());
    assert!(history.find(Meant::Id(id)).is_none() && history.find(Meant::Number(1)).is_none());
    let last = history.rfind(|message| &*message.text != "c");
    assert_eq!(last.map(|message| &*message.text), Some("a"));
}

/// Catches: a page that is off by one, one that looks whole and is not, and one from which
/// nobody can read on.
#[test]
fn a_page_has_what_is_next_to_a_number() {
    let history = filled(4, &["a", "b", "c", "d", "e"]); // numbers 0 to 4, without the first
    for (side, count, expected, is_whole, next, is_remembered) in [
        (Side::END, 2, "d e", false, Some(3), true),
        (Side::END, 4, "b c d e", false, Some(1), true),
        (Side::END, 5, "b c d e", false, Some(1), false),
        (Side::Before(4), 2, "c d", false, Some(2), true),
        (Side::Before(2), 2, "b", false, Some(1), false),
        (Side::Before(1), 1, "", false, None, false),
        (Side::After(0), 2, "b c", true, Some(2), true),
        (Side::After(2), 2, "d e", true, None, true),
        (Side::After(4), 2, "", true, None, true),
    ] {
        let page = history.page(side, count, |_| true);
        let seen = (texts(&page).join(" "), page.is_whole, page.next);
        let what = format!("{side:?} {count}");
        assert_eq!(seen, (expected.to_owned(), is_whole, next), "{what}");
        assert_eq!(page.is_remembered, is_remembered, "{what}");
    }
    // Two are of one time, and those that are forgotten may have been of it, too.
    let mut timed = History::new(3, BYTES);
    for (number, time) in [(1, 5), (2, 5), (3, 7), (4, 7)] {
        let mut message = (*said(number, "ann", &number.to_string())).clone();
        message.place.time = time;
        timed.push(&Rc::new(message));
    }
    for (side, expected, is_whole, is_remembered) in [
        (Side::Until(7), "2", false, false),
        (Side::Until(8), "3 4", false, true),
        (Side::Until(5), "", false, false),
        (Side::Since(5), "2 3", false, false),
        (Side::Since(6), "3 4", true, true),
        (Side::Since(7), "3 4", true, true),
        (Side::Since(8), "", true, true),
    ] {
        let page = timed.page(side, 2, |_| true);
        let seen = (texts(&page).join(" "), page.is_whole, page.is_remembered);
        let wanted = (expected.to_owned(), is_whole, is_remembered);
        assert_eq!(seen, wanted, "{side:?}");
    }
    let whole = filled(4, &["a", "b"]);
    let all = whole.page(Side::END, 9, |_| true);
    assert!(all.is_whole && all.is_remembered && all.next.is_none());
    let half = whole.page(Side::END, 1, |_| true);
    assert!(!half.is_whole && half.next == Some(1));
    assert!(whole.page(Side::Before(1), 1, |_| true).is_whole);
    let mut gone = filled(1, &["a", "b", "c"]);
    gone.forget_oldest();
    let page = gone.page(Side::After(0), 9, |_| true);
    assert!(!page.is_remembered && !page.is_whole && page.messages.is_empty());
}

/// Catches: what somebody does not want to hear, counted as if it was told.
#[test]
fn a_page_is_full_of_what_is_wanted() {
    let history = filled(4, &["a", "b", "c", "d", "e"]);
    let page = history.page(Side::END, 2, |message| &*message.text != "d");
    assert_eq!((texts(&page).join(" "), page.next), ("c e".into(), Some(2)));
    let page = history.page(Side::END, 2, |message| &*message.text == "d");
    assert!(!page.is_remembered, "there may be more than are kept");
    let whole = filled(9, &["a", "b", "c", "d", "e"]);
    let page = whole.page(Side::END, 3, |message| &*message.text == "d");
    assert!(page.is_whole && page.is_remembered && page.next.is_none());
}

/// Catches: memory that no limit counts, gaps that look as if there were none, and a backlog
/// that is too much for what is not in it.
#[test]
fn topics_count_and_what_is_forgotten_is_known_to_be() {
    let topic = |number| {
        Event::Topic(Rc::new(TopicSet {
            place: said(number, "ann", "").place,
            room: Name::generated("tea".into()),
            author: said(number, "ann", "").author.clone(),
            topic: "t".repeat(300).into(),
        }))
    };
    let mut history = History::new(5, BYTES);
    assert_eq!(history.since(0).map(|events| events.len()), Some(0));
    history.push(&said(1, "ann", "a"));
    history.note(topic(2));
    history.push(&said(3, "ann", "b"));
    let numbers = |history: &History, since| {
        let events = history.since(since)?;
        Some(events.iter().map(number_of).collect::<Vec<_>>())
    };
    assert_eq!(numbers(&history, 0), Some(vec![1, 2, 3]));
    assert_eq!(numbers(&history, 1), Some(vec![2, 3]));
    assert_eq!(history.weight(), 2 * "ann: a".len() + 300 + 3 * OVERHEAD);
    assert_eq!(history.repeated_since(1).bytes, "ann: a".len() + 300);
    let without_topic = Repeated {
        messages: 1,
        bytes: "ann: b".len(),
    };
    assert_eq!(history.repeated_since(2), without_topic);
    assert_eq!(history.repeated_since(3), Repeated::default());
    for number in 4..7 {
        history.note(topic(number));
    }
    assert_eq!(history.others.len(), 3, "no more bytes than there may be");
    assert_eq!(numbers(&history, 1), None, "the first topic is forgotten");
    assert_eq!(numbers(&history, 2), Some(vec![3, 4, 5, 6]));
    while history.oldest().is_some() {
        history.forget_oldest();
    }
    assert_eq!((history.weight(), history.others.len()), (0, 0));
    assert_eq!(numbers(&history, 6), Some(vec![]));
    assert_eq!(numbers(&history, 5), None);
}
