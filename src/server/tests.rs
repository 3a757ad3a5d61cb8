//! What comes when, through the line door: on a clock that jumps, so that every time is exact.
//!
//! Members are on Unix sockets, in the loop's own thread: what is written there is there at once.

mod crowd;

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::RwLockReadGuard;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::event_loop::{ManualClock, forks, millis};
use crate::server::core::hub::seconds;

/// A server in a loop of the test's own.
struct House {
    event_loop: Loop,
    server: ChatServer,
    clock: ManualClock,
    door: Server,
    folder: TempDir,
    _no_forks: RwLockReadGuard<'static, ()>,
}

/// One end of a conversation.
struct Guest {
    stream: UnixStream,
    unread: Vec<u8>,
}

impl House {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        change(&mut config);
        let no_forks = forks::none();
        let clock = ManualClock::new();
        let mut event_loop = Loop::with_clock(clock.clone()).expect("a poll");
        let in_vain =
            event_loop.set_timeout(Duration::from_millis(LONG), |_, _| panic!("waited in vain"));
        event_loop.set_timer_ref(in_vain, false);
        let mut server = ChatServer::new(&mut event_loop, config, Box::<MemoryLog>::default());
        let door = line_door::open(&mut event_loop, server.hub.high_water_mark());
        server.servers.push(door);
        let folder = tempfile::tempdir().expect("a folder");
        door.listen(&mut event_loop, folder.path().join("door").as_path());
        let mut house = Self {
            event_loop,
            server,
            clock,
            door,
            folder,
            _no_forks: no_forks,
        };
        house.settle();
        house
    }

    fn turn(&mut self) {
        self.event_loop.turn(&mut self.server).expect("it polls");
    }

    /// Turns while there is anything to do without time going by.
    fn settle(&mut self) {
        let now = self.clock.now();
        loop {
            let before = self.event_loop.counters();
            self.event_loop.set_immediate(|_, _| {}); // keeps the loop from sleeping
            self.turn();
            let did = self.event_loop.counters().since(&before);
            // The immediate itself is a callback.
            if did.events == 0 && did.callbacks <= 1 {
                break;
            }
        }
        assert_eq!(self.clock.now(), now, "time went by");
    }

    /// Lets time go by up to this point; what is due until then comes when it is due.
    fn run_until(&mut self, time: Millis) {
        let wait = time - self.clock.now();
        let mark = self
            .event_loop
            .set_timeout(Duration::from_millis(wait), |_, _| {});
        while self.clock.now() < time {
            self.turn();
        }
        self.event_loop.clear_timer(mark);
        self.settle();
    }

    fn connect(&mut self) -> Guest {
        let stream = UnixStream::connect(self.folder.path().join("door")).expect("it listens");
        stream.set_nonblocking(true).expect("it can");
        let unread = Vec::new();
        Guest { stream, unread }
    }

    /// A member that has read its greeting.
    fn join(&mut self) -> Guest {
        let mut guest = self.connect();
        // The greeting waits a moment for what else there is to say.
        self.when(&mut guest, "* Type to talk");
        guest
    }

    /// When a guest hears a line with this in it, in milliseconds from now.
    fn when(&mut self, guest: &mut Guest, wanted: &str) -> Millis {
        let start = self.clock.now();
        while !guest.is_told(wanted) {
            self.turn();
        }
        self.clock.now() - start
    }
}

impl Guest {
    fn say(&mut self, text: &str) {
        self.stream
            .write_all(text.as_bytes())
            .expect("there is room");
        self.stream.write_all(b"\n").expect("there is room");
    }

    /// All lines that have come since this was asked last.
    fn lines(&mut self) -> Vec<String> {
        let mut buffer = [0; 64 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => self.unread.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        let whole = self
            .unread
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |end| end + 1);
        let bytes: Vec<u8> = self.unread.drain(..whole).collect();
        let text = String::from_utf8(bytes).expect("the server sends UTF-8");
        text.lines().map(str::to_owned).collect()
    }

    /// Whether a line with this in it has come; what came with it is forgotten.
    fn is_told(&mut self, wanted: &str) -> bool {
        self.lines().iter().any(|line| line.contains(wanted))
    }

    /// Whether the server has ended its side, once all is read.
    fn has_ended(&mut self) -> bool {
        self.lines();
        matches!(self.stream.read(&mut [0]), Ok(0))
    }
}

const HOUR: u32 = 3600;

/// Longer than anything here takes: whatever has not come by then never comes.
const LONG: Millis = 10 * 24 * 3_600_000;

/// How long it takes until a member hears that another one has come, where nothing else is to come.
fn notice_of_arrival() -> Millis {
    let mut house = House::new(|config| config.idle_timeout = 0);
    let mut ann = house.join();
    house.run_until(60_000);
    let _bob = house.connect();
    house.settle();
    house.when(&mut ann, "guest2 joined")
}

/// Catches: a nearer deadline that is not armed since a farther one is.
#[test]
fn a_nearer_deadline_is_kept_though_a_farther_one_was_set_first() {
    let usual = notice_of_arrival();
    let mut house = House::new(|config| config.idle_timeout = HOUR);
    let mut ann = house.join();
    // Her own arrival is no longer due: what is set now is the hour.
    house.run_until(60_000);
    let _bob = house.connect();
    house.settle();
    assert_eq!(house.when(&mut ann, "guest2 joined"), usual);
}

/// Catches: a farther deadline that is forgotten when a nearer one has come.
#[test]
fn a_farther_deadline_is_kept_though_a_nearer_one_was_set_first() {
    for idle in [1, 2, 30, HOUR - 1] {
        let mut house = House::new(|config| config.idle_timeout = idle);
        let mut ann = house.join();
        let greeted = house.clock.now();
        let told = house.when(&mut ann, "! Disconnected: you said nothing for");
        assert_eq!(greeted + told, seconds(idle), "from when she came");
    }
}

/// Catches: a deadline of one that holds for another; a line that does not count; a second that is
/// lost.
#[test]
fn each_member_is_idle_from_its_own_last_line() {
    let mut house = House::new(|config| config.idle_timeout = 60);
    let (mut ann, mut bob) = (house.join(), house.join());
    for time in [10_000, 69_000, 128_999] {
        house.run_until(time);
        ann.say("still here");
        house.settle();
        assert!(!ann.has_ended(), "she has spoken");
        assert_eq!(bob.has_ended(), time > 61_000, "he has not, at {time}");
    }
    // Whoever is late is looked for once a second.
    let told = house.clock.now() + house.when(&mut ann, "you said nothing for 60 seconds");
    assert!((188_999..190_000).contains(&told), "{told}");
}

/// Catches: a timer of the flood control that is not set, or set for the wrong time; a notice that
/// is repeated, or never given again.
#[test]
fn a_flood_is_heard_at_its_rate_and_told_of_once_a_flood() {
    let mut house = House::new(|config| {
        config.flood = Some(Flood::Limit(FloodLimit { rate: 10, burst: 3 }));
    });
    let (mut ann, mut bob) = (house.join(), house.join());
    house.run_until(60_000);
    ann.lines();
    bob.lines();
    for start in [60_000, 120_000] {
        let paste: Vec<String> = (0..10).map(|n| format!("line {n}")).collect();
        ann.say(&paste.join("\n"));
        house.settle();
        let mut heard = Vec::new();
        let mut told = 0;
        for time in (start..=start + 1000).step_by(50) {
            if time > start {
                house.run_until(time);
            }
            let lines = bob.lines();
            let said = lines
                .iter()
                .filter(|line| line.starts_with("guest1: line "));
            heard.extend(said.map(|_| time - start));
            told += ann
                .lines()
                .iter()
                .filter(|line| line.contains("typing faster"))
                .count();
        }
        assert_eq!(heard, [0, 0, 0, 100, 200, 300, 400, 500, 600, 700]);
        assert_eq!(told, 1, "of the flood at {start}");
        if start < 120_000 {
            house.run_until(120_000);
        }
    }
}

/// Catches: no cap on the lines of a turn, where one who pastes holds up all others.
#[test]
fn of_a_paste_a_turn_takes_256_lines_and_others_are_heard_between() {
    const PASTE: usize = 1000;
    let mut house = House::new(|config| config.flood = Some(Flood::Off));
    let (mut ann, mut bob, mut cid) = (house.join(), house.join(), house.join());
    house.run_until(60_000);
    for guest in [&mut ann, &mut bob, &mut cid] {
        guest.lines();
    }
    let paste: Vec<String> = (0..PASTE).map(|n| format!("{n}")).collect();
    ann.say(&paste.join("\n"));
    bob.say("me, too");
    let mut turns = Vec::new();
    let mut heard = Vec::new();
    while heard.len() < PASTE + 1 {
        house.turn();
        let lines = cid.lines();
        turns.push(
            lines
                .iter()
                .filter(|line| line.starts_with("guest1: "))
                .count(),
        );
        heard.extend(lines);
    }
    turns.retain(|&count| count > 0);
    assert_eq!(turns, [256, 256, 256, 232]);
    // In the first of them, behind what of the paste was read before.
    let place = heard.iter().position(|line| line == "guest2: me, too");
    assert!(place.expect("it is heard") <= 256, "{place:?}");
    let of_the_paste: Vec<_> = heard
        .iter()
        .filter_map(|line| line.strip_prefix("guest1: "))
        .collect();
    assert_eq!(of_the_paste, paste);
    assert_eq!(house.clock.now(), 60_000);
}

/// Fills what the system keeps for a guest who does not read, and more: what waits in the server
/// then is more than nothing and less than its limits.
fn fill(house: &mut House, talker: &mut Guest) {
    let text = "x".repeat(4000);
    loop {
        let waits = |outlet: &Outlet| outlet.socket.buffered(&house.event_loop) > 0;
        if house.server.outlets.iter().flatten().any(waits) {
            return;
        }
        talker.say(&text);
        house.settle();
        talker.lines();
    }
}

/// Catches: a stall that is measured from the wrong point, swept too late, or armed only while
/// nothing else is due.
#[test]
fn who_reads_nothing_is_gone_when_the_stall_time_is_over_and_not_before() {
    for stall in [1, 5, 61] {
        let mut house = House::new(|config| {
            config.stall_timeout = stall;
            config.idle_timeout = 24 * HOUR;
            config.flood = Some(Flood::Off);
        });
        let (mut ann, _bob) = (house.join(), house.join());
        house.run_until(60_000);
        fill(&mut house, &mut ann);
        let start = house.clock.now();
        house.run_until(start + seconds(stall) - 1);
        ann.lines();
        ann.say("/who");
        house.settle();
        assert!(ann.is_told("guest2"), "he has until then: {stall}");
        house.run_until(start + seconds(stall));
        ann.say("/who");
        house.settle();
        assert!(
            ann.is_told("* In #lobby (1): guest1"),
            "his time is over: {stall}"
        );
        // His last lines have their own time, and then the connection is closed under him.
        assert_eq!(house.door.connections(&house.event_loop), 2);
        let over = start + seconds(stall) + millis(line_door::ending::LAST_LINES);
        house.run_until(over - 1);
        assert_eq!(house.door.connections(&house.event_loop), 2);
        house.run_until(over);
        assert_eq!(house.door.connections(&house.event_loop), 1);
    }
}

/// Catches: whoever has left and keeps its side open holding its connection until its last lines
/// are given up, though it has taken them.
#[test]
fn who_has_left_and_closes_nothing_is_closed_soon() {
    let mut house = House::new(|_| {});
    let mut ann = house.join();
    ann.say("/quit");
    house.settle();
    let over = house.clock.now() + millis(line_door::ending::LINGER);
    house.run_until(over - 1);
    assert_eq!(house.door.connections(&house.event_loop), 1);
    house.run_until(over);
    assert_eq!(house.door.connections(&house.event_loop), 0);
}

/// Catches: a stall that goes on counting though something was read.
#[test]
fn who_reads_something_now_and_then_stays() {
    let mut house = House::new(|config| {
        config.stall_timeout = 5;
        config.flood = Some(Flood::Off);
    });
    let (mut ann, mut bob) = (house.join(), house.join());
    fill(&mut house, &mut ann);
    for _ in 0..20 {
        let time = house.clock.now() + 4000;
        house.run_until(time);
        // What the system has for him: then more is sent, until nothing waits. And again too much.
        bob.lines();
        house.settle();
        fill(&mut house, &mut ann);
    }
    ann.lines();
    ann.say("/who");
    house.settle();
    assert!(ann.is_told("guest2"), "he is still there");
    assert_eq!(house.door.connections(&house.event_loop), 2);
}

/// Catches: an end that waits for nobody, for ever, or longer than it may.
#[test]
fn the_end_comes_with_the_last_who_reads_or_when_its_time_is_over() {
    for (stalls, end) in [(true, 7000), (false, 0)] {
        let mut house = House::new(|config| {
            config.shutdown_timeout = 7;
            config.flood = Some(Flood::Off);
        });
        let (mut ann, bob) = (house.join(), house.join());
        if stalls {
            fill(&mut house, &mut ann);
        }
        house.settle();
        let start = house.clock.now();
        shutdown::begin(&mut house.server, &mut house.event_loop);
        house.settle();
        assert!(ann.is_told("The server is shutting down"));
        drop(ann);
        if !stalls {
            drop(bob);
            house.settle();
        }
        house.event_loop.run(&mut house.server).expect("it polls");
        assert_eq!(house.clock.now() - start, end, "someone stalls: {stalls}");
    }
}

/// Catches: strangers at a full server who keep the descriptors that members need; and, when those
/// who were told have gone, a door that tells nobody any more.
#[test]
fn of_those_who_are_turned_away_64_at_a_time_are_told_why() {
    let mut house = House::new(|config| config.max_connections = 1);
    // Whoever owns the socket's server gets in all the same, so these come over TCP.
    let tcp = line_door::open(&mut house.event_loop, 1024);
    tcp.listen(&mut house.event_loop, ("127.0.0.1", 0));
    house.settle();
    let Some(net::Address::Tcp(address)) = tcp.address(&house.event_loop) else {
        panic!("it listens");
    };
    let _member = house.join();
    for _ in 0..2 {
        let strangers: Vec<_> = (0..100)
            .map(|_| std::net::TcpStream::connect(address).expect("the backlog has room"))
            .collect();
        let before = house.event_loop.counters().connections_opened;
        while house.event_loop.counters().connections_opened < before + 100 {
            house.event_loop.set_immediate(|_, _| {}); // no time goes by
            house.turn();
        }
        house.settle();
        assert_eq!(
            tcp.connections(&house.event_loop),
            64,
            "the others are closed"
        );
        let told = strangers.into_iter().filter_map(|mut stranger| {
            let mut text = String::new();
            stranger
                .read_to_string(&mut text)
                .expect("the end comes at once");
            (!text.is_empty()).then(|| assert!(text.contains("the server is full"), "{text}"))
        });
        assert_eq!(told.count(), 64);
        // They have gone: their places are free again.
        let wait = house.clock.now() + 60_000;
        house.run_until(wait);
        assert_eq!(tcp.connections(&house.event_loop), 0);
    }
}

/// Catches: one for whom much is held that is ended without a word; one that is told in the middle
/// of another line; one whose last words are never let go of.
#[test]
fn who_goes_for_the_memory_is_told_why_behind_what_it_was_being_sent() {
    let mut house = House::new(|config| {
        config.max_memory = 1 << 20;
        config.stall_timeout = 24 * HOUR;
        config.flood = Some(Flood::Off);
        config.history = 0;
    });
    let mut talkers = [house.join(), house.join(), house.join()]; // one alone may not queue so much
    let mut others: Vec<Guest> = (0..30).map(|_| house.join()).collect();
    let text = "x".repeat(4000);
    'full: for number in 4..=33 {
        for count in 0..120 {
            let talker = &mut talkers[count % 3];
            talker.say(&format!("/msg guest{number} {count} {text}"));
            house.settle();
            talker.lines();
            if house.server.hub.chat().member_count() < 33 {
                break 'full;
            }
        }
    }
    let gone = 33 - house.server.hub.chat().member_count();
    assert!((1..10).contains(&gone), "{gone} are gone");
    assert!(house.server.held() <= 1 << 20);
    let mut told = 0;
    let is_whole = |line: &String| line.starts_with(['*', '!']) || line.ends_with(&text);
    for other in &mut others {
        let mut last = None;
        loop {
            let lines = other.lines();
            house.settle();
            assert!(lines.iter().all(is_whole), "a torn line");
            match lines.into_iter().next_back() {
                Some(line) => last = Some(line),
                None => break,
            }
        }
        told += usize::from(last.as_deref() == Some(&*DisconnectReason::Memory.line()));
    }
    assert_eq!(told, gone);
    house.run_until(house.clock.now() + millis(line_door::ending::LAST_LINES));
    let left = house.server.hub.chat().member_count();
    assert_eq!(house.door.connections(&house.event_loop), left);
}
