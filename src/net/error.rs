//! Errors as Node's `net` has them: a code, the system call, the address.

use std::fmt;
use std::io;

use rustix::io::Errno;

use super::Address;

/// What went wrong with a socket or a server.
///
/// It arrives as an event and never ends the loop. [`code`](Self::code) is Node's `err.code`, and
/// the text is Node's `err.message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: &'static str,
    syscall: Option<&'static str>,
    errno: Option<i32>,
    address: Option<Address>,
    message: String,
}

/// The codes a socket meets, with libuv's words for them.
const SYSTEM: &[(Errno, &str, &str)] = &[
    (Errno::ACCESS, "EACCES", "permission denied"),
    (Errno::ADDRINUSE, "EADDRINUSE", "address already in use"),
    (
        Errno::ADDRNOTAVAIL,
        "EADDRNOTAVAIL",
        "address not available",
    ),
    (
        Errno::AFNOSUPPORT,
        "EAFNOSUPPORT",
        "address family not supported",
    ),
    (Errno::AGAIN, "EAGAIN", "resource temporarily unavailable"),
    (Errno::ALREADY, "EALREADY", "connection already in progress"),
    (Errno::BADF, "EBADF", "bad file descriptor"),
    (
        Errno::CONNABORTED,
        "ECONNABORTED",
        "software caused connection abort",
    ),
    (Errno::CONNREFUSED, "ECONNREFUSED", "connection refused"),
    (Errno::CONNRESET, "ECONNRESET", "connection reset by peer"),
    (Errno::HOSTUNREACH, "EHOSTUNREACH", "host is unreachable"),
    (Errno::INVAL, "EINVAL", "invalid argument"),
    (Errno::ISCONN, "EISCONN", "socket is already connected"),
    (Errno::LOOP, "ELOOP", "too many symbolic links encountered"),
    (Errno::MFILE, "EMFILE", "too many open files"),
    (Errno::NAMETOOLONG, "ENAMETOOLONG", "name too long"),
    (Errno::NETUNREACH, "ENETUNREACH", "network is unreachable"),
    (Errno::NFILE, "ENFILE", "file table overflow"),
    (Errno::NOBUFS, "ENOBUFS", "no buffer space available"),
    (Errno::NOENT, "ENOENT", "no such file or directory"),
    (Errno::NOMEM, "ENOMEM", "not enough memory"),
    (Errno::NOSPC, "ENOSPC", "no space left on device"),
    (Errno::NOTCONN, "ENOTCONN", "socket is not connected"),
    (Errno::NOTDIR, "ENOTDIR", "not a directory"),
    (Errno::NOTSOCK, "ENOTSOCK", "socket operation on non-socket"),
    (Errno::PERM, "EPERM", "operation not permitted"),
    (Errno::PIPE, "EPIPE", "broken pipe"),
    (Errno::ROFS, "EROFS", "read-only file system"),
    (Errno::TIMEDOUT, "ETIMEDOUT", "connection timed out"),
];

impl Error {
    /// A failed system call: `connect ECONNREFUSED 127.0.0.1:3000`.
    pub(super) fn system(
        syscall: &'static str,
        error: &io::Error,
        address: Option<&Address>,
    ) -> Self {
        let errno = error.raw_os_error();
        let known = SYSTEM
            .iter()
            .find(|(known, ..)| Some(known.raw_os_error()) == errno);
        let code = known.map_or("UNKNOWN", |(_, code, _)| code);
        let mut message = format!("{syscall} {code}");
        // Node spells the reason out for `listen` only.
        match known {
            Some((.., words)) if syscall == "listen" => message += &format!(": {words}"),
            Some(_) => {}
            None => message += &format!(": {error}"),
        }
        if let Some(address) = address {
            message += &format!(" {address}");
        }
        Self {
            code,
            syscall: Some(syscall),
            errno,
            address: address.cloned(),
            message,
        }
    }

    /// An error of the stream's own, such as `ERR_STREAM_WRITE_AFTER_END`.
    pub(super) fn stream(code: &'static str, message: &str) -> Self {
        Self {
            code,
            syscall: None,
            errno: None,
            address: None,
            message: message.to_owned(),
        }
    }

    /// A name that could not be looked up: `getaddrinfo ENOTFOUND host`.
    pub(super) fn lookup(host: &str) -> Self {
        Self {
            code: "ENOTFOUND",
            syscall: Some("getaddrinfo"),
            errno: None,
            address: None,
            message: format!("getaddrinfo ENOTFOUND {host}"),
        }
    }

    /// Node's `err.code`: `ECONNRESET`, `EADDRINUSE`, `ERR_STREAM_WRITE_AFTER_END` ...
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The system call that failed: `listen`, `connect`, `read`, `write`, `shutdown`, `getaddrinfo`.
    #[must_use]
    pub fn syscall(&self) -> Option<&'static str> {
        self.syscall
    }

    /// The system's number of the error, positive.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        self.errno
    }

    /// The address that was to be listened on or connected to.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_nodes() {
        let address = "127.0.0.1:3000".parse().unwrap();
        let error = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        let listen = Error::system("listen", &error(Errno::ADDRINUSE), Some(&address));
        assert_eq!(
            listen.to_string(),
            "listen EADDRINUSE: address already in use 127.0.0.1:3000"
        );
        let connect = Error::system("connect", &error(Errno::CONNREFUSED), Some(&address));
        assert_eq!(connect.to_string(), "connect ECONNREFUSED 127.0.0.1:3000");
        let read = Error::system("read", &error(Errno::CONNRESET), None);
        assert_eq!(
            (read.to_string().as_str(), read.code()),
            ("read ECONNRESET", "ECONNRESET")
        );
    }
}
