//! Files that others change: the system tells (inotify). Linux only.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;

use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::io::Errno;

use super::ChatServer;
use crate::net::Context;

/// The descriptor through which the system tells.
#[derive(Clone)]
pub(super) struct Watch(Rc<OwnedFd>);

impl Watch {
    /// Calls back when something has changed of what is [added](Self::add). What that is, is to be
    /// seen by a look.
    pub(super) fn open(
        cx: &mut Context<ChatServer>,
        mut changed: impl FnMut(&mut ChatServer, &mut Context<ChatServer>) + 'static,
    ) -> io::Result<Self> {
        let descriptor = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let watch = Self(Rc::new(descriptor));
        let handle = cx.poll(
            watch.clone(),
            Interest::READABLE,
            move |server: &mut ChatServer, cx, _, watch, _| {
                watch.drain();
                changed(server, cx);
            },
        )?;
        cx.set_poll_ref(handle, false);
        Ok(watch)
    }

    /// These events at a path are of interest. One that was added before may be added again.
    pub(super) fn add(&self, path: &Path, events: WatchFlags) -> Result<(), Errno> {
        inotify::add_watch(&*self.0, path, events).map(|_| ())
    }

    /// Reads what there is to read.
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
