//! What the kernel has taken of a connection's bytes and the peer's has not acknowledged.
//!
//! Linux tells it to whoever asks its socket diagnostics (`sock_diag(7)`, what `ss` asks): one
//! question about one connection, by its two addresses. Where that cannot be asked (another
//! system, a sandbox without `AF_NETLINK`) nothing is known.

use std::net::SocketAddr;

use super::{Address, Context, Handles};
use crate::event_loop::HandleId;

/// Bytes that the peer has not acknowledged, our end of the stream among them as one.
pub(super) fn unacknowledged<S>(cx: &mut Context<S>, id: HandleId) -> Option<u32> {
    let stream = &cx.connection(id)?.stream;
    let (Ok(Some(Address::Tcp(local))), Ok(Some(Address::Tcp(peer)))) =
        (stream.local_address(), stream.peer_address())
    else {
        return None; // IPC, or the peer has reset it
    };
    let extensions = cx.extensions_mut();
    if extensions.get::<Diagnostics>().is_none() {
        extensions.insert(Diagnostics::open());
    }
    extensions.get::<Diagnostics>()?.ask(local, peer)
}

/// The loop's line to the kernel; `None` where there is none.
struct Diagnostics(Option<kernel::Line>);

impl Diagnostics {
    fn open() -> Self {
        Self(
            kernel::Line::open()
                .inspect_err(|error| {
                    log::debug!("what peers have acknowledged is not known: {error}");
                })
                .ok(),
        )
    }

    fn ask(&self, local: SocketAddr, peer: SocketAddr) -> Option<u32> {
        let line = self.0.as_ref()?;
        line.ask(local, peer)
            .inspect_err(|error| {
                log::debug!("what {peer} has acknowledged is not known: {error}");
            })
            .ok()
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod kernel {
    use std::io;
    use std::net::{IpAddr, SocketAddr};
    use std::os::fd::OwnedFd;

    use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
    use rustix::net::{netlink, recv, send, socket_with};

    /// A question for one socket, and its answer (`SOCK_DIAG_BY_FAMILY`).
    const BY_FAMILY: u16 = 20;
    /// `NLM_F_REQUEST`.
    const REQUEST: u16 = 1;
    /// `struct nlmsghdr`.
    const HEADER: usize = 16;
    /// The header and a `struct inet_diag_req_v2`.
    const QUESTION: usize = HEADER + 56;
    /// Where in the answer `idiag_wqueue` of `struct inet_diag_msg` is.
    const UNACKNOWLEDGED: usize = HEADER + 60;
    const TCP: u8 = 6;

    pub(super) struct Line(OwnedFd);

    impl Line {
        pub(super) fn open() -> io::Result<Self> {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let kind = SocketType::DGRAM;
            let line = socket_with(
                AddressFamily::NETLINK,
                kind,
                flags,
                Some(netlink::SOCK_DIAG),
            )?;
            Ok(Self(line))
        }

        /// The kernel answers within the call that asks: nothing is waited for.
        pub(super) fn ask(&self, local: SocketAddr, peer: SocketAddr) -> io::Result<u32> {
            send(&self.0, &question(local, peer), SendFlags::empty())?;
            let mut answer = [0; 512];
            let (length, _) = recv(&self.0, &mut answer[..], RecvFlags::empty())?;
            let kind = u16::from_ne_bytes([answer[4], answer[5]]);
            let place = UNACKNOWLEDGED..UNACKNOWLEDGED + 4;
            if kind != BY_FAMILY || length < place.end {
                // There is no such connection any more: nobody acknowledges anything.
                return Err(io::ErrorKind::NotFound.into());
            }
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&answer[place]);
            Ok(u32::from_ne_bytes(bytes))
        }
    }

    fn question(local: SocketAddr, peer: SocketAddr) -> [u8; QUESTION] {
        let mut bytes = [0; QUESTION];
        let mut at = 0;
        let mut put = |part: &[u8]| {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        };
        let family = match local {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        put(&(QUESTION as u32).to_ne_bytes());
        put(&BY_FAMILY.to_ne_bytes());
        put(&REQUEST.to_ne_bytes());
        put(&[0; 8]); // no sequence number, no port
        put(&[family.as_raw() as u8, TCP, 0, 0]); // no extensions
        put(&u32::MAX.to_ne_bytes()); // in any state
        put(&local.port().to_be_bytes());
        put(&peer.port().to_be_bytes());
        put(&address(local.ip()));
        put(&address(peer.ip()));
        let interface = match local {
            SocketAddr::V6(local) => local.scope_id(),
            SocketAddr::V4(_) => 0,
        };
        put(&interface.to_ne_bytes());
        put(&[0xFF; 8]); // whatever its cookie
        bytes
    }

    fn address(ip: IpAddr) -> [u8; 16] {
        match ip {
            IpAddr::V6(ip) => ip.octets(),
            IpAddr::V4(ip) => {
                let [a, b, c, d] = ip.octets();
                [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            }
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod kernel {
    use std::io;
    use std::net::SocketAddr;

    pub(super) struct Line;

    impl Line {
        pub(super) fn open() -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(super) fn ask(&self, _: SocketAddr, _: SocketAddr) -> io::Result<u32> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }
}
