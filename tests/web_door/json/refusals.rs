//! The codes of what is refused.

use super::*;

/// Asks, is refused with this code, and looks at what the code is about.
#[track_caller]
fn refused<S: Read + Write>(one: &mut Json<S>, line: &str, code: &str, fields: &Value) {
    let refused = one.answer(line, "refused");
    assert_eq!(refused["code"], code, "{line}: {refused}");
    let text = text_of(&refused["text"]);
    assert!(!text.is_empty() && !text.starts_with('!'), "{text}");
    let mut rest = refused.as_object().expect("an object").clone();
    for known in ["kind", "code", "text"] {
        rest.remove(known);
    }
    assert_eq!(&Value::from(rest), fields, "{line}");
}

#[test]
fn each_refusal_has_a_code_and_what_it_is_about() {
    let (_server, web) = start(&["--max-rooms", "3", "--max-rooms-per-member", "2"]);
    let (mut ann, mut bob) = (Json::join(web), Json::join(web));
    ann.ask("/nick ann");
    bob.ask("/nick bob");
    let long = "x".repeat(201);
    let said = bob.answer("hello", "message");
    let id = text_of(&said["id"]);
    for (line, code, fields) in [
        ("/dance now", "unknown_command", json!({ "name": "dance" })),
        ("/nick", "usage", json!({ "usage": "/nick NAME" })),
        ("/times often", "usage", json!({ "usage": "/times on|off" })),
        (
            "/delete what",
            "usage",
            json!({ "usage": "/delete [NUMBER|ID]" }),
        ),
        ("/nick a b", "bad_nickname", json!({})),
        ("/join #", "bad_room_name", json!({})),
        (
            "/nick admin",
            "nickname_reserved",
            json!({ "name": "admin" }),
        ),
        (
            "/nick BOB",
            "nickname_taken",
            json!({ "name": "BOB", "free": "BOB2" }),
        ),
        (
            "/join 1obby",
            "room_name_taken",
            json!({ "room": "1obby", "like": "lobby" }),
        ),
        (
            "/watch 1obby",
            "room_name_taken",
            json!({ "room": "1obby", "like": "lobby" }),
        ),
        ("/msg zoe hi", "no_such_member", json!({ "name": "zoe" })),
        ("/ignore zoe", "no_such_member", json!({ "name": "zoe" })),
        ("/who tea", "no_such_room", json!({ "room": "tea" })),
        ("/part tea", "no_such_room", json!({ "room": "tea" })),
        (
            &format!("/topic {long}"),
            "topic_too_long",
            json!({ "limit": 200 }),
        ),
        ("/kick bob", "operators_only", json!({ "name": "kick" })),
        ("/ignore ann", "oneself", json!({})),
        ("/unignore bob", "not_ignored", json!({ "name": "bob" })),
        ("/part", "last_room", json!({ "room": "lobby" })),
        ("/delete", "nothing_to_delete", json!({})),
        (&format!("/delete {id}"), "not_yours", json!({ "name": id })),
        (
            &format!("/delete {}", id.to_uppercase()),
            "not_yours",
            json!({ "name": id }),
        ),
        ("/delete 0", "no_such_message", json!({ "name": "0" })),
        (
            "/delete 00000000000000000000000000000000",
            "no_such_message",
            json!({ "name": "00000000000000000000000000000000" }),
        ),
        (
            "/history before noon",
            "bad_place",
            json!({ "name": "noon" }),
        ),
    ] {
        refused(&mut ann, line, code, &fields);
    }
    ann.answer("/watch tea", "watching");
    refused(
        &mut ann,
        "/watch go",
        "too_many_own_rooms",
        &json!({ "limit": 2 }),
    );
    refused(
        &mut bob,
        "/part tea",
        "not_in_room",
        &json!({ "room": "tea" }),
    );
    bob.answer("/watch go", "watching");
    bob.answer("/part lobby", "entered");
    refused(
        &mut ann,
        "/join chess",
        "too_many_rooms",
        &json!({ "limit": 3 }),
    );
}

#[test]
fn a_full_room_is_refused() {
    let (_server, web) = start(&["--max-room-members", "2"]);
    let mut ann = Json::join(web);
    ann.answer("/join tea", "entered");
    let mut bob = Json::join(web);
    bob.answer("/join tea", "entered");
    let mut carol = Json::join(web);
    let full = json!({ "room": "tea", "limit": 2 });
    refused(&mut carol, "/join tea", "room_full", &full);
    refused(&mut carol, "/watch tea", "room_full", &full);
    let _dave = Json::join(web);
    let full = json!({ "room": "lobby", "limit": 2 });
    refused(&mut ann, "/part", "room_full", &full);
}

/// Nobody at the web door is an operator, not even who comes through a socket file of the server's
/// own user: that is a proxy.
#[test]
fn nobody_gives_orders_here() {
    let folder = Folder::new();
    let web = folder.text("web.sock");
    let _server = Server::with(&["--web", &web]);
    let mut ann = Json::connect_to(&web).greeted();
    for word in [
        "kick",
        "ban",
        "unban",
        "mute",
        "unmute",
        "announce",
        "limits",
        "connections",
        "shutdown",
    ] {
        let name = json!({ "name": word });
        refused(&mut ann, &format!("/{word} x"), "operators_only", &name);
    }
}
