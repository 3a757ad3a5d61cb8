//! New topics: a room hears of at most one a second.
//!
//! The first is said at once and starts a quiet second. Of those set within it the last is said at
//! its end; who set one is told so at once.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::answers::tell;
use super::{Answer, Chat, Effect, Event, MemberId, Millis, Person, RoomId, Text, TopicSet};

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
    /// A topic was set.
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
            Some(news) => self.tell_topic(room, None, news, (now, utc), effects),
        }
    }

    fn tell_topic(
        &mut self,
        room: RoomId,
        except: Option<MemberId>,
        news: Pending,
        (now, utc): (Millis, Millis),
        effects: &mut Vec<Effect>,
    ) {
        self.topic_news.quieten(room, now);
        let event = Event::Topic(Rc::new(TopicSet {
            place: self.next_place(room, utc),
            room: self.room(room).name().clone(),
            author: news.author,
            topic: news.topic,
        }));
        effects.push(Effect::Say {
            room,
            except,
            event,
        });
    }

    /// Says what is due, and forgets the rooms that have been quiet. Who set a topic knows it
    /// already; but it may have left the chat since, and somebody else have its place, who does
    /// not.
    pub(super) fn tell_topics(&mut self, now: Millis, utc: Millis, effects: &mut Vec<Effect>) {
        while let Some((room, news)) = self.topic_news.take_due(now) {
            let knows = Some(news.member).filter(|&member| self.member(member).is_some());
            self.tell_topic(room, knows, news, (now, utc), effects);
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
        // Nobody is told who is not there any more.
        house.answers(ann, "/topic five");
        for id in [ann, bob, carol] {
            house.leave(id);
        }
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
