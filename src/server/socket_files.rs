//! Socket files that somebody removes while the server runs: a cleaner of `/tmp`, say.
//!
//! Whoever is connected does not notice, but nobody can connect any more, and no error ever says
//! so. The system tells (inotify) when a file is unlinked or renamed; it is made again then. One
//! that another server has put in its place is that one's. Linux only.

use std::path::PathBuf;

use super::ChatServer;
use crate::net::{Context, Listener, Server};

/// A door's socket file.
struct SocketFile {
    path: PathBuf,
    door: Server,
    /// It could not be made again yet, which was said.
    missed: bool,
}

/// Those of all doors.
#[derive(Default)]
pub(super) struct SocketFiles {
    files: Vec<SocketFile>,
    #[cfg(target_os = "linux")]
    watch: Option<linux::Watch>,
}

impl SocketFiles {
    /// Notes the file of a door that is to listen, if it has one that this server has made.
    pub(super) fn note(&mut self, door: Server, listener: &Listener) {
        self.files
            .extend(listener.socket_file().map(|path| SocketFile {
                path: path.to_owned(),
                door,
                missed: false,
            }));
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn watch(_cx: &mut Context<ChatServer>, _server: &mut ChatServer) {}

#[cfg(target_os = "linux")]
pub(super) use linux::watch;

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::path::Path;
    use std::rc::Rc;

    use log::warn;
    use mio::event::Source;
    use mio::unix::SourceFd;
    use mio::{Interest, Registry, Token};
    use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
    use rustix::io::Errno;

    use super::{ChatServer, Context};
    use crate::server::bind;

    /// How long until a file is tried again that could not be made: its folder is gone.
    const TRY_AGAIN_MS: u64 = 10_000;

    /// The descriptor through which the system tells.
    #[derive(Clone)]
    pub(super) struct Watch(Rc<OwnedFd>);

    impl Watch {
        fn new() -> io::Result<Self> {
            let descriptor = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            Ok(Self(Rc::new(descriptor)))
        }

        /// The file at this path is of interest; that its number of links changes tells that it is
        /// removed. False if it is gone already.
        fn add(&self, path: &Path) -> bool {
            let events = WatchFlags::ATTRIB | WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF;
            match inotify::add_watch(&*self.0, path, events) {
                Err(Errno::NOENT) => return false,
                Err(error) => {
                    warn!("nobody will notice if the socket file {path:?} is removed: {error}");
                }
                Ok(_) => {}
            }
            true
        }

        /// Reads what there is to read. Which file it was about is seen by a look at them all.
        fn drain(&self) {
            let mut buffer = [MaybeUninit::uninit(); 1024];
            let mut events = Reader::new(&*self.0, &mut buffer);
            while events.next().is_ok() {}
        }
    }

    impl Source for Watch {
        fn register(
            &mut self,
            registry: &Registry,
            token: Token,
            interest: Interest,
        ) -> io::Result<()> {
            SourceFd(&self.0.as_raw_fd()).register(registry, token, interest)
        }

        fn reregister(
            &mut self,
            registry: &Registry,
            token: Token,
            interest: Interest,
        ) -> io::Result<()> {
            SourceFd(&self.0.as_raw_fd()).reregister(registry, token, interest)
        }

        fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
            SourceFd(&self.0.as_raw_fd()).deregister(registry)
        }
    }

    /// Watches the socket files that were noted.
    pub(in crate::server) fn watch(cx: &mut Context<ChatServer>, server: &mut ChatServer) {
        if server.socket_files.files.is_empty() {
            return;
        }
        let opened = Watch::new().and_then(|watch| {
            let handle = cx.poll(
                watch.clone(),
                Interest::READABLE,
                |server, cx, _, watch, _| {
                    watch.drain();
                    look(server, cx);
                },
            )?;
            cx.set_poll_ref(handle, false);
            Ok(watch)
        });
        match opened {
            Ok(watch) => {
                for file in &server.socket_files.files {
                    watch.add(&file.path);
                }
                server.socket_files.watch = Some(watch);
                look(server, cx); // one may be gone since it was made
            }
            Err(error) => warn!("nobody will notice if a socket file is removed: {error}"),
        }
    }

    /// Makes files again that are gone.
    fn look(server: &mut ChatServer, cx: &mut Context<ChatServer>) {
        let ipc_mode = server.config.ipc_mode;
        let Some(watch) = server.socket_files.watch.clone() else {
            return;
        };
        if server.shutting_down {
            return;
        }
        let mut missing = false;
        for file in &mut server.socket_files.files {
            let gone = fs::symlink_metadata(&file.path)
                .is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
            if !gone {
                continue; // or somebody else's by now
            }
            match bind::bind_again(&file.path, ipc_mode) {
                Ok(listener) => {
                    warn!(
                        "the socket file {:?} was removed; it is made again",
                        file.path
                    );
                    file.missed = false;
                    missing |= !watch.add(&file.path);
                    // The old one goes after the new one is there: it knows that this file is not
                    // its own.
                    file.door.close(cx);
                    file.door.listen_on(cx, listener);
                }
                Err(reason) => {
                    if !file.missed {
                        warn!(
                            "the socket file {:?} was removed, and nobody can connect: {reason}",
                            file.path
                        );
                    }
                    file.missed = true;
                    missing = true;
                }
            }
        }
        if missing {
            let timer = cx.set_timeout(TRY_AGAIN_MS, look);
            cx.set_timer_ref(timer, false);
        }
    }
}
