use super::*;
use crate::server::FRAMINGS;
use crate::server::core::flood::{self, Flood};
use crate::server::core::rendering::FramingId;

const AT: Moment = Moment { now: 0, utc: 0 };

/// Catches: a name that is dear to look at, for the price of a short line; by either door, and
/// as the last line, which has no end.
#[test]
fn what_is_looked_up_for_a_line_is_paid_for() {
    let mut hub = Hub::new(Config::default().into(), &FRAMINGS);
    let peer = Peer::Tcp([192, 0, 2, 7].into());
    let member = hub.connect(peer, FramingId(0), AT).expect("there is room");
    let dear = format!("/nick {}", "\u{1F82}".repeat(12));
    for (line, is_dear) in [
        ("/nick alice", false),
        ("/nick Иван", false),
        ("Хорошо, что вы пришли", false),
        (&*dear, true),
    ] {
        let mut input = LineInput::new(peer, &Config::default(), 0);
        let text = format!("{line}\n");
        let fed = input.feed(&mut hub, member, text.as_bytes(), AT, Hub::frame);
        assert_eq!(fed.cost >= Cost(5 * Cost::LINE.0), is_dear, "{line}");
        assert_eq!(fed.cost == Cost::LINE, !is_dear, "{line}");
        let full_after = |input: &LineInput, ms| {
            let bound = input.bound.as_ref().expect("a stranger");
            bound.bucket.is_full(ms)
        };
        assert_eq!(full_after(&input, 100), !is_dear, "{line}");
        let mut last = LineInput::new(peer, &Config::default(), 0);
        last.feed(&mut hub, member, line.as_bytes(), AT, Hub::frame);
        hub.frame(member, Frame::Line("/nick zoe"), AT);
        // A door asks before it has a last line heard.
        last.foresee_last(&mut hub, member, 0);
        let cost = last.finish(&mut hub, member, AT, Hub::frame);
        assert!(cost <= fed.cost && (cost > Cost::LINE) == is_dear, "{line}");
        assert_eq!(full_after(&last, 100), !is_dear, "{line}");
    }
}

/// Catches: a history of two hundred long messages for the price of a short line, in either
/// framing.
#[test]
fn what_is_answered_is_paid_for() {
    let mut hub = Hub::new(Config::default().into(), &FRAMINGS);
    let peer = Peer::Tcp([192, 0, 2, 7].into());
    for framing in [FramingId(0), FramingId(1)] {
        let member = hub.connect(peer, framing, AT).expect("there is room");
        hub.apply(); // its greeting is no answer
        let mut cost = |line: &str| {
            let mut input = LineInput::new(peer, &Config::default(), 0);
            let text = format!("{line}\n");
            let fed = input.feed(&mut hub, member, text.as_bytes(), AT, Hub::frame);
            let mut last = LineInput::new(peer, &Config::default(), 0);
            last.feed(&mut hub, member, line.as_bytes(), AT, Hub::frame);
            let cost = last.finish(&mut hub, member, AT, Hub::frame);
            assert_eq!(cost, fed.cost, "{line:.20}");
            cost
        };
        for ordinary in ["/who", "/rooms", "/topic", "/history 1", "hello"] {
            assert_eq!(cost(ordinary), Cost::LINE, "{ordinary}");
        }
        for _ in 0..100 {
            cost(&"x".repeat(400)); // twice
        }
        // Some 64 KiB of text are repeated.
        let history = cost("/history 200");
        assert!(history > Cost(50 * Cost::LINE.0), "{history:?}");
    }
}

#[test]
fn this_machine_is_bound_only_by_a_flag() {
    let given = |flood| Config {
        flood,
        ..Config::default()
    };
    let bound = |address: &str, config: &Config| {
        let peer = Peer::Tcp(address.parse().expect("an address"));
        LineInput::new(peer, config, 0).bound
    };
    let by_default = given(None);
    for here in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
        assert!(bound(here, &by_default).is_none(), "{here}");
    }
    let limit = FloodLimit { rate: 1, burst: 1 };
    let by_flag = given(Some(Flood::Limit(limit)));
    assert_eq!(bound("::1", &by_flag).expect("a limit").flood, Some(limit));
    let stranger = bound("192.0.2.7", &by_default).expect("limits");
    assert_eq!(stranger.flood, Some(flood::DEFAULT));
    let free = bound("192.0.2.7", &given(Some(Flood::Off)));
    assert!(free.expect("an address").flood.is_none());
}

#[test]
fn a_telnet_client_is_answered_once() {
    let mut hub = Hub::new(Config::default().into(), &FRAMINGS);
    let peer = Peer::Tcp([192, 0, 2, 7].into());
    let member = hub.connect(peer, FramingId(0), AT).expect("there is room");
    let mut input = LineInput::new(peer, &Config::default(), 0);
    let (asked, refused) = ([255, 253, 31], [255, 252, 31]); // DO NAWS, WONT NAWS
    input.feed(&mut hub, member, &asked, AT, Hub::frame);
    assert_eq!(input.take_answers(), refused);
    assert!(input.take_answers().is_empty());
    input.feed(&mut hub, member, b"hello\n", AT, Hub::frame);
    assert!(input.take_answers().is_empty());
}
