//! Many behind one address, with limits: what some of them ask for is not at the expense of others.

use std::collections::HashMap;

use super::*;
use crate::server::core::flood::FloodLimit;

const LIMIT: FloodLimit = FloodLimit {
    rate: 10,
    burst: 40,
};

/// A house of one address, in which so many paste more than they may, in lines of so many bytes and a
/// few more, and two others do not.
fn crowd(floods: usize, length: usize) -> (House, Vec<Guest>, [Guest; 2]) {
    let mut house = House::new(|config| config.flood = Some(Flood::Limit(LIMIT)));
    let quiet = [house.join(), house.join()];
    let mut crowd: Vec<Guest> = (0..floods).map(|_| house.join()).collect();
    house.run_until(60_000);
    let rest = "x".repeat(length);
    let lines = if length > 0 { 40 } else { 300 };
    let paste: Vec<String> = (0..lines).map(|n| format!("paste {n}{rest}")).collect();
    for guest in &mut crowd {
        guest.say(&paste.join("\n"));
    }
    (house, crowd, quiet)
}

/// Counts what each of those who paste has said.
fn note(heard: &mut HashMap<Box<str>, usize>, lines: &[String]) {
    for (author, _) in lines.iter().filter_map(|line| line.split_once(": paste")) {
        *heard.entry(author.into()).or_default() += 1;
    }
}

/// Catches: a queue in which whoever is next is heard for a whole burst, or in which one who says
/// something now and then waits for each of those who never stop; and telling it that it types too
/// fast. Also: a limit for all together that does not hold, and shares that are not even.
#[test]
fn who_says_little_is_heard_at_once_however_many_others_flood() {
    // A long line counts as several, so that it takes seconds until each of them has said one; and
    // before there is a queue one of them may have said as many as it may by itself.
    for (floods, length, at_most) in [(20, 0, 30), (85, 0, 30), (85, 3900, 500)] {
        let (mut house, mut crowd, [mut ann, mut bob]) = crowd(floods, length);
        let mut heard: HashMap<Box<str>, usize> = HashMap::new();
        let mut longest = 0;
        for second in 61..=90_u64 {
            // Who does not read misses what is said, and is not heard.
            let mut told = Vec::new();
            for part in 1..=20 {
                let time = (second - 1) * 1000 + part * 50;
                house.run_until(time.max(house.clock.now()));
                note(&mut heard, &bob.lines());
                told.extend(ann.lines());
            }
            ann.say(&format!("it is {second}"));
            let start = house.clock.now();
            let mut is_heard = false;
            while !is_heard {
                house.turn();
                told.extend(ann.lines());
                let lines = bob.lines();
                let wanted = format!("it is {second}");
                is_heard = lines.iter().any(|line| line.ends_with(&wanted));
                note(&mut heard, &lines);
            }
            longest = longest.max(house.clock.now() - start);
            told.extend(ann.lines());
            assert!(
                !told.iter().any(|line| line.contains("typing faster")),
                "{told:?}"
            );
            crowd.iter_mut().for_each(|guest| drop(guest.lines()));
        }
        assert!(longest <= at_most, "{floods}, {length}: {longest} ms");
        if length > 0 {
            continue;
        }
        let all: usize = heard.values().sum();
        // Of 400 at once and 100 a second, 30 are hers.
        assert!((3300..=3400).contains(&all), "{floods}: {all}");
        let most = heard.values().max();
        let least = heard.values().min();
        assert!(heard.len() == floods && most <= least.map(|least| least + 60).as_ref());
    }
}
