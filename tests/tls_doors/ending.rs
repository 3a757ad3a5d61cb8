//! What has come over TLS when the server is to end.

use crate::rig::Keys;
use crate::support::Signal;

#[test]
fn what_had_come_is_heard_and_no_more_is_waited_for() {
    let keys = Keys::new();
    let (mut server, address) = keys.serve(&[]);
    let mut secure = keys.connect(address).greeted();
    let mut plain = server.join();
    server.freeze();
    for line in ["one", "two", "three"] {
        secure.say(line);
    }
    server.signal(Signal::TERM);
    server.thaw();
    for line in ["one", "two", "three"] {
        plain.expect(&format!("{}: {line}", secure.name));
    }
    plain.expect("* The server is shutting down. Goodbye.");
    secure.expect("* The server is shutting down. Goodbye.");
    assert_eq!(secure.rest(), "");
    drop(plain);
    assert_eq!(server.ended().code(), Some(0));
}
