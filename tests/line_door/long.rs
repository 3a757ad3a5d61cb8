//! Long lines, and a lot of them.

use super::*;

#[test]
fn a_line_has_as_many_bytes_as_it_may_have() {
    let (_server, mut alice, mut bob) = two();
    let most = "x".repeat(4096);
    for end in ["\n", "\r\n", "\r\0"] {
        alice.send(format!("{most}{end}"));
    }
    let wide = "é".repeat(2048);
    alice.say(&wide);
    assert_eq!(messages(alice.sync()), [""; 0]);
    assert_eq!(
        messages(bob.sync()),
        [&most, &most, &most, &wide].map(|line| format!("guest1: {line}"))
    );
    for long in [format!("{most}x"), format!("{wide}x"), most.repeat(10)] {
        alice.say(&long);
        let answer = alice.sync();
        assert_eq!(
            answer,
            ["! That line was not sent: it is longer than 4096 bytes."]
        );
        alice.say("still here");
        assert_eq!(heard(&mut alice, &mut bob), ["guest1: still here"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_line_without_end_is_refused_once_and_costs_no_memory() {
    const ENDLESS: usize = 50 * 1024 * 1024;
    let resident = |server: &Server| -> usize {
        let status = server.proc("status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    let (server, mut alice, mut bob) = two();
    let before = resident(&server);
    let piece = vec![b'x'; 1024 * 1024];
    let mut most = before;
    for _ in 0..ENDLESS / piece.len() {
        alice.send(&piece);
        most = most.max(resident(&server));
    }
    // The others are served meanwhile.
    bob.sync();
    alice.say("and its end");
    let answers = alice.sync();
    most = most.max(resident(&server));
    let refusals = answers.iter().filter(|line| line.starts_with("! ")).count();
    assert_eq!(refusals, 1, "{answers:#?}");
    assert_eq!(messages(bob.sync()), [""; 0]);
    assert!(
        most < before + 4 * 1024,
        "{before} KiB became {most} KiB of 51200"
    );
    alice.say("still here");
    assert_eq!(heard(&mut alice, &mut bob), ["guest1: still here"]);
}

/// The most memory the server has had, in KiB.
#[cfg(target_os = "linux")]
fn peak(server: &Server) -> u64 {
    let status = server.proc("status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

/// Catches: answers that pile up for someone who asks for more than it reads.
#[test]
#[cfg(target_os = "linux")]
fn whoever_does_not_read_its_answers_is_asked_no_more_questions() {
    let (server, mut alice, mut bob) = two();
    let said: String = (0..200)
        .map(|n| format!("{n:03} {}\n", "h".repeat(300)))
        .collect();
    alice.send(said);
    bob.messages(200);
    let before = peak(&server);
    bob.send("/history 200\n".repeat(256));
    alice.sync();
    let after = peak(&server);
    assert!(
        after < before + 4 * 1024,
        "{before} KiB became {after} KiB of 15600"
    );
    // All of it comes once it reads.
    bob.send("/who nowhere-at-all\n");
    let (lines, _) = bob.lines_until(|line| line.contains("nowhere-at-all"));
    let answers = lines
        .iter()
        .filter(|line| line.starts_with("* The last 200 messages"));
    assert_eq!(answers.count(), 256);
    assert_eq!(messages(lines).len(), 256 * 200);
}

#[test]
fn a_paste_arrives_whole_and_in_order() {
    let (_server, mut alice, mut bob) = two();
    let lines: Vec<String> = (0..1024)
        .map(|n| format!("{n:04} {}", "p".repeat(1018)))
        .collect();
    let paste = lines.join("\n") + "\n";
    assert_eq!(paste.len(), 1024 * 1024);
    // One write of it, which blocks until the server has read most of it.
    let (mut alice, said) = thread::scope(|scope| {
        let author = scope.spawn(move || {
            alice.send(paste);
            alice
        });
        let said = bob.messages(lines.len());
        (author.join().unwrap(), said)
    });
    let expected: Vec<String> = lines.iter().map(|line| format!("guest1: {line}")).collect();
    assert!(said == expected, "it is not what was pasted");
    assert_eq!(heard(&mut alice, &mut bob), [""; 0], "nothing twice");
}

#[test]
fn a_paste_does_not_hold_up_the_others() {
    const PASTE: usize = 3000;
    let (server, mut alice, mut bob) = two();
    // Both are there when the server looks, the paste first, and all of it fits into one read.
    server.freeze();
    let paste: String = (1..=PASTE).map(|n| format!("{n}\n")).collect();
    alice.send(paste);
    bob.say("/topic");
    server.thaw();
    let (before, _) = bob.lines_until(|line| line == "* #lobby has no topic.");
    let before = messages(before).len();
    assert!(before < PASTE / 2, "the answer came after {before} lines");
    assert_eq!(bob.messages(PASTE - before).len(), PASTE - before);
}
