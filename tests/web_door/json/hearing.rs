//! What a client hears: fields of every kind.

use super::*;

/// The time must not be of another century than the one of whoever runs this.
#[track_caller]
fn is_now(time: &Value) {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = since.expect("it is later than 1970").as_secs();
    let time = time.as_u64().expect("milliseconds") / 1000;
    assert!(time.abs_diff(now) < 3600, "{time} {now}");
}

#[test]
fn a_session_begins_with_hello_a_board_and_a_welcome() {
    let (server, web) = start(&["--flood", "7:9", "--max-line", "2000"]);
    let mut ann = Json::connect(web);
    let hello = ann.object();
    has_fields(&hello, "protocol server time limits");
    assert_eq!(hello["kind"], "hello");
    assert_eq!(hello["protocol"], SUBPROTOCOL);
    assert!(text_of(&hello["server"]).starts_with("loopchat/"));
    is_now(&hello["time"]);
    assert_eq!(
        hello["limits"],
        json!({
            "line_bytes": 2000,
            "message_bytes": 65536,
            "flood": { "lines_per_second": 7, "burst": 9 },
            "rooms": 1000,
            "rooms_per_member": 20,
            "room_members": 20_000,
            "nickname": 24,
            "room_name": 32,
            "topic": 200,
            "reason": 200,
            "history": 200,
            "replay": 10,
            "client_ids": 64,
        })
    );
    let token = ann.object();
    has_fields(&token, "token seconds");
    assert_eq!(
        (&token["kind"], &token["seconds"]),
        (&json!("token"), &json!(300))
    );
    let welcome = ann.object();
    assert_eq!(ann.boards.len(), 1, "it came before the welcome");
    let lobby = json!({ "name": "lobby", "members": 1, "said": 0 });
    assert_eq!(ann.boards[0], json!({ "kind": "board", "rooms": [lobby] }));
    has_fields(&welcome, "nick origin room others topic epoch last text");
    is_hexadecimal(&welcome["epoch"]);
    is_hexadecimal(&welcome["origin"]);
    assert_eq!(welcome["nick"], "guest1");
    assert_eq!(welcome["room"], "lobby");
    assert_eq!(welcome["others"], 0);
    assert_eq!(welcome["topic"], Value::Null);
    let text = "Welcome to loopchat, guest1. You are in #lobby with 0 others.";
    assert_eq!(welcome["text"], text);
    // Of what was said, and of the topic, the next one hears.
    let mut nc = server.join();
    nc.say("/nick nora");
    nc.say("/topic at five");
    nc.say("milk?");
    nc.say("/me pours");
    nc.sync();
    let mut bob = Json::connect(web);
    assert_eq!(bob.object()["limits"], hello["limits"]);
    assert_eq!(bob.object()["kind"], "token");
    assert_eq!(bob.object()["topic"], "at five");
    let history = bob.object();
    has_fields(&history, "room complete next messages");
    assert_eq!(history["kind"], "history");
    assert_eq!(history["room"], "lobby");
    assert_eq!(history["complete"], true);
    let messages = history["messages"].as_array().expect("a list");
    let said: Vec<_> = messages
        .iter()
        .map(|said| (text_of(&said["kind"]), text_of(&said["text"])))
        .collect();
    assert_eq!(said, [("message", "milk?"), ("action", "pours")]);
    for message in messages {
        has_fields(
            message,
            "room id number previous time nick account origin text",
        );
        assert_eq!(message["nick"], "nora");
        assert_eq!(message["origin"], welcome["origin"], "the same address");
    }
    // Without limits there are none.
    let (_other, web) = start(&[]);
    assert_eq!(Json::connect(web).object()["limits"]["flood"], Value::Null);
}

#[test]
fn a_message_is_the_same_for_everyone_and_its_author_hears_it_before_it_is_done() {
    let (server, web) = start(&[]);
    let (mut ann, mut bob) = (Json::join(web), Json::join(web));
    ann.ask("/nick ann");
    let mut nc = server.join();
    let mut last = 0;
    for (line, kind, text, shown) in [
        ("hello", "message", "hello", "ann: hello"),
        ("/me waves", "action", "waves", "** ann waves"),
        (
            "//etc \"x\" \\",
            "message",
            "/etc \"x\" \\",
            "ann: /etc \"x\" \\",
        ),
        (
            "\u{1b}[31mred\ttab",
            "message",
            "[31mred tab",
            "ann: [31mred tab",
        ),
        (
            "<b>{\u{1F600}}",
            "message",
            "<b>{\u{1F600}}",
            "ann: <b>{\u{1F600}}",
        ),
    ] {
        let own = ann.answer(line, kind);
        has_fields(
            &own,
            "room id number previous time nick account origin text",
        );
        assert_eq!(own["text"], text);
        assert_eq!(own["nick"], "ann");
        assert_eq!(own["account"], Value::Null);
        assert_eq!(own["origin"], ann.origin);
        assert_eq!(own["room"], "lobby");
        assert!(text_of(&own["id"]).len() > 16, "{own}");
        is_now(&own["time"]);
        let number = own["number"].as_u64().expect("a number");
        assert!(number > last);
        last = number;
        assert_eq!(bob.expect(kind), own);
        nc.expect(shown);
    }
    nc.say("from nc");
    let heard = ann.expect("message");
    assert_eq!(heard["nick"], nc.name);
    assert_eq!(bob.expect("message"), heard);
    assert!(heard["number"].as_u64() > Some(last));
}

#[test]
fn a_private_message_is_heard_by_both_and_by_nobody_else() {
    let (server, web) = start(&[]);
    let [mut ann, mut bob, mut carol] = [(); 3].map(|()| Json::join(web));
    let (from, to) = (ann.nick.clone(), bob.nick.clone());
    let own = ann.answer(&format!("/msg {} psst", to.to_uppercase()), "private");
    has_fields(
        &own,
        "to epoch id number previous time nick account origin text",
    );
    is_now(&own["time"]);
    assert_eq!([&own["nick"], &own["to"]], [&json!(from), &json!(to)]);
    assert_eq!(own["text"], "psst");
    assert_eq!(bob.expect("private"), own);
    // To oneself: once.
    ann.answer(&format!("/msg {from} note"), "private");
    let mut nc = server.join();
    nc.say(&format!("/msg {from} from nc"));
    assert_eq!(ann.expect("private")["text"], "from nc");
    nc.say("and now all");
    let said = carol.find(|object| ["private", "message"].contains(&text_of(&object["kind"])));
    assert_eq!(said["text"], "and now all");
}

/// Somebody who comes with a name: no second passes in between, after which it would be told that
/// somebody has come, and of the name later.
fn comes_as(name: &str, server: &Server) -> Client {
    server.freeze();
    let mut nc = Client::connect(&server.address);
    nc.say(&format!("/nick {name}"));
    server.thaw();
    nc.expect(&format!("* You are now {name}."));
    nc
}

#[test]
fn who_comes_and_goes_is_told_with_counts_and_reasons() {
    let (server, web, folder) = operated(&[]);
    let mut op = operator(&folder);
    let mut ann = Json::join(web);
    ann.ask("/nick ann");
    // Nothing of those two is still to be told.
    op.expect_line(|line| line.starts_with("* ") && line.contains("ann"));
    ann.ask("/who");
    let mut nc = comes_as("bob", &server);
    let joined = ann.find(|object| object["joined_count"] == 1);
    has_fields(
        &joined,
        "room time joined joined_count left left_count renamed renamed_count",
    );
    is_now(&joined["time"]);
    assert_eq!(joined["room"], "lobby");
    has_fields_of_person(&joined["joined"][0], "");
    assert_eq!(joined["joined"][0]["nick"], "bob");
    assert_eq!(
        (&joined["left"], &joined["renamed"]),
        (&json!([]), &json!([]))
    );
    nc.say("/nick bobby");
    let renamed = ann.find(|object| object["renamed_count"] == 1);
    has_fields_of_person(&renamed["renamed"][0], "before");
    assert_eq!(renamed["renamed"][0]["nick"], "bobby");
    assert_eq!(renamed["renamed"][0]["before"], "bob");
    nc.say("/join tea");
    let left = ann.find(|object| object["left_count"] == 1);
    has_fields_of_person(&left["left"][0], "reason text");
    assert_eq!(left["left"][0]["nick"], "bobby");
    assert_eq!(left["left"][0]["reason"], "parted");
    assert_eq!(left["left"][0]["text"], Value::Null);
    for (reason, end) in [("quit", "/quit"), ("lost", "")] {
        let mut nc = comes_as("zoe", &server);
        ann.find(|object| object["joined_count"] == 1);
        match end {
            "" => nc.reset(),
            line => nc.say(line),
        }
        let left = ann.find(|object| object["left_count"] == 1);
        assert_eq!(left["left"][0]["reason"], reason);
    }
    for (order, reason, text) in [
        ("/kick zoe", "kicked", Value::Null),
        ("/kick zoe be nice", "kicked", json!("be nice")),
        ("/ban uid:4000000 1m", "", Value::Null),
    ] {
        if reason.is_empty() {
            op.say(order); // it hits nobody
            continue;
        }
        let mut nc = server.join();
        nc.say("/nick zoe");
        nc.expect("* You are now zoe.");
        op.say(order);
        let left = ann.find(|object| object["left_count"] == 1);
        has_fields_of_person(&left["left"][0], "reason text");
        assert_eq!(left["left"][0]["nick"], "zoe");
        assert_eq!(left["left"][0]["reason"], reason);
        assert_eq!(left["left"][0]["text"], text);
    }
}

#[track_caller]
fn has_fields_of_person(person: &Value, more: &str) {
    let mut wanted: Vec<&str> = more.split(' ').filter(|name| !name.is_empty()).collect();
    wanted.extend(["nick", "account", "origin"]);
    wanted.sort_unstable();
    assert_eq!(keys(person), wanted);
    is_hexadecimal(&person["origin"]);
}

/// Twenty are named of each kind, and all are counted.
#[test]
fn a_crowd_is_named_in_part_and_counted() {
    let (server, web) = start(&[]);
    let mut ann = Json::join(web);
    ann.ask("/who"); // so that she is no newcomer herself
    server.freeze();
    let crowd: Vec<Client> = (0..60)
        .map(|_| {
            let mut nc = Client::connect(&server.address);
            nc.say("/who");
            nc
        })
        .collect();
    server.thaw();
    let (mut count, mut largest) = (0, 0);
    while count < crowd.len() as u64 {
        let joined = ann.find(|object| object["joined_count"] != 0);
        let many = joined["joined_count"].as_u64().expect("a number");
        let named = joined["joined"].as_array().expect("a list").len() as u64;
        assert_eq!(named, many.min(20));
        largest = largest.max(many);
        count += many;
    }
    assert_eq!(count, crowd.len() as u64);
    assert!(largest > 20, "the test has seen no crowd");
}

#[test]
fn announcements_topics_and_mutes_have_their_kinds() {
    let (_server, web, folder) = operated(&[]);
    let mut op = operator(&folder);
    let (mut ann, mut bob) = (Json::join(web), Json::join(web));
    ann.ask("/nick ann");
    op.say("/announce tea is ready");
    for one in [&mut ann, &mut bob] {
        let announcement = one.expect("announcement");
        has_fields(&announcement, "nick text");
        assert_eq!(
            announcement,
            json!({ "kind": "announcement", "nick": "op", "text": "tea is ready" })
        );
    }
    let set = ann.ask("/topic at five");
    let heard = bob.expect("topic");
    has_fields(
        &heard,
        "room id number previous time nick account origin topic",
    );
    assert_eq!(
        (&heard["nick"], &heard["topic"]),
        (&json!("ann"), &json!("at five"))
    );
    assert!(set.iter().any(|object| object == &heard), "{set:#?}");
    let topic = ann.answer("/topic", "room_topic");
    has_fields(&topic, "room topic text");
    assert_eq!(topic["topic"], "at five");
    // Within the second the others hear of it later, all of them by the same object.
    let set = ann.ask("/topic at six");
    if let Some(answer) = set.iter().find(|object| object["kind"] == "topic_set") {
        has_fields(answer, "room topic text");
        assert_eq!(answer["topic"], "at six");
    }
    let later = bob.find(|object| object["topic"] == "at six");
    assert_eq!(later["kind"], "topic");
    op.say("/mute ann 90s");
    let muted = ann.expect("muted");
    has_fields(&muted, "seconds text");
    let seconds = muted["seconds"].as_u64().expect("a number");
    assert!((1..=90).contains(&seconds), "{seconds}");
    let refused = ann.answer("hello?", "refused");
    has_fields(&refused, "code seconds text");
    assert_eq!(refused["code"], "muted");
    op.say("/unmute ann");
    has_fields(&ann.expect("unmuted"), "text");
    ann.answer("hello", "message");
}

#[test]
fn a_slow_reader_is_told_what_was_left_out() {
    let folder = Folder::new();
    let web = folder.text("web.sock");
    let server = Server::with(&["--web", &web, "--outbox-soft", "4096"]);
    let mut slow = Json::connect_to(&web).greeted();
    let mut ann = Json::connect_to(&web).greeted();
    ann.ask("/nick ann");
    let mut nc = server.join();
    let text = "x".repeat(4000);
    let mut said = 0;
    let refused = loop {
        for _ in 0..20 {
            ann.answer(&format!("{said} {text}"), "message");
            said += 1;
        }
        let answers = ann.ask(&format!("/msg {} psst", slow.nick));
        if let Some(refused) = answers.iter().find(|object| object["kind"] == "refused") {
            break refused.clone();
        }
        assert!(said < 100_000, "400 MB wait for it");
    };
    has_fields(&refused, "code name client_id text");
    assert_eq!(
        (&refused["code"], &refused["name"]),
        (&json!("not_delivered"), &json!(slow.nick))
    );
    nc.say("one more");
    ann.find(|object| object["text"] == "one more");
    said += 1;
    let (mut got, mut missed, mut number) = (0, 0, 0);
    let skipped = loop {
        let object = slow.object();
        match text_of(&object["kind"]) {
            "message" => {
                let next = object["number"].as_u64().expect("a number");
                assert!(next > number);
                number = next;
                got += 1;
            }
            "missed" => {
                has_fields(&object, "count text");
                missed += object["count"].as_u64().expect("a number");
            }
            "skipped" => {
                has_fields(&object, "count text");
                break object["count"].as_u64().expect("a number");
            }
            _ => {}
        }
    };
    assert_eq!(got + skipped, said);
    assert!(skipped > 0);
    assert_eq!(missed, 1);
    slow.ask("and on");
}
