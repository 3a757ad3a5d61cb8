//! What operators can do, and what nobody else can.

use super::super::tests::{House, OWNER};
use super::super::{Config, Peer};
use super::*;

const MINUTE: Millis = 60_000;

fn host(number: u8) -> Peer {
    Peer::Tcp([10, 0, 0, number].into())
}

/// The owner and members from hosts 1, 1 and 2, called `op`, `ann`, `bob` and `carol`.
fn house() -> (House, [MemberId; 4]) {
    house_with(Config::default())
}

fn house_with(config: Config) -> (House, [MemberId; 4]) {
    let mut house = House::new(config);
    let peers = [OWNER, host(1), host(1), host(2)];
    let members = peers.map(|peer| house.connect_from(peer));
    for (member, name) in members.into_iter().zip(["op", "ann", "bob", "carol"]) {
        house.types(member, &format!("/nick {name}"));
    }
    house.pass(2000);
    for member in members {
        house.read(member);
    }
    (house, members)
}

#[test]
fn nobody_else_gives_orders() {
    let (mut house, [op, ann, ..]) = house();
    let local = house.connect_from(Peer::Local {
        user: 7,
        operator: false,
    });
    house.pass(1000);
    for member in [local, ann, op] {
        house.read(member);
    }
    for order in [
        "kick carol",
        "ban carol",
        "mute carol",
        "shutdown",
        "limits",
    ] {
        for member in [ann, local] {
            let answer = house.answers(member, &format!("/{order}"));
            let word = order.split(' ').next().unwrap();
            assert_eq!(answer, [format!("! /{word} is for operators only.")]);
        }
    }
    assert!(house.disconnected.is_empty() && house.asked.is_empty());
    let [for_op, for_ann] = [op, ann].map(|member| house.answers(member, "/help"));
    assert!(for_op.starts_with(&for_ann));
    assert!(
        for_op[for_ann.len()..]
            .iter()
            .any(|line| line.contains("/kick NICK"))
    );
}

#[test]
fn whoever_is_kicked_is_told_why_and_the_room_hears_it_once() {
    let (mut house, [op, ann, bob, _]) = house();
    assert_eq!(
        house.answers(op, "/kick BOB too loud"),
        ["* You kicked bob."]
    );
    assert_eq!(
        house.read(bob),
        ["! Disconnected: you were kicked: too loud"]
    );
    assert!(house.disconnected.contains(&bob));
    house.pass(5000);
    assert_eq!(house.read(ann), ["* bob was kicked: too loud"]);
    house.answers(op, "/kick ann");
    assert_eq!(house.read(ann), ["! Disconnected: you were kicked."]);
    assert_eq!(house.answers(op, "/kick ann"), ["! There is no ann here."]);
    assert_eq!(house.answers(op, "/kick op"), ["! op is an operator."]);
    let long = format!("/kick carol {}", "x".repeat(201));
    assert_eq!(
        house.answers(op, &long),
        ["! A reason has at most 200 characters."]
    );
}

#[test]
fn a_kick_leaves_no_digest_about_the_one_kicked() {
    let (mut house, [op, ann, ..]) = house();
    let dave = house.connect_from(host(3));
    house.types(dave, "/who");
    house.types(ann, "/nick anna");
    house.read(op);
    house.answers(op, "/kick anna");
    assert_eq!(house.chat.next_deadline(), None, "nothing is left to say");
    house.pass(5000);
    assert!(house.read(op).is_empty());
}

#[test]
fn the_last_one_of_a_room_is_kicked_out_of_nothing() {
    let (mut house, [op, ann, ..]) = house();
    house.types(ann, "/join tea");
    house.types(op, "/kick ann");
    assert_eq!(house.chat.room_count(), 1);
}

#[test]
fn a_ban_hits_all_of_an_address_until_it_runs_out() {
    let (mut house, [op, ann, bob, carol]) = house();
    assert_eq!(
        house.answers(op, "/ban bob 30 spam"),
        ["* You banned 10.0.0.1 for 30 minutes; 2 members were disconnected."]
    );
    for member in [ann, bob] {
        let last = "! Disconnected: you are banned for 30 minutes: spam";
        assert_eq!(house.read(member), [last]);
        assert!(house.disconnected.contains(&member));
    }
    assert_eq!(house.read(carol), ["* ann, bob were banned: spam"]);
    house.pass(29 * MINUTE + 1);
    let mapped = Peer::Tcp("::ffff:10.0.0.1".parse().unwrap());
    for peer in [host(1), mapped] {
        let refused = "! Disconnected: you are banned for 1 minute: spam";
        assert_eq!(house.refusal(peer).as_deref(), Some(refused));
    }
    assert_eq!(
        house.answers(op, "/ban"),
        ["* 1 banned:", "*   10.0.0.1 for 1 minute: spam"]
    );
    house.pass(MINUTE);
    house.connect_from(host(1));
    house.read(op);
    assert_eq!(house.answers(op, "/ban"), ["* Nobody is banned."]);
}

#[test]
fn a_ban_is_lifted_by_address_and_users_are_banned_like_hosts() {
    let (mut house, [op, _, _, carol]) = house();
    let local = |operator| Peer::Local { user: 7, operator };
    house.types(op, "/ban uid:7");
    assert!(house.refusal(local(false)).is_some());
    house.types(op, "/ban 10.0.0.2");
    assert!(house.disconnected.contains(&carol));
    house.read(op);
    assert_eq!(
        house.answers(op, "/unban 10.0.0.2"),
        ["* 10.0.0.2 is banned no more."]
    );
    house.connect_from(host(2));
    house.read(op);
    assert_eq!(
        house.answers(op, "/unban 10.0.0.2"),
        ["! 10.0.0.2 is not banned."]
    );
    assert_eq!(
        house.answers(op, "/unban carol"),
        ["! carol is neither an address nor a nickname that was banned; /ban lists the bans."]
    );
    // An operator cannot lock itself out.
    assert_eq!(
        house.answers(op, "/ban uid:1000"),
        ["! uid:1000 is where operators come from."]
    );
    assert_eq!(house.refusal(OWNER), None);
}

#[test]
fn a_mute_outlives_a_new_connection_and_a_new_name() {
    let (mut house, [op, ann, bob, carol]) = house();
    assert_eq!(
        house.answers(op, "/mute bob 5"),
        ["* You muted bob for 5 minutes."]
    );
    assert_eq!(house.read(bob), ["* You are muted for 5 minutes."]);
    let refused = "! You are muted for 5 minutes; nobody was told.";
    for line in [
        "hi",
        "/me hums",
        "/msg carol psst",
        "/topic spam",
        "/nick spam",
        "/join spam",
    ] {
        assert_eq!(house.answers(bob, line), [refused], "{line}");
    }
    assert_eq!(house.answers(bob, "/who").len(), 1, "it may still read");
    house.types(ann, "I share its address");
    assert_eq!(house.read(carol), ["ann: I share its address"]);
    house.leave(bob);
    let back = house.connect_from(host(1));
    let greeting = house.read(back);
    assert_eq!(greeting.last().unwrap(), "* You are muted for 5 minutes.");
    assert_eq!(house.answers(back, "hi again").last().unwrap(), refused);
    assert_eq!(
        house.answers(op, "/mute").last().unwrap(),
        "*   10.0.0.1 for 5 minutes."
    );
    house.pass(5 * MINUTE);
    assert!(house.answers(back, "hi again").is_empty());
    assert_eq!(
        house.answers(op, "/mute").last().unwrap(),
        "* Nobody is muted."
    );
}

#[test]
fn a_mute_is_lifted_by_name_or_address() {
    let (mut house, [op, _, bob, carol]) = house();
    house.types(op, "/mute bob");
    house.types(op, "/mute carol");
    assert_eq!(
        house.answers(op, "/mute")[2..],
        [
            "* 2 muted:",
            "*   bob, 10.0.0.1 for 10 minutes.",
            "*   carol, 10.0.0.2 for 10 minutes."
        ]
    );
    assert_eq!(
        house.answers(op, "/unmute bob"),
        ["* bob is muted no more."]
    );
    assert_eq!(house.read(bob).last().unwrap(), "* You are muted no more.");
    assert!(house.answers(bob, "hello").is_empty());
    assert_eq!(
        house.answers(op, "/unmute bob")[1..],
        ["! bob is not muted."]
    );
    house.types(op, "/unmute 10.0.0.2");
    house.read(carol);
    assert!(house.answers(carol, "hello").is_empty());
}

#[test]
fn a_mute_is_not_of_those_who_were_there() {
    let (mut house, [op, ann, bob, carol]) = house();
    // She came after bob, from where he is, and before the order.
    let dora = house.connect_from(host(1));
    house.pass(2000);
    house.types(op, "/mute bob 5");
    for member in [ann, dora] {
        house.read(member);
        assert!(house.answers(member, "I was here").is_empty());
    }
    let late = house.connect_from(host(1));
    house.pass(1000);
    let heard = house.read(late);
    assert!(
        heard.contains(&"* You are muted for 5 minutes.".into()),
        "{heard:?}"
    );
    house.read(carol);
    house.types(op, "/unmute 10.0.0.0/24");
    for member in [bob, late] {
        assert_eq!(
            house.read(member).last().unwrap(),
            "* You are muted no more."
        );
    }
    assert!(!house.read(ann).contains(&"* You are muted no more.".into()));
    assert!(house.answers(late, "hello").is_empty());
}

#[test]
fn networks_are_banned_and_may_overlap() {
    let (mut house, [op, ann, bob, carol]) = house();
    assert_eq!(
        house.answers(op, "/ban 10.0.0.0/30 2h net"),
        ["* You banned 10.0.0.0/30 for 120 minutes; 3 members were disconnected."]
    );
    for member in [ann, bob, carol] {
        assert!(house.disconnected.contains(&member));
    }
    house.answers(op, "/ban 10.0.0.1 1d one");
    let one = "! Disconnected: you are banned for 1440 minutes: one";
    assert_eq!(
        house.refusal(host(1)).as_deref(),
        Some(one),
        "the longer one"
    );
    let net = "! Disconnected: you are banned for 120 minutes: net";
    assert_eq!(house.refusal(host(2)).as_deref(), Some(net));
    assert_eq!(house.refusal(host(4)), None);
    house.read(op);
    assert_eq!(
        house.answers(op, "/ban"),
        [
            "* 2 banned:",
            "*   10.0.0.0/30 for 120 minutes: net",
            "*   10.0.0.1 for 1440 minutes: one"
        ]
    );
    assert_eq!(
        house.answers(op, "/unban 10.0.0.2"),
        ["! 10.0.0.2 is not banned by itself; 10.0.0.0/30 is."]
    );
    assert_eq!(
        house.answers(op, "/unban 10.0.0.1"),
        ["* 10.0.0.1 is banned no more by itself; 10.0.0.0/30 still is."]
    );
    assert_eq!(
        house.answers(op, "/unban 10.0.0.0/30"),
        ["* 10.0.0.0/30 is banned no more."]
    );
    assert_eq!(house.refusal(host(1)), None);
    for wide in ["0.0.0.0/0", "::/0", "::ffff:0:0/96"] {
        let shown = if wide.starts_with("::f") {
            "0.0.0.0/0"
        } else {
            wide
        };
        let refused = format!("! {shown} holds this machine itself.");
        assert!(
            house
                .answers(op, &format!("/ban {wide}"))
                .contains(&refused)
        );
    }
}

#[test]
fn an_ipv6_address_is_its_network_and_a_nickname_lifts_what_it_was_banned_by() {
    let (mut house, [op, ..]) = house();
    let v6 = |text: &str| Peer::Tcp(text.parse().unwrap());
    let eve = house.connect_from(v6("2001:db8::7"));
    house.types(eve, "/nick Eve");
    house.read(op);
    assert_eq!(
        house.answers(op, "/ban eve 90s"),
        ["* You banned 2001:db8::/64 for 2 minutes; 1 member was disconnected."]
    );
    assert!(house.refusal(v6("2001:db8::ffff")).is_some());
    assert_eq!(house.refusal(v6("2001:db8:0:1::7")), None);
    house.read(op);
    assert_eq!(
        house.answers(op, "/unban EVE"),
        ["* 2001:db8::/64 is banned no more."]
    );
    assert_eq!(house.refusal(v6("2001:db8::7")), None);
    for (target, shown) in [
        ("[2001:db8::7]:80", "2001:db8::/64"),
        ("2001:db8::/32", "2001:db8::/32"),
    ] {
        let answer = house.answers(op, &format!("/ban {target}"));
        assert!(
            answer
                .last()
                .unwrap()
                .starts_with(&format!("* You banned {shown} for 60 minutes; "))
        );
        assert!(house.refusal(v6("2001:db8::8")).is_some());
        house.types(op, &format!("/unban {target}"));
    }
    // A ban ends to the second.
    house.answers(op, "/ban 10.0.0.9 90s");
    house.pass(89_999);
    assert!(house.refusal(host(9)).is_some());
    house.pass(1);
    assert_eq!(house.refusal(host(9)), None);
}

#[test]
fn sanctions_are_bounded() {
    let (mut house, [op, ..]) = house_with(Config {
        bans: 2,
        mutes: 1,
        ..Config::default()
    });
    house.types(op, "/mute ann");
    house.read(op);
    assert_eq!(
        house.answers(op, "/mute bob"),
        ["! No more than 1 mutes at a time; /unmute lifts one."]
    );
    house.types(op, "/ban 10.0.1.1 1");
    house.types(op, "/ban 10.0.1.2 1");
    house.read(op);
    assert_eq!(
        house.answers(op, "/ban carol"),
        ["! No more than 2 bans at a time; /unban lifts one."]
    );
    assert_eq!(house.chat.next_deadline(), None, "nothing is waited for");
    house.pass(MINUTE);
    assert_eq!(house.answers(op, "/ban carol").len(), 1);
    assert!(house.refusal(host(2)).is_some());
}

#[test]
fn operators_are_heard_everywhere_and_ask_the_doors() {
    let (mut house, [op, ann, ..]) = house();
    house.types(ann, "/join tea");
    house.read(ann);
    house.types(op, "/announce tea is served");
    assert_eq!(house.read(ann), ["* Announcement by op: tea is served"]);
    house.read(op);
    house.types(op, "/limits");
    house.types(op, "/connections");
    house.types(op, "/shutdown");
    let report = |what| Effect::Ask { to: op, what };
    assert_eq!(
        house.asked,
        [
            report(Question::Limits),
            report(Question::Connections),
            Effect::Shutdown
        ]
    );
}
