//! Joins, leaves and renames: a room hears at most one notice of them a second.
//!
//! The first is said at once and starts a quiet second. What happens in that second is collected
//! and said in one line at its end, which names a few and counts the rest. Collecting keeps those
//! few names and three numbers, so ten thousand arrivals cost a room no more than ten.

use super::listing::list;
use super::name::Name;
use super::{Line, MemberId, Millis};

/// How long a room is left alone after a notice.
const QUIET: Millis = 1000;

/// How many a notice names of each kind.
const NAMED: usize = 3;

/// What became of a member: the name it had in the room before and the one it has after. `None`
/// says that it was not there.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) member: MemberId,
    pub(super) before: Option<Name>,
    pub(super) after: Option<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Joined,
    Left,
    Renamed,
}

impl Kind {
    /// The words for one and for several that are counted, not named.
    fn others(self) -> (&'static str, &'static str) {
        match self {
            Kind::Joined | Kind::Left => ("other", "others"),
            Kind::Renamed => ("other has a new name", "others have new names"),
        }
    }
}

impl Change {
    /// `None` if it comes to nothing.
    fn kind(&self) -> Option<Kind> {
        match (&self.before, &self.after) {
            (None, Some(_)) => Some(Kind::Joined),
            (Some(_), None) => Some(Kind::Left),
            (Some(before), Some(after)) if before != after => Some(Kind::Renamed),
            _ => None,
        }
    }

    /// How a notice names it: members by the name they have, or had last.
    fn named(&self) -> String {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => format!("{before} is now {after}"),
            (Some(name), None) | (None, Some(name)) => name.to_string(),
            (None, None) => String::new(),
        }
    }
}

/// What a room has yet to hear of its members, and from when on it may.
#[derive(Debug, Default)]
pub(super) struct Presence {
    quiet_until: Millis,
    /// At most `NAMED` of each kind.
    named: Vec<Change>,
    /// How many more there are, by kind.
    unnamed: [usize; 3],
}

impl Presence {
    /// When the pending notice may be said, or `None` if there is none.
    pub(super) fn due(&self) -> Option<Millis> {
        let is_pending = !self.named.is_empty() || self.unnamed != [0; 3];
        is_pending.then_some(self.quiet_until)
    }

    /// Adds a change to the pending notice. Several changes of one named member count as the one
    /// they come to: who joined as `guest7` and became `erin` is `erin` who joined, and who left
    /// and came back was never away.
    pub(super) fn record(&mut self, mut change: Change) {
        let earlier = self.named.iter().position(|c| c.member == change.member);
        if let Some(earlier) = earlier {
            change.before = self.named.remove(earlier).before;
        }
        let Some(kind) = change.kind() else { return };
        if self.of(kind).count() < NAMED {
            self.named.push(change);
        } else {
            self.unnamed[kind as usize] += 1;
        }
    }

    /// Drops what is pending: nobody is left to hear it.
    pub(super) fn forget(&mut self) {
        self.named.clear();
        self.unnamed = [0; 3];
    }

    /// Drops what is pending of one member, as far as it would be named.
    pub(super) fn forget_member(&mut self, member: MemberId) {
        self.named.retain(|change| change.member != member);
    }

    /// The pending notice, if there is one and the quiet time is over, and who does not get it:
    /// a member does not hear of itself when the notice is of nobody else.
    pub(super) fn speak(&mut self, room: &str, now: Millis) -> Option<(Option<MemberId>, Line)> {
        self.due().filter(|&due| due <= now)?;
        let phrases = [
            self.phrase(Kind::Joined, format!(" joined #{room}")),
            self.phrase(Kind::Left, format!(" left #{room}")),
            self.phrase(Kind::Renamed, String::new()),
        ];
        let said: Vec<String> = phrases.into_iter().flatten().collect();
        let line = format!("* {}.", said.join("; "));
        let except = match (&self.named[..], self.unnamed) {
            // Whoever has left may be gone from the chat, and somebody else have its place.
            ([only], [0, 0, 0]) if only.after.is_some() => Some(only.member),
            _ => None,
        };
        self.forget();
        self.quiet_until = now.saturating_add(QUIET);
        Some((except, line.into()))
    }

    /// `alice, bob, carol and 997 others joined #lobby`. Renamed members come with their verb.
    fn phrase(&self, kind: Kind, verb: String) -> Option<String> {
        let total = self.of(kind).count() + self.unnamed[kind as usize];
        let names = self.of(kind).map(Change::named);
        (total > 0).then(|| list(names, total, NAMED, kind.others()) + &verb)
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &Change> {
        let of_kind = move |change: &&Change| change.kind() == Some(kind);
        self.named.iter().filter(of_kind)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn member(index: u32) -> MemberId {
        MemberId {
            index,
            generation: NonZeroU32::MIN,
        }
    }

    fn change(index: u32, before: &str, after: &str) -> Change {
        let name = |name: &str| (!name.is_empty()).then(|| Name::generated(name.into()));
        Change {
            member: member(index),
            before: name(before),
            after: name(after),
        }
    }

    /// What is said of all these changes, if anything.
    fn digest(changes: &[(u32, &str, &str)]) -> Option<String> {
        let mut presence = Presence::default();
        for &(index, before, after) in changes {
            presence.record(change(index, before, after));
        }
        let (_, line) = presence.speak("tea", 0)?;
        Some(line.to_string())
    }

    #[test]
    fn one_change_is_one_sentence() {
        let said = |before, after| digest(&[(1, before, after)]);
        assert_eq!(said("", "ann").as_deref(), Some("* ann joined #tea."));
        assert_eq!(said("ann", "").as_deref(), Some("* ann left #tea."));
        assert_eq!(said("g7", "ann").as_deref(), Some("* g7 is now ann."));
        assert_eq!(said("ann", "ann"), None);
    }

    #[test]
    fn a_digest_names_a_few_and_counts_the_rest() {
        let mut changes = vec![(500, "dave", ""), (501, "guest7", "erin")];
        changes.extend((0..1000).map(|index| (index + 1000, "", "joe")));
        changes.extend((0..5).map(|index| (index, "a", "b")));
        assert_eq!(
            digest(&changes).as_deref(),
            Some(
                "* joe, joe, joe and 997 others joined #tea; dave left #tea; \
                 guest7 is now erin, a is now b, a is now b and 3 others have new names."
            )
        );
    }

    #[test]
    fn changes_of_one_member_come_to_one() {
        let joined_and_renamed = digest(&[(1, "", "guest1"), (1, "guest1", "erin")]);
        assert_eq!(joined_and_renamed.as_deref(), Some("* erin joined #tea."));
        let renamed_twice = digest(&[(1, "a", "b"), (1, "b", "c")]);
        assert_eq!(renamed_twice.as_deref(), Some("* a is now c."));
        assert_eq!(digest(&[(1, "", "ann"), (1, "ann", "")]), None);
        assert_eq!(digest(&[(1, "ann", ""), (1, "", "ann")]), None);
        let others_stay = digest(&[(1, "", "ann"), (2, "", "bob"), (1, "ann", "")]);
        assert_eq!(others_stay.as_deref(), Some("* bob joined #tea."));
    }

    #[test]
    fn what_is_collected_is_bounded() {
        let mut presence = Presence::default();
        for index in 0..1000 {
            presence.record(change(index, "a", "b"));
            presence.record(change(index, "b", ""));
            presence.record(change(index + 1000, "", "c"));
        }
        assert!(presence.named.len() <= 3 * NAMED);
        let (_, line) = presence.speak("tea", 0).unwrap();
        assert!(line.len() < 200, "{line}");
    }

    #[test]
    fn a_notice_is_followed_by_a_quiet_second() {
        let mut presence = Presence::default();
        assert_eq!(presence.due(), None);
        presence.record(change(1, "", "ann"));
        assert!(presence.speak("tea", 5).is_some());
        assert_eq!(presence.due(), None);
        presence.record(change(2, "", "bob"));
        assert_eq!(presence.due(), Some(1005));
        assert!(presence.speak("tea", 1004).is_none());
        assert!(presence.speak("tea", 1005).is_some());
        assert!(presence.speak("tea", 9999).is_none(), "nothing to say");
    }

    #[test]
    fn nobody_is_told_of_itself_alone() {
        let mut presence = Presence::default();
        presence.record(change(1, "", "ann"));
        assert_eq!(presence.speak("tea", 0).unwrap().0, Some(member(1)));
        presence.record(change(1, "", "ann"));
        presence.record(change(2, "bob", ""));
        assert_eq!(presence.speak("tea", 2000).unwrap().0, None);
        // Who has left is not there to be left out.
        presence.record(change(1, "ann", ""));
        assert_eq!(presence.speak("tea", 3000).unwrap().0, None);
        // One named and one counted are two.
        (0..4).for_each(|index| presence.record(change(index, "", "ann")));
        (0..2).for_each(|index| presence.record(change(index, "ann", "")));
        let (except, line) = presence.speak("tea", 4000).unwrap();
        assert_eq!(&*line, "* ann and 1 other joined #tea.");
        assert_eq!(except, None);
    }

    #[test]
    fn what_is_forgotten_is_not_due() {
        let mut presence = Presence::default();
        (0..9).for_each(|index| presence.record(change(index, "", "ann")));
        presence.forget();
        assert_eq!(presence.due(), None);
    }
}
