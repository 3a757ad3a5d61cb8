//! What can be done beside a server that runs, and where it keeps what is said.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::support::Signal;

/// Catches: a copy that lacks something, overwrites something, or that others may read; a store
/// that cannot be restored from it.
#[test]
fn a_copy_of_a_running_store_is_one() {
    let folder = Folder::new();
    let (store, copy) = (folder.text("store"), folder.text("copy"));
    let server = keeping(&store);
    let (mut ann, mut bob) = (server.join(), server.join());
    says(&mut ann, &mut bob, "in the copy");
    let backup = || run(loopchat().args(["--store", &store, "backup", &copy]));
    let first = backup();
    assert!(first.status.success(), "{first:?}");
    says(&mut ann, &mut bob, "after it");
    let second = backup();
    assert_eq!(second.status.code(), Some(1), "it is there: {second:?}");
    let mode = fs::metadata(&copy).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let restored = folder.path("restored");
    fs::create_dir(&restored).expect("it can be made");
    fs::rename(&copy, restored.join("chat.sqlite")).expect("it can be moved");
    let restored = restored.to_str().expect("text");
    assert_eq!(kept(restored, "lobby"), ["in the copy"]);
    assert_eq!(kept(&store, "#LOBBY"), ["in the copy", "after it"]);
    let server = keeping(restored);
    let mut carol = server.join();
    carol.say("/history");
    carol.expect_line(|line| line.ends_with("in the copy"));
}

#[test]
fn who_asks_for_what_is_not_there_is_told() {
    let folder = Folder::new();
    let store = folder.text("store");
    let told = |arguments: &[&str]| {
        let out = run(loopchat().args(arguments).args(["--store", &store]));
        assert_eq!(
            (out.status.code(), out.stdout.len()),
            (Some(1), 0),
            "{out:?}"
        );
        String::from_utf8(out.stderr).expect("text")
    };
    assert!(told(&["export", "tea"]).contains("there is no store"));
    assert!(told(&["backup", &folder.text("copy")]).contains("there is no store"));
    drop(keeping(&store));
    assert!(told(&["export", "tea"]).contains("nothing is kept of #tea"));
    let out = run(loopchat().args(["export", "tea"]));
    assert_eq!(out.status.code(), Some(1), "memory keeps nothing: {out:?}");
}

/// Catches: two servers that give the same numbers to different lines; one that does not start
/// although nobody has asked for a store.
#[test]
fn of_two_servers_one_has_the_store() {
    let folder = Folder::new();
    let store = folder.text("state");
    let by_default = || {
        let mut command = loopchat();
        command
            .env_remove("LOOPCHAT_STORE")
            .env("STATE_DIRECTORY", &store);
        command.args(["--listen", "127.0.0.1:0"]);
        command
    };
    let mut first = Server::listening(&mut by_default());
    first.expect_log(|line| line.contains(&format!("what is said is kept in {store}/")));
    let second = Server::listening(&mut by_default());
    second.expect_log(|line| line.contains("WARN") && line.contains("another server uses it"));
    let (mut ann, mut bob) = (second.join(), second.join());
    says(&mut ann, &mut bob, "in memory");
    let told = refused(loopchat().args(["--store", &store]));
    assert_eq!(
        told,
        format!("loopchat: --store: {store}: another server uses it\n")
    );
    first.signal(Signal::TERM);
    assert!(first.ended().success());
    let third = keeping(&store);
    assert!(
        !third.log().iter().any(|line| line.contains("WARN")),
        "{:?}",
        third.log()
    );
}

/// A server at somebody's home, which is all that is known of where things are to be.
fn at_home(home: &Path) -> Command {
    let mut command = loopchat();
    for name in ["LOOPCHAT_STORE", "STATE_DIRECTORY", "XDG_STATE_HOME"] {
        command.env_remove(name);
    }
    command.env("HOME", home);
    command.args(["--listen", "127.0.0.1:0"]);
    command
}

/// Catches: a program that writes into somebody's home although it was told not to, or only asked
/// for help.
#[test]
fn nothing_is_written_where_nobody_has_asked_for_it() {
    let folder = Folder::new();
    let home = folder.path("home");
    fs::create_dir(&home).expect("it can be made");
    let server = Server::listening(at_home(&home).args(["--store", "memory"]));
    let (mut ann, mut bob) = (server.join(), server.join());
    says(&mut ann, &mut bob, "hello");
    ann.say("/search hello");
    ann.expect("! There is no search here: what is said is not kept.");
    assert!(run(at_home(&home).arg("--help")).status.success());
    assert_eq!(fs::read_dir(&home).expect("it is there").count(), 0);
}

/// Catches: what is forgotten although nobody has said so; a folder that others may look into; a
/// server that does not start where there is no home.
#[test]
fn by_default_it_is_kept_where_programs_keep_things() {
    let folder = Folder::new();
    let home = folder.path("home");
    fs::create_dir(&home).expect("it can be made");
    let server = Server::listening(&mut at_home(&home));
    let place = home.join(".local/state/loopchat");
    let names_it = format!("what is said is kept in {}/", place.display());
    server.expect_log(|line| line.contains(&names_it));
    let (mut ann, mut bob) = (server.join(), server.join());
    says(&mut ann, &mut bob, "hello");
    drop(server);
    let mode = fs::metadata(&place).expect("a folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let out = run(at_home(&home).args(["export", "lobby"]));
    assert!(out.status.success(), "{out:?}");
    assert!(String::from_utf8_lossy(&out.stdout).contains("hello"));
    let state = folder.text("state");
    let server = Server::listening(at_home(&home).env("XDG_STATE_HOME", &state));
    server.expect_log(|line| line.contains(&format!("what is said is kept in {state}/loopchat/")));
    let server = Server::listening(at_home(&home).env_remove("HOME"));
    server.expect_log(|line| line.contains("WARN") && line.contains("in memory only"));
    let (mut ann, mut bob) = (server.join(), server.join());
    says(&mut ann, &mut bob, "hello");
}
