//! Rooms that the log keeps, and that somebody goes to.

use super::*;
use crate::chat::{Epoch, Name, Position, Recalled};
use crate::room_log::Unreadable;
use crate::room_log::slow::SlowLog;
use crate::server::core::resuming::ResumeToken;

fn tea() -> Recalled {
    Recalled {
        room: Name::kept("tea"),
        position: Position {
            epoch: Epoch::from_bits(9),
            number: 75,
        },
        heard_at: 5,
        topic: Some("leaves".into()),
        events: Vec::new(),
        is_whole: false,
    }
}

fn house() -> (House, SlowLog, [SessionId; 2]) {
    let (mut house, log, members) = House::with_log_and();
    log.keep_rooms();
    house.read.clear();
    (house, log, members)
}

impl House {
    fn is_told(&self, session: SessionId, text: &str) -> bool {
        let read = self.read.get(&session);
        read.is_some_and(|read| read.contains(text))
    }
}

/// Catches: a room that begins anew although it is kept, a line that overtakes, or is lost.
#[test]
fn who_goes_to_a_room_that_is_not_there_waits_for_the_log() {
    let (mut house, log, [ann, bob]) = house();
    house.says(ann, "/join tea");
    assert!(!house.is_told(ann, "You are now in"));
    assert!(house.hub.awaits_log(ann) && house.hub.has_to_wait(ann, "hello"));
    assert!(!house.hub.has_to_wait(bob, "hello"), "nobody else waits");
    house.hub.tell_behind(ann, b"behind\n");
    log.recall_first(Ok(Some(tea())));
    house.settle();
    assert!(house.is_told(ann, "You are now in #tea with 0 others."));
    assert!(house.is_told(ann, "Topic of #tea: leaves"));
    assert!(house.read[&ann].ends_with("behind\n"), "{:?}", house.read);
    assert_eq!(house.hub.take_released(), [ann]);
    assert_eq!(house.hub.chat().position("tea"), Some(tea().position));
    house.says(bob, "/join TEA");
    assert_eq!(log.recalls(), 0, "it is there");
    assert!(house.is_told(bob, "You are now in #tea with 1 other."));
}

/// Catches: a second life of a room for the second of two who come at once.
#[test]
fn two_who_come_at_once_find_one_room() {
    let (mut house, log, [ann, bob]) = house();
    house.says(ann, "/join tea");
    house.says(bob, "/watch tea");
    assert_eq!(log.recalls(), 2);
    for _ in 0..2 {
        log.recall_first(Ok(None));
        house.settle();
    }
    assert!(house.is_told(ann, "You are now in #tea with 0 others."));
    assert!(house.is_told(bob, "You hear #tea now, with 1 other."));
}

/// Catches: a limit that is for questions, which turns away those who come after a start anew.
#[test]
fn many_come_at_once_and_all_get_in() {
    let (mut house, log, _) = house();
    let sessions: Vec<SessionId> = (0..3000).map(|_| house.connect(STRANGER, LINES)).collect();
    for (at, session) in sessions.iter().enumerate() {
        house.hears(*session, &format!("/join r{}", at % 100));
    }
    while log.recalls() > 0 {
        log.recall_first(Ok(None));
    }
    house.settle();
    let is_in = |session: &&SessionId| house.is_told(**session, "You are now in #r");
    assert_eq!(sessions.iter().filter(is_in).count(), 3000);
}

#[test]
fn a_room_that_cannot_be_looked_up_is_not_entered() {
    let (mut house, log, [ann, _]) = house();
    house.says(ann, "/join tea");
    log.recall_first(Err(Unreadable));
    house.settle();
    assert!(house.is_told(ann, "What was said cannot be read now"));
    assert_eq!(house.hub.chat().position("tea"), None);
    house.says(ann, "/join tea");
    log.recall_first(Ok(None));
    house.settle();
    assert!(house.is_told(ann, "You are now in #tea"));
}

#[test]
fn who_has_left_meanwhile_opens_nothing() {
    let (mut house, log, [ann, bob]) = house();
    house.says(ann, "/join tea");
    house.hub.leave(ann, house.at());
    house.turn();
    house.hub.gone(ann, house.at());
    log.recall_first(Ok(Some(tea())));
    house.settle();
    house.turn();
    assert_eq!(house.hub.chat().room_count(), 1);
    house.says(bob, "/join tea");
    assert!(
        house.is_told(bob, "Topic of #tea: leaves"),
        "it is still remembered"
    );
}

/// Catches: a session that comes back to a room that begins anew, since the log alone has it; one
/// that waits for ever for a room that nobody has.
#[test]
fn who_is_resumed_finds_rooms_that_the_log_alone_remembers() {
    let log = SlowLog::default();
    let mut house = House::new();
    let config = Config {
        room_linger: 0,
        ..Config::default()
    };
    house.hub = Hub::with_log(Rc::new(config), &FRAMINGS, Box::new(log.clone()));
    log.keep_rooms();
    let ann = house.connect(STRANGER, JSON);
    let token = ResumeToken::new(7);
    house.hub.grant(ann, token);
    for line in ["/join tea", "/watch chess"] {
        house.says(ann, line);
        log.recall_first(Ok(None));
        house.settle();
    }
    house.cut(ann);
    assert_eq!(house.hub.chat().position("tea"), None, "nobody is there");
    let back = house.connect(STRANGER, JSON);
    assert!(house.hub.return_has_to_wait(back, token));
    assert!(house.hub.return_has_to_wait(back, token) && log.recalls() == 2);
    log.recall_first(Ok(Some(tea())));
    house.settle();
    assert!(house.hub.awaits_log(back), "the other is not there yet");
    log.recall_first(Err(Unreadable));
    house.settle();
    assert_eq!(house.hub.take_released().last(), Some(&back));
    assert!(!house.hub.return_has_to_wait(back, token));
    let heard = [(Some("tea".into()), tea().position)];
    let resumed = house.hub.resume(back, token, &heard, house.at());
    assert!(resumed.is_some());
    house.turn();
    assert_eq!(house.hub.chat().position("tea"), Some(tea().position));
    assert!(house.is_told(back, "\"complete\":true"), "{:?}", house.read);
}
