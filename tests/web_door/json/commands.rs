//! What is answered to each command, by its fields.

use super::*;

#[test]
fn each_command_has_an_answer_with_these_fields() {
    let (_server, web) = start(&[]);
    let mut ann = Json::join(web);
    let _bob = Json::join(web);
    for (line, kind, fields) in [
        ("/nick ann", "renamed", "nick text"),
        ("/nick ANN", "renamed", "nick text"),
        ("/rooms", "rooms", "rooms count text"),
        ("/rooms mine", "own_rooms", "rooms text"),
        ("/who", "members", "room nicks count text"),
        ("/history", "history", "room complete next messages"),
        ("/topic", "room_topic", "room topic text"),
        ("/help", "help", "commands orders kept text"),
        ("/loop", "report", "what text"),
        ("/ignore", "ignored", "nicks text"),
        ("/ignore guest2", "ignoring", "nick text"),
        ("/unignore guest2", "unignored", "nick text"),
        ("/times on", "times", "is_on text"),
        ("/times off", "times", "is_on text"),
        ("/join lobby", "stayed", "room text"),
        (
            "/join tea",
            "entered",
            "room others topic linger_ms kept epoch last text",
        ),
        (
            "/watch lobby",
            "watching",
            "room others topic linger_ms kept epoch last text",
        ),
        ("/watch lobby", "hears", "room text"),
        ("/part lobby", "parted", "room text"),
        (
            "/part",
            "entered",
            "room others topic linger_ms kept epoch last text",
        ),
        (
            "hello",
            "message",
            "room id number previous time nick account origin text",
        ),
        (
            "/delete",
            "deleted",
            "room id number previous time message author text",
        ),
    ] {
        let answer = ann.answer(line, kind);
        has_fields(&answer, fields);
        let is_marked = answer["text"]
            .as_str()
            .is_some_and(|text| text.starts_with(['*', '!']));
        assert!(!is_marked, "{answer}");
    }
    let help = ann.answer("/help", "help");
    assert_eq!(help["orders"], json!([]));
    let commands = help["commands"].as_array().expect("a list");
    assert_eq!(keys(&commands[0]), ["purpose", "usage"]);
    let usages = commands.iter().map(|command| text_of(&command["usage"]));
    let usages: Vec<&str> = usages.collect();
    for usage in [
        "/watch ROOM",
        "/part [ROOM]",
        "/rooms [mine]",
        "/delete [NUMBER|ID]",
        "/times on|off",
    ] {
        assert!(usages.contains(&usage), "{usages:?}");
    }
    let rooms = ann.answer("/rooms", "rooms");
    assert_eq!(rooms["rooms"], json!([{ "name": "lobby", "members": 2 }]));
    assert_eq!(rooms["count"], 1);
    let members = ann.answer("/who", "members");
    assert_eq!(members["count"], 2);
    assert_eq!(members["nicks"].as_array().expect("a list").len(), 2);
    // An empty history is an answer as well; the one that is cut short is not complete.
    let empty = ann.answer("/history", "history");
    assert_eq!(
        (&empty["messages"], &empty["complete"]),
        (&json!([]), &json!(true))
    );
    for line in ["one", "two", "three"] {
        ann.ask(line);
    }
    for (count, complete) in [(2, false), (3, true), (99, true)] {
        let history = ann.answer(&format!("/history {count}"), "history");
        assert_eq!(history["complete"], complete, "{count}");
        let messages = history["messages"].as_array().expect("a list");
        assert_eq!(messages.len(), count.min(3));
        assert_eq!(messages.last().expect("one")["text"], "three");
    }
}

#[test]
fn a_room_that_has_forgotten_is_not_complete() {
    let (_server, web) = start(&["--history", "2"]);
    let mut ann = Json::join(web);
    for (line, complete) in [("one", true), ("two", true), ("three", false)] {
        ann.ask(line);
        let history = ann.answer("/history 9", "history");
        assert_eq!(history["complete"], complete, "{line}");
    }
}
