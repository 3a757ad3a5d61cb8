//! New topics: a room hears of at most one a second.
//!
//! The first is said at once and starts a quiet second. Of those set within it the last is said at
//! its end; who set one is told so at once.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::answers::tell;
use super::{Effect, Line, MemberId, Millis, RoomId, SayKind};

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
    /// Who has set it, and what is said of that.
    pending: Option<(MemberId, Line)>,
}

impl TopicNews {
    /// A topic was set.
    pub(super) fn set(
        &mut self,
        room: RoomId,
        author: MemberId,
        line: Line,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        match self.rooms.get_mut(&room) {
            Some(news) if now < news.quiet_until || news.pending.is_some() => {
                tell(effects, author, Rc::clone(&line));
                news.pending = Some((author, line));
                self.due.insert((news.quiet_until, room));
            }
            _ => self.say(room, None, line, now, effects),
        }
    }

    fn say(
        &mut self,
        room: RoomId,
        except: Option<MemberId>,
        line: Line,
        now: Millis,
        effects: &mut Vec<Effect>,
    ) {
        let quiet_until = now.saturating_add(QUIET);
        let pending = None;
        self.rooms.insert(
            room,
            News {
                quiet_until,
                pending,
            },
        );
        let kind = SayKind::Notice;
        effects.push(Effect::Say {
            room,
            except,
            kind,
            line,
        });
    }

    /// When [`tick`](Self::tick) is to be called next, if a room is still to be told.
    pub(super) fn next(&self) -> Option<Millis> {
        self.due.first().map(|&(due, _)| due)
    }

    /// Says what is due, and forgets the rooms that have been quiet. Who set a topic knows it
    /// already; but it may have left the chat since, and somebody else have its place, who does
    /// not.
    pub(super) fn tick(
        &mut self,
        now: Millis,
        is_member: impl Fn(MemberId) -> bool,
        effects: &mut Vec<Effect>,
    ) {
        while let Some(&(due, room)) = self.due.first()
            && due <= now
        {
            self.due.remove(&(due, room));
            let news = self.rooms.remove(&room).and_then(|news| news.pending);
            if let Some((author, line)) = news {
                let knows = Some(author).filter(|&author| is_member(author));
                self.say(room, knows, line, now, effects);
            }
        }
    }

    /// A room has nobody left to hear of it.
    pub(super) fn forget(&mut self, room: RoomId) {
        if let Some(news) = self.rooms.remove(&room) {
            self.due.remove(&(news.quiet_until, room));
        }
    }
}

#[cfg(test)]
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
        assert_eq!(house.chat.next_deadline(), None);
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
