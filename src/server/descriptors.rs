//! How many connections the system lets one process have.

use log::{debug, warn};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of descriptors to the hard one: each connection is a descriptor, and
/// shells commonly start programs with a soft limit of 1024.
pub(super) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => debug!("up to {:?} descriptors", limit.maximum),
        Err(error) => warn!("the descriptor limit stays at {:?}: {error}", limit.current),
    }
}
