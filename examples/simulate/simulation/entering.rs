//! What must come of going to rooms, hearing others beside, and leaving them.

use loopchat::chat::{Answer, Effect, Millis, Refusal, RoomId};

use super::Checked;
use super::checker::Checker;
use super::judge::Case;
use super::tally::{Count, Tally};

impl Case<'_> {
    /// What is against entering a room; `leaves` is given up for it.
    fn entry(&self, name: &str, leaves: Option<RoomId>, checker: &Checker) -> Option<Refusal> {
        if let Some(room) = checker.rooms.named(name) {
            let limit = self.config.max_room_members as usize;
            let room_name = checker.rooms.get(room)?.name.clone();
            return (checker.members_in(room) >= limit).then_some(Refusal::RoomFull {
                room: room_name,
                limit,
            });
        }
        let limit = self.config.max_rooms as usize;
        let is_given_up = |room| checker.lobby != Some(room) && checker.members_in(room) == 1;
        let given_up = usize::from(leaves.is_some_and(is_given_up));
        let is_full = checker.rooms.all().count() - given_up >= limit;
        is_full.then_some(Refusal::TooManyRooms { limit })
    }

    /// What a member is told that has come into a room: with whom, of what they talk, what was
    /// said.
    fn is_shown(
        &self,
        to: RoomId,
        checker: &Checker,
        (is_new, is_replayed): (bool, bool),
    ) -> Checked {
        // A new room may have the place of one that has given way for it.
        let here = checker.rooms.get(to).filter(|_| !is_new);
        let was_here = checker.seat(self.author).is_some_and(|seat| seat.hears(to));
        let mut answers = self.answers();
        let (room, told, about, (kept, last)) = match answers.next() {
            Some(
                Answer::Entered {
                    room,
                    others,
                    topic,
                    linger,
                    is_kept: false,
                    position,
                }
                | Answer::Watching {
                    room,
                    others,
                    topic,
                    linger,
                    is_kept: false,
                    position,
                },
            ) => (room, *others, topic, (*linger, position.number)),
            _ => return self.wrong(),
        };
        let others = checker.members_in(to) - usize::from(was_here);
        let is_right = told == others
            && here.is_none_or(|here| here.name == *room)
            && *about == here.and_then(|here| here.topic())
            && here.map_or(last == 0, |here| here.may_be_at(last))
            && kept == self.linger(Some(to) == checker.lobby);
        self.right_if(is_right)?;
        if !is_replayed {
            return self.right_if(answers.next().is_none());
        }
        let is_history = |effect: &&&Effect| {
            matches!(
                effect,
                Effect::Tell {
                    answer: Answer::History { .. },
                    ..
                }
            )
        };
        let told = self.effects.iter().find(is_history).copied();
        if is_new {
            return self.right_if(told.is_none());
        }
        checker.check_replay(to, self.author, told)
    }

    /// For how long what is said in a room is kept when nobody is there any more.
    fn linger(&self, is_lobby: bool) -> Option<Millis> {
        let seconds = Some(self.config.room_linger).filter(|&seconds| seconds > 0 && !is_lobby);
        seconds.map(|seconds| Millis::from(seconds) * 1000)
    }

    fn moves_to(&self) -> Option<(RoomId, RoomId)> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Moved { member, from, to } if *member == self.author => from.zip(*to),
            _ => None,
        })
    }

    pub(super) fn joins(&self, name: &str, checker: &Checker, tally: &mut Tally) -> Checked {
        let Some(seat) = checker.seat(self.author) else {
            return self.wrong();
        };
        let existing = checker.rooms.kept(name);
        if existing == Some(seat.room) {
            return self.stays(seat.room, checker);
        }
        let was_heard = existing.is_some_and(|room| seat.hears(room));
        if !was_heard && let Some(refusal) = self.entry(name, Some(seat.room), checker) {
            tally.count(Count::FullRooms);
            return self.refused(refusal);
        }
        tally.count(match was_heard {
            true => Count::MovesToWatched,
            false => Count::Moves,
        });
        match self.moves_to() {
            Some((from, to)) if from == seat.room && existing.is_none_or(|room| room == to) => {
                self.is_shown(to, checker, (existing.is_none(), !was_heard))
            }
            _ => self.wrong(),
        }
    }

    fn stays(&self, room: RoomId, checker: &Checker) -> Checked {
        let Some(here) = checker.rooms.get(room) else {
            return self.wrong();
        };
        let room = here.name.clone();
        self.right_if(self.is_only(&Answer::Stayed { room }))
    }

    pub(super) fn watches(&self, name: &str, checker: &Checker, tally: &mut Tally) -> Checked {
        let Some(seat) = checker.seat(self.author) else {
            return self.wrong();
        };
        let existing = checker.rooms.kept(name);
        if let Some(here) = existing
            .filter(|room| seat.hears(*room))
            .and_then(|room| checker.rooms.get(room))
        {
            let room = here.name.clone();
            return self.right_if(self.is_only(&Answer::Hears { room }));
        }
        let limit = self.config.max_rooms_per_member as usize;
        if seat.watched.len() + 1 >= limit {
            return self.refused(Refusal::TooManyOwnRooms { limit });
        }
        if let Some(refusal) = self.entry(name, None, checker) {
            return self.refused(refusal);
        }
        tally.count(Count::Watches);
        match &self.effects[..] {
            [
                Effect::Watched {
                    member,
                    room,
                    is_watched: true,
                },
                ..,
            ] if *member == self.author && existing.is_none_or(|known| known == *room) => {
                self.is_shown(*room, checker, (existing.is_none(), true))
            }
            _ => self.wrong(),
        }
    }

    pub(super) fn parts(
        &self,
        name: Option<&str>,
        checker: &Checker,
        tally: &mut Tally,
    ) -> Checked {
        let Some(seat) = checker.seat(self.author) else {
            return self.wrong();
        };
        let meant = match name {
            None => seat.room,
            Some(name) => match checker.rooms.named(name) {
                Some(room) => room,
                None => {
                    let room = name.into();
                    return self.refused(Refusal::NoSuchRoom { room });
                }
            },
        };
        let Some(left) = checker.rooms.get(meant) else {
            return self.wrong();
        };
        if meant != seat.room {
            let room = left.name.clone();
            if !seat.hears(meant) {
                return self.refused(Refusal::NotInRoom { room });
            }
            tally.count(Count::Parts);
            return self.right_if(self.answers().eq([&Answer::Parted { room }]));
        }
        let lobby = checker.lobby;
        match seat.watched.last() {
            Some(&latest) => {
                tally.count(Count::Parts);
                self.right_if(self.moves_to() == Some((meant, latest)))?;
                self.is_shown(latest, checker, (false, false))
            }
            None if Some(meant) == lobby => {
                let room = left.name.clone();
                self.refused(Refusal::LastRoom { room })
            }
            None => {
                if let Some(refusal) = self.entry("lobby", Some(meant), checker) {
                    return self.refused(refusal);
                }
                tally.count(Count::Parts);
                let to = self.moves_to().filter(|(from, _)| *from == meant);
                match to {
                    Some((_, to)) if lobby == Some(to) => self.is_shown(to, checker, (false, true)),
                    _ => self.wrong(),
                }
            }
        }
    }

    pub(super) fn lists_own(&self, checker: &Checker) -> Checked {
        let Some(seat) = checker.seat(self.author) else {
            return self.wrong();
        };
        let own = [seat.room].into_iter().chain(seat.watched.iter().copied());
        let listed = own.filter_map(|room| {
            let name = checker.rooms.get(room)?.name.clone();
            Some((name, checker.members_in(room)))
        });
        let listed = listed.collect();
        self.right_if(self.is_only(&Answer::OwnRooms { listed }))
    }
}
