//! A socket file that somebody removes while the server runs.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
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
    ends_well(&mut server);
    assert!(fs::exists(&path).expect("a folder"));
}

#[test]
fn a_folder_that_is_gone_is_said() {
    let folder = Folder::new();
    fs::create_dir(folder.path("run")).expect("a folder");
    let path = folder.text("run/chat.sock");
    let mut server = Server::with(&["--listen", &path]);
    let mut alice = Client::join(&path);
    fs::remove_dir_all(folder.path("run")).expect("it is there");
    server.expect_log(|line| line.contains("nobody can connect"));
    alice.sync();
    drop(alice);
    ends_well(&mut server);
}
