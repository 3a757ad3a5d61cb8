//! Whom members do not want to hear.
//!
//! What an ignored member says in rooms is left out by who delivers it; what it says to the member
//! alone, and what is told of the past, is left out here. Nobody is told that it is ignored.

use super::answers::tell;
use super::{Answer, Chat, Effect, MemberId, Name, Refusal};

/// How many one may ignore.
const MOST: usize = 100;

impl Chat {
    /// Whether a member wants to hear nothing of another.
    pub(super) fn ignores(&self, member: MemberId, whom: MemberId) -> bool {
        !self.ignored.is_empty() && {
            let ignored = self.ignored.get(&member);
            ignored.is_some_and(|ignored| ignored.contains(&whom))
        }
    }

    /// Those of whom a member wants to hear nothing.
    pub fn ignored_by(&self, member: MemberId) -> impl Iterator<Item = MemberId> {
        self.ignored.get(&member).into_iter().flatten().copied()
    }

    pub(super) fn ignore(
        &mut self,
        member: MemberId,
        nickname: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let whom = self.named(nickname).ok_or_else(|| self.nobody(nickname))?;
        if whom == member {
            return Err(Refusal::Oneself);
        }
        // Who is gone needs no place any more.
        let mut ignored = self.ignored.remove(&member).unwrap_or_default();
        ignored.retain(|&whom| {
            let is_here = self.member(whom).is_some();
            if !is_here {
                let is_ignored = false;
                effects.push(Effect::Ignored {
                    member,
                    whom,
                    is_ignored,
                });
            }
            is_here
        });
        let has_place = ignored.len() < MOST || ignored.contains(&whom);
        if has_place {
            ignored.insert(whom);
        }
        self.ignored.insert(member, ignored);
        if !has_place {
            return Err(Refusal::TooManyIgnored { limit: MOST });
        }
        effects.push(Effect::Ignored {
            member,
            whom,
            is_ignored: true,
        });
        let nickname = self.members[whom.index()].nickname.clone();
        tell(effects, member, Answer::Ignoring { nickname });
        Ok(())
    }

    /// A member wants to hear nothing of another, as before; unless that has gone.
    pub(super) fn ignore_again(
        &mut self,
        member: MemberId,
        whom: MemberId,
        effects: &mut Vec<Effect>,
    ) {
        if whom != member && self.member(whom).is_some() {
            self.ignored.entry(member).or_default().insert(whom);
            effects.push(Effect::Ignored {
                member,
                whom,
                is_ignored: true,
            });
        }
    }

    pub(super) fn unignore(
        &mut self,
        member: MemberId,
        nickname: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Refusal> {
        let whom = self.named(nickname).ok_or_else(|| self.nobody(nickname))?;
        let nickname = self.members[whom.index()].nickname.clone();
        let ignored = self.ignored.entry(member).or_default();
        let was_ignored = ignored.remove(&whom);
        if ignored.is_empty() {
            self.ignored.remove(&member);
        }
        if !was_ignored {
            return Err(Refusal::NotIgnored { nickname });
        }
        effects.push(Effect::Ignored {
            member,
            whom,
            is_ignored: false,
        });
        tell(effects, member, Answer::Unignored { nickname });
        Ok(())
    }

    pub(super) fn describe_ignored(&self, member: MemberId) -> Answer {
        let ignored = self.ignored.get(&member).into_iter().flatten();
        let nicknames: Vec<Name> = ignored
            .filter_map(|whom| Some(self.member(*whom)?.nickname.clone()))
            .collect();
        Answer::Ignored { nicknames }
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::super::tests::House;
    use super::super::{Chat, Config, Effect, Peer};

    #[test]
    fn nothing_more_is_heard_of_who_is_ignored_and_it_is_not_told() {
        let (mut house, [ann, bob, carol]) = House::with_guests();
        house.types(bob, "before");
        house.read(ann);
        assert_eq!(
            house.answers(ann, "/ignore GUEST2"),
            ["* You hear nothing more of guest2."]
        );
        for line in ["one", "/me waves", "/msg guest1 psst"] {
            assert!(house.answers(bob, line).is_empty(), "{line}");
        }
        house.types(carol, "two");
        assert_eq!(house.read(ann), ["guest3: two"]);
        assert_eq!(
            house.answers(ann, "/history"),
            ["* The last 1 messages of #lobby:", "guest3: two"]
        );
        // Whoever is ignored takes no place among the last so many.
        house.types(carol, "and");
        for _ in 0..30 {
            house.types(bob, "flood");
        }
        assert_eq!(
            house.answers(ann, "/history 2"),
            [
                "guest3: and",
                "* The last 2 messages of #lobby:",
                "guest3: two",
                "guest3: and"
            ]
        );
        // A name is no place to hide behind, and another's is no disguise.
        house.types(bob, "/nick bob");
        house.read(ann);
        house.types(bob, "three");
        assert!(house.read(ann).is_empty());
        assert_eq!(house.answers(ann, "/ignore"), ["* You ignore: bob"]);
        assert_eq!(
            house.answers(ann, "/unignore bob"),
            ["* You hear bob again."]
        );
        assert_eq!(
            house.answers(ann, "/unignore bob"),
            ["! You do not ignore bob."]
        );
        assert_eq!(house.answers(ann, "/ignore"), ["* You ignore nobody."]);
        assert_eq!(house.answers(ann, "/ignore guest1"), ["! That is you."]);
        house.types(bob, "four");
        assert_eq!(house.read(ann), ["bob: four"]);
    }

    #[test]
    fn as_many_as_one_may_ignore_and_those_who_are_gone_do_not_count() {
        let (mut house, [ann]) = House::with_guests();
        let others: Vec<_> = (0..super::MOST).map(|_| house.connect()).collect();
        for number in 2..super::MOST + 2 {
            house.types(ann, &format!("/ignore guest{number}"));
        }
        house.connect();
        house.read(ann);
        let last = format!("/ignore guest{}", super::MOST + 2);
        assert!(house.answers(ann, &last)[0].starts_with("! You ignore 100 already"));
        house.leave(others[0]);
        house.read(ann);
        assert_eq!(
            house.answers(ann, &last),
            ["* You hear nothing more of guest102."]
        );
    }

    /// Catches: who delivers, and remembers everybody that was ever ignored.
    #[test]
    fn who_has_left_is_not_ignored_any_more() {
        let mut chat = Chat::new(Config::default());
        let mut effects = Vec::new();
        let peer = Peer::Tcp([127, 0, 0, 1].into());
        let [ann, bob, _carol] = [(); 3].map(|()| {
            let entered = chat.connect(peer, 0, 0, &mut effects);
            entered.expect("there is room")
        });
        chat.line(ann, "/ignore guest2", 0, 0, &mut effects);
        chat.leave(bob, 0, &mut effects);
        effects.clear();
        chat.line(ann, "/ignore guest3", 0, 0, &mut effects);
        assert!(effects.contains(&Effect::Ignored {
            member: ann,
            whom: bob,
            is_ignored: false,
        }));
    }
}
