//! What a client may send, and in what order it is answered.

use super::super::support::messages;
use super::*;

fn done(reference: &Value) -> Value {
    json!({ "kind": "done", "ref": reference })
}

fn refusal_of(object: &Value) -> &str {
    assert_eq!(object["kind"], "refused", "{object}");
    text_of(&object["code"])
}

#[test]
fn a_ref_comes_back_as_it_was_given() {
    let (_server, web) = start(&[]);
    let mut ann = Json::join(web);
    let long = "x".repeat(64);
    let accents = "\u{e9}".repeat(32);
    for reference in [
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("a \"b\" \\ \u{1F600} \u{2028}\n"),
        json!(long),
        json!(accents),
    ] {
        ann.send(json!({ "kind": "line", "text": "/who", "ref": reference }).to_string());
        let before = ann.until_done(&reference);
        assert_eq!(before.len(), 1, "{before:#?}");
        ann.send(json!({ "kind": "ping", "ref": reference }).to_string());
        assert_eq!(ann.object(), json!({ "kind": "pong", "ref": reference }));
    }
    // Who gives none is not told.
    ann.send(r#"{"kind":"line","text":"/rooms","ref":null}"#);
    ann.send(r#"{"kind":"line","text":"/rooms"}"#);
    ann.send(r#"{"kind":"ping"}"#);
    assert_eq!(ann.object()["kind"], "rooms");
    assert_eq!(ann.object()["kind"], "rooms");
    assert_eq!(ann.object(), json!({ "kind": "pong", "ref": null }));
}

#[test]
fn what_is_not_understood_is_refused_and_the_session_goes_on() {
    let (_server, web) = start(&[]);
    let mut nc = Client::join(&_server.address);
    let mut ann = Json::join(web);
    let nested = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let deep = format!(r#"{{"kind":"line","text":{nested}}}"#);
    let long = format!(r#"{{"kind":"line","text":"x","ref":"{}"}}"#, "x".repeat(65));
    let accents = format!(
        r#"{{"kind":"line","text":"x","ref":"{}"}}"#,
        "\u{e9}".repeat(33)
    );
    for object in [
        "hello",
        "/who",
        "{",
        "{}",
        "[]",
        "null",
        "7",
        "\"line\"",
        r#"[{"kind":"line","text":"x"}]"#,
        r#"{"kind":null}"#,
        r#"{"kind":["line"],"text":"x"}"#,
        r#"{"kind":"LINE","text":"x"}"#,
        r#"{"kind":"message","text":"x"}"#,
        r#"{"kind":"line"}"#,
        r#"{"kind":"line","text":null}"#,
        r#"{"kind":"line","text":7}"#,
        r#"{"kind":"line","text":["x"]}"#,
        r#"{"kind":"line","text":"x","ref":true}"#,
        r#"{"kind":"line","text":"x","ref":[]}"#,
        r#"{"kind":"line","text":"x","ref":{}}"#,
        r#"{"kind":"line","text":"x","ref":1e999}"#,
        r#"{"kind":"line","text":"x",}"#,
        r#"{"kind":"line","text":"x"} {"kind":"line","text":"y"}"#,
        "{'kind':'line','text':'x'}",
        "\u{FEFF}{\"kind\":\"line\",\"text\":\"x\"}",
        "{\"kind\":\"line\",\"text\":\"a raw \u{1} sign\"}",
        r#"{"kind":"line","text":"half \ud83d of a pair"}"#,
        r#"{"kind":"line","text":"the other \ude00"}"#,
        &deep,
        &long,
        &accents,
    ] {
        ann.send(object);
        let refused = ann.heard();
        assert_eq!(refusal_of(&refused), "not_understood", "{object}");
        assert!(!text_of(&refused["text"]).is_empty());
    }
    // A field that nobody knows may hold anything.
    ann.send(format!(
        r#"{{"kind":"line","text":"heard","more":{nested}}}"#
    ));
    nc.expect(&format!("{}: heard", ann.nick));
    assert_eq!(messages(nc.sync()), [""; 0]);
}

#[test]
fn fields_that_nobody_knows_are_left_alone() {
    let (_server, web) = start(&[]);
    let (mut ann, mut bob) = (Json::join(web), Json::join(web));
    for (object, text) in [
        (
            r#"{"colour":{"is":["red"]},"kind":"line","text":"one","id":7,"time":null}"#,
            "one",
        ),
        (r#"  { "text" : "two", "kind" : "line" }  "#, "two"),
        // Of a field that is there twice the last counts.
        (
            r#"{"kind":"ping","text":"no","kind":"line","text":"three"}"#,
            "three",
        ),
        (
            r#"{"\u006bind":"line","text":"\u0066our \ud83d\ude00"}"#,
            "four \u{1F600}",
        ),
    ] {
        ann.send(object);
        assert_eq!(bob.expect("message")["text"], text, "{object}");
    }
}

#[test]
fn several_objects_a_message_are_heard_in_order() {
    let (_server, web) = start(&[]);
    let (mut ann, mut bob) = (Json::join(web), Json::join(web));
    ann.ask("/nick ann");
    let objects = [
        "",
        "   ",
        r#"{"kind":"line","text":"one","ref":1}"#,
        r#"{"kind":"ping","ref":"p"}"#,
        "no object\r",
        r#"{"kind":"line","text":"two\nthree\r\n\nfour","ref":2}"#,
        "",
        "{\"kind\":\"line\",\"text\":\"/who\",\"ref\":3}\r",
        r#"{"kind":"line","text":"five","ref":4}"#,
    ];
    ann.send(objects.join("\n"));
    let heard: Vec<Value> = std::iter::repeat_with(|| ann.heard()).take(12).collect();
    let told = heard.iter().map(|object| match text_of(&object["kind"]) {
        "message" => text_of(&object["text"]).to_owned(),
        "done" => format!("done {}", object["ref"]),
        kind => kind.to_owned(),
    });
    let told: Vec<String> = told.collect();
    assert_eq!(
        told,
        [
            "one", "done 1", "pong", "refused", "two", "three", "four", "done 2", "members",
            "done 3", "five", "done 4"
        ]
    );
    for text in ["one", "two", "three", "four", "five"] {
        assert_eq!(bob.expect("message")["text"], text);
    }
}

#[test]
fn an_object_may_come_in_fragments() {
    let (_server, web) = start(&[]);
    let mut ann = Json::join(web);
    let object = r#"{"kind":"line","text":"žluťoučký","ref":"kůň"}"#.as_bytes();
    for cut in 0..object.len() {
        let (start, rest) = object.split_at(cut);
        ann.client.send(TEXT & 0x7F, start);
        ann.client.send(PING, "between");
        ann.client.send(0x80, rest);
    }
    let mut heard = 0;
    while heard < object.len() {
        let Frame { first, payload } = ann.client.read();
        if first == TEXT {
            let text = String::from_utf8(payload).expect("text");
            let kinds = text.lines().filter(|line| line.contains(r#""done""#));
            heard += kinds.count();
            assert!(!text.contains("refused"), "{text}");
        }
    }
}

#[test]
fn a_text_of_what_cannot_be_seen_is_done_and_says_nothing() {
    let (_server, web) = start(&[]);
    let mut nc = Client::join(&_server.address);
    let mut ann = Json::join(web);
    nc.expect_line(|line| line.ends_with(" joined #lobby."));
    let lines = "\n".repeat(3000);
    for text in [
        "",
        "\n\n\n",
        "\r\n",
        "\r",
        " \t ",
        "\u{2028}\u{200B}",
        "\0\n\0",
        &lines,
    ] {
        let mut told = ann.ask(text);
        told.retain(|object| object["kind"] != "presence");
        assert_eq!(told, [json!(null); 0], "{text:.10?}");
    }
    // A line separator is a blank, and ends nothing.
    let mut said = ann.ask("one\u{2028}two\u{2029}three\u{85}four\u{B}five");
    said.retain(|object| object["kind"] != "presence");
    assert_eq!(said.len(), 1, "{said:#?}");
    let text = text_of(&said[0]["text"]);
    nc.expect(&format!("{}: {text}", ann.nick));
    assert_eq!(messages(nc.sync()), [""; 0]);
}

/// A paste is one message of many objects, which are heard no faster than others may speak.
#[test]
fn a_paste_of_objects_is_heard_in_order_under_flood_control() {
    let (_server, web) = start(&["--flood", "1000:20"]);
    let (mut ann, mut bob) = (Json::join(web), Json::join(web));
    let mut paste = String::new();
    let mut count = 0;
    loop {
        let object = json!({ "kind": "line", "text": format!("line {count}"), "ref": count });
        let object = format!("{object}\n");
        if paste.len() + object.len() > 64 * 1024 {
            break;
        }
        paste += &object;
        count += 1;
    }
    ann.send(paste);
    ann.send(json!({ "kind": "line", "text": "the last", "ref": "last" }).to_string());
    ann.send(json!({ "kind": "ping", "ref": "behind" }).to_string());
    let mut flooding = 0;
    for n in 0..count {
        let before = ann.until_done(&json!(n));
        let (notices, said): (Vec<&Value>, Vec<&Value>) = before
            .iter()
            .filter(|object| object["kind"] != "presence")
            .partition(|object| object["kind"] == "flooding");
        for notice in &notices {
            has_fields(notice, "lines_per_second text");
            assert_eq!(notice["lines_per_second"], 1000);
        }
        flooding += notices.len();
        assert_eq!(said.len(), 1, "{before:#?}");
        assert_eq!(said[0]["text"], format!("line {n}"));
        assert_eq!(bob.expect("message")["text"], format!("line {n}"));
    }
    assert_eq!(flooding, 1);
    let mut last = ann.until_done(&json!("last"));
    last.retain(|object| object["kind"] != "presence");
    assert_eq!(last.len(), 1);
    assert_eq!(ann.heard(), json!({ "kind": "pong", "ref": "behind" }));
}

/// The same of one object of many lines: it is done when the last of them is.
#[test]
fn many_lines_in_one_object_are_done_once() {
    let (_server, web) = start(&["--flood", "1000:20"]);
    let (mut ann, mut bob) = (Json::join(web), Json::join(web));
    let lines: Vec<String> = (0..1000)
        .map(|n| format!("line {n} \u{e9}\u{1F600}"))
        .collect();
    ann.say(&lines.join("\n"));
    let mut told = ann.until_done(&json!(1));
    told.retain(|object| object["kind"] == "message");
    assert_eq!(told.len(), lines.len());
    for (line, told) in lines.iter().zip(&told) {
        assert_eq!(&told["text"], line);
        assert_eq!(&bob.expect("message"), told);
    }
}

#[test]
fn a_line_that_is_too_long_is_refused_wherever_it_is_cut() {
    let (_server, web) = start(&["--max-line", "100"]);
    let (mut ann, mut bob) = (Json::join(web), Json::join(web));
    for start in 96..=101 {
        // The first byte too many is within the horse.
        let long = format!("{}\u{1F40E} and more", "x".repeat(start));
        let answers = ann.ask(&format!("before\n{long}\nafter"));
        let told: Vec<&Value> = answers
            .iter()
            .filter(|object| object["kind"] != "presence")
            .collect();
        assert_eq!(told.len(), 3, "{told:#?}");
        assert_eq!(told[0]["text"], "before");
        assert_eq!(refusal_of(told[1]), "line_too_long");
        has_fields(told[1], "code limit text");
        assert_eq!(told[1]["limit"], 100);
        assert_eq!(told[2]["text"], "after");
    }
    // Escapes are not what counts.
    let escaped = format!(
        r#"{{"kind":"line","text":"{}","ref":1}}"#,
        r"\u0078".repeat(100)
    );
    ann.send(escaped);
    assert_eq!(ann.expect("message")["text"], "x".repeat(100));
    assert_eq!(ann.heard(), done(&json!(1)));
    bob.find(|object| object["text"] == "x".repeat(100));
}

#[test]
fn who_quits_in_the_middle_is_not_heard_beyond() {
    let (_server, web) = start(&[]);
    let mut bob = Json::join(web);
    let mut ann = Json::join(web);
    ann.send(
        [
            r#"{"kind":"line","text":"one\n/quit\ntwo","ref":1}"#,
            r#"{"kind":"line","text":"three","ref":2}"#,
            r#"{"kind":"ping","ref":3}"#,
        ]
        .join("\n"),
    );
    let nick = ann.nick.clone();
    let (objects, code, _) = ann.end();
    let last = objects.last().expect("a last word");
    has_fields(last, "code text");
    assert_eq!(
        (&last["kind"], &last["code"]),
        (&json!("disconnected"), &json!("quit"))
    );
    assert_eq!(last["text"], format!("Bye, {nick}."));
    assert_eq!(code, 1000);
    assert_eq!(bob.expect("message")["text"], "one");
    let left = bob.find(|object| object["left_count"] == 1);
    assert_eq!(left["left"][0]["reason"], "quit");
    assert_eq!(bob.ask("/who").len(), 1, "nothing else was heard");
}

#[test]
fn what_was_said_is_read_in_pages_by_its_numbers() {
    let (_server, web) = start(&[]);
    let mut ann = Json::join(web);
    let mut said = Vec::new();
    for text in ["one", "two", "three", "four"] {
        said.push(ann.answer(text, "message"));
    }
    let number = |at: usize| said[at]["number"].as_u64().expect("a number");
    let entered = ann.answer("/join tea", "entered");
    let back = ann.answer("/join lobby", "entered");
    assert_eq!(back["last"], number(3), "{back}");
    let epoch = text_of(&back["epoch"]).to_owned();
    let mut read = |mut object: Value| {
        object["kind"] = json!("history");
        object["ref"] = json!(7);
        ann.send(object.to_string());
        let mut answers = ann.until_done(&json!(7));
        // What entering a room has brought comes before the first.
        answers.pop().expect("an answer")
    };
    for (object, texts, complete, next) in [
        (json!({}), "one two three four", true, None),
        (json!({ "limit": 2 }), "three four", false, Some(2)),
        (
            json!({ "room": "#Lobby", "limit": 1 }),
            "four",
            false,
            Some(3),
        ),
        (
            json!({ "epoch": epoch, "before": number(2), "limit": 1 }),
            "two",
            false,
            Some(1),
        ),
        (
            json!({ "epoch": epoch, "before": number(2) }),
            "one two",
            true,
            None,
        ),
        (
            json!({ "epoch": epoch, "after": number(0), "limit": 2 }),
            "two three",
            true,
            Some(2),
        ),
        (
            json!({ "epoch": epoch, "after": number(1) }),
            "three four",
            true,
            None,
        ),
    ] {
        let next = next.map(number);
        let history = read(object.clone());
        has_fields(&history, "room complete next messages");
        let messages = history["messages"].as_array().expect("a list");
        let found: Vec<&str> = messages.iter().map(|said| text_of(&said["text"])).collect();
        assert_eq!(found.join(" "), texts, "{object}");
        let seen = (&history["complete"], &history["next"]);
        assert_eq!(seen, (&json!(complete), &json!(next)), "{object}");
    }
    for (object, code) in [
        (json!({ "room": "tea" }), "no_such_room"),
        (json!({ "room": "nowhere" }), "no_such_room"),
        (json!({ "with": "nobody" }), "no_such_member"),
        (
            json!({ "epoch": entered["epoch"], "before": 9 }),
            "other_epoch",
        ),
    ] {
        assert_eq!(refusal_of(&read(object.clone())), code, "{object}");
    }
    // Of a room that one does not hear nothing is read.
    let mut bob = Json::join(web);
    bob.answer("/join chess", "entered");
    assert_eq!(refusal_of(&read(json!({ "room": "chess" }))), "not_in_room");
    bob.answer("/msg guest1 psst", "private");
    let private = read(json!({ "with": "guest2" }));
    assert_eq!(private["messages"][0]["text"], "psst", "{private}");
    assert_eq!(private["with"], "guest2");
}
