//! What a line must bring about in the chat, from what its author meant and what the model knows.

use loopchat::chat::{
    Answer, Content, DisconnectReason, Draft, Effect, Event, EventId, Meant, MemberId, MessageKind,
    Recipient, Refusal, RoomId,
};
use loopchat::server::{Config, Moment};

use super::checker::Checker;
use super::drafts::is_placed;
use super::orders;
use super::speech::Act;
use super::tally::{Count, Tally};
use super::{Checked, violated};

/// A line that is judged.
pub struct Case<'a> {
    pub author: MemberId,
    pub act: &'a Act,
    /// What it has brought about, without the announcement of its author.
    pub effects: Vec<&'a Effect>,
    /// What the log was given.
    pub drafts: &'a [Draft],
    pub at: Moment,
    pub config: &'a Config,
}

/// Judges the effects of one line, before the model has heard of them.
pub fn judge(
    checker: &mut Checker,
    author: MemberId,
    act: &Act,
    (effects, drafts): (&[Effect], &[Draft]),
    (at, config): (Moment, &Config),
    tally: &mut Tally,
) -> Checked {
    let Some(seat) = checker.seat(author) else {
        return violated("only members are listened to", format!("{act:?}"));
    };
    if seat.is_leaving() && !matches!(act, Act::TooLong) {
        return match effects.is_empty() && drafts.is_empty() {
            true => Ok(()),
            false => violated("who is to leave says nothing more", format!("{effects:?}")),
        };
    }
    let is_unheard_of = seat.is_unheard_of();
    // The rooms that it comes into the checker minds.
    let is_arrival = |effect: &Effect| matches!(effect, Effect::Say { event: Event::Arrival { member, .. }, .. } if *member == author);
    let arrivals = effects.iter().filter(|effect| is_arrival(effect)).count();
    let comes = effects.iter().filter(|effect| match effect {
        Effect::Moved { member, to, .. } => *member == author && to.is_some(),
        Effect::Watched {
            member, is_watched, ..
        } => *member == author && *is_watched,
        _ => false,
    });
    let comes = comes.count();
    let is_silent = matches!(act, Act::Nothing | Act::TooLong | Act::Quit);
    if is_unheard_of && !is_silent && arrivals == 0 || arrivals > comes + usize::from(is_unheard_of)
    {
        return violated(
            "a newcomer's first line announces it",
            format!("{act:?}: {effects:?}"),
        );
    }
    let case = Case {
        author,
        act,
        effects: effects
            .iter()
            .filter(|effect| !is_arrival(effect))
            .collect(),
        drafts,
        at,
        config,
    };
    case.judge(checker, tally)
}

impl Case<'_> {
    pub fn wrong<T>(&self) -> Checked<T> {
        let Self { act, effects, .. } = self;
        violated("a line does what it says", format!("{act:?}: {effects:?}"))
    }

    pub fn right_if(&self, is_right: bool) -> Checked {
        match is_right {
            true => Ok(()),
            false => self.wrong(),
        }
    }

    /// What the author is told.
    pub fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::Tell { to, answer } if *to == self.author => Some(answer),
            _ => None,
        })
    }

    /// Whether the author is told this and nothing else happens.
    pub fn is_only(&self, wanted: &Answer) -> bool {
        self.drafts.is_empty()
            && matches!(&self.effects[..], [Effect::Tell { to, answer }]
            if *to == self.author && answer == wanted)
    }

    pub fn refused(&self, refusal: Refusal) -> Checked {
        self.right_if(self.is_only(&Answer::Refused(refusal)))
    }

    fn judge(&self, checker: &mut Checker, tally: &mut Tally) -> Checked {
        let Self { author, act, .. } = *self;
        let Some(seat) = checker.seat(author) else {
            return self.wrong();
        };
        let (room, is_operator) = (seat.room, seat.peer.is_operator());
        let opens = |name: &str| checker.rooms.named(name).is_none();
        let is_heard = match act {
            Act::Say(_) | Act::Me(_) | Act::Msg { .. } | Act::Nick(_) | Act::Topic(Some(_)) => true,
            Act::Join(name) | Act::Watch(name) => opens(name),
            _ => false,
        };
        let is_watcher_at_limit = matches!(act, Act::Watch(_))
            && seat.watched.len() + 1 >= self.config.max_rooms_per_member as usize;
        if is_heard
            && !is_watcher_at_limit
            && let Some(left) = checker.muted_for(author, self.at.now)
        {
            tally.count(Count::Muted);
            let rule = "the muted are not heard";
            return match self.is_only(&Answer::Refused(Refusal::Muted { left })) {
                true => Ok(()),
                false => violated(rule, format!("{left}: {:?}", self.effects)),
            };
        }
        // What comes of them is compared with what must come of them.
        let is_drafted = matches!(
            act,
            Act::Say(_) | Act::Me(_) | Act::Msg { .. } | Act::Delete(_) | Act::Topic(Some(_))
        );
        let are_placed = self.effects.iter().all(|effect| is_placed(effect));
        self.right_if(self.drafts.is_empty() || is_drafted && are_placed)?;
        match act {
            Act::Say(_) | Act::Me(_) => self.says(room, tally),
            Act::Msg { to, text } => self.says_to(to, text, checker, tally),
            Act::Nick(name) => self.renames(name, checker, tally),
            Act::Join(name) => self.joins(name, checker, tally),
            Act::Watch(name) => self.watches(name, checker, tally),
            Act::Part(name) => self.parts(name.as_deref(), checker, tally),
            Act::OwnRooms => self.lists_own(checker),
            Act::History(count) => {
                tally.count(Count::Replays);
                match &self.effects[..] {
                    [Effect::Tell { to, answer }] if *to == author => {
                        checker.check_history(room, author, *count, answer)
                    }
                    _ => self.wrong(),
                }
            }
            Act::PrivateHistory { with, count } => match checker.named(with) {
                None if matches!(self.answers().next(), Some(Answer::History { .. })) => {
                    self.right_if(self.effects.len() == 1) // whoever has had that name
                }
                None => {
                    let nickname = with.as_str().into();
                    self.refused(Refusal::NoSuchMember { nickname })
                }
                Some(other) => {
                    tally.count(Count::PrivateReplays);
                    match &self.effects[..] {
                        [Effect::Tell { to, answer }] if *to == author => {
                            checker.check_private_history(author, other, *count, answer)
                        }
                        _ => self.wrong(),
                    }
                }
            },
            Act::Topic(topic) => self.topic(room, topic.as_deref(), checker, tally),
            Act::Who(name) => self.lists_members(room, name.as_deref(), checker),
            Act::Delete(id) => self.deletes(*id, checker, tally),
            Act::Ignore { nickname, is_on } => self.ignores(nickname, *is_on, checker, tally),
            Act::Times(is_on) => {
                tally.count(Count::Times);
                self.right_if(matches!(&self.effects[..], [
                    Effect::Times { member, is_on: set },
                    Effect::Tell { answer: Answer::Times { is_on: told }, .. },
                ] if *member == author && set == is_on && told == is_on))
            }
            Act::Quit => {
                let nickname = checker.seat(author).map_or("", |seat| &seat.nickname);
                self.right_if(matches!(
                    self.answers().next(),
                    Some(Answer::Disconnected(DisconnectReason::Quit { nickname: told }))
                        if **told == *nickname
                ))?;
                // Of one of several sessions nobody else hears.
                let has_several = checker
                    .seat(author)
                    .is_some_and(|seat| seat.sessions.len() > 1);
                self.right_if(
                    !has_several
                        || matches!(&self.effects[..], [
                            Effect::Tell { .. },
                            Effect::Disconnect { member, .. },
                        ] if *member == author),
                )
            }
            Act::TooLong => {
                tally.count(Count::TooLong);
                let limit = self.config.max_line;
                self.refused(Refusal::LineTooLong { limit })
            }
            Act::Nothing => self.right_if(self.effects.is_empty()),
            Act::Order(order) => match is_operator {
                true => orders::carries_out(self, order, checker, tally),
                false => {
                    let word = order.word();
                    self.refused(Refusal::OperatorsOnly { word })
                }
            },
            Act::Ask => self.right_if(match &self.effects[..] {
                [Effect::Tell { to, .. } | Effect::Ask { to, .. }] => *to == author,
                _ => false,
            }),
        }
    }

    fn says(&self, room: RoomId, tally: &mut Tally) -> Checked {
        tally.count(Count::Messages);
        let (wanted, as_action) = match self.act {
            Act::Me(text) => (text, MessageKind::Action),
            Act::Say(text) => (text, MessageKind::Said),
            _ => return self.wrong(),
        };
        self.right_if(matches!(self.drafts, [Draft {
            to: Recipient::Room { id: heard, .. }, member, content: Content::Message { kind, text }, ..
        }] if (*heard, *member) == (room, self.author)
            && *kind == as_action
            && **text == **wanted))
    }

    fn says_to(&self, name: &str, text: &str, checker: &mut Checker, tally: &mut Tally) -> Checked {
        tally.count(Count::PrivateMessages);
        let Some(reader) = checker.named(name) else {
            let nickname = name.into();
            return self.refused(Refusal::NoSuchMember { nickname });
        };
        let Some(seat) = checker.seat(reader) else {
            return self.wrong();
        };
        let ignores = seat.ignored.contains(&self.author);
        if let [
            Draft {
                to: Recipient::Member(to),
                content: Content::Message { kind, text: said },
                member,
                ..
            },
        ] = self.drafts
        {
            tally.add(Count::IgnoredPrivate, ignores.into());
            let is_right = (*member, to.id) == (self.author, reader)
                && *kind == MessageKind::Said
                && **said == *text;
            return self.right_if(is_right);
        }
        match &self.effects[..] {
            [
                Effect::Tell {
                    to,
                    answer: Answer::Refused(Refusal::NotDelivered { nickname, .. }),
                },
            ] if self.drafts.is_empty()
                && *to == self.author
                && **nickname == *seat.nickname
                && !ignores
                && seat
                    .sessions
                    .iter()
                    .all(|own| checker.slow.contains(&own.id)) =>
            {
                tally.count(Count::Undelivered);
                checker.holds_off(reader);
                Ok(())
            }
            _ => self.wrong(),
        }
    }

    fn renames(&self, name: &str, checker: &mut Checker, tally: &mut Tally) -> Checked {
        let first = self.answers().next();
        if checker
            .named(name)
            .is_some_and(|owner| owner != self.author)
        {
            tally.count(Count::TakenNames);
            return self.right_if(matches!(
                first,
                Some(Answer::Refused(Refusal::NicknameTaken { nickname, .. })) if **nickname == *name
            ));
        }
        tally.count(Count::Renames);
        let Some(seat) = checker.seat(self.author) else {
            return self.wrong();
        };
        let told: Vec<(RoomId, &str)> = self
            .effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Say {
                    room,
                    event: Event::Rename { before, .. },
                    ..
                } => Some((*room, &**before)),
                _ => None,
            })
            .collect();
        let mut rooms: Vec<RoomId> = told.iter().map(|(room, _)| *room).collect();
        rooms.sort_unstable();
        let is_right = matches!(first, Some(Answer::Renamed { nickname }) if **nickname == *name)
            && rooms.iter().eq(&seat.heard_of)
            && told.iter().all(|(_, before)| *before == seat.nickname)
            && self.effects.len() == 1 + told.len();
        self.right_if(is_right)?;
        checker.rename(self.author, name)
    }

    fn topic(
        &self,
        room: RoomId,
        topic: Option<&str>,
        checker: &mut Checker,
        tally: &mut Tally,
    ) -> Checked {
        let Some(here) = checker.rooms.get(room) else {
            return self.wrong();
        };
        let Some(topic) = topic else {
            let (room, topic) = (here.name.clone(), here.topic());
            return self.right_if(self.is_only(&Answer::RoomTopic { room, topic }));
        };
        let may_hear = checker.rooms.may_hear_topic(room, self.at.now);
        match &self.effects[..] {
            _ if may_hear => {
                tally.count(Count::Topics);
                self.right_if(matches!(self.drafts, [Draft {
                    to: Recipient::Room { id: heard, .. }, member, content: Content::Topic { topic: set, .. }, ..
                }] if (*heard, *member) == (room, self.author) && **set == *topic))
            }
            [
                Effect::Tell {
                    to,
                    answer:
                        Answer::TopicSet {
                            room, topic: set, ..
                        },
                },
            ] if *to == self.author
                && *room == here.name
                && **set == *topic
                && self.drafts.is_empty() =>
            {
                tally.count(Count::LateTopics);
                let id = checker.seat(self.author).map(|seat| seat.room);
                match id {
                    Some(id) => checker.topic_waits(id, set, self.author),
                    None => self.wrong(),
                }
            }
            _ => self.wrong(),
        }
    }

    fn lists_members(&self, here: RoomId, name: Option<&str>, checker: &Checker) -> Checked {
        /// How many are listed.
        const LISTED: usize = 40;
        let room = match name {
            None => here,
            Some(name) => match checker.rooms.named(name) {
                Some(room) => room,
                None => {
                    let room = name.into();
                    return self.refused(Refusal::NoSuchRoom { room });
                }
            },
        };
        let members = checker.members_in(room);
        let is_here = |nickname: &str| {
            let member = checker
                .named(nickname)
                .and_then(|member| checker.seat(member));
            member.is_some_and(|seat| seat.hears(room) && seat.nickname == nickname)
        };
        self.right_if(
            matches!(&self.effects[..], [Effect::Tell { answer: Answer::Members {
            nicknames, count, ..
        }, .. }] if *count == members
            && nicknames.len() == members.min(LISTED)
            && nicknames.iter().all(|nickname| is_here(nickname))),
        )
    }

    fn deletes(&self, id: Option<EventId>, checker: &Checker, tally: &mut Tally) -> Checked {
        let seat = checker.seat(self.author);
        let Some((seat, here)) = seat.and_then(|seat| Some((seat, checker.rooms.get(seat.room)?)))
        else {
            return self.wrong();
        };
        let meant = match id {
            None => match here.last_of(self.author) {
                Some(said) => said,
                None => return self.refused(Refusal::NothingToDelete),
            },
            Some(id) => match here.find(id) {
                Some(said) => said,
                None => {
                    tally.count(Count::NoSuchMessage);
                    let message = Meant::Id(id);
                    return self.refused(Refusal::NoSuchMessage { message });
                }
            },
        };
        let is_own = meant.member == self.author;
        if !is_own && !seat.peer.is_operator() {
            tally.count(Count::NotYours);
            let message = Meant::Id(meant.place.id);
            return self.refused(Refusal::NotYours { message });
        }
        tally.count(match is_own {
            true => Count::TakenBack,
            false => Count::TakenBackByOperators,
        });
        self.right_if(matches!(self.drafts, [Draft {
            to: Recipient::Room { id: room, .. }, member, content: Content::Redaction(taken_back), ..
        }] if (*room, *member) == (seat.room, self.author)
            && taken_back.message == meant.place.id
            && taken_back.is_authors == is_own))
    }

    fn ignores(&self, name: &str, is_on: bool, checker: &Checker, tally: &mut Tally) -> Checked {
        let (Some(whom), Some(own)) = (checker.named(name), checker.seat(self.author)) else {
            let nickname = name.into();
            return self.refused(Refusal::NoSuchMember { nickname });
        };
        let Some(other) = checker.seat(whom) else {
            return self.wrong();
        };
        if is_on && whom == self.author {
            return self.refused(Refusal::Oneself);
        }
        // Those who have left need not be ignored any more.
        let is_over = |effect: &&&Effect| {
            matches!(effect, Effect::Ignored { member, whom, is_ignored: false }
                if *member == self.author && own.ignored.contains(whom) && checker.seat(*whom).is_none())
        };
        let over = self.effects.iter().take_while(is_over).count();
        tally.add(Count::IgnoredLeft, over as u64);
        let told = match &self.effects[over..] {
            [
                Effect::Ignored {
                    member,
                    whom: ignored,
                    is_ignored,
                },
                Effect::Tell {
                    to,
                    answer: Answer::Ignoring { nickname } | Answer::Unignored { nickname },
                },
            ] if (*member, *to, *ignored) == (self.author, self.author, whom)
                && *is_ignored == is_on =>
            {
                tally.count(match is_on {
                    true => Count::Ignored,
                    false => Count::Unignored,
                });
                nickname
            }
            [
                Effect::Tell {
                    answer: Answer::Refused(Refusal::NotIgnored { nickname }),
                    ..
                },
            ] if !is_on && !own.ignored.contains(&whom) => nickname,
            _ => return self.wrong(),
        };
        self.right_if(**told == *other.nickname)
    }
}
