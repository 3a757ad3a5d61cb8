use super::*;
use crate::server::core::flood::{Connects, Pace};

fn stranger(number: u8) -> Peer {
    Peer::Tcp([192, 0, 2, number].into())
}

fn user(operator: bool) -> Peer {
    let user = 1000;
    Peer::Local { user, operator }
}

const PROXY: Peer = Peer::Tcp(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)));

/// Three at a time, two of an address, and two at once of it, one more a second.
fn narrow() -> Config {
    Config {
        max_connections: 3,
        max_per_address: 2,
        connects: Some(Connects::Limit(Pace { rate: 1, burst: 2 })),
        trust_proxy: vec!["10.0.0.0/8".parse().expect("a network")],
        ..Config::default()
    }
}

/// Comes in, if it may.
fn come(admission: &mut Admission, peer: Peer, now: Millis) -> Result<LineInput, DisconnectReason> {
    admission.admits(peer, &narrow(), now)?;
    Ok(admission.enter(peer, &narrow(), now))
}

const FULL: DisconnectReason = DisconnectReason::ServerFull { limit: 3 };
const ADDRESS_FULL: DisconnectReason = DisconnectReason::AddressFull { limit: 2 };
const TOO_OFTEN: DisconnectReason = DisconnectReason::AddressPace { per_second: 1 };

/// Catches: one connection more or less than a limit says, a place that is not given back, the
/// wrong reason where two hold.
#[test]
fn each_limit_holds_to_the_connection() {
    let mut admission = Admission::default();
    let [first, _second] = [0, 0].map(|now| come(&mut admission, stranger(1), now).expect("room"));
    assert_eq!(
        come(&mut admission, stranger(1), 0).unwrap_err(),
        ADDRESS_FULL
    );
    admission.leave(&first, 0);
    assert_eq!(come(&mut admission, stranger(1), 0).unwrap_err(), TOO_OFTEN);
    assert_eq!(
        come(&mut admission, stranger(1), 999).unwrap_err(),
        TOO_OFTEN
    );
    come(&mut admission, stranger(1), 1000).expect("a second later");
    let last = come(&mut admission, stranger(2), 1000).expect("another's");
    assert_eq!(come(&mut admission, stranger(1), 1000).unwrap_err(), FULL);
    assert_eq!(admission.count(), 3);
    admission.leave(&last, 1000);
    assert_eq!(
        come(&mut admission, stranger(1), 1000).unwrap_err(),
        ADDRESS_FULL
    );
}

/// Catches: an operator that a full server locks out, or that a pace given by a flag spares; a
/// proxy on which its clients' limits are.
#[test]
fn operators_and_proxies_are_bound_by_less() {
    let mut admission = Admission::default();
    for _ in 0..3 {
        come(&mut admission, PROXY, 0).expect("a proxy's");
    }
    assert_eq!(come(&mut admission, PROXY, 0).unwrap_err(), FULL);
    assert_eq!(come(&mut admission, user(false), 0).unwrap_err(), FULL);
    for _ in 0..2 {
        come(&mut admission, user(true), 0).expect("an operator's");
    }
    assert_eq!(come(&mut admission, user(true), 0).unwrap_err(), TOO_OFTEN);
    assert_eq!(admission.count(), 5);
}

/// Catches: limits that a client behind a proxy does not meet, a proxy's connection that counts
/// twice, or for its client before it is one.
#[test]
fn who_is_behind_a_proxy_meets_its_own_limits() {
    let mut admission = Admission::default();
    let mut come_by = |proxy: Peer, now: Millis| {
        let mut input = come(&mut admission, proxy, now).expect("room");
        let readmitted = admission.readmit(&mut input, (proxy, stranger(1)), &narrow(), now);
        (readmitted, input, admission.count())
    };
    let (known, _first, _) = come_by(stranger(1), 0);
    assert_eq!(known, Ok(false), "it came as itself");
    let (changed, second, count) = come_by(PROXY, 0);
    assert_eq!((changed, count), (Ok(true), 2));
    let (refused, third, count) = come_by(PROXY, 0);
    assert_eq!((refused, count), (Err(ADDRESS_FULL), 3));
    admission.leave(&third, 0);
    admission.leave(&second, 0);
    assert_eq!(admission.count(), 1);
    let mut input = come(&mut admission, PROXY, 0).expect("room");
    let peers = (PROXY, stranger(1));
    let refused = admission.readmit(&mut input, peers, &narrow(), 0);
    assert_eq!(refused, Err(TOO_OFTEN));
    assert!(input.account().is_none(), "it stays the proxy's");
    let admitted = admission.readmit(&mut input, peers, &narrow(), 1000);
    assert_eq!(
        admitted,
        Ok(true),
        "the place it has is no reason against it"
    );
    assert!(input.account().is_some() && admission.count() == 2);
}

/// Catches: a reconnect that gives a new burst, and one of an address that others' debts are on.
#[test]
fn what_is_to_be_made_up_for_is_inherited() {
    let mut admission = Admission::default();
    let config = Config::default();
    let mut input = admission.enter(stranger(1), &config, 0);
    let much = Cost(100 * Cost::LINE.0);
    input.charge(much, 0);
    admission.ask(&input, much, 0);
    let wait = input.wait(0);
    assert!(wait > 0);
    admission.leave(&input, 0);
    assert_eq!(admission.enter(stranger(2), &config, 0).wait(0), 0);
    assert_eq!(admission.enter(stranger(1), &config, 0).wait(0), wait);
    let third = admission.enter(stranger(1), &config, 0);
    assert_eq!((third.wait(0), admission.ask_wait(&third, 0)), (0, 0));
    admission.ask(&third, Cost(400 * Cost::LINE.0), 0);
    assert!(
        admission.ask_wait(&third, 0) > 0,
        "ten times as much, together"
    );
}
