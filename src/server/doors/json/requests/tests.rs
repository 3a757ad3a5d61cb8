//! Objects that clients send, and those that are none.

use super::*;

fn line(text: &str, reference: Option<Value>) -> Request {
    Request::Line {
        text: text.to_owned(),
        client_id: None,
        reference: reference.map(Reference),
    }
}

#[test]
fn requests_are_read_and_what_is_not_known_is_left_alone() {
    for (object, request) in [
        (r#"{"kind":"line","text":"hi"}"#, line("hi", None)),
        (
            r#" {"text":"a\nb","ref":7,"kind":"line","colour":{"is":"red"}}"#,
            line("a\nb", Some(7.into())),
        ),
        (
            r#"{"kind":"ping","ref":"x"}"#,
            Request::Ping {
                reference: Some(Reference("x".into())),
            },
        ),
    ] {
        assert_eq!(Request::read(object), Ok(request), "{object}");
    }
}

#[test]
fn what_cannot_be_understood_is_said() {
    let long = format!(r#"{{"kind":"ping","ref":"{}"}}"#, "x".repeat(65));
    for object in [
        "",
        "hello",
        "[]",
        r#"{"kind":"line"}"#,
        r#"{"kind":"line","text":7}"#,
        r#"{"kind":"dance"}"#,
        r#"{"text":"hi"}"#,
        r#"{"kind":"ping","ref":[]}"#,
        r#"{"kind":"history","before":5}"#,
        r#"{"kind":"history","epoch":"1","before":5,"after":3}"#,
        r#"{"kind":"history","epoch":"1","before":-5}"#,
        r#"{"kind":"history","epoch":1,"before":5}"#,
        r#"{"kind":"history","epoch":"1","before":5,"since":3}"#,
        r#"{"kind":"history","until":5,"since":3}"#,
        r#"{"kind":"history","since":"2026-11-30"}"#,
        r#"{"kind":"history","room":"tea","with":"bob"}"#,
        r#"{"kind":"history","room":7}"#,
        r#"{"kind":"history","limit":0}"#,
        r#"{"kind":"history","limit":"9"}"#,
        &long,
    ] {
        assert!(Request::read(object).is_err(), "{object}");
    }
}

#[test]
fn a_history_is_of_a_room_or_with_somebody_next_to_a_number_or_to_the_end() {
    let read = |object: &str| match Request::read(object) {
        Ok(Request::History(history)) => history,
        other => panic!("{object}: {other:?}"),
    };
    let plain = read(r#"{"kind":"history"}"#);
    let of_own_room = Reading {
        of: LogMeant::OwnRoom,
        epoch: None,
        side: Side::END,
        count: None,
    };
    assert_eq!(plain.reading(), of_own_room);
    let page = read(r##"{"kind":"history","room":"#tea","epoch":"a","after":7,"limit":20}"##);
    let epoch = "000000000000000a".parse().expect("an epoch");
    let of_tea = Reading {
        of: LogMeant::Room("#tea"),
        epoch: Some(epoch),
        side: Side::After(7),
        count: Some(20),
    };
    assert_eq!(page.reading(), of_tea);
    let private = read(r#"{"kind":"history","with":"bob","epoch":"a","before":7}"#);
    let with_bob = Reading {
        of: LogMeant::With("bob"),
        epoch: Some(epoch),
        side: Side::Before(7),
        count: None,
    };
    assert_eq!(private.reading(), with_bob);
    for (object, side) in [
        (r#"{"kind":"history","until":9}"#, Side::Until(9)),
        (
            r#"{"kind":"history","since":9,"epoch":null}"#,
            Side::Since(9),
        ),
    ] {
        let by_time = Reading {
            side,
            ..of_own_room
        };
        assert_eq!(read(object).reading(), by_time, "no epoch is needed");
    }
}

#[test]
fn of_a_field_that_is_there_twice_the_last_counts() {
    let twice = r#"{"kind":"ping","text":"a","ref":1,"text":"b","kind":"line","ref":null}"#;
    assert_eq!(Request::read(twice), Ok(line("b", None)));
    let escaped = r#"{"k\u0069nd":"line","te\u0078t":"b"}"#;
    assert_eq!(Request::read(escaped), Ok(line("b", None)));
}

#[test]
fn what_is_left_of_a_line_is_what_was_not_heard() {
    let mut begun = Begun::new("aé\nb".to_owned(), None, Some(Reference(7.into())));
    begun.heard(2);
    assert_eq!(begun.rest(), b"\xa9\nb", "even from within a character");
    begun.heard(3);
    assert!(begun.rest().is_empty());
}
