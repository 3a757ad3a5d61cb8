//! Pages by time, and one message by its number or its id: there is an index of neither time nor
//! id.

use super::*;
use crate::chat::Meant;

/// Catches: a page that is off by one where several have one time, and one that looks whole and is
/// not.
#[test]
fn a_page_has_what_is_next_to_a_time() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    // The clock is set back once: times do not fall in a room.
    for (text, time) in [
        ("a", 10),
        ("b", 20),
        ("c", 20),
        ("d", 30),
        ("e", 25),
        ("f", 40),
    ] {
        say(&mut writer, "tea", text, time);
        say(&mut writer, "chess", "other", time * 7 % 41);
    }
    for (side, limit, wanted, is_whole, is_last) in [
        (Side::Until(0), 9, "", true, true),
        (Side::Until(10), 9, "", true, true),
        (Side::Until(11), 9, "a", true, true),
        (Side::Until(20), 9, "a", true, true),
        (Side::Until(21), 2, "b c", false, false),
        (Side::Until(30), 9, "a b c", true, true),
        (Side::Until(31), 3, "c d e", false, false),
        (Side::Until(u64::MAX), 9, "a b c d e f", true, true),
        (Side::Since(0), 2, "a b", true, false),
        (Side::Since(10), 9, "a b c d e f", true, true),
        (Side::Since(11), 9, "b c d e f", true, true),
        (Side::Since(20), 1, "b", true, false),
        (Side::Since(26), 9, "d e f", true, true),
        (Side::Since(40), 9, "f", true, true),
        (Side::Since(41), 9, "", true, true),
    ] {
        let query = Query {
            limit,
            ..query("tea", Wanted::Page(side))
        };
        let found = find(&writer, query);
        let seen = (texts(&found), found.is_whole, found.is_last);
        let wanted = (wanted.to_owned(), is_whole, is_last);
        assert_eq!(seen, wanted, "{side:?} {limit}");
    }
}

#[test]
fn one_message_is_found_by_its_number_or_its_id() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    let made_at =
        |time: u64, rest: u128| EventId::from_bytes((u128::from(time) << 84 | rest).to_be_bytes());
    let mut numbers = Vec::new();
    for (time, text) in [(10, "a"), (20, "b"), (30, "c")] {
        let draft = Draft {
            id: made_at(time, 7),
            ..saying("tea", text)
        };
        numbers.push(number(&commit(&mut writer, vec![(draft, time)])[0]));
        say(&mut writer, "chess", "other", time);
    }
    let topic = Content::Topic {
        topic: "leaves".into(),
        is_known: false,
    };
    let topic = number(&commit(&mut writer, vec![(draft("tea", topic), 40)])[0]);
    for (meant, text) in [
        (Meant::Number(numbers[0]), "a"),
        (Meant::Number(numbers[2]), "c"),
        (Meant::Number(numbers[0] + 1), ""), // of another room
        (Meant::Number(topic), ""),
        (Meant::Number(0), ""),
        (Meant::Number(u64::MAX), ""),
        (Meant::Id(made_at(10, 7)), "a"),
        (Meant::Id(made_at(20, 7)), "b"),
        (Meant::Id(made_at(20, 8)), ""),
        (Meant::Id(made_at(31, 7)), ""),
    ] {
        let one = |up_to| Query {
            limit: 1,
            up_to,
            ..query("tea", Wanted::Message(meant))
        };
        assert_eq!(texts(&find(&writer, one(u64::MAX))), text, "{meant:?}");
        assert_eq!(
            texts(&find(&writer, one(numbers[0] - 1))),
            "",
            "not yet there"
        );
    }
}
