//! The server in the test's own thread, on a clock that jumps, with members on a socket file.

use std::sync::{PoisonError, RwLockReadGuard};

use loopchat::server::{self, ChatServer, Config};

use super::support::FORKS;
use super::virtual_time::{Peer, Timed};

/// The server, and time; and nobody forks meanwhile.
pub struct House(
    pub Timed<ChatServer>,
    #[expect(dead_code, reason = "that it is held is all")] RwLockReadGuard<'static, ()>,
);

/// A member.
pub struct Nc {
    pub peer: Peer,
    pub name: String,
}

impl House {
    pub fn new(set: impl FnOnce(&mut Config)) -> Self {
        let no_forks = FORKS.read().unwrap_or_else(PoisonError::into_inner);
        let timed = Timed::with(|event_loop, folder| {
            let mut config = Config {
                listen: vec![folder.join("line").to_str().expect("text").to_owned()],
                web: Vec::new(),
                ..Config::default()
            };
            set(&mut config);
            server::open(event_loop, config).expect("it can listen")
        });
        Self(timed, no_forks)
    }

    pub fn nc(&mut self) -> Nc {
        let mut peer = self.0.connect("line");
        let greeting = self.0.read_until(&mut peer, "/help lists the commands");
        let name = greeting.strip_prefix("* Welcome to loopchat, ");
        let name = name.and_then(|rest| rest.split_once('.'));
        let name = name.expect("a greeting").0.to_owned();
        Nc { peer, name }
    }

    /// One who does not read, one who talks and one who listens; all have been told of all.
    pub fn three(&mut self) -> [Nc; 3] {
        let mut three = [self.nc(), self.nc(), self.nc()];
        self.0.run_for(2000);
        for member in &mut three {
            self.0.drain(&mut member.peer);
        }
        three
    }

    /// Whether somebody is in the room still.
    pub fn is_here(&mut self, name: &str, member: &mut Nc) -> bool {
        member.peer.send("/who\n");
        self.0.read_until(&mut member.peer, "* In #lobby (");
        let who = self.0.read_until(&mut member.peer, "\n");
        let (_, names) = who.trim_end().split_once(": ").expect("names");
        names.split(", ").any(|found| found == name)
    }
}
