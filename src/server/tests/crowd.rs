//! Many behind one address, with limits: what some of them ask for is not at the expense of others.

use std::collections::HashMap;

use super::*;
use crate::server::core::flood::FloodLimit;

const LIMIT: FloodLimit = FloodLimit {
    rate: 10,
    burst: 40,
};

/// A house of one address, in which so many paste more than they may, and two others do not.
fn crowd(floods: usize) -> (House, Vec<Guest>, [Guest; 2]) {
    let mut house = House::new(|config| config.flood = Some(Flood::Limit(LIMIT)));
    let quiet = [house.join(), house.join()];
    let mut crowd: Vec<Guest> = (0..floods).map(|_| house.join()).collect();
    house.run_until(60_000);
    let paste: Vec<String> = (0..300).map(|n| format!("paste {n}")).collect();
    for guest in &mut crowd {
        guest.say(&paste.join("\n"));
    }
    (house, crowd, quiet)
}

/// Catches: a queue in which whoever is next is heard for a whole burst, or in which one who says
/// something now and then waits for each of those who never stop; and telling it that it types too
/// fast. Also: a limit for all together that does not hold, and shares that are not even.
#[test]
fn who_says_little_is_heard_at_once_however_many_others_flood() {
    for floods in [20, 85] {
        let (mut house, mut crowd, [mut ann, mut bob]) = crowd(floods);
        let mut heard: HashMap<Box<str>, usize> = HashMap::new();
        let mut longest = 0;
        for second in 61..=90_u64 {
            house.run_until(second * 1000);
            ann.say(&format!("it is {second}"));
            let start = house.clock.now();
            let mut is_heard = false;
            while !is_heard {
                house.turn();
                for line in bob.lines() {
                    is_heard |= line.ends_with(&format!("it is {second}"));
                    if let Some((author, _)) = line.split_once(": paste") {
                        *heard.entry(author.into()).or_default() += 1;
                    }
                }
            }
            longest = longest.max(house.clock.now() - start);
            let told = ann.lines();
            assert!(
                !told.iter().any(|line| line.contains("typing faster")),
                "{told:?}"
            );
            crowd.iter_mut().for_each(|guest| drop(guest.lines()));
        }
        assert!(longest <= 30, "{floods}: {longest} ms");
        let all: usize = heard.values().sum();
        // Of 400 at once and 100 a second, 30 are hers.
        assert!((3300..=3400).contains(&all), "{floods}: {all}");
        let most = heard.values().max();
        let least = heard.values().min();
        assert!(heard.len() == floods && most <= least.map(|least| least + 60).as_ref());
    }
}
