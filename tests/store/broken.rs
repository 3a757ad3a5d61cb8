//! Disks that are full, folders that cannot be written to, files that are no store.

use std::fs;
use std::path::Path;

use super::*;
use crate::support::{Signal, has_tool, skip};

/// A small disk, as long as it is kept.
struct Disk(String);

impl Disk {
    /// `None`, with a word, where nobody may mount one.
    fn mount(at: &str) -> Option<Self> {
        if !has_tool("mount") {
            return None;
        }
        fs::create_dir(at).expect("it can be made");
        let mounted = run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "none", at]));
        if !mounted.status.success() {
            skip("no file system may be mounted here");
            return None;
        }
        Some(Self(at.to_owned()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let ended = run(Command::new("umount").args(["-l", &self.0]));
        assert!(
            ended.status.success() || std::thread::panicking(),
            "{ended:?}"
        );
    }
}

/// Fills a disk with a file.
fn fill(path: &Path) {
    use std::io::Write;

    let mut file = fs::File::create(path).expect("a file");
    let zeros = [0; 4096];
    while file.write_all(&zeros).is_ok() {}
}

/// Catches: a line that is heard and not kept, a server that ends, or stands still, or does not
/// find back.
#[test]
fn on_a_full_disk_authors_are_refused_until_there_is_room() {
    let folder = Folder::new();
    let Some(disk) = Disk::mount(&folder.text("disk")) else {
        return;
    };
    let store = format!("{}/store", disk.0);
    let server = keeping(&store);
    let (mut ann, mut bob) = (server.join(), server.join());
    says(&mut ann, &mut bob, "before");
    goes(&mut bob, "tea");
    goes(&mut ann, "tea");
    let filler = format!("{}/filler", disk.0);
    fill(Path::new(&filler));
    let long = "x".repeat(3000);
    let mut heard = vec![];
    let told = loop {
        ann.say(&format!("{} {long}", heard.len()));
        ann.say("/topic");
        let (before, _) = ann.lines_until(|line| line.contains("topic"));
        match before.iter().find(|line| line.starts_with("! ")) {
            Some(told) => break told.clone(),
            None => heard.push(format!("{} {long}", heard.len())),
        }
    };
    let why = "! Nobody hears that, since there is no space left to keep it";
    assert!(told.starts_with(why), "{told}");
    bob.say("/who");
    bob.expect_line(|line| line.starts_with("* In #tea (2)"));
    fs::remove_file(&filler).expect("it is there");
    says(&mut ann, &mut bob, "there is room again");
    heard.push("there is room again".to_owned());
    assert_eq!(kept(&store, "tea"), heard);
    drop((ann, bob, server));
}

/// Catches: a file that is overwritten, believed, or complained of in many words.
#[test]
fn what_is_no_store_is_an_error_in_one_line_or_a_warning_if_nobody_has_asked_for_it() {
    let folder = Folder::new();
    let store = folder.text("store");
    let path = format!("{store}/chat.sqlite");
    let mut server = keeping(&store);
    let (mut ann, mut bob) = (server.join(), server.join());
    says(&mut ann, &mut bob, "hello");
    drop((ann, bob));
    server.signal(Signal::TERM);
    assert!(server.ended().success());
    let good = fs::read(&path).expect("it is there");
    let newer = {
        let mut bytes = good.clone();
        bytes[60..64].copy_from_slice(&7_u32.to_be_bytes()); // `user_version`
        bytes
    };
    let torn = good[..good.len() / 2 + 100].to_vec();
    for (bytes, why) in [
        (newer, "a newer loopchat has written it"),
        (
            b"a text, and no database at all".repeat(50),
            "it is no store of loopchat",
        ),
        (torn, "malformed"),
    ] {
        fs::write(&path, &bytes).expect("it can be written");
        let told = refused(loopchat().args(["--store", &store]));
        assert!(
            told.contains(why) && told.lines().count() == 1,
            "{why}: {told}"
        );
        let mut by_default = loopchat();
        by_default
            .env_remove("LOOPCHAT_STORE")
            .env("STATE_DIRECTORY", &store)
            .args(["--listen", "127.0.0.1:0"]);
        let server = Server::listening(&mut by_default);
        server.expect_log(|line| line.contains(why) && line.contains("in memory only"));
        drop(server);
        assert_eq!(fs::read(&path).expect("it is there"), bytes, "{why}");
    }
    fs::write(&path, good).expect("it can be written");
    drop(keeping(&store));
    assert_eq!(kept(&store, "lobby"), ["hello"]);
}

#[test]
fn a_folder_that_cannot_be_is_an_error_if_it_was_given_and_else_a_warning() {
    let folder = Folder::new();
    let file = folder.text("file");
    fs::write(&file, "").expect("it can be written");
    let told = refused(loopchat().args(["--store", &file]));
    assert!(
        told.starts_with("loopchat: --store: ") && told.lines().count() == 1,
        "{told}"
    );
    let mut command = loopchat();
    command
        .env_remove("LOOPCHAT_STORE")
        .env("STATE_DIRECTORY", &file);
    command.args(["--listen", "127.0.0.1:0"]);
    let server = Server::listening(&mut command);
    server.expect_log(|line| line.contains("WARN") && line.contains("memory"));
    let (mut ann, mut bob) = (server.join(), server.join());
    says(&mut ann, &mut bob, "hello");
}
