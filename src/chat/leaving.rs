//! How a member leaves the chat.

#[cfg(doc)]
use super::Draft;
use super::draft::Leaving;
use super::{Chat, Departure, Effect, Event, MemberId, Millis};

impl Chat {
    /// Removes a member whose connection is gone, once its [drafts](Draft) are settled. Its room
    /// hears of it; nothing is told to the member. Does nothing if the member is unknown or was
    /// removed before.
    pub fn leave(&mut self, member: MemberId, now: Millis, effects: &mut Vec<Effect>) {
        self.now = now;
        self.go(member, Departure::Lost, effects);
    }

    /// A member leaves, once its drafts are settled.
    pub(super) fn go(&mut self, member: MemberId, why: Departure, effects: &mut Vec<Effect>) {
        let later = || Leaving::Goes(why.clone());
        if !self.leaves_later(member, later) {
            self.depart(member, why, effects);
        }
    }

    pub(super) fn depart(&mut self, member: MemberId, why: Departure, effects: &mut Vec<Effect>) {
        if self.member(member).is_none() {
            return;
        }
        let unheard_of = self.newcomers.take(member);
        let who = self.person(member);
        let departure = Event::Departure { member, who, why };
        for from in self.remove(member, effects) {
            match unheard_of {
                true => self.clear_up(from),
                false => self.departed(from, departure.clone(), effects),
            }
        }
    }

    /// Removes everybody at once, whatever is under way. Nobody is left to hear of it.
    pub fn leave_all(&mut self, effects: &mut Vec<Effect>) {
        for member in self.ids().collect::<Vec<_>>() {
            self.newcomers.take(member);
            for from in self.remove(member, effects) {
                self.clear_up(from);
            }
        }
    }
}
