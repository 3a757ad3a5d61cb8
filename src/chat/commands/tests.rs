use super::*;

fn usage(line: &str) -> &'static str {
    match parse(line, true) {
        Err(NoCommand::Usage(entry)) => entry.usage,
        other => panic!("{line}: {other:?}"),
    }
}

fn history<'a>(count: Option<usize>, with: Option<&'a str>) -> Command<'a> {
    Command::History {
        count,
        beside: None,
        with,
    }
}

fn page<'a>(count: Option<usize>, beside: Beside<'a>, with: Option<&'a str>) -> Command<'a> {
    Command::History {
        count,
        beside: Some(beside),
        with,
    }
}

#[test]
fn lines_become_commands() {
    for (line, command) in [
        ("hello /nick x", Command::Say("hello /nick x")),
        (" /nick x", Command::Say(" /nick x")),
        ("//etc/passwd", Command::Say("/etc/passwd")),
        ("//", Command::Say("/")),
        ("/nick alice", Command::Nick("alice")),
        ("/NiCk   two words ", Command::Nick("two words")),
        ("/join #tea", Command::Join("#tea")),
        ("/rooms now", Command::Rooms),
        ("/who", Command::Who(None)),
        ("/who tea", Command::Who(Some("tea"))),
        (
            "/msg bob  hi  there",
            Command::Msg {
                to: "bob",
                text: "hi  there",
            },
        ),
        ("/me waves", Command::Me("waves")),
        ("/topic", Command::Topic(None)),
        ("/topic tea at five", Command::Topic(Some("tea at five"))),
        ("/history", history(None, None)),
        ("/search  green tea ", Command::Search("green tea")),
        ("/history 20", history(Some(20), None)),
        ("/history @bob", history(None, Some("bob"))),
        ("/history 20 @bob", history(Some(20), Some("bob"))),
        ("/history 20@bob", history(Some(20), Some("bob"))),
        (
            "/history before 1234",
            page(None, Beside::Before("1234"), None),
        ),
        (
            "/history 20  AFTER  2026-11-30 14:00 @bob",
            page(Some(20), Beside::After("2026-11-30 14:00"), Some("bob")),
        ),
        ("/delete", Command::Delete(None)),
        ("/delete 17", Command::Delete(Some(Meant::Number(17)))),
        ("/loop", Command::Loop),
        ("/help me", Command::Help),
        ("/quit so long", Command::Quit),
    ] {
        assert_eq!(parse(line, false).ok(), Some(command), "{line}");
    }
}

#[test]
fn orders_are_read_for_operators_only() {
    let ban = |target, seconds, reason| Order::Ban {
        target,
        seconds,
        reason,
    };
    let mute = |nick, seconds| Order::Mute { nick, seconds };
    for (line, order) in [
        ("/ban", Order::Bans),
        ("/ban bob", ban("bob", None, None)),
        ("/ban ::1 30", ban("::1", Some(1800), None)),
        (
            "/BAN bob 30  too loud",
            ban("bob", Some(1800), Some("too loud")),
        ),
        (
            "/ban bob the 2nd time",
            ban("bob", None, Some("the 2nd time")),
        ),
        ("/ban bob 90s", ban("bob", Some(90), None)),
        ("/ban bob 30m x", ban("bob", Some(1800), Some("x"))),
        ("/ban 10.0.0.0/8 2h", ban("10.0.0.0/8", Some(7200), None)),
        ("/ban bob 7d", ban("bob", Some(604_800), None)),
        ("/ban bob 1W", ban("bob", Some(604_800), None)),
        ("/ban bob 1d12h", ban("bob", Some(129_600), None)),
        ("/mute", Order::Mutes),
        ("/mute bob", mute("bob", None)),
        ("/mute bob 5", mute("bob", Some(300))),
        ("/unmute uid:7", Order::Unmute("uid:7")),
        ("/shutdown", Order::Shutdown),
    ] {
        let read = parse(line, true).ok();
        assert_eq!(read, Some(Command::Order(order)), "{line}");
        assert!(matches!(
            parse(line, false),
            Err(NoCommand::OperatorsOnly(_))
        ));
    }
    for (line, wanted) in [
        ("/kick", "/kick NICK [REASON]"),
        ("/ban bob 0", "/ban [NICK|ADDRESS [TIME] [REASON]]"),
        ("/ban bob 0h", "/ban [NICK|ADDRESS [TIME] [REASON]]"),
        ("/ban bob 999999999", "/ban [NICK|ADDRESS [TIME] [REASON]]"),
        (
            "/ban bob 99999999999w",
            "/ban [NICK|ADDRESS [TIME] [REASON]]",
        ),
        ("/ban bob 7x spam", "/ban [NICK|ADDRESS [TIME] [REASON]]"),
        ("/ban bob 7é", "/ban [NICK|ADDRESS [TIME] [REASON]]"),
        ("/ban bob 2nd time", "/ban [NICK|ADDRESS [TIME] [REASON]]"),
        ("/ban bob 1h30", "/ban [NICK|ADDRESS [TIME] [REASON]]"),
        ("/mute bob loud", "/mute [NICK [TIME]]"),
        ("/unban", "/unban NICK|ADDRESS"),
    ] {
        assert_eq!(usage(line), wanted);
    }
}

#[test]
fn what_is_missing_is_asked_for() {
    assert_eq!(usage("/nick"), "/nick NAME");
    assert_eq!(usage("/join   "), "/join ROOM");
    assert_eq!(usage("/msg"), "/msg NICK TEXT");
    assert_eq!(usage("/msg bob "), "/msg NICK TEXT");
    assert_eq!(usage("/me"), "/me ACTION");
    for count in [
        "0",
        "-1",
        "many",
        "1 2",
        "99999999999999999999999",
        "@",
        "@bob 5",
        "0 @bob",
        "before",
        "before @bob",
        "0 before 5",
        "many after 5",
        "beforehand 5",
        "20 since 5",
    ] {
        let wanted = "/history [N] [before|after WHEN] [@NICK]";
        assert_eq!(usage(&format!("/history {count}")), wanted);
    }
}

#[test]
fn unknown_words_are_given_back() {
    for (line, word) in [("/nickname x", "nickname"), ("/", ""), ("/ nick", "")] {
        assert!(matches!(parse(line, true), Err(NoCommand::Unknown(w)) if w == word));
    }
}

#[test]
fn the_table_is_consistent() {
    for entry in COMMANDS.iter().chain(ORDERS) {
        let typed = entry.usage.split(' ').next();
        assert_eq!(typed, Some(format!("/{}", entry.word).as_str()));
    }
}
