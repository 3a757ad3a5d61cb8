//! Several rooms, those who are ignored, and what is taken back.

use super::*;
use crate::support::eventually;

#[test]
fn a_watched_room_is_heard_with_its_name() {
    let (_server, web) = start(&[]);
    let (mut ann, mut bob) = (Json::join(web), Json::join(web));
    ann.ask("/nick ann");
    bob.answer("/join tea", "entered");
    bob.ask("/topic at five");
    bob.ask("milk?");
    let answers = ann.ask("/watch #TEA");
    let watching = &answers[0];
    assert_eq!(watching["kind"], "watching");
    assert_eq!(
        (&watching["room"], &watching["others"]),
        (&json!("tea"), &json!(1))
    );
    assert_eq!(watching["topic"], "at five");
    assert_eq!(watching["text"], "You hear #tea now, with 1 other.");
    assert_eq!(answers[1]["kind"], "history");
    assert_eq!(
        (&answers[1]["room"], &answers[1]["complete"]),
        (&json!("tea"), &json!(true))
    );
    assert_eq!(answers[1]["messages"][0]["text"], "milk?");
    let joined = bob.find(|object| object["joined_count"] == 1 && object["room"] == "tea");
    assert_eq!(joined["joined"][0]["nick"], "ann");
    // What is said there has the room's name, and what she says has the one where she is.
    bob.ask("sugar?");
    let heard = ann.find(|object| object["text"] == "sugar?");
    assert_eq!(
        (&heard["kind"], &heard["room"]),
        (&json!("message"), &json!("tea"))
    );
    let own = ann.answer("anybody here?", "message");
    assert_eq!(own["room"], "lobby");
    let rooms = ann.answer("/rooms mine", "own_rooms");
    let [lobby, tea] = [("lobby", 1), ("tea", 2)]
        .map(|(name, members)| json!({ "name": name, "members": members }));
    assert_eq!(rooms["rooms"], json!([lobby, tea]));
    // She goes there, and is heard there.
    let entered = ann.answer("/join tea", "entered");
    assert_eq!(entered["others"], 1);
    let own = ann.answer("here I am", "message");
    assert_eq!(own["room"], "tea");
    let heard = bob.find(|object| object["kind"] == "message" && object["nick"] == "ann");
    assert_eq!(heard, own, "and not what she said elsewhere");
    // Her name is told in each of her rooms, once in each.
    ann.answer("/watch lobby", "watching");
    bob.answer("/watch lobby", "watching");
    ann.ask("/nick anne");
    let mut rooms: Vec<Value> = Vec::new();
    while rooms.len() < 2 {
        let renamed = bob.find(|object| object["renamed_count"] == 1);
        rooms.push(renamed["room"].clone());
    }
    rooms.sort_by_key(Value::to_string);
    assert_eq!(rooms, ["lobby", "tea"]);
    let parted = ann.answer("/part lobby", "parted");
    assert_eq!(parted["room"], "lobby");
    bob.ask("/part tea");
    bob.ask("unheard");
    assert!(
        ann.ask("/who")
            .iter()
            .all(|object| object["text"] != "unheard")
    );
}

/// In one turn, everything at once: the order of what is heard is that in which it was done.
#[test]
fn who_watches_goes_and_parts_in_one_message_hears_each_thing_once() {
    let (_server, web) = start(&[]);
    let (mut ann, mut bob) = (Json::join(web), Json::join(web));
    bob.answer("/watch tea", "watching");
    let lines = [
        "/watch tea",
        "one",
        "/join tea",
        "two",
        "/watch lobby",
        "/nick ann",
        "/join lobby",
        "three",
        "/watch tea",
        "/part tea",
        "four",
        "/watch tea",
        "/part",
        "five",
        "/part",
        "six",
        "/delete",
    ];
    ann.say(&lines.join("\n"));
    let told = ann.until_done(&json!(1));
    let said = told.iter().filter(|object| object["kind"] == "message");
    let said: Vec<(&str, &str)> = said
        .map(|object| (text_of(&object["room"]), text_of(&object["text"])))
        .collect();
    assert_eq!(
        said,
        [
            ("lobby", "one"),
            ("tea", "two"),
            ("lobby", "three"),
            ("lobby", "four"),
            ("tea", "five"),
            ("lobby", "six"),
        ]
    );
    let refused = told.iter().filter(|object| object["kind"] == "refused");
    assert_eq!(refused.count(), 0, "{told:#?}");
    // He hears each room in its order, and the last of one perhaps before the first of another.
    let mut heard: Vec<Value> = Vec::new();
    let mut redactions = 0;
    while heard.len() < said.len() || redactions == 0 {
        let object = bob.object();
        match text_of(&object["kind"]) {
            "message" => heard.push(object),
            "redaction" => redactions += 1,
            _ => {}
        }
    }
    for room in ["lobby", "tea"] {
        let here = heard.iter().filter(|object| object["room"] == room);
        let here: Vec<&str> = here.map(|object| text_of(&object["text"])).collect();
        let there = said.iter().filter(|(of, _)| *of == room);
        assert!(
            there.map(|(_, text)| *text).eq(here.iter().copied()),
            "{here:?}"
        );
    }
}

#[test]
fn nothing_is_heard_of_whom_one_ignores_until_one_hears_it_again() {
    let (server, web) = start(&[]);
    let (mut ann, mut bob) = (Json::join(web), Json::join(web));
    ann.ask("/nick ann");
    bob.ask("/nick bob");
    assert_eq!(ann.answer("/ignore BOB", "ignoring")["nick"], "bob");
    // He hears himself, and is told nothing of it.
    bob.answer("one", "message");
    bob.answer("/me waves", "action");
    bob.answer("/msg ann psst", "private");
    bob.ask("/nick rob");
    bob.answer("two", "message");
    let mut nc = server.join();
    nc.say("from nc");
    let heard = ann.find(|object| object["kind"] != "presence");
    assert_eq!(heard["text"], "from nc");
    let history = ann.answer("/history", "history");
    assert_eq!(history["messages"].as_array().expect("a list").len(), 1);
    assert_eq!(ann.answer("/ignore", "ignored")["nicks"], json!(["rob"]));
    assert_eq!(ann.answer("/unignore rob", "unignored")["nick"], "rob");
    bob.ask("three");
    assert_eq!(ann.expect("message")["text"], "three");
    // Who connects again is another, whatever it calls itself.
    ann.answer("/ignore rob", "ignoring");
    drop(bob);
    eventually("him to be gone", || {
        let ignored = ann.answer("/ignore", "ignored");
        (ignored["nicks"] == json!([])).then_some(())
    });
    let mut back = Json::join(web);
    back.answer("/nick rob", "renamed");
    back.ask("four");
    assert_eq!(ann.expect("message")["text"], "four");
    assert_eq!(ann.answer("/ignore", "ignored")["nicks"], json!([]));
}

#[test]
fn a_message_is_taken_back_by_its_author_or_an_operator_and_by_nobody_else() {
    let (_server, web, folder) = operated(&[]);
    let mut op = operator(&folder);
    let (mut ann, mut bob) = (Json::join(web), Json::join(web));
    ann.ask("/nick ann");
    bob.ask("/nick bob");
    let [one, two, three] = ["one", "two", "three"].map(|line| bob.answer(line, "message"));
    for said in [&one, &two, &three] {
        assert_eq!(&ann.expect("message"), said);
    }
    let id = |message: &Value| text_of(&message["id"]).to_owned();
    let refused = ann.answer(&format!("/delete {}", id(&one)), "refused");
    assert_eq!(refused["code"], "not_yours");
    // The last one, unless it is said which.
    let deleted = bob.answer("/delete", "deleted");
    assert_eq!(deleted["message"], three["id"]);
    assert_eq!(
        (&deleted["room"], &deleted["author"]),
        (&json!("lobby"), &json!("bob"))
    );
    let redaction = ann.expect("redaction");
    has_fields(
        &redaction,
        "room id number previous time nick account origin message author",
    );
    assert_eq!(redaction["message"], three["id"]);
    assert_eq!(
        (&redaction["nick"], &redaction["author"]),
        (&json!("bob"), &json!("bob"))
    );
    assert!(redaction["number"].as_u64() > three["number"].as_u64());
    assert_ne!(redaction["id"], three["id"]);
    op.expect_line(|line| line.starts_with("* bob took back a message of "));
    // An operator does it by the id, in whatever letters.
    op.say(&format!("/delete {}", id(&one).to_uppercase()));
    op.expect("* You took it back.");
    for other in [&mut ann, &mut bob] {
        let redaction = other.expect("redaction");
        assert_eq!(redaction["message"], one["id"]);
        assert_eq!(
            (&redaction["nick"], &redaction["author"]),
            (&json!("op"), &json!("bob"))
        );
    }
    // What is gone is gone, in every history.
    op.say(&format!("/delete {}", id(&one)));
    op.expect(&format!("! There is no message {} here.", id(&one)));
    for one in [&mut ann, &mut bob] {
        let history = one.answer("/history", "history");
        assert_eq!(history["messages"], json!([two]));
        assert_eq!(history["complete"], true);
    }
    // Who is elsewhere finds nothing of this room, though it hears it.
    bob.answer("/join tea", "entered");
    bob.answer("/watch lobby", "watching");
    let elsewhere = bob.answer(&format!("/delete {}", id(&two)), "refused");
    assert_eq!(elsewhere["code"], "no_such_message");
    assert_eq!(
        bob.answer("/delete", "refused")["code"],
        "nothing_to_delete"
    );
}

#[test]
fn an_announcement_is_heard_once_and_a_kick_in_each_room() {
    let (_server, web, folder) = operated(&[]);
    let mut op = operator(&folder);
    let mut ann = Json::join(web);
    ann.answer("/watch tea", "watching");
    ann.answer("/watch go", "watching");
    let mut bob = Json::join(web);
    for line in ["/nick bob", "/watch tea", "/join go", "/watch lobby"] {
        bob.ask(line);
    }
    op.say("/announce once\n/kick bob out");
    let mut announced = 0;
    let mut rooms = Vec::new();
    while rooms.len() < 3 {
        let object = ann.object();
        announced += u32::from(object["kind"] == "announcement");
        if object["left_count"] == 1 && object["left"][0]["reason"] == "kicked" {
            assert_eq!(object["left"][0]["text"], "out");
            rooms.push(text_of(&object["room"]).to_owned());
        }
    }
    rooms.sort_unstable();
    assert_eq!(rooms, ["go", "lobby", "tea"]);
    assert_eq!(announced, 1);
    let (objects, code, _) = bob.end();
    assert_eq!(objects.last().expect("a last word")["code"], "kicked");
    assert_eq!(code, 1008);
}
