//! The model of who may connect, and of who has asked for too much: books of its own, from who
//! came and who went, and from what each has cost.

use std::collections::BTreeMap;
use std::net::IpAddr;

use loopchat::chat::{DisconnectReason, Millis, Peer};
use loopchat::server::{Config, Connects, Cost, Flood, FloodLimit, Pace};

/// How many times what one connection may ask for all of one address may.
const TOGETHER: u64 = 10;

/// Each of many prices is rounded down to a microsecond: so much later than here somebody may be
/// heard, in milliseconds.
pub const ROUNDED_MS: Millis = 20;

/// As what a connection counts, with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Party {
    Address([u8; 4]),
    Network([u16; 4]),
    User(u32),
}

/// A connection that is not closed.
struct Place {
    party: Option<Party>,
    /// Lines a second, and at once.
    limit: Option<FloodLimit>,
    /// When it will have made up for all it has asked for: in sixteenths of microseconds.
    settled_at: u64,
}

/// Who has a place, and how often each address has come of late.
pub struct Places {
    most: u32,
    most_of_one: u32,
    flood: Option<Flood>,
    connects: Option<Connects>,
    /// Networks from which proxies come, that say who is behind them.
    has_proxies: bool,
    taken: BTreeMap<usize, Place>,
    /// How often each may come at once, in thousandths, and when that was so.
    left: BTreeMap<Party, (u64, Millis)>,
    /// When all of one party will have made up for what they asked for together.
    together: BTreeMap<Party, u64>,
    /// The same of single connections that are gone.
    left_behind: BTreeMap<Party, Vec<u64>>,
}

fn sixteenths(now: Millis) -> u64 {
    now * 1000 * 16
}

/// How long, in milliseconds, who has settled by then waits until it may ask for one line more.
fn wait(settled_at: u64, (rate, burst): (u64, u64), now: Millis) -> Millis {
    let at_once = sixteenths(1000) / rate * (burst - 1);
    settled_at.saturating_sub(sixteenths(now) + at_once) / sixteenths(1)
}

impl Places {
    pub fn new(config: &Config) -> Self {
        Self {
            most: config.max_connections,
            most_of_one: config.max_per_address,
            flood: config.flood,
            connects: config.connects,
            has_proxies: !config.trust_proxy.is_empty(),
            taken: BTreeMap::new(),
            left: BTreeMap::new(),
            together: BTreeMap::new(),
            left_behind: BTreeMap::new(),
        }
    }

    /// How many connections there are.
    pub fn count(&self) -> usize {
        self.taken.len()
    }

    /// Whether there are so many that only operators may come.
    pub fn are_taken(&self) -> bool {
        self.count() >= self.most as usize
    }

    fn is_proxy(&self, peer: Peer) -> bool {
        let is_theirs = matches!(peer, Peer::Tcp(IpAddr::V4(address)) if address.octets()[0] == 10);
        self.has_proxies && is_theirs
    }

    /// On whom limits are that no flag has set. Where proxies are, loopback may be anybody.
    fn is_stranger(&self, peer: Peer) -> bool {
        matches!(peer, Peer::Tcp(address) if self.has_proxies || !address.is_loopback())
    }

    fn party(&self, peer: Peer) -> Option<Party> {
        match peer {
            _ if self.is_proxy(peer) => None,
            Peer::Tcp(IpAddr::V4(address)) => Some(Party::Address(address.octets())),
            Peer::Tcp(IpAddr::V6(address)) => {
                let [first, second, third, fourth, ..] = address.segments();
                Some(Party::Network([first, second, third, fourth]))
            }
            Peer::Local { user, .. } => Some(Party::User(user)),
        }
    }

    fn pace(&self, peer: Peer) -> Option<Pace> {
        let by_default = Pace {
            rate: 10,
            burst: 100,
        };
        match self.connects {
            Some(Connects::Off) => None,
            Some(Connects::Limit(pace)) => Some(pace),
            None => self.is_stranger(peer).then_some(by_default),
        }
    }

    fn limit(&self, peer: Peer) -> Option<FloodLimit> {
        let by_default = FloodLimit {
            rate: 10,
            burst: 40,
        };
        match self.flood {
            Some(Flood::Off) => None,
            Some(Flood::Limit(limit)) => Some(limit),
            None => self.is_stranger(peer).then_some(by_default),
        }
    }

    /// Why this connection may not come from there; its own place, if it has one, is no reason.
    pub fn refusal(&self, number: usize, peer: Peer, now: Millis) -> Option<DisconnectReason> {
        let others = || self.taken.iter().filter(|(other, _)| **other != number);
        if others().count() >= self.most as usize && !peer.is_operator() {
            let limit = self.most;
            return Some(DisconnectReason::ServerFull { limit });
        }
        let party = self.party(peer)?;
        let of_it = others().filter(|(_, place)| place.party == Some(party));
        if self.is_stranger(peer) && of_it.count() >= self.most_of_one as usize {
            let limit = self.most_of_one;
            return Some(DisconnectReason::AddressFull { limit });
        }
        let pace = self.pace(peer)?;
        (self.left(party, pace, now) < 1000).then_some(DisconnectReason::AddressPace {
            per_second: pace.rate,
        })
    }

    fn left(&self, party: Party, Pace { rate, burst }: Pace, now: Millis) -> u64 {
        let most = u64::from(burst) * 1000;
        self.left.get(&party).map_or(most, |(left, since)| {
            most.min(left + (now - since) * u64::from(rate))
        })
    }

    /// A connection has come, or is known to be somebody else's. Returns whether it starts with
    /// something to make up for.
    pub fn enter(&mut self, number: usize, peer: Peer, now: Millis) -> bool {
        self.leave(number, now);
        let (party, limit) = (self.party(peer), self.limit(peer));
        if let (Some(party), Some(pace)) = (party, self.pace(peer)) {
            let left = self.left(party, pace, now);
            self.left.insert(party, (left.saturating_sub(1000), now));
        }
        let debts = limit
            .and(party)
            .and_then(|party| self.left_behind.get_mut(&party));
        let largest = debts.and_then(|debts| {
            debts.retain(|at| *at > sixteenths(now));
            debts.sort_unstable();
            debts.pop()
        });
        let place = Place {
            party,
            limit,
            settled_at: largest.unwrap_or(0),
        };
        self.taken.insert(number, place);
        largest.is_some()
    }

    /// A connection is closed.
    pub fn leave(&mut self, number: usize, now: Millis) {
        if let Some(place) = self.taken.remove(&number)
            && let Some(party) = place.party
            && place.settled_at > sixteenths(now)
        {
            let debts = self.left_behind.entry(party).or_default();
            debts.push(place.settled_at);
        }
    }

    /// A connection was heard, at this cost.
    pub fn spend(&mut self, number: usize, cost: Cost, now: Millis) {
        let Some(place) = self.taken.get_mut(&number) else {
            return;
        };
        let Some(FloodLimit { rate, .. }) = place.limit else {
            return;
        };
        let more = |rate: u64| 1_000_000 / rate * u64::from(cost.sixteenths());
        let rate = u64::from(rate);
        place.settled_at = place.settled_at.max(sixteenths(now)) + more(rate);
        if let Some(party) = place.party {
            let together = self.together.entry(party).or_default();
            *together = (*together).max(sixteenths(now)) + more(TOGETHER * rate);
        }
    }

    /// When a connection will have made up for all that it has asked for.
    pub fn debts(&self, number: usize) -> u64 {
        let place = self.taken.get(&number);
        // Nobody asks those who speak for others.
        let place = place.filter(|place| place.party.is_some());
        place.map_or(0, |place| place.settled_at)
    }

    /// A connection has that to make up for, too, which another has left.
    pub fn inherit(&mut self, number: usize, debts: u64) {
        let place = self.taken.get_mut(&number);
        if let Some(place) = place.filter(|place| place.limit.is_some()) {
            place.settled_at = place.settled_at.max(debts);
        }
    }

    /// How long a connection is not to be heard, for what it has asked for, or all of its address.
    pub fn wait(&self, number: usize, now: Millis) -> Millis {
        let Some(place) = self.taken.get(&number) else {
            return 0;
        };
        let Some(FloodLimit { rate, burst }) = place.limit else {
            return 0;
        };
        let (rate, burst) = (u64::from(rate), u64::from(burst));
        let together = place.party.and_then(|party| self.together.get(&party));
        let of_all = together.map_or(0, |together| {
            wait(*together, (TOGETHER * rate, TOGETHER * burst), now)
        });
        wait(place.settled_at, (rate, burst), now).max(of_all)
    }
}
