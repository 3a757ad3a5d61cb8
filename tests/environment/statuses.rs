//! With what status it ends, and what it prints where.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

use crate::support::{Process, loopchat, run, untouched};

#[test]
fn help_goes_to_standard_output_and_errors_to_standard_error() {
    for (arguments, status) in [
        (&["--help"][..], 0),
        (&["-h"], 0),
        (&["--version"], 0),
        (&["--no-such-flag"], 2),
        (&["--max-line", "many"], 2),
        (&["--expose", "secrets"], 2),
        (&["stray"], 2),
        (&["--outbox-soft", "65537", "--outbox-hard", "65536"], 2),
        (&["--outbox-hard", "65535"], 2),
        (&["--outbox-soft", "262145"], 2),
        (&["--listen", "/nowhere/at/all"], 1),
        (&["--listen", "host.invalid:1"], 1),
        (&["--listen", "127.0.0.1:0", "--web", "nothing"], 1),
    ] {
        let output = run(loopchat().args(arguments));
        assert_eq!(output.status.code(), Some(status), "{arguments:?}");
        let (told, silent) = match status {
            0 => (&output.stdout, &output.stderr),
            _ => (&output.stderr, &output.stdout),
        };
        assert!(
            !told.is_empty() && silent.is_empty(),
            "{arguments:?}: {output:?}"
        );
    }
    let help = run(loopchat().arg("--help")).stdout;
    assert!(String::from_utf8_lossy(&help).contains("The exit status is 0"));
}

#[test]
fn a_variable_that_makes_no_sense_is_as_bad_as_a_flag() {
    for (variable, value) in [
        ("LOOPCHAT_MAX_LINE", "many"),
        ("LOOPCHAT_FLOOD", "fast"),
        ("LOOPCHAT_EXPOSE", "loop,all"),
        ("LOOPCHAT_OUTBOX_HARD", "4096"),
    ] {
        let output = run(loopchat().env(variable, value));
        assert_eq!(output.status.code(), Some(2), "{variable}: {output:?}");
    }
}

#[test]
fn help_that_nobody_can_read_is_no_panic() {
    let closed = |arguments: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec \"$0\" {arguments}")]);
        shell.arg(env!("CARGO_BIN_EXE_loopchat"));
        run(untouched(&mut shell)).status.code()
    };
    assert_eq!(closed("--help >&-"), Some(0));
    assert_eq!(closed("--no-such-flag 2>&-"), Some(2));
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let status = |stdout: Stdio| {
        let mut command = loopchat();
        let command = command.arg("--help").stdin(Stdio::null()).stdout(stdout);
        Process::spawn(command).wait().code()
    };
    assert_eq!(status(writer.into()), Some(0), "`loopchat --help | head`");
    if let Ok(full) = OpenOptions::new().write(true).open("/dev/full") {
        assert_eq!(status(full.into()), Some(1));
    }
}
