//! For tests: who forks, and who must not have that happen.
//!
//! Between a fork and its exec a child has a copy of every descriptor of this process, so what a
//! test closes meanwhile is not closed yet, and time that jumps when nothing is told would
//! overtake it.

#[cfg(feature = "server")]
use std::sync::RwLockReadGuard;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

static FORKS: RwLock<()> = RwLock::new(());

/// While it is held nobody forks. It is the server's tests whose time jumps.
#[cfg(feature = "server")]
pub(crate) fn none() -> RwLockReadGuard<'static, ()> {
    FORKS.read().unwrap_or_else(PoisonError::into_inner)
}

/// To be held from before a fork until after the exec: `Command::spawn` returns then.
pub(crate) fn one() -> RwLockWriteGuard<'static, ()> {
    FORKS.write().unwrap_or_else(PoisonError::into_inner)
}
