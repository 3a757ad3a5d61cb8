//! What a line is, and who hears it.

use super::*;

#[test]
fn the_greeting_is_short_and_the_first_line_a_message() {
    let server = Server::start();
    let mut alice = Client::connect(&server.address);
    let greeting = alice.sync();
    assert!((1..=3).contains(&greeting.len()), "{greeting:#?}");
    let mut bob = server.join();
    bob.say("hello");
    alice.expect("guest2: hello");
}

#[test]
fn lf_cr_lf_and_cr_nul_end_a_line() {
    let (_server, mut alice, mut bob) = two();
    alice.send("one\ntwo\r\nthree\r\0\n\r\n\r\0four\n");
    assert_eq!(
        heard(&mut alice, &mut bob),
        [
            "guest1: one",
            "guest1: two",
            "guest1: three",
            "guest1: four"
        ]
    );
}

#[test]
fn a_line_can_come_in_pieces() {
    let (_server, mut alice, mut bob) = two();
    let said = trickle(&mut alice, b"one\r\ntwo\r\0th ree\n/me waves\r\n", &mut bob);
    assert_eq!(
        [said, heard(&mut alice, &mut bob)].concat(),
        [
            "guest1: one",
            "guest1: two",
            "guest1: th ree",
            "** guest1 waves"
        ]
    );
}

#[test]
fn telnet_negotiation_is_taken_out_wherever_it_is_cut() {
    let session =
        b"\xFF\xFB\x01\xFF\xFD\x03he\xFF\xF1llo\xFF\xFA\x18\0xterm\n256\xFF\xFF\xFF\xF0 there\
        \xFF\xFE\x0A\r\0\xFF\xFC\x22second\r\n";
    let expected = ["guest1: hello there", "guest1: second"];
    let (_server, mut alice, mut bob) = two();
    alice.send(session);
    assert_eq!(heard(&mut alice, &mut bob), expected);
    let said = trickle(&mut alice, session, &mut bob);
    assert_eq!([said, heard(&mut alice, &mut bob)].concat(), expected);
    for cut in 1..session.len() {
        alice.send(&session[..cut]);
        let mut said = messages(bob.sync());
        alice.send(&session[cut..]);
        said.extend(heard(&mut alice, &mut bob));
        assert_eq!(said, expected, "cut at {cut}");
    }
}

#[test]
fn utf_8_is_put_together_across_reads() {
    let (_server, mut alice, mut bob) = two();
    let text = "žluťoučký kůň 🐎 日本";
    let said = trickle(&mut alice, format!("{text}\n").as_bytes(), &mut bob);
    let said = [said, heard(&mut alice, &mut bob)].concat();
    assert_eq!(said, [format!("guest1: {text}")]);
}

#[test]
fn what_is_not_utf_8_is_replaced() {
    let (_server, mut alice, mut bob) = two();
    let lines: [&[u8]; 5] = [
        b"caf\xE9",           // Latin-1
        b"\xC3\x28",          // the second byte is missing
        b"a\xE2\x82b",        // so is the third
        b"\xED\xA0\x80",      // half of a surrogate pair
        b"\x80\xF8 \xFF\xFF", // never in UTF-8; 255 is doubled for telnet
    ];
    for line in lines {
        alice.send([line, b"\n"].concat());
    }
    assert_eq!(
        heard(&mut alice, &mut bob),
        [
            "guest1: caf\u{FFFD}",
            "guest1: \u{FFFD}(",
            "guest1: a\u{FFFD}b",
            "guest1: \u{FFFD}\u{FFFD}\u{FFFD}",
            "guest1: \u{FFFD}\u{FFFD} \u{FFFD}",
        ]
    );
}

#[test]
fn own_lines_are_not_sent_back() {
    let (_server, mut alice, mut bob) = two();
    alice.send("hello\n/me waves\n//path\n/msg guest2 psst\n");
    assert_eq!(messages(alice.sync()), [""; 0]);
    assert_eq!(messages(bob.sync()).len(), 4);
}

#[test]
fn everyone_hears_the_others_of_one_turn_and_nobody_itself() {
    let server = Server::start();
    let mut members: Vec<Client> = (0..5).map(|_| server.join()).collect();
    let mut observer = server.join();
    server.freeze();
    for member in &mut members {
        member.say(&format!("I am {}", member.name));
    }
    server.thaw();
    let order = observer.messages(members.len());
    for member in &mut members {
        let own = format!("{0}: I am {0}", member.name);
        let others: Vec<String> = order.iter().filter(|line| **line != own).cloned().collect();
        assert_eq!(others.len(), 4, "{order:#?}");
        assert_eq!(messages(member.sync()), others);
    }
}

#[test]
fn what_is_said_stays_in_the_room_it_was_said_in() {
    let (server, mut alice, mut bob) = two();
    let mut carol = server.join();
    carol.say("/join tea");
    carol.sync();
    // Within one turn; the room is left and entered between the lines.
    alice.send("one\n/join tea\ntwo\n/join #lobby\nthree\n/msg guest3 four\n");
    alice.sync();
    assert_eq!(
        messages(bob.sync()),
        ["guest1: one", "guest1: three"],
        "in the lobby"
    );
    assert_eq!(
        messages(carol.sync()),
        ["guest1: two", "guest1 -> guest3: four"],
        "in the other room"
    );
}

/// Within one turn: what was said before someone moved and what was said after, on both sides.
#[test]
fn who_moves_misses_nothing_and_hears_nothing_twice() {
    let server = Server::start();
    let mut members: [Client; 5] = std::array::from_fn(|_| server.join());
    let [mover, before_there, after_there, before_here, after_here] = &mut members;
    for there in [&mut *before_there, after_there] {
        there.say("/join tea");
        there.sync();
    }
    mover.sync();
    server.freeze();
    before_here.say("you still hear this");
    before_there.say("this is replayed to you");
    mover.say("/join tea");
    after_here.say("you are not here any more");
    after_there.say("you are here");
    server.thaw();
    // That all of it was said is known from those who stay.
    before_here.expect("guest5: you are not here any more");
    before_there.expect("guest3: you are here");
    let mut heard = messages(mover.sync());
    assert_eq!(heard.len(), 3, "{heard:?}");
    heard[1] = replayed(&heard[1]).to_owned();
    assert_eq!(
        heard,
        [
            "guest4: you still hear this",
            "guest2: this is replayed to you",
            "guest3: you are here"
        ]
    );
}
