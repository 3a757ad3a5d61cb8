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

/// Bytes that a new store takes, and more.
const ROOM: u64 = 160 * 1024;

/// What is said of a disk that is full.
fn says_full(told: &str) -> bool {
    told.contains("disk is full") || told.contains("no space left")
}

/// Fills a disk with a file, but for so many bytes.
fn fill_but(path: &Path, free: u64) {
    fill(path);
    let file = fs::OpenOptions::new().write(true).open(path);
    let file = file.expect("it is there");
    let full = file.metadata().expect("it is there").len();
    file.set_len(full - free).expect("it can be cut");
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

/// A server that takes a folder without having been told to.
fn by_default(store: &str) -> Command {
    let mut command = loopchat();
    command
        .env_remove("LOOPCHAT_STORE")
        .env("STATE_DIRECTORY", store)
        .args(["--listen", "127.0.0.1:0"]);
    command
}

/// Starts a server on a disk that is full, or nearly so: it is refused in one line that says why,
/// or runs. By default it runs, and says so if it keeps nothing. True if there was room.
fn starts_or_says_full(store: &str) -> bool {
    let mut server = Server::listening(&mut by_default(store));
    let log = server.log();
    // One that keeps what is said may say that it has no room for the index of words.
    let told = log.iter().find(|line| line.contains("in memory only"));
    let has_room = told.is_none();
    if let Some(told) = told {
        assert!(told.contains("WARN") && says_full(told), "{told}");
        let (mut ann, mut bob) = (server.join(), server.join());
        says(&mut ann, &mut bob, "hello");
    }
    server.signal(Signal::KILL);
    server.ended();
    if !has_room {
        let told = refused(loopchat().args(["--store", store]));
        let is_told = told.starts_with("loopchat: --store: ") && says_full(&told);
        assert!(is_told && told.lines().count() == 1, "{told}");
    }
    has_room
}

/// Catches: a start that leaves what the next one cannot use, or is refused with a riddle; lines
/// that are lost since there was no room to recover them.
#[test]
fn on_a_full_disk_a_start_says_so_and_the_next_one_finds_all() {
    let folder = Folder::new();
    let Some(disk) = Disk::mount(&folder.text("disk")) else {
        return;
    };
    let filler = format!("{}/filler", disk.0);
    let (mut refusals, mut starts) = (0, 0);
    for free in (0..=ROOM).step_by(8 * 1024) {
        for is_new in [true, false] {
            let store = format!("{}/{free}-{is_new}", disk.0);
            let mut wanted = vec!["later"];
            if !is_new {
                wanted.insert(0, "before");
                let mut server = keeping(&store);
                let (mut ann, mut bob) = (server.join(), server.join());
                says(&mut ann, &mut bob, "before");
                server.signal(Signal::KILL);
                server.ended();
            }
            fill_but(Path::new(&filler), free);
            match starts_or_says_full(&store) {
                true => starts += 1,
                false => refusals += 1,
            }
            fs::remove_file(&filler).expect("it is there");
            let server = keeping(&store);
            let (mut ann, mut bob) = (server.join(), server.join());
            says(&mut ann, &mut bob, "later");
            drop((ann, bob, server));
            assert_eq!(kept(&store, "lobby"), wanted, "{free} bytes were free");
            fs::remove_dir_all(&store).expect("it can be removed");
        }
    }
    assert!(refusals > 0 && starts > 0, "{refusals} and {starts}");
}

/// Catches: half a copy, which looks like one.
#[test]
fn a_copy_for_which_there_is_no_room_leaves_nothing() {
    let folder = Folder::new();
    let Some(disk) = Disk::mount(&folder.text("disk")) else {
        return;
    };
    let store = folder.text("store");
    let server = keeping(&store);
    let (mut ann, mut bob) = (server.join(), server.join());
    for at in 0..40 {
        says(&mut ann, &mut bob, &format!("{at} {}", "x".repeat(1000)));
    }
    let (copy, filler) = (format!("{}/copy", disk.0), format!("{}/filler", disk.0));
    let (mut refusals, mut copies) = (0, 0);
    for free in (0..=4 * ROOM).step_by(16 * 1024) {
        fill_but(Path::new(&filler), free);
        let out = run(loopchat().args(["--store", &store, "backup", &copy]));
        fs::remove_file(&filler).expect("it is there");
        let left = fs::read_dir(&disk.0).expect("it is there");
        let left: Vec<_> = left.map(|file| file.expect("a name").file_name()).collect();
        if out.status.success() {
            copies += 1;
            assert_eq!(left, ["copy"]);
            fs::create_dir(folder.path("restored")).expect("it can be made");
            fs::copy(&copy, folder.path("restored/chat.sqlite")).expect("it can be copied");
            fs::remove_file(&copy).expect("it is there");
            assert_eq!(kept(&folder.text("restored"), "lobby").len(), 40);
            fs::remove_dir_all(folder.path("restored")).expect("it can be removed");
        } else {
            refusals += 1;
            let told = String::from_utf8_lossy(&out.stderr);
            assert!(says_full(&told) && told.lines().count() == 1, "{told}");
            assert!(left.is_empty(), "{free} bytes were free: {left:?}");
        }
    }
    assert!(refusals > 0 && copies > 0, "{refusals} and {copies}");
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
        let server = Server::listening(&mut by_default(&store));
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
    let server = Server::listening(&mut by_default(&file));
    server.expect_log(|line| line.contains("WARN") && line.contains("memory"));
    let (mut ann, mut bob) = (server.join(), server.join());
    says(&mut ann, &mut bob, "hello");
}
