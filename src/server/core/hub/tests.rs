//! Members with several sessions: who hears what, and how they [end](endings).

mod coming_back;
mod drafts;
mod endings;
mod limits;
mod private;
mod queries;
mod recalls;
mod resuming;

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::*;
use crate::chat::MemberId;
use crate::server::FRAMINGS;
use crate::server::doors::{JSON, LINES};

const STRANGER: Peer = Peer::Tcp(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
const OPERATOR: Peer = Peer::Local {
    user: 1000,
    operator: true,
};

/// The hub and a door that has no sockets.
struct House {
    hub: Hub,
    now: Millis,
    /// What each session has read.
    read: BTreeMap<SessionId, String>,
    /// Bytes that wait for those that do not read.
    stalled: BTreeMap<SessionId, usize>,
    /// Those whose connections the door has ended, and why.
    ended: Vec<(SessionId, Option<&'static str>)>,
}

impl House {
    fn new() -> Self {
        let config = Config {
            outbox_soft: 1000,
            outbox_hard: 4000,
            room_linger: 0,
            ..Config::default()
        };
        Self {
            hub: Hub::new(Rc::new(config), &FRAMINGS),
            now: 0,
            read: BTreeMap::new(),
            stalled: BTreeMap::new(),
            ended: Vec::new(),
        }
    }

    fn at(&self) -> Moment {
        Moment {
            now: self.now,
            utc: self.now,
        }
    }

    /// Somebody of whom the others have heard.
    fn connect(&mut self, peer: Peer, framing: FramingId) -> SessionId {
        let session = self.hub.connect(peer, framing, self.at());
        let session = session.expect("there is room");
        self.says(session, "/times off");
        session
    }

    fn attach(&mut self, other: SessionId, framing: FramingId) -> SessionId {
        let member = self.member(other);
        let session = self.hub.attach(member, framing, self.at());
        self.turn();
        session.expect("the member is there")
    }

    fn member(&self, session: SessionId) -> MemberId {
        self.hub.member(session).expect("it is there")
    }

    /// Alice by two sessions, and bob by one, of whom everything was read.
    fn with_two_of_alice(framing: FramingId) -> (Self, [SessionId; 3]) {
        let mut house = Self::new();
        let desk = house.connect(STRANGER, framing);
        house.says(desk, "/nick alice");
        let bob = house.connect(STRANGER, LINES);
        house.says(bob, "/nick bob");
        let phone = house.attach(desk, framing);
        house.pass(2000);
        house.read.clear();
        (house, [desk, phone, bob])
    }

    fn says(&mut self, session: SessionId, line: &str) {
        self.hears(session, line);
        self.turn();
    }

    /// The same within a turn.
    fn hears(&mut self, session: SessionId, line: &str) {
        self.hub.frame(session, Frame::Line(line), self.at());
        self.hub.apply();
    }

    fn pass(&mut self, millis: Millis) {
        self.now += millis;
        self.hub.tick(self.at());
        self.turn();
    }

    /// What a door does at the end of its events, and the check phase.
    fn turn(&mut self) {
        for _ in 0..2 {
            self.hub.apply();
            while let Some((session, reason, last)) = self.hub.next_gone() {
                *self.read.entry(session).or_default() += std::str::from_utf8(&last).expect("text");
                self.ended
                    .push((session, reason.map(|reason| reason.code())));
                self.stalled.remove(&session);
            }
            let now = self.now;
            let Self {
                hub, read, stalled, ..
            } = self;
            let too_slow = hub.deliver(now, |session, payload| {
                let bytes = match payload {
                    Payload::Shared(rendering) => &rendering.bytes()[..],
                    Payload::Own(bytes) => bytes,
                };
                *read.entry(session).or_default() += std::str::from_utf8(bytes).expect("text");
                let waiting = stalled.get_mut(&session)?;
                *waiting += bytes.len();
                Some(Progress {
                    waiting: *waiting,
                    sent: 0,
                })
            });
            for (session, reason) in too_slow {
                self.hub.disconnect(session, reason, self.at());
                self.hub.apply();
            }
        }
    }

    /// What each of these has read since, by lines.
    fn take<const COUNT: usize>(&mut self, of: [SessionId; COUNT]) -> [Vec<String>; COUNT] {
        of.map(|session| {
            let read = self.read.remove(&session).unwrap_or_default();
            read.lines().map(str::to_owned).collect()
        })
    }
}

fn lines(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|&line| line.to_owned()).collect()
}

#[test]
fn a_further_session_is_told_where_it_is_and_nobody_else_anything() {
    let mut house = House::new();
    let desk = house.connect(STRANGER, LINES);
    house.says(desk, "/nick alice");
    house.says(desk, "/watch tea");
    let bob = house.connect(STRANGER, LINES);
    house.says(desk, "hello");
    house.pass(2000);
    house.read.clear();
    let phone = house.attach(desk, LINES);
    assert!(house.read.is_empty(), "its greeting waits for company");
    house.pass(20);
    let [at_desk, on_phone, others] = house.take([desk, phone, bob]);
    assert!(at_desk.is_empty() && others.is_empty());
    let welcome = "* Welcome to loopchat, alice. You are in #lobby with 1 other.";
    assert_eq!(on_phone[0], welcome);
    assert!(
        on_phone.iter().any(|line| line.ends_with("alice: hello")),
        "{on_phone:?}"
    );
    // It hears the room that is watched, too.
    house.says(bob, "/join tea");
    house.says(bob, "milk?");
    let [at_desk, on_phone] = house.take([desk, phone]);
    assert_eq!(
        at_desk.last().map(String::as_str),
        Some("#tea guest2: milk?")
    );
    assert_eq!(on_phone.last(), at_desk.last());
    assert_eq!(house.hub.chat().member_count(), 2);
}

#[test]
fn what_one_session_asks_is_answered_there() {
    let (mut house, [desk, phone, bob]) = House::with_two_of_alice(LINES);
    house.says(desk, "/rooms");
    house.says(desk, "/nick");
    let [at_desk, on_phone, others] = house.take([desk, phone, bob]);
    assert_eq!(at_desk.len(), 2, "{at_desk:?}");
    assert!(
        on_phone.is_empty() && others.is_empty(),
        "{on_phone:?} {others:?}"
    );
    house.says(phone, "/topic");
    house.hub.frame(phone, Frame::TooLong, house.at());
    house.hub.tell(phone, Answer::Here);
    house.turn();
    let [at_desk, on_phone] = house.take([desk, phone]);
    assert_eq!(on_phone.len(), 3, "{on_phone:?}");
    assert!(at_desk.is_empty(), "{at_desk:?}");
    // Only a door can answer this, and it has to know whom.
    house.hub.frame(phone, Frame::Line("/loop"), house.at());
    house.hub.apply();
    let asked = house.hub.take_asked();
    assert!(
        matches!(asked[..], [Asked::Question { asking, .. }] if asking == phone),
        "{asked:?}"
    );
    // Each chooses for itself how it wants to see what is said.
    house.says(phone, "/times on");
    house.says(bob, "tick");
    let [at_desk, on_phone] = house.take([desk, phone]);
    assert_eq!(at_desk, lines(&["bob: tick"]));
    assert!(
        on_phone.last().expect("a line").starts_with('['),
        "{on_phone:?}"
    );
}

#[test]
fn each_session_hears_everything_once_and_what_another_says_as_its_own() {
    let (mut house, [desk, phone, bob]) = House::with_two_of_alice(LINES);
    house.hears(bob, "one");
    house.hears(desk, "two");
    house.hears(phone, "three");
    house.hears(bob, "/msg alice psst");
    house.says(phone, "/msg bob yes?");
    let [at_desk, on_phone, others] = house.take([desk, phone, bob]);
    let psst = "bob -> alice: psst";
    let yes = "alice -> bob: yes?";
    assert_eq!(at_desk, lines(&["bob: one", "alice: three", psst, yes]));
    assert_eq!(on_phone, lines(&["bob: one", "alice: two", psst]));
    assert_eq!(others, lines(&["alice: two", "alice: three", yes]));
    // To oneself.
    house.says(phone, "/msg alice note");
    let note = "alice -> alice: note";
    assert_eq!(house.take([desk, phone]), [lines(&[note]), lines(&[note])]);
    // Nor is anything counted twice.
    let tally = house.hub.fan_out.tally();
    house.says(bob, "four");
    assert_eq!(house.hub.fan_out.tally().messages, tally.messages + 1);
    assert_eq!(house.hub.fan_out.tally().deliveries, tally.deliveries + 2);
}

#[test]
fn a_program_hears_its_own_and_that_of_its_other_sessions_once() {
    let (mut house, [desk, phone, _]) = House::with_two_of_alice(JSON);
    house.says(desk, "hello");
    house.says(phone, "/msg bob psst");
    for read in house.take([desk, phone]) {
        assert_eq!(read.len(), 2, "{read:?}");
        assert!(read[0].contains("\"text\":\"hello\""), "{read:?}");
        assert!(read[1].contains("\"text\":\"psst\""), "{read:?}");
    }
    // Though it is behind it hears its own; what another session says it does without.
    house.stalled.insert(desk, 1001);
    house.says(phone, "push");
    house.says(phone, "spared");
    house.says(desk, "own");
    let [at_desk, on_phone] = house.take([desk, phone]);
    assert_eq!(on_phone.len(), 3, "{on_phone:?}");
    assert_eq!(at_desk.len(), 2, "{at_desk:?}");
    assert!(at_desk[1].contains("\"text\":\"own\""), "{at_desk:?}");
}

#[test]
fn what_becomes_of_a_member_all_its_sessions_are_told() {
    let (mut house, [desk, phone, bob]) = House::with_two_of_alice(LINES);
    for (line, told) in [
        ("/nick ann", "* You are now ann."),
        ("/watch tea", "* You hear #tea"),
        ("/join r1", "* You are now in #r1"),
        ("/part tea", "* You left #tea."),
        ("/ignore bob", "* You hear nothing more of bob."),
        ("/join lobby", "* You are now in #lobby"),
    ] {
        house.says(desk, line);
        let [at_desk, on_phone] = house.take([desk, phone]);
        assert!(at_desk[0].starts_with(told), "{line}: {at_desk:?}");
        assert_eq!(at_desk[0], on_phone[0], "{line}");
        assert_eq!(
            on_phone.len(),
            1,
            "{line}: what was said there it can ask for"
        );
    }
    house.says(bob, "anybody?");
    assert_eq!(house.take([desk, phone]), [lines(&[]), lines(&[])]);
    house.says(phone, "/unignore bob");
    house.says(bob, "anybody?");
    for read in house.take([desk, phone]) {
        assert_eq!(read.last().map(String::as_str), Some("bob: anybody?"));
    }
    // Of a topic that the others hear later all of them know at once.
    house.says(phone, "/topic one");
    house.take([desk, phone]);
    house.says(phone, "/topic two");
    let two = "* ann set the topic: two";
    assert_eq!(house.take([desk, phone]), [lines(&[two]), lines(&[two])]);
    house.take([bob]);
    house.pass(2000);
    assert_eq!(house.take([desk, phone]), [lines(&[]), lines(&[])]);
    assert!(house.take([bob])[0].contains(&two.to_owned()));
}

#[test]
fn who_reads_on_gets_what_another_session_is_spared() {
    let (mut house, [desk, phone, bob]) = House::with_two_of_alice(LINES);
    house.stalled.insert(phone, 900);
    house.says(bob, &"x".repeat(200));
    house.read.clear();
    house.says(bob, "left out");
    house.says(bob, "/msg alice left out, too");
    house.says(desk, "/msg bob and its own");
    let [at_desk, on_phone, author] = house.take([desk, phone, bob]);
    assert_eq!(
        at_desk,
        lines(&["bob: left out", "bob -> alice: left out, too"])
    );
    assert_eq!(on_phone, lines(&[]));
    assert_eq!(
        author,
        lines(&["alice -> bob: and its own"]),
        "it was delivered"
    );
    house.stalled.remove(&phone);
    house.hub.caught_up(phone);
    house.says(bob, "again");
    let [at_desk, on_phone] = house.take([desk, phone]);
    assert_eq!(at_desk, lines(&["bob: again"]));
    assert_eq!(on_phone.len(), 3, "{on_phone:?}");
    assert!(
        on_phone[0].contains('2') && on_phone[1].contains('1'),
        "{on_phone:?}"
    );
    // If none of them reads the author is told.
    for session in [desk, phone] {
        house.stalled.insert(session, 1001);
    }
    house.says(bob, "fill");
    house.take([bob]);
    house.says(bob, "/msg alice nobody reads this");
    let [author] = house.take([bob]);
    assert!(author[0].starts_with("! "), "{author:?}");
}

/// Catches: a message that is spared since another of the same turn was.
#[test]
fn each_private_message_is_spared_for_itself() {
    let (mut house, [desk, phone, bob]) = House::with_two_of_alice(LINES);
    house.stalled.insert(phone, 1);
    house.says(bob, "wake");
    house.read.clear();
    // A quarter of the soft limit, of one author: the second is too much, the third is not.
    for length in [200, 100, 20] {
        let line = format!("/msg alice {}", "x".repeat(length));
        house.hub.frame(bob, Frame::Line(&line), house.at());
    }
    house.turn();
    let lengths = |read: Vec<String>| -> Vec<usize> {
        let texts = read.iter().map(|line| line.matches('x').count());
        texts.collect()
    };
    let [at_desk, on_phone] = house.take([desk, phone]).map(lengths);
    assert_eq!(at_desk, [200, 100, 20]);
    assert_eq!(on_phone, [200, 20]);
}
