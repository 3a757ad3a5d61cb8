//! Lines by their words, and how long that may take.

use super::*;

/// Catches: another room's lines, words that are operators, an index that never catches up.
#[test]
fn lines_are_found_by_their_words_in_their_room_alone() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    for (room, text) in [
        ("tea", "the kettle is on"),
        ("tea", "Kettles, black"),
        ("chess", "the kettle gambit"),
        ("tea", "on AND off"),
        ("tea", "café"),
    ] {
        say(&mut writer, room, text, 1);
    }
    assert_eq!(
        search(&writer, "tea", "kettle"),
        "",
        "it is not in the index"
    );
    writer.index(2).expect("it can be indexed");
    assert_eq!(writer.unindexed(), 3);
    drop(writer);
    let mut writer = open(&folder);
    while writer.unindexed() > 0 {
        writer.index(2).expect("it can be indexed");
    }
    assert_eq!(search(&writer, "tea", "KETTLE"), "the kettle is on");
    assert_eq!(search(&writer, "tea", "the on"), "the kettle is on");
    assert_eq!(search(&writer, "tea", "on AND off"), "on AND off");
    assert_eq!(search(&writer, "chess", "kettle"), "the kettle gambit");
    assert_eq!(search(&writer, "tea", "cafe"), "café");
    for nonsense in [
        "\"",
        "*",
        "( NEAR",
        "room:r2",
        "^the -on",
        "kettle OR black",
    ] {
        search(&writer, "tea", nonsense);
    }
    say(&mut writer, "tea", "a third kettle", 2);
    writer.index(100).expect("it can be indexed");
    let best = Query {
        limit: 1,
        ..query("tea", Wanted::Words("kettle".into()))
    };
    let found = find(&writer, best);
    assert!(
        found
            .messages
            .as_ref()
            .is_some_and(|messages| messages.len() == 1)
    );
    assert!(!found.is_whole, "there are others");
}

/// Catches: a search whose work grows with what is said in all rooms, and with each word again.
#[test]
fn a_search_that_takes_too_long_says_that_it_was_cut_off() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    for at in 0..5000 {
        let text = if at == 1 { "the kettle" } else { "the" };
        let drafts = vec![(saying("tea", text), 1), (saying("chess", "the kettle"), 1)];
        commit(&mut writer, drafts);
    }
    while writer.unindexed() > 0 {
        writer.index(10_000).expect("it can be indexed");
    }
    let room = rows::room_of(&writer.connection, &Name::kept("tea"));
    let room = room.expect("it can be read").expect("it is kept");
    let search = |words: &str, budget| {
        let query = query("tea", Wanted::Words(words.into()));
        let found = searching::search(&writer.connection, 0, &query, &room, words, budget);
        let found = found.expect("it can be read");
        (found.messages.len(), found.is_whole)
    };
    assert_eq!(search("kettle the", LONG), (1, true));
    assert_eq!(search("kettle the", Duration::ZERO), (0, false));
    assert_eq!(search("the", Duration::ZERO), (100, false));
    assert_eq!(search("coffee", LONG), (0, true));
    let words = |text| words::expression(1, text).0;
    assert_eq!(words("a b a a b"), words("a b"));
}

/// Catches: the longest line first.
#[test]
fn of_lines_that_have_the_words_those_with_the_least_beside_them_are_first() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    for text in ["tea", "no tea for me", "a tea", "b tea"] {
        say(&mut writer, "tea", text, 1);
    }
    writer.index(9).expect("it can be indexed");
    assert_eq!(
        search(&writer, "tea", "tea"),
        "tea b tea a tea no tea for me"
    );
}

/// Catches: what somebody types, taken for an operator, or told as an error; words of which the
/// index knows nothing, which find nothing, or everything.
#[test]
fn whatever_is_looked_for_is_looked_for_as_it_is() {
    let (_kept, folder) = folder();
    let mut writer = open(&folder);
    for text in [
        "well done \u{1F44D}",
        "well done!",
        "\u{6F22}\u{5B57} here",
        "NEAR OR far",
    ] {
        say(&mut writer, "tea", text, 1);
    }
    writer.index(9).expect("it can be indexed");
    let (long, many) = ("x".repeat(100_000), "a ".repeat(5000) + &"b".repeat(9));
    let different: Vec<String> = (0..10_000).map(|at| format!("w{at}")).collect();
    for (words, found) in [
        ("\"", ""),
        ("\"\" '", ""),
        ("well\"", "well done! well done \u{1F44D}"),
        ("*", ""),
        ("wel*", ""),
        ("NEAR(well done)", ""),
        ("well AND", ""),
        ("NEAR OR", "NEAR OR far"),
        ("-- ; DROP", ""),
        ("{room text} : r1", ""),
        ("\u{1F44D}", "well done \u{1F44D}"),
        ("done \u{1F44D}", "well done \u{1F44D}"),
        ("!", "well done!"),
        ("\u{6F22}\u{5B57}", "\u{6F22}\u{5B57} here"),
        (&*long, ""),
        (&*many, ""),
        (&*different.join(" "), ""),
    ] {
        let shown: String = words.chars().take(20).collect();
        assert_eq!(search(&writer, "tea", words), found, "{shown}");
    }
}
