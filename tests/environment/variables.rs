//! Variables as containers and service files set them.

use crate::can_chat;
use crate::support::{Folder, Server, loopchat, run};

/// The variable of each flag, as `--help` has them.
fn variables() -> Vec<String> {
    let help = run(loopchat().env_remove("LOOPCHAT_WEB").arg("--help")).stdout;
    let help = String::from_utf8(help).expect("text");
    let names = help.split("[env: ").skip(1);
    let names = names.map(|rest| rest.split('=').next().expect("a name").to_owned());
    let names: Vec<String> = names.collect();
    assert!(names.len() > 15, "{help}");
    names
}

#[test]
fn a_variable_that_is_empty_counts_as_not_given() {
    for value in ["", "  "] {
        let folder = Folder::new();
        let path = folder.text("chat.sock");
        let mut command = loopchat();
        for variable in variables() {
            command.env(variable, value);
        }
        // What is left to the default would be a port that other tests may want.
        let command = command.args(["--listen", &path, "--web", "off", "--store", "memory"]);
        let command = command.env("NOTIFY_SOCKET", "").env("WATCHDOG_USEC", "");
        let command = command.env("LISTEN_FDS", "").env("LISTEN_PID", "");
        let server = Server::listening(command.env("RUST_LOG", ""));
        can_chat(&path);
        let log = server.log();
        assert!(!log.iter().any(|line| line.contains("WARN")), "{log:#?}");
    }
}

#[test]
fn help_names_variables_that_are_empty() {
    let help = run(loopchat().env("LOOPCHAT_LISTEN", "").arg("--help")).stdout;
    let help = String::from_utf8(help).expect("text");
    assert!(help.contains("[env: LOOPCHAT_LISTEN=]"), "{help}");
}

#[test]
fn empty_parts_of_a_list_are_left_out() {
    let folder = Folder::new();
    let (one, two) = (folder.text("one.sock"), folder.text("two.sock"));
    let list = format!(",{one},, {two} ,");
    let server = Server::listening(
        loopchat()
            .env("LOOPCHAT_LISTEN", list)
            .env("LOOPCHAT_EXPOSE", "metrics,")
            .env("LOOPCHAT_MAX_LINE", " 4096\r\n"),
    );
    can_chat(&one);
    can_chat(&two);
    assert_eq!(
        server
            .log()
            .iter()
            .filter(|line| line.contains("listening on"))
            .count(),
        2
    );
}
