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
    watch: Option<crate::server::file_watch::Watch>,
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
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;
    use std::time::Duration;

    use log::warn;
    use rustix::fs::inotify::WatchFlags;
    use rustix::io::Errno;

    use super::{ChatServer, Context};
    use crate::server::bind;
    use crate::server::file_watch::Watch;

    /// How long until a file is tried again that could not be made, since its folder is gone or
    /// something else in its place.
    const TRY_AGAIN: Duration = Duration::from_secs(10);

    /// Whatever is at this path is of interest; that its number of links changes tells that it is
    /// removed.
    fn add(watch: &Watch, path: &Path) -> Result<(), Errno> {
        let events = WatchFlags::ATTRIB | WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF;
        watch.add(path, events | WatchFlags::DONT_FOLLOW)
    }

    /// The same for a file of ours. False if it is gone already.
    fn add_own(watch: &Watch, path: &Path) -> bool {
        match add(watch, path) {
            Err(Errno::NOENT) => return false,
            Err(error) => {
                warn!("nobody will notice if the socket file {path:?} is removed: {error}");
            }
            Ok(()) => {}
        }
        true
    }

    /// Watches the socket files that were noted.
    pub(in crate::server) fn watch(cx: &mut Context<ChatServer>, server: &mut ChatServer) {
        if server.socket_files.files.is_empty() {
            return;
        }
        match Watch::open(cx, look) {
            Ok(watch) => {
                for file in &server.socket_files.files {
                    add_own(&watch, &file.path);
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
                let _ = add(&watch, &file.path);
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
                    missing |= !add_own(&watch, &file.path);
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
