//! Members with several connections. The chat has no part in them but to know who has: what is done
//! by one of several is done by the member, and only to quit by one is not to leave.

use super::{Chat, Effect, MemberId, Millis};

impl Chat {
    /// A member has several connections from now on, or one as most have. Who says `/quit` on one
    /// of several is not removed: its [`Effect::Disconnect`] is for that connection alone.
    pub fn share(&mut self, member: MemberId, has_several: bool) {
        match has_several && self.member(member).is_some() {
            true => self.shared.insert(member),
            false => self.shared.remove(&member),
        };
    }

    /// Tells a member that has one more connection where it is, as it was told when it came. Does
    /// nothing if there is no such member.
    pub fn welcome_again(
        &self,
        member: MemberId,
        now: Millis,
        utc: Millis,
        effects: &mut Vec<Effect>,
    ) {
        if self.member(member).is_some() {
            self.greet(member, now, utc, effects);
        }
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::*;
    use crate::chat::tests::members_of;
    use crate::chat::{Answer, DisconnectReason};

    #[test]
    fn who_quits_by_one_of_several_connections_is_still_there() {
        let (mut chat, [ann, _]) = members_of();
        let quit = |chat: &mut Chat| {
            let mut effects = Vec::new();
            chat.line(ann, "/quit", 0, 0, &mut effects);
            effects
        };
        chat.line(ann, "hello", 0, 0, &mut Vec::new());
        chat.share(ann, true);
        let effects = quit(&mut chat);
        assert!(
            matches!(&effects[..], [
                Effect::Tell { answer: Answer::Disconnected(DisconnectReason::Quit { .. }), .. },
                Effect::Disconnect { member, .. },
            ] if *member == ann),
            "{effects:?}"
        );
        assert!(chat.room_of(ann).is_some());
        chat.share(ann, false);
        quit(&mut chat);
        assert!(chat.room_of(ann).is_none());
    }

    /// Catches: somebody in the place of a member who had several connections.
    #[test]
    fn who_has_left_shares_nothing() {
        let (mut chat, [ann, bob]) = members_of();
        chat.share(ann, true);
        chat.leave(ann, 0, &mut Vec::new());
        chat.share(ann, true);
        assert!(chat.shared.is_empty());
        let mut effects = Vec::new();
        chat.welcome_again(ann, 0, 0, &mut effects);
        assert!(effects.is_empty());
        chat.welcome_again(bob, 0, 0, &mut effects);
        assert!(
            matches!(&effects[..], [Effect::Tell { to, answer: Answer::Welcome { others: 0, .. } }]
                if *to == bob),
            "{effects:?}"
        );
    }
}
