//! A session that goes on after a cut: nothing is lost, and nothing is said twice.

use super::*;

/// What a client knows of a room that it heard.
fn heard(room: &str, epoch: &Value, last: &Value) -> Value {
    json!({ "room": room, "epoch": epoch, "last": last })
}

impl Json {
    /// Goes on with a session. What comes until that is done.
    fn resume(&mut self, token: &str, rooms: &[Value]) -> Vec<Value> {
        self.asked += 1;
        let object = json!({
            "kind": "resume", "token": token, "rooms": rooms, "ref": self.asked,
        });
        self.send(object.to_string());
        let mut came = self.until_done(&json!(self.asked));
        // Of who it was first it may still be told.
        let greeting = ["hello", "token", "welcome", "history"];
        while came
            .first()
            .is_some_and(|object| greeting.contains(&text_of(&object["kind"])))
        {
            came.remove(0);
        }
        came
    }

    /// Says a line that it knows by an id of its own. What came until it was done.
    fn say_as(&mut self, client_id: &str, line: &str) -> Vec<Value> {
        self.asked += 1;
        let object = json!({
            "kind": "line", "text": line, "client_id": client_id, "ref": self.asked,
        });
        self.send(object.to_string());
        self.until_done(&json!(self.asked))
    }
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let of_kind = objects.iter().filter(|object| object["kind"] == kind);
    of_kind.collect()
}

fn only<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let found = of_kind(objects, kind);
    assert_eq!(found.len(), 1, "{kind}: {objects:#?}");
    found[0]
}

#[test]
fn who_comes_back_has_its_name_its_rooms_and_exactly_what_it_has_missed() {
    let (_server, web) = start(&[]);
    let mut ann = Json::join(web);
    let mut bob = Json::join(web);
    ann.ask("/nick ann");
    let tea = ann.answer("/join tea", "entered");
    let lobby = ann.answer("/watch lobby", "watching");
    bob.ask("/watch tea");
    let own = ann.say_as("a-1", "before the cut");
    let own = only(&own, "message");
    assert_eq!(own["client_id"], "a-1");
    assert!(bob.find(|object| object["text"] == "before the cut")["client_id"].is_null());
    let token = ann.token.clone();
    drop(ann);
    bob.find(|object| {
        object["kind"] == "presence" && object["room"] == "tea" && object["left_count"] == 1
    });
    bob.ask("in the lobby");
    bob.ask("/join tea");
    bob.ask("in tea");
    bob.ask("/topic milk");
    bob.ask("oops");
    bob.ask("/delete");

    let mut ann = Json::connect(web);
    let rooms = [
        heard("tea", &tea["epoch"], &own["number"]),
        heard("lobby", &lobby["epoch"], &lobby["last"]),
        heard("nowhere", &lobby["epoch"], &lobby["last"]),
    ];
    let came = ann.resume(&token, &rooms);
    let returned = only(&came, "returned");
    assert_eq!(returned["nick"], "ann");
    assert_eq!(returned["room"], "tea");
    assert_eq!(returned["topic"], "milk");
    assert_eq!(returned["watched"], json!(["lobby"]));
    has_fields(returned, "nick origin room others topic watched text");
    let backlogs = of_kind(&came, "backlog");
    assert_eq!(backlogs.len(), 2, "{came:#?}");
    has_fields(backlogs[0], "room complete epoch last more events");
    let events = backlogs[0]["events"].as_array().expect("a list");
    let kinds: Vec<&str> = events.iter().map(|event| text_of(&event["kind"])).collect();
    assert_eq!(kinds, ["message", "topic", "redaction"]);
    assert_eq!(events[0]["text"], "in tea");
    assert_eq!(events[0]["previous"], own["number"]);
    assert_eq!(backlogs[0]["last"], events[2]["number"]);
    let events = backlogs[1]["events"].as_array().expect("a list");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["text"], "in the lobby");
    assert!(backlogs.iter().all(|backlog| backlog["complete"] == true));
    assert_eq!(only(&came, "token")["token"], *token);
    // It hears on from there.
    bob.say("on we go");
    let on = ann.find(|object| object["text"] == "on we go");
    assert_eq!(on["previous"], backlogs[0]["last"]);
    // And can do it again, from where it is now, as often as it has to.
    drop(ann);
    let mut ann = Json::connect(web);
    let came = ann.resume(&token, &[heard("tea", &tea["epoch"], &on["number"])]);
    assert_eq!(only(&came, "returned")["nick"], "ann");
    assert_eq!(only(&came, "backlog")["events"], json!([]));
}

#[test]
fn a_connection_that_is_still_there_is_ended_and_nobody_hears_of_it() {
    let (_server, web) = start(&[]);
    let mut old = Json::join(web);
    old.ask("/nick ann");
    let mut bob = Json::join(web);
    bob.ask("hello");
    let joined = old.find(|object| object["text"] == "hello");
    let token = old.token.clone();
    let mut new = Json::connect(web);
    let came = new.resume(&token, &[]);
    assert_eq!(only(&came, "returned")["nick"], "ann");
    let (last, code, _) = old.end();
    let last = last.last().expect("a last word");
    assert_eq!(
        (&last["kind"], &last["code"]),
        (&json!("disconnected"), &json!("resumed"))
    );
    assert_eq!(code, 1008);
    let members = bob.answer("/who", "members");
    assert_eq!(members["nicks"], json!(["ann", bob.nick]));
    let said = new.ask("it is still me");
    assert_eq!(only(&said, "message")["nick"], "ann");
    let said = bob.find(|object| object["text"] == "it is still me");
    assert_eq!(said["previous"], joined["number"]);
    let presence = bob
        .objects
        .iter()
        .any(|object| object["kind"] == "presence");
    assert!(!presence, "nobody came or went");
}

#[test]
fn what_is_said_again_with_its_id_is_not_heard_again() {
    let (_server, web) = start(&[]);
    let mut ann = Json::join(web);
    let mut bob = Json::join(web);
    let said = ann.say_as("x", "once");
    let place = only(&said, "message").clone();
    let again = ann.say_as("x", "once");
    let again = only(&again, "committed");
    has_fields(again, "room id number previous time client_id text");
    for field in ["room", "id", "number", "previous", "time"] {
        assert_eq!(again[field], place[field], "{field}");
    }
    // So it is after a cut, in the session that goes on.
    let token = ann.token.clone();
    drop(ann);
    let mut ann = Json::connect(web);
    ann.resume(&token, &[]);
    let again = ann.say_as("x", "once");
    assert_eq!(only(&again, "committed")["id"], place["id"]);
    let new = ann.say_as("y", "and then");
    assert_eq!(only(&new, "message")["previous"], place["number"]);
    bob.find(|object| object["text"] == "once");
    let next = bob.find(|object| object["kind"] == "message");
    assert_eq!(next["text"], "and then");
    // Another's ids are none of its business.
    assert_eq!(only(&bob.say_as("x", "mine"), "message")["text"], "mine");
}

#[test]
fn ones_own_messages_come_back_with_their_ids() {
    let (_server, web) = start(&[]);
    let mut ann = Json::join(web);
    let welcome = ann.answer("/join tea", "entered");
    ann.say_as("x", "one");
    ann.ask("two");
    ann.say_as("z", "/me waves");
    let token = ann.token.clone();
    drop(ann);
    let mut ann = Json::connect(web);
    let came = ann.resume(&token, &[heard("tea", &welcome["epoch"], &welcome["last"])]);
    let events = only(&came, "backlog")["events"].as_array().expect("a list");
    let ids: Vec<&Value> = events.iter().map(|event| &event["client_id"]).collect();
    assert_eq!(ids, [&json!("x"), &Value::Null, &json!("z")]);
}

#[test]
fn what_is_not_remembered_any_more_is_to_be_started_anew() {
    let (_server, web) = start(&["--history", "3"]);
    let mut ann = Json::join(web);
    let mut bob = Json::join(web);
    let first = only(&ann.ask("first"), "message").clone();
    let token = ann.token.clone();
    drop(ann);
    for line in ["one", "two", "three"] {
        bob.ask(line);
    }
    let welcome = Json::connect(web).find(|object| object["kind"] == "welcome");
    let back = |token: &str, epoch: &Value, last: &Value| {
        let mut ann = Json::connect(web);
        let came = ann.resume(token, &[heard("lobby", epoch, last)]);
        let token = text_of(&only(&came, "token")["token"]).to_owned();
        (only(&came, "backlog").clone(), token)
    };
    let (all, token) = back(&token, &welcome["epoch"], &first["number"]);
    assert_eq!(
        (&all["complete"], all["events"].as_array().map(Vec::len)),
        (&json!(true), Some(3))
    );
    bob.ask("four");
    let (lost, token) = back(&token, &welcome["epoch"], &first["number"]);
    assert_eq!(
        (&lost["complete"], &lost["events"]),
        (&json!(false), &json!([]))
    );
    let (other, token) = back(&token, &json!("00000000000000ff"), &lost["last"]);
    assert_eq!(
        (&other["complete"], &other["events"]),
        (&json!(false), &json!([]))
    );
    let (ahead, _) = back(&token, &welcome["epoch"], &json!(1_u64 << 40));
    assert_eq!(ahead["complete"], false);
}

#[test]
fn who_has_quit_or_was_sent_away_cannot_come_back() {
    let (_server, web, folder) = operated(&[]);
    let mut operator = operator(&folder);
    for how in ["/quit", "/kick"] {
        let mut ann = Json::join(web);
        let token = ann.token.clone();
        match how {
            "/quit" => ann.say("/quit"),
            _ => operator.say(&format!("/kick {}", ann.nick)),
        }
        ann.end();
        let mut again = Json::connect(web);
        let came = again.resume(&token, &[]);
        let refused = only(&came, "refused");
        assert_eq!(refused["code"], "cannot_resume", "{how}");
    }
}

#[test]
fn a_name_that_another_has_by_now_is_lost() {
    let (_server, web) = start(&[]);
    let mut ann = Json::join(web);
    ann.ask("/nick ann");
    let mut bob = Json::join(web);
    bob.ask("hello");
    let token = ann.token.clone();
    drop(ann);
    bob.find(|object| object["kind"] == "presence" && object["left_count"] == 1);
    bob.answer("/nick ann", "renamed");
    let mut ann = Json::connect(web);
    let came = ann.resume(&token, &[]);
    assert_eq!(only(&came, "refused")["code"], "nickname_taken");
    let nick = text_of(&only(&came, "returned")["nick"]);
    assert!(nick.starts_with("guest"), "{nick}");
}

#[test]
fn without_time_for_it_nobody_gets_a_token() {
    let (_server, web) = start(&["--resume-time", "0"]);
    let mut ann = Json::join(web);
    assert_eq!(ann.token, "");
    let came = ann.resume(&"0".repeat(32), &[]);
    assert_eq!(only(&came, "refused")["code"], "cannot_resume");
}

#[test]
fn what_is_no_request_to_come_back_is_not_understood() {
    let (_server, web) = start(&[]);
    let mut ann = Json::join(web);
    let own = ann.token.clone();
    let long = "x".repeat(41);
    for object in [
        json!({ "kind": "resume" }),
        json!({ "kind": "resume", "token": 7 }),
        json!({ "kind": "resume", "token": "no digits" }),
        json!({ "kind": "resume", "token": own, "rooms": "tea" }),
        json!({ "kind": "resume", "token": own, "rooms": [{ "room": "tea" }] }),
        json!({ "kind": "resume", "token": own, "rooms": vec![json!({}); 101] }),
        json!({ "kind": "line", "text": "hi", "client_id": 7 }),
        json!({ "kind": "line", "text": "hi", "client_id": long }),
        json!({ "kind": "line", "text": "a\nb", "client_id": "x" }),
    ] {
        ann.send(object.to_string());
        let refused = ann.heard();
        assert_eq!(refused["code"], "not_understood", "{object}");
    }
    // Nobody goes on with the session that it has.
    let came = ann.resume(&own, &[]);
    assert_eq!(only(&came, "refused")["code"], "cannot_resume");
    assert_eq!(only(&ann.ask("here"), "message")["text"], "here");
}

/// Catches: an answer so large that its reader is disconnected for it, each time it comes back.
#[test]
fn more_than_may_wait_for_it_is_not_told() {
    let (_server, web) = start(&["--outbox-hard", "65536"]);
    let mut ann = Json::join(web);
    let mut bob = Json::join(web);
    bob.ask("hello");
    let welcome = ann.find(|object| object["text"] == "hello");
    let epoch = bob.answer("/join tea", "entered");
    let lobby = ann.answer("/watch tea", "watching");
    let token = ann.token.clone();
    drop(ann);
    let long = "x".repeat(400);
    for _ in 0..40 {
        bob.ask(&long);
    }
    bob.ask("/join lobby");
    for _ in 0..60 {
        bob.ask(&long);
    }
    let mut ann = Json::connect(web);
    let tea = heard("tea", &epoch["epoch"], &lobby["last"]);
    let last = &welcome["number"];
    let lobby = Json::connect(web).find(|object| object["kind"] == "welcome")["epoch"].clone();
    let came = ann.resume(&token, &[tea, heard("lobby", &lobby, last)]);
    let complete: Vec<&Value> = of_kind(&came, "backlog")
        .iter()
        .filter(|backlog| backlog["more"] == false)
        .map(|backlog| &backlog["complete"])
        .collect();
    assert_eq!(complete, [true, false], "one fits, both do not");
    assert_eq!(only(&ann.ask("here"), "message")["text"], "here");
}
