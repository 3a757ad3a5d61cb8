//! What must hold of every line that is read, and of the chat after every call.

use super::*;

impl House {
    /// The header's number is exact, and messages are told in a replay only.
    pub(super) fn check_replay(
        &mut self,
        replays: &mut HashMap<MemberId, usize>,
        to: MemberId,
        line: &str,
    ) {
        let left = replays.entry(to).or_default();
        let is_message = matches!(kind(line), Kind::Message | Kind::Action | Kind::Private);
        assert_eq!(is_message, *left > 0, "in a replay, or not: {line}");
        *left = left.saturating_sub(1);
        if let Some(header) = line.strip_prefix("* The last ") {
            let (count, _) = header.split_once(" messages ").unwrap();
            *left = count.parse().unwrap();
            assert!(*left > 0);
            // `/history` repeats what was seen; what follows is still to be in order.
            self.last_message.remove(&to);
        }
    }

    pub(super) fn check_presence(&mut self, room: RoomId, line: &str) {
        let is_presence = kind(line) == Kind::Notice
            && !line.contains(" set the topic: ")
            && !line.contains(" took back a message of ")
            && !line.starts_with("* NEWS")
            && !line.starts_with("* Announcement by ")
            && ![" was kicked", " was banned", " were banned"]
                .iter()
                .any(|what| line.contains(what));
        if is_presence {
            let last = self.last_presence.insert(room, self.now);
            assert!(
                last.is_none_or(|last| self.now - last >= 1000),
                "too soon: {line}"
            );
        }
    }

    /// Everybody has a name of their own, and is found by it. Nothing of that changes while
    /// nobody's does.
    pub(super) fn check_names(&mut self) {
        let called = self.whereabouts.keys().map(|&id| {
            let nickname = self.chat.nickname(id).expect("it is here");
            (id, nickname.to_string())
        });
        let called: BTreeMap<MemberId, String> = called.collect();
        if called == self.called {
            return;
        }
        for nickname in called.values() {
            let spelling = || (name::fold(nickname).into_owned(), Keys::of(nickname));
            if !self.spellings.contains_key(nickname) {
                self.spellings.insert(nickname.clone(), spelling());
            }
        }
        let (mut folds, mut keys) = (HashSet::new(), HashSet::new());
        for (&id, nickname) in &called {
            let (fold, own) = &self.spellings[nickname];
            assert_eq!(self.chat.named(fold), Some(id));
            assert!(folds.insert(fold), "two are called {nickname}");
            for key in own.iter() {
                assert!(keys.insert(key), "another looks like {nickname}");
            }
        }
        self.called = called;
    }

    pub(super) fn check_state(&mut self) {
        self.check_names();
        let chat = &self.chat;
        assert_eq!(chat.member_count(), self.whereabouts.len());
        let mut rooms: BTreeMap<RoomId, Vec<MemberId>> = BTreeMap::new();
        for (&id, &room) in &self.whereabouts {
            assert_eq!(chat.room_of(id), Some(room));
            rooms.entry(room).or_default().push(id);
            assert!(chat.rooms_of(id).count() <= chat.config.rooms_per_member);
        }
        for &(id, room) in &self.watched {
            assert!(chat.rooms_of(id).any(|own| own == room));
            rooms.entry(room).or_default().push(id);
        }
        for members in rooms.values_mut() {
            members.sort_unstable();
        }
        assert_eq!(chat.nicknames.len(), self.whereabouts.len());
        for (&room, members) in &rooms {
            let mut listed = chat.members_of(room).to_vec();
            listed.sort_unstable();
            assert_eq!(listed, *members);
        }
        let empty_lobby = usize::from(!rooms.contains_key(&LOBBY));
        assert_eq!(chat.room_count(), rooms.len() + empty_lobby);
        assert_eq!(chat.room_names.len(), chat.rooms.len());
        assert!(chat.rooms.len() <= chat.config.rooms);
        assert!(chat.bans.len() <= chat.config.bans);
        assert!(chat.mutes.len() <= chat.config.mutes);
        let all = chat.rooms.iter();
        let all = all.map(|(key, room)| (RoomId(key as u32), room));
        let (lingering, listed): (Vec<_>, Vec<_>) = all.partition(|(id, _)| chat.lingers(*id));
        let ranks: BTreeSet<Rank> = listed.iter().map(|(id, room)| room.rank(*id)).collect();
        assert_eq!(chat.by_size, ranks);
        assert!(lingering.iter().all(|(_, room)| room.len() == 0));
        let at_most = match lingering[..] {
            [] => 1000,
            _ => chat.config.linger.max(1000),
        };
        assert!(
            self.next_deadline()
                .is_none_or(|due| due > self.now && due <= self.now + at_most)
        );
    }
}
