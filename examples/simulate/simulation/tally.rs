//! What has happened, and whether all of it has.

use std::collections::BTreeMap;
use std::fmt;

use sha1::{Digest, Sha1};

/// What a run must have met to say anything; it counts them.
macro_rules! counters {
    ($($name:ident: $words:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Count { $($name,)* }

        impl Count {
            const ALL: &[Count] = &[$(Count::$name,)*];

            fn words(self) -> &'static str {
                match self { $(Count::$name => $words,)* }
            }
        }
    };
}

counters! {
    Connected: "members that connected",
    Browsers: "of them with JSON",
    Withheld: "of them who might be no chat clients",
    Attached: "further sessions of members",
    EndedAlone: "sessions that ended while their members stayed",
    Proxied: "connections of proxies that said who is behind",
    Readmitted: "of them with JSON",
    OverFull: "operators that connected to a full server",
    RefusedAtAll: "connections for which the server was full",
    RefusedMore: "connections of addresses that had enough",
    RefusedPace: "connections of addresses that came too often",
    KeptOut: "connections that counted until they had read why not",
    Inherited: "connections that started with another's debts",
    HeldForOthers: "connections held back for others of their address",
    RefusedBanned: "newcomers that are banned",
    RefusedFull: "newcomers for whom there was no place",
    Lines: "lines taken",
    SeveralLines: "chunks with several lines",
    TornLines: "chunks that ended within a line",
    LastLines: "last lines without an end",
    Telnet: "lines with telnet commands",
    BrokenUtf8: "lines that are not UTF-8",
    TooLong: "lines refused as too long",
    Messages: "messages said",
    PrivateMessages: "private messages",
    Undelivered: "private messages held off",
    IgnoredPrivate: "private messages of the ignored",
    TakenBack: "messages taken back",
    TakenBackByOperators: "messages of others taken back by operators",
    NotYours: "messages of others that may not be taken back",
    NoSuchMessage: "messages to take back that are not there",
    Topics: "topics said at once",
    LateTopics: "topics that wait",
    Moves: "room moves",
    MovesToWatched: "moves to rooms that were watched",
    Revived: "of them to rooms that nobody was in any more",
    FullRooms: "rooms that could not be entered or opened",
    Watches: "rooms watched",
    Parts: "rooms left",
    Ignored: "members ignored",
    Unignored: "members heard again",
    IgnoredLeft: "ignored members that had left",
    Times: "choices of times",
    Kicks: "kicks",
    Bans: "bans",
    Unbans: "bans lifted",
    Unmutes: "mutes lifted",
    Renames: "new nicknames",
    TakenNames: "nicknames that were taken",
    Replays: "replays of history",
    Muted: "lines of the muted",
    Deliveries: "lines delivered",
    Objects: "of them objects of JSON",
    Echoes: "messages echoed to their authors",
    OwnElsewhere: "messages that their authors' other sessions read",
    PrivateEchoes: "private messages that their authors read",
    PrivateReplays: "replays of private messages",
    SparedSessions: "private messages that one session was spared and another got",
    Elsewhere: "lines of one room before earlier ones of another",
    Digests: "digests of comings and goings",
    LargeDigests: "of more than three",
    SettledLate: "drafts settled late",
    Refused: "drafts refused",
    InDoubt: "drafts in doubt",
    LogStops: "times that the log stopped",
    LinesHeld: "lines that waited for the log",
    LinesHeldByMany: "of them for their members' many messages",
    LinesHeldByAll: "of them for what all had said",
    EndsHeld: "ends that waited for the log",
    Held: "members held when they left",
    HeldExpelled: "of them sent away",
    Posthumous: "drafts committed after their authors had left",
    RoomsGone: "drafts committed for rooms that were gone",
    Redactions: "redactions read",
    SparedRedactions: "of messages that were skipped",
    Frames: "WebSocket messages shared",
    ShortWrites: "short writes",
    Drains: "outboxes that drained",
    Skipped: "messages skipped",
    SkippedNotices: "notices skipped",
    ToldSkipped: "members told how many",
    Flooders: "members told that they type too fast",
    Jumps: "clock jumps",
    WallClock: "jumps of people's clock",
    Backwards: "of them backwards",
    Kicked: "gone: kicked",
    Banned: "gone: banned",
    TooMuch: "gone: over the hard limit",
    Stalled: "gone: stalled",
    Idle: "gone: idle",
    Quit: "gone: quit",
    HalfClosed: "gone: half-closed",
    Reset: "gone: reset",
    Cut: "gone: did not read its last lines in time",
    ShutDown: "gone: the server ended",
    Forsaken: "connections that their programs have forgotten",
    TakenOver: "sessions resumed by another connection than the one they had",
    ResumedHeld: "sessions resumed of members that were there without them",
    Restored: "sessions resumed as newcomers",
    CannotResume: "sessions that could not be resumed",
    ResumedDebts: "sessions resumed that had still to wait",
    LostSessions: "programs that began anew",
    MissedNothing: "logs of which nothing was missed",
    MissedSome: "rooms of which something was missed",
    MissedPrivate: "of what two said alone",
    StartedAnew: "logs of which not all was remembered",
    MissedTooMuch: "logs of which too much was missed",
    MissedUntold: "programs told how many private messages they missed",
    ComesAgain: "things that a program had behind a gap and was told again",
    SaidAgain: "messages said again",
    Committed: "of them committed before",
    CommittedLater: "of them under way",
    SaidAtLast: "of them that had not been said",
    Killed: "kills of the process",
    KilledDrafts: "of them while something was under way",
}

/// Counts of everything, and a digest of all that was delivered.
#[derive(Clone, Default)]
pub struct Tally {
    pub steps: u64,
    connections: usize,
    counts: BTreeMap<Count, u64>,
    delivered: Sha1,
}

impl Tally {
    /// A number for a connection that no other one of this run has.
    pub fn next_connection(&mut self) -> usize {
        self.connections += 1;
        self.connections
    }

    pub fn count(&mut self, what: Count) {
        self.add(what, 1);
    }

    pub fn add(&mut self, what: Count, many: u64) {
        *self.counts.entry(what).or_default() += many;
    }

    /// A member has read a line.
    pub fn delivered(&mut self, to: usize, line: &str) {
        self.count(Count::Deliveries);
        self.delivered.update(to.to_le_bytes());
        self.delivered.update(line);
        self.delivered.update([b'\n']);
    }

    /// The same for the same seed and steps: whose lines were what, in which order.
    pub fn digest(&self) -> String {
        let digest = self.delivered.clone().finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What has never happened.
    pub fn missing(&self) -> Vec<&'static str> {
        let happened = |what: &&Count| !self.counts.contains_key(what);
        let missing = Count::ALL.iter().filter(happened);
        missing.map(|what| what.words()).collect()
    }

    /// Adds another run's counts.
    pub fn merge(&mut self, other: &Tally) {
        self.steps += other.steps;
        for (&what, &many) in &other.counts {
            self.add(what, many);
        }
        self.delivered.update(other.digest());
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>12}  steps", self.steps)?;
        for what in Count::ALL {
            let many = self.counts.get(what).copied().unwrap_or(0);
            writeln!(f, "{many:>12}  {}", what.words())?;
        }
        Ok(())
    }
}
