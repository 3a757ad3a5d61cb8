//! The limits of a chat. Whoever meets one is told so in a line that names it.

use super::Millis;

/// The limits of a chat; [`Config::default`] is fit for a server of ten thousand members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Rooms there may be, `#lobby` among them (1000).
    pub rooms: usize,
    /// Rooms that one member may hear, the one that it is in among them (20).
    pub rooms_per_member: usize,
    /// Members one room may have (20 000). Everyone starts in `#lobby`, so that no more than this
    /// can arrive before somebody has gone to another room.
    pub room_members: usize,
    /// Messages a room keeps (200).
    pub history: usize,
    /// Bytes of text a room keeps (64 KiB): long messages push older ones out sooner. The newest
    /// message is kept even if it alone has more, unless `history` is 0.
    pub history_bytes: usize,
    /// Bytes of memory that all rooms' histories may take (128 MiB), and a quarter as many beside
    /// that what is said to one alone: beyond, the oldest lines are forgotten, in whichever room.
    pub histories: usize,
    /// How long a room that empties keeps its history and its topic, in milliseconds; 0 for not at
    /// all (an hour). Such rooms count as none. Of all together no more are kept than `rooms`: the
    /// one that has been empty for longest gives way.
    pub linger: Millis,
    /// What is said in rooms is kept by their log, whoever leaves: members are told so (no).
    pub is_kept: bool,
    /// Messages of its history that a newcomer to a room gets, and `/history` without a number
    /// (10).
    pub replay: usize,
    /// Longest nickname, in characters (24).
    pub nickname: usize,
    /// Longest name of a room, in characters (32).
    pub room_name: usize,
    /// Longest topic of a room, in characters (200).
    pub topic: usize,
    /// Longest reason of a kick or a ban, in characters (200).
    pub reason: usize,
    /// Bans in force at a time (1000).
    pub bans: usize,
    /// Mutes in force at a time (100).
    pub mutes: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            rooms: 1000,
            rooms_per_member: 20,
            room_members: 20_000,
            history: 200,
            history_bytes: 64 * 1024,
            histories: 128 * 1024 * 1024,
            linger: 60 * 60 * 1000,
            is_kept: false,
            replay: 10,
            nickname: 24,
            room_name: 32,
            topic: 200,
            reason: 200,
            bans: 1000,
            mutes: 100,
        }
    }
}
