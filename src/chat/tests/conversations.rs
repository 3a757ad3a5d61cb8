//! Random conversations against what the house knows of them.

use proptest::prelude::*;

use super::rules::weighed;
use super::*;

/// Members are meant by their place among all who ever were there, so that some lines and
/// departures come from members long gone.
#[derive(Clone, Debug)]
enum Step {
    Connect(u8),
    Line(usize, String),
    Message(usize),
    Leave(usize),
    Pass(Millis),
    Announce(String),
}

/// Texts that a pattern describes, which is read once: a pattern alone is read anew for each of
/// them.
fn text(pattern: &str) -> impl Strategy<Value = String> {
    prop::string::string_regex(pattern).expect("a pattern")
}

fn step() -> impl Strategy<Value = Step> {
    let line = prop_oneof![
        4 => text("/nick (ann|ANN|bob|Bob2|guest[0-9]|[žŽ]ofie|zz*|a b|[\\pL\\pM]{1,4})"),
        4 => text("/join #?(tea|TEA|chess|lobby|rust|[^a])"),
        3 => text("/watch #?(tea|TEA|chess|lobby|rust|[^a])"),
        2 => text("/part( tea| lobby| chess| #[a-z])?"),
        1 => text("/(rooms mine|delete|delete [0-9a-f]|times on|times off)"),
        1 => text("/(ignore|unignore)( ann| bob| guest[0-9])?"),
        2 => text("/(who|who tea|who #[a-z]|rooms|help|topic|topic x\\PC{0,9}|history|history [0-9])"),
        1 => text("/msg (ann|bob|guest[0-9]) \\PC{0,9}"),
        1 => text("/me \\PC{0,9}"),
        1 => text("/quit"),
        2 => text("/(kick|ban|mute|unmute) (ann|bob|guest[0-9])( [0-9]| x)?"),
        1 => text("/(ban|mute|unban|unmute|limits|connections)( 10.0.0.[0-9])?"),
        2 => text(".{0,20}"),
        1 => text("[/ *!:>\\x00-\\x20\u{80}-\u{9f}\u{200b}-\u{202f}\u{2060}-\u{206f}]{0,9}"),
    ];
    prop_oneof![
        3 => (0..5_u8).prop_map(Step::Connect),
        8 => (0..20_usize, line).prop_map(|(who, line)| Step::Line(who, line)),
        5 => (0..20_usize).prop_map(Step::Message),
        2 => (0..20_usize).prop_map(Step::Leave),
        3 => prop_oneof![Just(0), 1..400_u64, Just(999), Just(1000), 1000..5000_u64].prop_map(Step::Pass),
        1 => text(".{0,9}").prop_map(Step::Announce),
    ]
}

proptest! {
    #[test]
    fn any_conversation_keeps_the_rules(steps in prop::collection::vec(step(), 1..120)) {
        let mut house = House::new(Config { history: 7, replay: 4, rooms: 4, rooms_per_member: 3, bans: 2, mutes: 2, linger: 3000, ..Config::default() });
        let mut everyone = vec![house.connect_from(OWNER)];
        let mut messages = 0;
        for step in steps {
            let someone = |who: usize| everyone[who % everyone.len()];
            match step {
                Step::Connect(0) => everyone.push(house.connect_from(OWNER)),
                Step::Connect(host) => {
                    let peer = Peer::Tcp([10, 0, 0, host].into());
                    match house.chat.admits(peer, house.now) {
                        Ok(()) => everyone.push(house.connect_from(peer)),
                        Err(_) => assert!(house.refusal(peer).is_some()),
                    }
                }
                Step::Line(who, line) => house.types(someone(who), &line),
                Step::Message(who) => {
                    messages += 1;
                    house.types(someone(who), &format!("{NUMBERED}{messages}"));
                }
                Step::Leave(who) => house.leave(someone(who)),
                Step::Pass(millis) => house.pass(millis),
                Step::Announce(text) => house.announce(&format!("NEWS {text}")),
            }
        }
        prop_assert_eq!(house.chat.history_bytes(), weighed(&house.chat));
        // An idle chat falls asleep.
        house.pass(6000);
        prop_assert_eq!(house.next_deadline(), None);
        for id in everyone {
            house.leave(id);
        }
        prop_assert_eq!(house.chat.member_count(), 0);
        prop_assert_eq!(house.chat.room_count(), 1);
        prop_assert_eq!(house.chat.private.weigh(), 0, "nobody is left to read it");
        house.pass(6000);
        prop_assert_eq!(house.next_deadline(), None);
    }
}
