//! Sessions that go on by another connection.

use super::*;
use crate::chat::{Position, Text};
use crate::server::core::resuming::ResumeToken;

impl House {
    pub(super) fn token(&mut self, session: SessionId, number: u128) -> ResumeToken {
        let token = ResumeToken::new(number);
        self.hub.grant(session, token);
        token
    }

    /// A newcomer goes on with a session. Which it has then.
    pub(super) fn resume(&mut self, token: ResumeToken, heard: &[HeardUpTo]) -> Option<SessionId> {
        let newcomer = self.hub.connect(STRANGER, JSON, self.at());
        let newcomer = newcomer.expect("there is room");
        self.turn();
        let resumed = self.hub.resume(newcomer, token, heard, self.at());
        let session = resumed.map(|resumed| resumed.session);
        self.turn();
        // As what it was greeted at first is none of its business.
        if let Some(read) = session.and_then(|session| self.read.get_mut(&session)) {
            let of_newcomer =
                |line: &&str| !line.contains("\"welcome\"") && !line.contains("\"history\"");
            let rest = read.lines().filter(of_newcomer);
            *read = rest.map(|line| format!("{line}\n")).collect();
        }
        session
    }

    pub(super) fn cut(&mut self, session: SessionId) {
        self.hub.gone(session, self.at());
        self.hub.apply();
        self.hub.forget(session);
        self.turn();
    }

    pub(super) fn says_as(&mut self, session: SessionId, client_id: &str, line: &str) {
        let client_id = Text::from(client_id);
        self.hub
            .frame_as(session, Some(&client_id), Frame::Line(line), self.at());
        self.turn();
    }

    /// What a session has read since, by the kinds of objects and one field of each.
    fn objects(&mut self, session: SessionId, field: &str) -> Vec<(String, String)> {
        let [read] = self.take([session]);
        let object = |line: &String| {
            let object: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let kind = object["kind"].as_str().expect("a kind").to_owned();
            let value = object[field]
                .as_str()
                .map_or_else(String::new, str::to_owned);
            (kind, value)
        };
        read.iter().map(object).collect()
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |&(kind, value): &(&str, &str)| (kind.to_owned(), value.to_owned());
    pairs.iter().map(owned).collect()
}

/// The beginning of what there is: all of a room that was never empty.
fn from_the_start(house: &House, room: &str) -> HeardUpTo {
    let epoch = house.hub.chat().position(room).expect("it is there").epoch;
    (Some(room.into()), Position { epoch, number: 0 })
}

/// Catches: a member that has to wait for its drafts, and whose owner is back before it has left.
#[test]
fn who_is_back_before_its_drafts_are_settled_has_never_left() {
    let (mut house, log) = House::with_log();
    let ann = house.connect(STRANGER, JSON);
    let bob = house.connect(STRANGER, LINES);
    house.pass(2000);
    house.read.clear();
    let token = house.token(ann, 7);
    house.says_as(ann, "a", "one");
    house.says_as(ann, "b", "two");
    house.cut(ann);
    log.commit(0);
    house.settle();
    let heard = [from_the_start(&house, "lobby")];
    let back = house.resume(token, &heard).expect("it goes on");
    assert_ne!(back, ann);
    // It says both again: one has its place, the other has not.
    house.says_as(back, "a", "one");
    house.says_as(back, "b", "two");
    house.says_as(back, "c", "three");
    house.commit_all(&log);
    house.pass(2000);
    assert_eq!(
        house.objects(back, "client_id"),
        pairs(&[
            ("returned", ""),
            ("backlog", ""),
            ("committed", "a"),
            ("message", "b"),
            ("message", "c"),
        ])
    );
    let said = ["guest1: one", "guest1: two", "guest1: three"];
    assert_eq!(house.take([bob]), [lines(&said)]);
    assert_eq!(house.hub.chat().member_count(), 2);
    house.cut(back);
    house.pass(2000);
    assert_eq!(house.take([bob]), [lines(&["* guest1 left #lobby."])]);
}

/// Catches: rooms that somebody names and does not hear, for which it is told less of those that it
/// does.
#[test]
fn what_is_not_heard_takes_no_room_from_what_was_missed() {
    let mut house = House::new();
    let ann = house.connect(STRANGER, JSON);
    let bob = house.connect(STRANGER, LINES);
    let lobby = from_the_start(&house, "lobby");
    let token = house.token(ann, 7);
    house.cut(ann);
    house.says(bob, "hello");
    let elsewhere = (0..20).map(|room| (Some(Text::from(format!("r{room}"))), lobby.1));
    let heard: Vec<HeardUpTo> = elsewhere.chain([lobby.clone()]).collect();
    let back = house.resume(token, &heard).expect("it goes on");
    let [read] = house.take([back]);
    let backlogs = read.iter().filter(|line| line.contains("\"backlog\""));
    let backlogs: Vec<&String> = backlogs.collect();
    assert_eq!(backlogs.len(), 1, "{read:?}");
    assert!(backlogs[0].contains("\"complete\":true"), "{read:?}");
    assert!(backlogs[0].contains("\"text\":\"hello\""), "{read:?}");
}

#[test]
fn a_message_that_was_refused_may_be_said_again() {
    let (mut house, log) = House::with_log();
    let ann = house.connect(STRANGER, JSON);
    house.pass(2000);
    house.read.clear();
    house.token(ann, 7);
    house.says_as(ann, "a", "one");
    log.refuse(0);
    house.settle();
    house.says_as(ann, "a", "one");
    assert_eq!(log.len(), 1);
    house.commit_all(&log);
    assert_eq!(
        house.objects(ann, "client_id"),
        pairs(&[("refused", "a"), ("message", "a")])
    );
}

#[test]
fn a_session_that_is_still_there_is_ended_and_its_drafts_are_the_others() {
    let (mut house, log) = House::with_log();
    let ann = house.connect(STRANGER, JSON);
    let bob = house.connect(STRANGER, LINES);
    house.pass(2000);
    house.read.clear();
    let token = house.token(ann, 7);
    house.says_as(ann, "a", "one");
    let back = house.resume(token, &[]).expect("it goes on");
    assert_eq!(house.ended.pop(), Some((ann, Some("resumed"))));
    house.says(ann, "nobody hears this");
    house.commit_all(&log);
    house.pass(2000);
    assert_eq!(house.take([bob]), [lines(&["guest1: one"])]);
    let [own] = house.take([back]);
    assert!(own[1].contains("\"client_id\":\"a\""), "{own:?}");
    assert_eq!(own.len(), 2, "{own:?}");
}

#[test]
fn tokens_are_forgotten_in_time_and_by_whom_they_are_not() {
    let mut house = House::new();
    let ann = house.connect(STRANGER, JSON);
    let token = house.token(ann, 7);
    assert_eq!(house.resume(ResumeToken::new(8), &[]), None);
    house.cut(ann);
    let seconds = Millis::from(Config::default().resume_time) * 1000;
    assert_eq!(house.hub.resuming.next(), Some(house.now + seconds));
    house.pass(seconds - 1);
    let back = house.resume(token, &[]).expect("it is not too late");
    house.cut(back);
    house.pass(seconds);
    assert!(house.hub.resuming.is_empty());
    assert_eq!(house.hub.resuming.bytes(), 0);
}

/// Catches: a small budget for all that those have who are gone, for whom nobody can be ended.
#[test]
fn of_a_small_budget_those_who_are_gone_have_little() {
    let config = Config {
        max_memory: 1024 * 1024,
        ..Config::default()
    };
    let mut house = House::new();
    house.hub = Hub::new(Rc::new(config), &FRAMINGS);
    for visitor in 0..1000 {
        let ann = house.connect(STRANGER, JSON);
        house.token(ann, visitor);
        house.cut(ann);
    }
    assert!(house.hub.resuming.bytes() <= 128 * 1024);
    assert!(!house.hub.resuming.is_empty());
}

/// Catches: memory without a limit for those who come and go.
#[test]
fn of_those_who_are_gone_the_oldest_give_way() {
    let mut house = House::new();
    let mut tokens = Vec::new();
    let id = |at: u32| Text::from(format!("{at:040}"));
    for visitor in 0..1000 {
        let ann = house.connect(STRANGER, JSON);
        tokens.push(house.token(ann, visitor));
        for at in 0..64 {
            let (moment, frame) = (house.at(), Frame::Line("hello"));
            house.hub.frame_as(ann, Some(&id(at)), frame, moment);
            house.hub.apply();
        }
        house.cut(ann);
        house.now += 1;
        assert!(house.hub.resuming.bytes() < 20 * 1024 * 1024);
    }
    assert_eq!(house.resume(tokens[0], &[]), None);
    assert!(house.resume(tokens[999], &[]).is_some());
}

#[test]
fn only_so_many_ids_are_known() {
    let mut house = House::new();
    let ann = house.connect(STRANGER, JSON);
    house.pass(2000);
    house.token(ann, 7);
    for at in 0..65 {
        house.says_as(ann, &at.to_string(), "hello");
    }
    house.read.clear();
    for again in ["64", "1", "0"] {
        house.says_as(ann, again, "hello");
    }
    assert_eq!(
        house.objects(ann, "client_id"),
        pairs(&[("committed", "64"), ("committed", "1"), ("message", "0")])
    );
}

#[test]
fn whoever_has_left_gets_its_rooms_back_as_far_as_they_take_it() {
    let mut house = House::new();
    let ann = house.connect(STRANGER, JSON);
    let bob = house.connect(STRANGER, LINES);
    for line in ["/nick ann", "/join tea", "/watch milk", "/watch sugar"] {
        house.says(ann, line);
    }
    house.says(bob, "/watch tea");
    house.pass(2000);
    house.read.clear();
    let token = house.token(ann, 7);
    house.cut(ann);
    house.pass(2000);
    let back = house.resume(token, &[]).expect("it goes on");
    house.pass(2000);
    let heard = ["#tea * ann left #tea.", "#tea * ann joined #tea."];
    let heard = lines(&heard);
    assert_eq!(house.take([bob]), [heard]);
    let member = house.member(back);
    let chat = house.hub.chat();
    let rooms = chat
        .rooms_of(member)
        .filter_map(|room| chat.room_name(room));
    let rooms: Vec<&str> = rooms.map(|name| &**name).collect();
    assert_eq!(rooms, ["tea", "milk", "sugar"]);
}

/// Catches: somebody who is sent away while what it has said is under way, and comes back as if it
/// had not been.
#[test]
fn who_was_sent_away_while_it_was_held_does_not_come_back() {
    for is_back_before in [true, false] {
        let (mut house, log) = House::with_log();
        let ann = house.connect(STRANGER, JSON);
        let bob = house.connect(STRANGER, LINES);
        let operator = house.connect(OPERATOR, LINES);
        house.pass(2000);
        house.read.clear();
        let token = house.token(ann, 7);
        house.says(ann, "one");
        house.cut(ann);
        house.says(operator, "/kick guest1 enough");
        if is_back_before {
            assert_eq!(house.resume(token, &[]), None, "while it is held");
        }
        house.commit_all(&log);
        house.pass(500);
        assert_eq!(house.resume(token, &[]), None);
        let [heard] = house.take([bob]);
        assert_eq!(heard, ["guest1: one", "* guest1 was kicked: enough"]);
    }
}

#[test]
fn a_newcomer_that_others_know_is_renamed_for_them() {
    let mut house = House::new();
    let ann = house.connect(STRANGER, JSON);
    house.says(ann, "/nick ann");
    let bob = house.connect(STRANGER, LINES);
    house.pass(2000);
    let token = house.token(ann, 7);
    house.cut(ann);
    house.pass(2000);
    let newcomer = house.connect(STRANGER, JSON);
    house.says(newcomer, "hello");
    house.pass(2000);
    house.read.clear();
    let resumed = house.hub.resume(newcomer, token, &[], house.at());
    assert!(resumed.is_some_and(|resumed| resumed.session == newcomer));
    house.pass(2000);
    assert_eq!(house.take([bob]), [lines(&["* guest3 is now ann."])]);
}

/// Catches: a way around the limit of rooms, by somebody who has some and goes on with others.
#[test]
fn nobody_has_more_rooms_for_coming_back() {
    let mut house = House::new();
    let watch = |house: &mut House, session, name: &str| {
        for room in 0..19 {
            house.says(session, &format!("/watch {name}{room}"));
        }
    };
    let ann = house.connect(STRANGER, JSON);
    let host = house.connect(STRANGER, JSON);
    watch(&mut house, host, "tea");
    watch(&mut house, ann, "tea");
    let token = house.token(ann, 7);
    house.cut(ann);
    let other = house.connect(STRANGER, JSON);
    watch(&mut house, other, "milk");
    let resumed = house.hub.resume(other, token, &[], house.at());
    assert!(resumed.is_some());
    let member = house.member(other);
    assert_eq!(house.hub.chat().rooms_of(member).count(), 20);
}

#[test]
fn whom_it_ignores_and_that_it_is_muted_stays_so() {
    let mut house = House::new();
    let ann = house.connect(STRANGER, JSON);
    let bob = house.connect(STRANGER, JSON);
    let operator = house.connect(OPERATOR, LINES);
    house.says(ann, "/ignore guest2");
    house.says(operator, "/mute guest1 600");
    let token = house.token(ann, 7);
    house.cut(ann);
    let back = house.resume(token, &[]).expect("it goes on");
    house.read.clear();
    house.says(bob, "nobody hears me");
    house.says(back, "nor me");
    let [own, heard] = house.take([back, bob]);
    assert!(own.len() == 1 && own[0].contains("\"muted\""), "{own:?}");
    assert!(
        !heard.iter().any(|line| line.contains("nor me")),
        "{heard:?}"
    );
}

#[test]
fn what_was_answered_before_comes_before() {
    let mut house = House::new();
    let ann = house.connect(STRANGER, JSON);
    house.pass(2000);
    house.read.clear();
    let token = house.token(ann, 7);
    let newcomer = house.hub.connect(STRANGER, JSON, house.at());
    let newcomer = newcomer.expect("there is room");
    house.hub.apply();
    house.hub.tell_as_it_is(newcomer, b"{\"kind\":\"pong\"}\n");
    let resumed = house.hub.resume(newcomer, token, &[], house.at());
    let session = resumed.expect("it goes on").session;
    house.turn();
    let kinds: Vec<String> = house
        .objects(session, "nick")
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    assert_eq!(kinds, ["welcome", "pong", "returned"]);
}

#[test]
fn who_is_sent_away_while_its_connection_is_there_does_not_go_on_by_another() {
    let (mut house, log) = House::with_log();
    let ann = house.connect(STRANGER, JSON);
    let operator = house.connect(OPERATOR, LINES);
    house.pass(2000);
    let token = house.token(ann, 7);
    house.says(ann, "one");
    house.says(operator, "/kick guest1");
    assert_eq!(house.resume(token, &[]), None);
    house.commit_all(&log);
    assert_eq!(house.ended.pop(), Some((ann, Some("kicked"))));
}

/// Catches: another address as a way out of a mute, and a mute that was lifted and comes back.
#[test]
fn a_mute_goes_along_unless_it_was_lifted() {
    let elsewhere = Peer::Tcp([192, 0, 2, 7].into());
    for (is_cut, is_lifted) in [(false, false), (true, false), (true, true)] {
        let mut house = House::new();
        let ann = house.connect(STRANGER, JSON);
        let bob = house.connect(STRANGER, LINES);
        let operator = house.connect(OPERATOR, LINES);
        house.says(operator, "/mute guest1 600");
        let token = house.token(ann, 7);
        if is_cut {
            house.cut(ann);
        }
        if is_lifted {
            house.says(operator, "/unmute 127.0.0.1");
        }
        let newcomer = house.hub.connect(elsewhere, JSON, house.at());
        let newcomer = newcomer.expect("there is room");
        house.turn();
        let resumed = house.hub.resume(newcomer, token, &[], house.at());
        let session = resumed.expect("it goes on").session;
        house.turn();
        house.read.clear();
        house.says(session, "hello");
        let [heard] = house.take([bob]);
        assert_eq!(
            !heard.is_empty(),
            is_lifted,
            "{is_cut} {is_lifted}: {heard:?}"
        );
    }
}

/// Catches: a request that seems to be done since one of the other connection's is.
#[test]
fn what_was_to_come_behind_a_line_is_the_other_connections() {
    let (mut house, log) = House::with_log();
    let ann = house.connect(STRANGER, JSON);
    house.pass(2000);
    let token = house.token(ann, 7);
    house.says_as(ann, "a", "one");
    house.hub.tell_behind(ann, b"{\"kind\":\"done\"}\n");
    house.cut(ann);
    let back = house.resume(token, &[]).expect("it goes on");
    house.commit_all(&log);
    let kinds = house.objects(back, "client_id");
    assert_eq!(kinds, pairs(&[("returned", ""), ("message", "a")]));
    assert_eq!(house.hub.draft_bytes(), 0);
}
