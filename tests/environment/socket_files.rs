//! A socket file that somebody removes while the server runs.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};

use crate::support::{Client, Folder, Server, eventually, loopchat};
use crate::{can_chat, ends_well};

#[test]
fn a_socket_file_that_is_removed_is_made_again() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let flags = ["--listen", &path, "--ipc-mode", "0660"];
    let mut server = Server::listening(loopchat().args(flags));
    let mut alice = Client::join(&path);
    let removals: [&dyn Fn(); 3] = [
        &|| fs::remove_file(&path).expect("it is there"),
        &|| fs::rename(&path, folder.path("away")).expect("it is there"),
        &|| fs::remove_file(&path).expect("it is there"),
    ];
    for remove in removals {
        remove();
        let stream = eventually("the file", || UnixStream::connect(&path).ok());
        drop(stream);
        let (mut bob, _carol) = can_chat(&path);
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o660);
        // Whoever was there before is in the same chat.
        bob.say("I came later");
        alice.expect(&format!("{}: I came later", bob.name));
    }
    server.expect_log(|line| line.contains("was removed; it is made again"));
    ends_well(&mut server);
    assert!(
        !fs::exists(&path).expect("a folder"),
        "it is removed at the end"
    );
}

#[test]
fn the_web_doors_file_is_made_again_too() {
    let folder = Folder::new();
    let (path, web) = (folder.text("chat.sock"), folder.text("web.sock"));
    let flags = ["--listen", &path, "--web", &web];
    let server = Server::listening(loopchat().env_remove("LOOPCHAT_WEB").args(flags));
    server.expect_log(|line| line.contains("over HTTP on"));
    fs::remove_file(&web).expect("it is there");
    let mut stream = eventually("the file", || UnixStream::connect(&web).ok());
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn another_servers_file_is_not_taken_over() {
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let mut server = Server::with(&["--listen", &path]);
    let theirs = UnixListener::bind(folder.path("theirs")).expect("a path");
    fs::rename(folder.path("theirs"), &path).expect("over ours");
    // Whatever the server does about it is done by the time that it has answered somebody.
    server.join().sync();
    UnixStream::connect(&path).expect("it is theirs");
    theirs.accept().expect("whoever connects is theirs");
    server.expect_log(|line| line.contains("something else is in the place"));
    ends_well(&mut server);
    assert!(fs::exists(&path).expect("a folder"));
}

/// Whatever has taken its place, however often, and by which way: once it is gone the file is made
/// again.
#[test]
fn a_place_that_was_taken_and_is_free_again_is_ours() {
    // At once, or the place would be free in between.
    type Takes = fn(&Folder, &str);
    let link: Takes = |folder, path| {
        symlink("/nowhere", folder.path("theirs")).expect("a folder");
        fs::rename(folder.path("theirs"), path).expect("over what is there");
    };
    let link_to_something: Takes = |folder, path| {
        symlink("/", folder.path("theirs")).expect("a folder");
        fs::rename(folder.path("theirs"), path).expect("over what is there");
    };
    let file: Takes = |folder, path| {
        fs::write(folder.path("theirs"), "").expect("a folder");
        fs::rename(folder.path("theirs"), path).expect("over what is there");
    };
    let folder = Folder::new();
    let path = folder.text("chat.sock");
    let mut server = Server::listening(loopchat().args(["--listen", &path]));
    let mut alice = Client::join(&path);
    let told = |server: &Server| {
        let log = server.log();
        let told = log.iter().filter(|line| line.contains("something else"));
        told.count()
    };
    let takes = [
        &[link][..],
        &[link_to_something],
        &[file],
        &[file, link, file],
        &[link],
    ];
    for (before, takes) in takes.iter().enumerate() {
        for take in *takes {
            take(&folder, &path);
        }
        eventually("a word of it", || (told(&server) > before).then_some(()));
        alice.sync();
        fs::remove_file(&path).expect("what is there is no folder");
        drop(eventually("the file", || UnixStream::connect(&path).ok()));
        let (mut bob, _carol) = can_chat(&path);
        bob.say("I came later");
        alice.expect(&format!("{}: I came later", bob.name));
    }
    assert_eq!(told(&server), takes.len(), "once each");
    ends_well(&mut server);
    assert!(!fs::exists(&path).expect("a folder"));
}

#[test]
fn a_folder_that_is_gone_is_said() {
    let folder = Folder::new();
    fs::create_dir(folder.path("run")).expect("a folder");
    let path = folder.text("run/chat.sock");
    let mut server = Server::with(&["--listen", &path]);
    let mut alice = Client::join(&path);
    // The file is made again as soon as it is missed, be it while the folder is being removed.
    eventually("a folder that stays empty", || {
        fs::remove_dir_all(folder.path("run")).ok()
    });
    server.expect_log(|line| line.contains("nobody can connect"));
    alice.sync();
    drop(alice);
    ends_well(&mut server);
}

/// Catches: one that is made again, whereupon the others that are missing are forgotten.
#[test]
fn a_file_whose_folder_comes_back_is_made_again_whatever_became_of_another() {
    let folder = Folder::new();
    fs::create_dir(folder.path("run")).expect("a folder");
    let (path, other) = (folder.text("run/chat.sock"), folder.text("other.sock"));
    let mut server = Server::with(&["--listen", &path, "--listen", &other]);
    server.expect_log(|line| line.contains("listening on ") && line.contains(&other));
    // It finds out about both at once.
    server.freeze();
    fs::remove_dir_all(folder.path("run")).expect("it is there");
    fs::remove_file(&other).expect("it is there");
    server.thaw();
    drop(eventually("the other", || UnixStream::connect(&other).ok()));
    server.expect_log(|line| line.contains("nobody can connect"));
    fs::create_dir(folder.path("run")).expect("a folder");
    drop(eventually("the file", || UnixStream::connect(&path).ok()));
    can_chat(&path);
    ends_well(&mut server);
}
