//! New topics: a room hears of at most one a second.
//!
//! The first is said at once and starts a quiet second. Of those set within it the last is said at
//! its end; who set one is told so at once.

use std::collections::{BTreeMap, BTreeSet};

use super::answers::tell;
use super::{Answer, Chat, Content, Effect, MemberId, Millis, Person, RoomId, Text};

/// How long a room is left alone after it was told.
const QUIET: Millis = 1000;

/// What rooms have yet to hear of their topics: only those whose topic was set within the last
/// second are in here.
#[derive(Debug, Default)]
pub(super) struct TopicNews {
    rooms: BTreeMap<RoomId, News>,
    /// When each of them may be told, or forgotten.
    due: BTreeSet<(Millis, RoomId)>,
}

#[derive(Debug)]
struct News {
    quiet_until: Millis,
    pending: Option<Pending>,
}

/// A topic that the room has still to hear of.
#[derive(Debug)]
struct Pending {
    member: MemberId,
    author: Person,
    topic: Text,
}

impl TopicNews {
    /// Keeps news, if it is too early for them: `None`; they are to be said otherwise.
    fn keep(&mut self, room: RoomId, news: Pending, now: Millis) -> Option<Pending> {
        match self.rooms.get_mut(&room) {
            Some(last) if now < last.quiet_until || last.pending.is_some() => {
                self.due.insert((last.quiet_until, room));
                last.pending = Some(news);
                None
            }
            _ => Some(news),
        }
    }

    /// A room is told now.
    fn quieten(&mut self, room: RoomId, now: Millis) {
        let quiet_until = now.saturating_add(QUIET);
        let pending = None;
        let news = News {
            quiet_until,
            pending,
        };
        self.rooms.insert(room, news);
    }

    /// When the next is due, if a room is still to be told.
    pub(super) fn next(&self) -> Option<Millis> {
        self.due.first().map(|&(due, _)| due)
    }

    /// What a room has still to hear.
    pub(super) fn pending(&self, room: RoomId) -> Option<&Text> {
        let pending = self.rooms.get(&room)?.pending.as_ref()?;
        Some(&pending.topic)
    }

    /// Takes out news that are due.
    fn take_due(&mut self, now: Millis) -> Option<(RoomId, Pending)> {
        while let Some(&(due, room)) = self.due.first()
            && due <= now
        {
            self.due.remove(&(due, room));
            let news = self.rooms.remove(&room).and_then(|news| news.pending);
            if let Some(pending) = news {
                return Some((room, pending));
            }
        }
        None
    }

    /// A room has nobody left to hear of it.
    pub(super) fn forget(&mut self, room: RoomId) {
        if let Some(news) = self.rooms.remove(&room) {
            self.due.remove(&(news.quiet_until, room));
        }
    }
}

impl Chat {
    /// A topic is set.
    pub(super) fn spread_topic(
        &mut self,
        room: RoomId,
        member: MemberId,
        topic: Text,
        (now, utc): (Millis, Millis),
        effects: &mut Vec<Effect>,
    ) {
        let author = self.person(member);
        let answer = Answer::TopicSet {
            nickname: author.nickname.clone(),
            room: self.room(room).name().clone(),
            topic: topic.clone(),
        };
        let news = Pending {
            member,
            author,
            topic,
        };
        match self.topic_news.keep(room, news, now) {
            None => tell(effects, member, answer),
            Some(news) => self.tell_topic(room, false, news, (now, utc), effects),
        }
    }

    /// The topic of a room: the one that was set last, whether the room has heard of it or not.
    pub(super) fn topic_of(&self, room: RoomId) -> Option<Text> {
        let pending = self.topic_news.pending(room);
        pending.or(self.room(room).topic.as_ref()).cloned()
    }

    fn tell_topic(
        &mut self,
        room: RoomId,
        is_known: bool,
        news: Pending,
        (now, utc): (Millis, Millis),
        effects: &mut Vec<Effect>,
    ) {
        self.topic_news.quieten(room, now);
        let author = (news.member, news.author);
        let topic = news.topic;
        let draft = self.draft(room, author, Content::Topic { topic, is_known }, utc);
        effects.push(draft);
    }

    /// Says what is due, and forgets the rooms that have been quiet. Who set a topic knows it
    /// already.
    pub(super) fn tell_topics(&mut self, now: Millis, utc: Millis, effects: &mut Vec<Effect>) {
        while let Some((room, news)) = self.topic_news.take_due(now) {
            self.tell_topic(room, true, news, (now, utc), effects);
        }
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::super::tests::House;

    #[test]
    fn of_many_topics_in_a_second_the_last_is_said() {
        let (mut house, [ann, bob, carol]) = House::with_guests();
        let said = |who: &str, topic: &str| format!("* {who} set the topic: {topic}");
        assert_eq!(house.answers(ann, "/topic one"), [said("guest1", "one")]);
        assert_eq!(house.read(bob), [said("guest1", "one")]);
        assert_eq!(house.answers(bob, "/topic two"), [said("guest2", "two")]);
        house.read(carol);
        let three = said("guest3", "three");
        assert_eq!(house.answers(carol, "/topic three"), [three.as_str()]);
        house.pass(999);
        assert!(house.read(ann).is_empty());
        house.pass(1);
        assert_eq!(house.read(ann), [three.as_str()]);
        assert_eq!(house.read(bob), [three.as_str()]);
        assert!(house.read(carol).is_empty(), "she knows");
        house.pass(1000);
        assert_eq!(house.answers(ann, "/topic four"), [said("guest1", "four")]);
        assert_eq!(house.read(bob), [said("guest1", "four")]);
    }

    /// Catches: a topic that is lost with those who have set it, before its time had come.
    #[test]
    fn a_topic_that_has_to_wait_outlives_who_has_set_it() {
        let (mut house, [ann]) = House::with_guests();
        house.answers(ann, "/topic one");
        house.answers(ann, "/topic two");
        house.leave(ann);
        let bob = house.connect();
        let topic = "* Topic of #lobby: two";
        house.read(bob);
        assert_eq!(house.answers(bob, "/topic"), [topic]);
        house.leave(bob);
        house.pass(1000);
        let carol = house.connect();
        house.read(carol);
        assert_eq!(house.answers(carol, "/topic"), [topic]);
        house.pass(3000);
        assert_eq!(house.next_deadline(), None);
    }

    #[test]
    fn who_has_the_place_of_an_author_that_left_hears_the_topic_too() {
        let (mut house, [ann, bob]) = House::with_guests();
        house.answers(ann, "/topic one");
        house.answers(bob, "/topic two");
        house.leave(bob);
        let carol = house.connect();
        assert_eq!(carol.index(), bob.index(), "it is given the free place");
        house.read(carol);
        house.pass(1000);
        for id in [ann, carol] {
            let heard = house.read(id);
            assert!(heard.iter().any(|line| line.ends_with("two")), "{heard:?}");
        }
    }
}
