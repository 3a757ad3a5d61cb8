//! Socket files that somebody removes while the server runs: a cleaner of `/tmp`, say.
//!
//! Whoever is connected does not notice, but nobody can connect any more, and no error ever says
//! so. The system tells (inotify) when a file is unlinked or renamed; it is made again then. What
//! somebody else has put in its place stays, and is watched in turn: it may go. Linux only.

use std::path::PathBuf;

use super::ChatServer;
use crate::net::{Context, Listener, Server};

/// A door's socket file.
struct SocketFile {
    path: PathBuf,
    door: Server,
    /// What it is known by: device and inode.
    inode: Option<(u64, u64)>,
    /// It could not be made again yet, which was said.
    missed: bool,
    /// Something else is in its place, which was said.
    taken: bool,
}

/// Those of all doors.
#[derive(Default)]
pub(super) struct SocketFiles {
    files: Vec<SocketFile>,
    #[cfg(target_os = "linux")]
    watch: Option<linux::Watch>,
    /// They will be looked at again in a while, whatever the system tells.
    #[cfg(target_os = "linux")]
    again_set: bool,
}

impl SocketFiles {
    /// Notes the file of a door that is to listen, if it has one that this server has made.
    pub(super) fn note(&mut self, door: Server, listener: &Listener) {
        self.files
            .extend(listener.socket_file().map(|path| SocketFile {
                path: path.to_owned(),
                door,
                inode: listener.socket_file_inode(),
                missed: false,
                taken: false,
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
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;
    use std::rc::Rc;
    use std::time::Duration;

    use log::warn;
    use mio::event::Source;
    use mio::unix::SourceFd;
    use mio::{Interest, Registry, Token};
    use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
    use rustix::io::Errno;

    use super::{ChatServer, Context};
    use crate::server::bind;

    /// How long until a file is tried again that could not be made, since its folder is gone or
    /// something else in its place.
    const TRY_AGAIN: Duration = Duration::from_secs(10);

    /// The descriptor through which the system tells.
    #[derive(Clone)]
    pub(super) struct Watch(Rc<OwnedFd>);

    impl Watch {
        fn new() -> io::Result<Self> {
            let descriptor = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            Ok(Self(Rc::new(descriptor)))
        }

        /// Whatever is at this path is of interest; that its number of links changes tells that it
        /// is removed.
        fn add(&self, path: &Path) -> Result<(), Errno> {
            let events = WatchFlags::ATTRIB | WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF;
            inotify::add_watch(&*self.0, path, events | WatchFlags::DONT_FOLLOW).map(|_| ())
        }

        /// The same for a file of ours. False if it is gone already.
        fn add_own(&self, path: &Path) -> bool {
            match self.add(path) {
                Err(Errno::NOENT) => return false,
                Err(error) => {
                    warn!("nobody will notice if the socket file {path:?} is removed: {error}");
                }
                Ok(()) => {}
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
                    watch.add_own(&file.path);
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
        if server.end.has_begun() {
            return;
        }
        let mut missing = false;
        for file in &mut server.socket_files.files {
            if let Ok(found) = fs::symlink_metadata(&file.path) {
                if file.inode == Some((found.dev(), found.ino())) {
                    // It may have been away, and brought back.
                    (file.taken, file.missed) = (false, false);
                    continue;
                }
                if !std::mem::replace(&mut file.taken, true) {
                    warn!(
                        "something else is in the place of the socket file {:?}, and nobody can \
                         connect; it is made again when the place is free",
                        file.path
                    );
                }
                // That it goes is told, if the system lets us watch it, or found out later.
                let _ = watch.add(&file.path);
                missing = true;
                continue;
            }
            match bind::bind_again(&file.path, ipc_mode) {
                Ok(listener) => {
                    warn!(
                        "the socket file {:?} was removed; it is made again",
                        file.path
                    );
                    file.inode = listener.socket_file_inode();
                    (file.missed, file.taken) = (false, false);
                    missing |= !watch.add_own(&file.path);
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
        if missing && !std::mem::replace(&mut server.socket_files.again_set, true) {
            let timer = cx.set_timeout(TRY_AGAIN, |server: &mut ChatServer, cx| {
                server.socket_files.again_set = false;
                look(server, cx);
            });
            cx.set_timer_ref(timer, false);
        }
    }
}
