//! What systemd, or whoever started the server as a service, is told: that it serves, that it
//! still runs, that it ends.
//!
//! It listens on a datagram socket that `NOTIFY_SOCKET` names (`sd_notify(3)`). Nothing here waits
//! for it: what its queue has no room for is told a little later.

use std::collections::VecDeque;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::time::Duration;

use log::{info, warn};

use crate::net::Context;
use crate::server::ChatServer;

/// How long until a full socket is tried again.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// What it can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Every address is listening.
    Ready,
    /// The loop turns. Whoever is not told so in time restarts the service.
    Watchdog,
    /// The end has begun.
    Stopping,
}

impl State {
    fn message(self) -> &'static [u8] {
        match self {
            Self::Ready => b"READY=1\n",
            Self::Watchdog => b"WATCHDOG=1\n",
            Self::Stopping => b"STOPPING=1\n",
        }
    }
}

/// The way to it, if there is one.
#[derive(Default)]
pub(super) struct ServiceManager {
    /// Kept open, so that it can be told of the end even when no descriptor is left.
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// What it had no room for, in order; a timer is set while there is anything.
    waiting: VecDeque<State>,
}

impl ServiceManager {
    /// The one that the environment names. One that cannot be told anything is a warning: the chat
    /// works without.
    pub(super) fn from_environment() -> Self {
        let name = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let socket = name.and_then(|name| {
            open(&name)
                .inspect_err(|error| warn!("NOTIFY_SOCKET={name:?}: {error}"))
                .ok()
        });
        Self {
            socket,
            waiting: VecDeque::new(),
        }
    }

    /// Sends one state; true if it need not be tried again.
    fn send(&self, state: State) -> bool {
        let Some((socket, address)) = &self.socket else {
            return true;
        };
        match socket.send_to_addr(state.message(), address) {
            Ok(_) => true,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(error) => {
                warn!("the service manager cannot be told: {error}");
                true
            }
        }
    }
}

fn open(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(name)?,
        #[cfg(target_os = "linux")]
        [b'@', rest @ ..] if !rest.is_empty() => {
            use std::os::linux::net::SocketAddrExt;
            SocketAddr::from_abstract_name(rest)?
        }
        _ => {
            let reason =
                "the service manager cannot be told anything: only paths and @names are known here";
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
        }
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

/// Tells the service manager, if there is one, in the order of the calls.
pub(super) fn tell(server: &mut ChatServer, cx: &mut Context<ChatServer>, state: State) {
    let manager = &mut server.service_manager;
    if !manager.waiting.is_empty() {
        // One sign of life is enough.
        if !manager.waiting.contains(&state) {
            manager.waiting.push_back(state);
        }
    } else if !manager.send(state) {
        manager.waiting.push_back(state);
        try_again_later(cx);
    }
}

fn try_again_later(cx: &mut Context<ChatServer>) {
    let timer = cx.set_timeout(TRY_AGAIN, |server: &mut ChatServer, cx| {
        let manager = &mut server.service_manager;
        while let Some(state) = manager.waiting.front() {
            if !manager.send(*state) {
                return try_again_later(cx);
            }
            manager.waiting.pop_front();
        }
    });
    cx.set_timer_ref(timer, false);
}

/// Says that all addresses are listening, and from then on that the loop turns, twice as often as
/// it is asked for (`WATCHDOG_USEC`).
pub(super) fn ready(server: &mut ChatServer, cx: &mut Context<ChatServer>) {
    tell(server, cx, State::Ready);
    let Some(every) = watchdog_ms(env::var_os) else {
        return;
    };
    if server.service_manager.socket.is_none() {
        return;
    }
    info!("the service manager is told every {every} ms that the loop turns");
    let timer = cx.set_interval(
        Duration::from_millis(every),
        |server: &mut ChatServer, cx| {
            tell(server, cx, State::Watchdog);
        },
    );
    cx.set_timer_ref(timer, false);
}

/// Half the time after which a silent service counts as stuck, if this process is to say that it
/// is not.
fn watchdog_ms(variable: impl Fn(&'static str) -> Option<OsString>) -> Option<u64> {
    let number = |name| variable(name)?.to_str()?.parse::<u64>().ok();
    let is_set = variable("WATCHDOG_PID").is_some_and(|pid| !pid.is_empty());
    if is_set && number("WATCHDOG_PID") != Some(u64::from(process::id())) {
        return None; // it is for the process that started this one
    }
    let limit = number("WATCHDOG_USEC").filter(|limit| *limit > 0)?;
    Some((limit / 2 / 1000).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_loop::ManualClock;
    use crate::room_log::MemoryLog;
    use crate::server::{Config, Loop};

    #[test]
    fn the_watchdog_is_told_twice_as_often_as_it_asks() {
        let own = process::id().to_string();
        for (limit, pid, every) in [
            (None, None, None),
            (Some("30000000"), None, Some(15_000)),
            (Some("30000000"), Some(""), Some(15_000)),
            (Some("30000000"), Some(&*own), Some(15_000)),
            (Some("30000000"), Some("1"), None),
            (Some("30000000"), Some("x"), None),
            (Some("1"), None, Some(1)),
            (Some("0"), None, None),
            (Some(""), None, None),
            (Some("soon"), None, None),
        ] {
            let found = watchdog_ms(|name| match name {
                "WATCHDOG_USEC" => limit.map(OsString::from),
                _ => pid.map(OsString::from),
            });
            assert_eq!(found, every, "{limit:?} {pid:?}");
        }
    }

    #[test]
    fn a_socket_of_an_unknown_kind_is_an_error() {
        for name in [
            "vsock:2:1234",
            "vsock-stream:2:1",
            "relative",
            "tcp://x",
            "@",
        ] {
            assert!(open(OsStr::new(name)).is_err(), "{name}");
        }
    }

    /// Catches: signs of life that pile up while nobody reads them, an order that is not kept, and
    /// what is told twice or never.
    #[test]
    fn what_there_was_no_room_for_is_told_once_and_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).expect("a socket");
        manager.set_nonblocking(true).expect("it can");
        let mut event_loop = Loop::with_clock(ManualClock::new()).expect("a loop");
        let log = Box::<MemoryLog>::default();
        let mut server = ChatServer::new(&mut event_loop, Config::default(), log);
        server.service_manager.socket = Some(open(path.as_os_str()).expect("it is a path"));
        let mut told = 0;
        while server.service_manager.waiting.is_empty() {
            tell(&mut server, &mut event_loop, State::Watchdog);
            told += 1;
        }
        for state in [State::Watchdog, State::Stopping, State::Watchdog] {
            tell(&mut server, &mut event_loop, state);
        }
        let mut heard = Vec::new();
        let mut datagram = [0; 64];
        for _ in 0..10 {
            // Without a timer there is nothing that the loop would jump to.
            event_loop.set_timeout(TRY_AGAIN, |_, _| {});
            event_loop.turn(&mut server).expect("it polls");
            if heard.is_empty() {
                assert_eq!(server.service_manager.waiting.len(), 2, "it is full");
            }
            while let Ok(length) = manager.recv(&mut datagram) {
                heard.push(String::from_utf8_lossy(&datagram[..length]).into_owned());
            }
        }
        assert!(server.service_manager.waiting.is_empty());
        assert_eq!(heard.len(), told + 1);
        assert_eq!(heard.pop().as_deref(), Some("STOPPING=1\n"));
        assert!(heard.iter().all(|one| one == "WATCHDOG=1\n"));
    }
}
