use std::cmp::Reverse;
use std::collections::HashMap;

use super::*;

/// Connections that ask for so much in every turn that they are heard in.
struct House {
    turns: Turns<u32>,
    loads: HashMap<u32, Load>,
    turn: u64,
    heard: HashMap<u32, u32>,
}

impl House {
    fn new() -> Self {
        Self {
            turns: Turns::default(),
            loads: HashMap::new(),
            turn: 0,
            heard: HashMap::new(),
        }
    }

    /// One of them is visited, and heard until it has said so many lines or is to wait. What
    /// it has said.
    fn visit(&mut self, connection: u32, lines: usize) -> usize {
        let load = self.loads.entry(connection).or_default();
        let (turn, now) = (self.turn, self.turn / 10);
        for said in 0..lines {
            if self.turns.has_had_enough_of(turn, connection, *load, now) {
                self.turns.wait(connection);
                return said;
            }
            self.turns.spend(turn, connection, load, Cost::LINE, now);
            *self.heard.entry(connection).or_default() += 1;
        }
        lines
    }

    /// A turn in which those who do not wait are visited; how many lines were heard in it.
    fn turn(&mut self, connections: u32) -> usize {
        self.turn += 1;
        let mut said = 0;
        for connection in 0..connections {
            if !self.turns.waits(connection) {
                said += self.visit(connection, VISIT);
            }
        }
        for connection in self.turns.read_on(self.turn) {
            said += self.visit(connection, VISIT);
        }
        said
    }
}

const VISIT: usize = 16;

#[test]
fn a_turn_is_bounded_however_many_ask_for_much_and_all_are_served_alike() {
    for connections in [10, 100, 1000] {
        let mut house = House::new();
        let most = (0..1000).map(|_| house.turn(connections)).max();
        // Those of whom nothing is known yet are heard, each for a line or two.
        let bound = 256 * 10 + 2 * connections as usize;
        assert!(most <= Some(bound), "{connections}: {most:?}");
        let heard = || house.heard.values();
        let (least, most) = (heard().min().unwrap(), heard().max().unwrap());
        let few = 3 * VISIT as u32;
        assert!(most / 2 <= least + few, "{connections}: {least} to {most}");
    }
}

#[test]
fn who_is_known_costs_a_turn_no_more_than_its_share() {
    let mut house = House::new();
    let said: Vec<usize> = (0..20).map(|_| house.turn(5000)).collect();
    assert!(said[0] <= 256 * 10 + 2 * 5000, "{said:?}");
    assert!(said[1..].iter().all(|&said| said <= 4 * 256), "{said:?}");
}

#[test]
fn who_asks_for_little_never_waits() {
    let mut house = House::new();
    for turn in 0..3000 {
        house.turn(300);
        // A line every tenth of a second or so.
        if turn % 1300 == 0 {
            assert_eq!(house.visit(9999, 1), 1);
        }
    }
    assert!(!house.turns.waits(9999));
}

/// Short lines that a connection may say in one go.
fn lines(turns: &mut Turns<u32>, turn: u64, connection: u32, load: Load) -> u32 {
    let mut allowance = turns.allowance(turn, connection, load, 0);
    let mut lines = 0;
    while allowance.allows(Cost::LINE) && !allowance.is_spent() {
        allowance.spend(Cost::LINE);
        lines += 1;
    }
    lines
}

#[test]
fn a_visit_is_shorter_when_the_turn_has_had_enough() {
    let mut turns = Turns::<u32>::default();
    let mut other = Load::default();
    let new = Load::default();
    assert_eq!(lines(&mut turns, 1, 9, new), 512);
    turns.spend(1, 7, &mut other, Cost(TURN), 0);
    assert_eq!(lines(&mut turns, 1, 9, new), 64);
    turns.spend(1, 7, &mut other, Cost(20 * TURN), 0);
    assert_eq!(lines(&mut turns, 1, 9, new), 1);
    let heard = lines(&mut turns, 1, 7, other);
    assert_eq!(heard, 1, "whoever is heard at all says a line");
    assert_eq!(lines(&mut turns, 2, 9, new), 512);
}

#[test]
fn a_turn_hears_few_dear_things_though_nobody_has_asked_for_one_before() {
    const DEAR: Cost = Cost(40 * Cost::LINE.0);
    let mut turns = Turns::default();
    let mut left: Vec<u32> = (0..1000).collect();
    let hear = |turns: &mut Turns<u32>, turn, connection| {
        let allowed = turns
            .allowance(turn, connection, Load::default(), 0)
            .allows(DEAR);
        match allowed {
            true => turns.spend(turn, connection, &mut Load::default(), DEAR, 0),
            false => turns.wait(connection),
        }
        allowed
    };
    for turn in 1.. {
        left.retain(|&connection| turns.waits(connection) || !hear(&mut turns, turn, connection));
        let short = turns.allowance(turn, 5000, Load::default(), 0);
        assert!(short.allows(Cost::LINE), "who says a short line is heard");
        let before = left.len();
        for connection in turns.read_on(turn) {
            if hear(&mut turns, turn, connection) {
                left.retain(|&other| other != connection);
            }
        }
        assert!(left.len() < before || left.is_empty(), "turn {turn}");
        assert!(turns.spent <= 4 * TURN, "turn {turn}: {}", turns.spent);
        if left.is_empty() {
            break;
        }
    }
}

#[test]
fn whoever_has_waited_gets_whatever_it_asks_for() {
    let mut turns = Turns::<u32>::default();
    let dearest = Cost(100 * TURN);
    assert!(!turns.allowance(1, 7, Load::default(), 0).allows(dearest));
    (7..10).for_each(|connection| turns.wait(connection));
    assert_eq!(turns.read_on(1), [7, 8, 9]);
    let mut allowance = turns.allowance(1, 7, Load::default(), 0);
    assert!(allowance.allows(dearest));
    allowance.spend(dearest);
    assert!(allowance.is_spent() && !allowance.allows(Cost::LINE));
    turns.spend(1, 7, &mut Load::default(), dearest, 0);
    for connection in [8, 9] {
        let allowance = turns.allowance(1, connection, Load::default(), 0);
        assert!(!allowance.allows(dearest), "one is enough for a turn");
    }
}

#[test]
fn nothing_is_kept_of_who_is_gone() {
    let mut turns = Turns::default();
    (0..100).for_each(|connection| turns.wait(connection));
    turns.wait(7);
    assert_eq!(turns.read_on(1), (0..8).collect::<Vec<_>>());
    (8..100).for_each(|connection| turns.forget(connection));
    assert!(!turns.anyone_waits() && turns.order.is_empty());
}

#[test]
fn who_waits_alone_has_a_whole_turn_and_many_share_it() {
    let mut turns = Turns::<u32>::default();
    let heavy = |turns: &mut Turns<u32>, connection| {
        let mut load = Load::default();
        turns.spend(1, connection, &mut load, Cost(2 * TURN), 0);
        assert!(turns.has_had_enough_of(1, connection, load, 0));
        turns.wait(connection);
        load
    };
    let load = heavy(&mut turns, 1);
    assert_eq!(turns.read_on(1), [1]);
    assert_eq!(lines(&mut turns, 1, 1, load), 256);
    for connection in 0..20 {
        heavy(&mut turns, connection);
    }
    assert_eq!(turns.read_on(1), [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(lines(&mut turns, 1, 1, load), 32);
    // The first of them says so much that the others come first the next time, and alone.
    turns.spend(1, 0, &mut Load::default(), Cost(16), 0);
    turns.delivered(1, Cost(TURN));
    for connection in 0..8 {
        assert!(turns.has_had_enough_of(1, connection, load, 0));
        turns.wait(connection);
    }
    let next = turns.read_on(1);
    assert_eq!(next, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn a_window_passes() {
    let mut load = Load::default();
    load.add(Cost(100), 0);
    load.add(Cost(100), 127);
    assert_eq!(load.in_window(127), 200);
    assert_eq!(load.in_window(128), 0);
    load.add(Cost(u32::MAX), 128);
    assert_eq!(load.in_window(128), MOST);
}

/// Catches: who was promised a turn in vain loses its place, or takes that of others, and somebody
/// is never heard.
#[test]
fn who_asks_for_something_dear_again_and_again_is_heard_in_turn() {
    const DEAR: Cost = Cost(85 * Cost::LINE.0); // three are a turn's worth
    for askers in [9, 16, 20, 100] {
        let mut turns = Turns::<usize>::default();
        let mut loads = vec![Load::default(); askers];
        let mut heard = vec![0_u32; askers];
        let mut visit = |turns: &mut Turns<usize>, turn: u64, asker: usize| {
            let now = turn / 10;
            let mut postponed = turns.has_had_enough_of(turn, asker, loads[asker], now);
            if !postponed {
                let allows = turns.allowance(turn, asker, loads[asker], now).allows(DEAR);
                let cost = if allows { DEAR } else { Cost::NONE };
                // As the doors do: what was heard is paid for, and then it may wait.
                turns.spend(turn, asker, &mut loads[asker], cost, now);
                heard[asker] += u32::from(allows);
                postponed = !allows || turns.has_had_enough_of(turn, asker, loads[asker], now);
            }
            if postponed {
                turns.wait(asker);
            }
        };
        for turn in 1..=2000 {
            for asker in 0..askers {
                if !turns.waits(asker) {
                    visit(&mut turns, turn, asker);
                }
            }
            for asker in turns.read_on(turn) {
                visit(&mut turns, turn, asker);
            }
        }
        let (least, most) = (heard.iter().min().unwrap(), heard.iter().max().unwrap());
        assert!(most / 2 <= *least, "{askers}: {heard:?}");
    }
}

#[test]
fn a_promise_is_for_this_turn_and_the_next() {
    let mut turns = Turns::<u32>::default();
    let spent = |turns: &mut Turns<u32>, turn| {
        turns.spend(turn, 5, &mut Load::default(), Cost(9 * TURN), 0)
    };
    turns.wait(7);
    assert_eq!(turns.read_on(1), [7]);
    for (turn, is_promised) in [(1, true), (2, true), (3, false)] {
        spent(&mut turns, turn);
        let allowance = turns.allowance(turn, 7, Load::default(), 0);
        assert_eq!(allowance.allows(Cost(TURN)), is_promised, "in turn {turn}");
    }
}

#[test]
fn deliveries_take_nobody_its_turn_before_anyone_had_one() {
    let mut turns = Turns::<u32>::default();
    let dearest = Cost(100 * TURN);
    [7, 8]
        .into_iter()
        .for_each(|connection| turns.wait(connection));
    assert_eq!(turns.read_on(1), [7, 8]);
    turns.delivered(1, dearest);
    assert!(turns.allowance(2, 7, Load::default(), 0).allows(dearest));
    turns.spend(2, 7, &mut Load::default(), Cost::LINE, 0);
    turns.delivered(2, dearest);
    assert!(!turns.allowance(2, 8, Load::default(), 0).allows(dearest));
}

/// Catches: one who is heard first of those who may go on, and takes all that they may ask for, turn
/// after turn; in a turn that has done nothing else so far, too.
#[test]
fn who_is_heard_first_takes_nobody_else_its_turn() {
    for first_is_dear in [false, true] {
        let mut turns = Turns::<u32>::default();
        let mut loads = [Load::default(); 3];
        let mut heard = [0; 3];
        (0..3).for_each(|connection| turns.wait(connection));
        let mut visit = |turns: &mut Turns<u32>, turn, connection: u32| {
            let load = &mut loads[connection as usize];
            if !turns.has_had_enough_of(turn, connection, *load, 0) {
                let allowance = turns.allowance(turn, connection, *load, 0);
                let cost = match first_is_dear && connection == 2 {
                    true => Cost(2 * TURN),
                    false => allowance.left,
                };
                turns.spend(turn, connection, load, cost, 0);
                heard[connection as usize] += 1;
            }
            turns.wait(connection);
        };
        for turn in 1..=100 {
            // They are heard in the next turn, and always in this order.
            let mut read_on = turns.read_on(turn);
            read_on.sort_by_key(|&connection| Reverse(connection));
            for connection in read_on {
                visit(&mut turns, turn + 1, connection);
            }
        }
        let least = heard.iter().min();
        assert!(least >= Some(&30), "{first_is_dear}: {heard:?}");
    }
}
