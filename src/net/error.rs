//! Errors as Node's `net` has them: a code, the system call, the address.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use rustix::io::Errno;

use super::Address;

/// What went wrong with a socket or a server.
///
/// It arrives as an event and never ends the loop. [`code`](Self::code) is Node's `err.code`, and
/// the text is Node's `err.message`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Error {
    code: &'static str,
    syscall: Option<&'static str>,
    errno: Option<i32>,
    address: Option<Address>,
    message: String,
    errors: Vec<Error>,
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
    /// An error of the program's own, to destroy a socket with (`new Error(message)`).
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// Why something cannot be called any more.
    pub(crate) fn destroyed(method: &str) -> Self {
        let message = format!("Cannot call {method} after a stream was destroyed");
        Self::with_code("ERR_STREAM_DESTROYED", message)
    }

    /// An error with a code but without a system call, such as `ERR_STREAM_WRITE_AFTER_END`.
    #[must_use]
    pub fn with_code(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            ..Self::default()
        }
    }

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
        // As Node joins them: no brackets about IPv6, and no port where any was to do.
        match address {
            Some(Address::Tcp(at)) if at.port() == 0 => message += &format!(" {}", at.ip()),
            Some(Address::Tcp(at)) => message += &format!(" {}:{}", at.ip(), at.port()),
            Some(Address::Ipc(path)) => message += &format!(" {}", path.display()),
            None => {}
        }
        Self {
            code,
            syscall: Some(syscall),
            errno: errno.map(|errno| -errno),
            address: address.cloned(),
            message,
            errors: Vec::new(),
        }
    }

    /// As Node tells an address that could not even be begun to connect to: with the local end,
    /// which is not bound yet.
    pub(super) fn of_unbound(mut self, remote: &SocketAddr) -> Self {
        let local = if remote.is_ipv4() { "0.0.0.0" } else { "::" };
        self.message += &format!(" - Local ({local}:0)");
        self
    }

    /// A name that could not be looked up: `getaddrinfo ENOTFOUND host`.
    #[must_use]
    pub fn lookup(host: &str) -> Self {
        Self {
            code: "ENOTFOUND",
            syscall: Some("getaddrinfo"),
            message: format!("getaddrinfo ENOTFOUND {host}"),
            ..Self::default()
        }
    }

    /// All addresses of a name failed: one error that holds each, with the code of the first
    /// (`AggregateError`). A single one is itself.
    pub(super) fn aggregate(mut errors: Vec<Self>) -> Self {
        if errors.len() == 1 {
            return errors.remove(0);
        }
        Self {
            code: errors.first().map_or("", |first| first.code),
            errors,
            ..Self::default()
        }
    }

    /// Node's `err.code`: `ECONNRESET`, `EADDRINUSE`, `ERR_STREAM_WRITE_AFTER_END` ... Empty for
    /// an error of the program's [own](Self::new).
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The system call that failed: `listen`, `connect`, `read`, `write`, `getaddrinfo`.
    #[must_use]
    pub fn syscall(&self) -> Option<&'static str> {
        self.syscall
    }

    /// The system's number of the error, negative as in Node.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        self.errno
    }

    /// The IP address or the path that was to be listened on or connected to (`err.address`).
    #[must_use]
    pub fn address(&self) -> Option<String> {
        match self.address.as_ref()? {
            Address::Tcp(address) => Some(address.ip().to_string()),
            path @ Address::Ipc(_) => Some(path.to_string()),
        }
    }

    /// The port that was to be listened on or connected to, `None` for port 0; -1 for a path that
    /// was listened on, as in Node (`err.port`).
    #[must_use]
    pub fn port(&self) -> Option<i32> {
        match self.address.as_ref()? {
            Address::Tcp(address) => (address.port() != 0).then(|| address.port().into()),
            Address::Ipc(_) => (self.syscall == Some("listen")).then_some(-1),
        }
    }

    /// The errors that an aggregate one holds, one an address (`err.errors`).
    #[must_use]
    pub fn errors(&self) -> &[Self] {
        &self.errors
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.errors.is_empty() {
            return f.write_str(&self.message);
        }
        // Node leaves the message of an AggregateError empty, which helps nobody who logs it.
        for (place, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if place == 0 { "" } else { "; " })?;
        }
        Ok(())
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
        assert_eq!(connect.address().as_deref(), Some("127.0.0.1"));
        assert_eq!(connect.port(), Some(3000));
        let address = "[::1]:3000".parse().unwrap();
        let v6 = Error::system("connect", &error(Errno::CONNREFUSED), Some(&address));
        assert_eq!(v6.to_string(), "connect ECONNREFUSED ::1:3000");
        let address = "192.0.2.1:0".parse().unwrap();
        let any = Error::system("listen", &error(Errno::ADDRNOTAVAIL), Some(&address));
        assert_eq!(
            any.to_string(),
            "listen EADDRNOTAVAIL: address not available 192.0.2.1"
        );
        assert_eq!(any.port(), None);
        let read = Error::system("read", &error(Errno::CONNRESET), None);
        assert_eq!(read.to_string(), "read ECONNRESET");
        assert_eq!(read.code(), "ECONNRESET");
    }

    #[test]
    fn an_aggregate_has_the_code_of_the_first() {
        let all = vec![Error::lookup("a"), Error::new("other")];
        let aggregate = Error::aggregate(all);
        assert_eq!(
            (aggregate.code(), aggregate.errors().len()),
            ("ENOTFOUND", 2)
        );
        assert_eq!(aggregate.to_string(), "getaddrinfo ENOTFOUND a; other");
        assert_eq!(Error::aggregate(vec![Error::new("one")]), Error::new("one"));
    }
}
