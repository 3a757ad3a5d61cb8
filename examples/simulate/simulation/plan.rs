//! What happens: everything that is left to chance comes from here, and here from the seed.

use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};
use loopchat::server::{Config, Connects, Flood, FloodLimit, Pace, TrustedProxy};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::log::Habits;

/// One thing that happens. It carries all of its chance with it, so that any step can be left out
/// and the others still mean something.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub action: Action,
    /// Which of the members there are, counted round.
    pub who: usize,
    /// What else is left to chance.
    pub dice: u64,
    /// Whether the turn of the loop ends with it.
    pub ends_turn: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Connect,
    /// A member has one more connection.
    Attach,
    /// One to four lines, of any kind.
    Type,
    /// Hundreds of messages at once, or dozens of questions.
    Flood,
    /// Some bytes reach the server.
    Arrive,
    /// Some bytes are read by the member.
    Read,
    /// A reader stalls, or goes on.
    Stall,
    HalfClose,
    Reset,
    /// Some seconds pass.
    Wait,
    /// The machine has slept: minutes pass at once.
    Jump,
    /// Somebody sets the clock that people see.
    SetClock,
    /// The process dies, and another one begins.
    Kill,
    /// A program forgets its connection.
    Forsake,
    /// A program whose connection is gone comes back.
    Return,
}

/// The actions, and how many of a thousand steps each is.
const WEIGHTS: [(Action, u32); 15] = [
    (Action::Connect, 45),
    (Action::Attach, 12),
    (Action::Type, 378),
    (Action::Flood, 7),
    (Action::Arrive, 238),
    (Action::Read, 191),
    (Action::Stall, 35),
    (Action::HalfClose, 8),
    (Action::Reset, 12),
    (Action::Wait, 34),
    (Action::Jump, 1),
    (Action::SetClock, 2),
    (Action::Kill, 1),
    (Action::Forsake, 8),
    (Action::Return, 28),
];

/// The steps of one round, without end.
pub struct Plan(ChaCha8Rng);

impl Plan {
    pub fn new(seed: u64, round: u64) -> Self {
        Self(generator(seed, round, 0))
    }
}

impl Iterator for Plan {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let mut draw = self.0.random_range(0..1000);
        let mut action = Action::Read;
        for (candidate, weight) in WEIGHTS {
            if draw < weight {
                action = candidate;
                break;
            }
            draw -= weight;
        }
        Some(Step {
            action,
            who: self.0.random_range(0..1000),
            dice: self.0.random(),
            ends_turn: self.0.random_ratio(2, 3),
        })
    }
}

/// Where proxies come from, in rounds in which there are any.
const PROXIES: IpNet = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8));

/// What is the same for a whole round.
#[derive(Clone, Debug)]
pub struct Setting {
    pub config: Config,
    /// Members there are at most.
    pub crowd: usize,
    /// How many connect at once at most.
    pub rush: usize,
    /// The smallest and the largest buffer a system keeps for a connection, in bytes.
    pub buffers: (usize, usize),
    /// For the end of the round.
    pub dice: u64,
    /// How the rooms' log is: `None` if it settles at once.
    pub log: Option<Habits>,
    /// Whether the process may be killed.
    pub is_killed: bool,
}

impl Setting {
    pub fn new(seed: u64, round: u64) -> Self {
        let mut rng = generator(seed, round, 1);
        let soft = rng.random_range(4096..=20_000);
        let config = Config {
            max_line: rng.random_range(100..=700),
            max_rooms: rng.random_range(2..=6),
            max_rooms_per_member: rng.random_range(1..=4),
            max_room_members: *choose(&mut rng, &[8, 15, 30, 80]),
            history: rng.random_range(0..=60),
            history_bytes: rng.random_range(500..=12_000),
            outbox_soft: soft,
            outbox_hard: soft + rng.random_range(2000..=16_000),
            stall_timeout: rng.random_range(5..=40),
            flood_bytes: *choose(&mut rng, &[16, 100, 512]),
            room_linger: *choose(&mut rng, &[0, 5, 60, 3600]),
            resume_time: *choose(&mut rng, &[0, 5, 60, 300, 600]),
            idle_timeout: *choose(&mut rng, &[0, 60, 200]),
            flood: *choose(
                &mut rng,
                &[
                    None,
                    Some(Flood::Off),
                    Some(Flood::Limit(FloodLimit {
                        rate: 20,
                        burst: 30,
                    })),
                    Some(Flood::Limit(FloodLimit { rate: 3, burst: 5 })),
                ],
            ),
            // Mostly who comes is let in.
            max_connections: match rng.random_ratio(1, 3) {
                true => rng.random_range(3..=12),
                false => 20_000,
            },
            max_per_address: *choose(&mut rng, &[1, 2, 4, 100, 100, 100]),
            connects: *choose(
                &mut rng,
                &[
                    None,
                    Some(Connects::Off),
                    Some(Connects::Limit(Pace { rate: 5, burst: 10 })),
                    Some(Connects::Limit(Pace { rate: 1, burst: 2 })),
                    Some(Connects::Limit(Pace { rate: 1, burst: 1 })),
                ],
            ),
            trust_proxy: match rng.random_ratio(1, 3) {
                true => vec![TrustedProxy::Network(PROXIES)],
                false => Vec::new(),
            },
            ..Config::default()
        };
        let rush = *choose(&mut rng, &[1, 1, 1, 12, 40]);
        Self {
            config,
            crowd: rng.random_range(3..=24) + rush,
            rush,
            buffers: *choose(&mut rng, &[(1, 200), (64, 2000), (2000, 9000)]),
            dice: rng.random(),
            log: Habits::choose(&mut rng),
            is_killed: rng.random_ratio(1, 3),
        }
    }
}

/// Chance of its own for each purpose. ChaCha's stream is part of its definition, so that a seed
/// means the same with every version of `rand`.
fn generator(seed: u64, round: u64, purpose: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(2 * round + purpose);
    rng
}

/// Chance from what a step carries.
pub fn dice(number: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(number)
}

/// One of several.
pub fn choose<'a, T>(rng: &mut ChaCha8Rng, of: &'a [T]) -> &'a T {
    &of[rng.random_range(0..of.len())]
}
