//! What callbacks return, and what becomes of an error among it.

use std::cmp::Ordering;
use std::fmt::Display;
use std::ops::ControlFlow;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use log::error;

use super::{AsyncHandle, HandleId, Immediate, PollHandle, Timer};

/// What a callback may return: nothing, or a `Result`, so that `?` may be used in it. Also what
/// the methods of this crate and of `std` return, so that a callback may be a single call; it is
/// dropped.
///
/// An error is never dropped. It is logged, with the place where the callback was set and what it
/// was set for, and whoever waits for an answer gets one: see [`CallbackSite`].
#[diagnostic::on_unimplemented(
    message = "a callback cannot return `{Self}`",
    label = "it returns nothing, or a `Result` whose error can be shown",
    note = "a `;` behind the last expression drops its value"
)]
pub trait CallbackResult {
    /// The error, as text, if it is one.
    fn into_error(self) -> Option<String>;
}

impl<T, E: Display> CallbackResult for Result<T, E> {
    fn into_error(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}

/// Says of types that they hold no error.
macro_rules! no_error {
    ($($({$($generic:tt)*})? $type:ty),* $(,)?) => {
        $(impl$(<$($generic)*>)? $crate::event_loop::CallbackResult for $type {
            fn into_error(self) -> Option<String> {
                None
            }
        })*
    };
}
pub(crate) use no_error;

no_error! {
    (), bool, char, u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64, String,
    {T: ?Sized} &T, {T: ?Sized} &mut T, {T: ?Sized} Box<T>, {T: ?Sized} Rc<T>, {T: ?Sized} Arc<T>,
    {T} Option<T>, {T} Vec<T>, {A, B} (A, B), {A, B, C} (A, B, C), {B, C} ControlFlow<B, C>,
    Ordering, Duration, Instant, HandleId, Timer, Immediate, PollHandle, AsyncHandle, Never,
}

/// The type of what does not return, `!`, which cannot be written as such yet: that of a callback
/// that panics.
type Never = <fn() -> ! as Function>::Returned;

/// A way to name what a function returns.
pub trait Function {
    /// What it returns.
    type Returned;
}

impl<R> Function for fn() -> R {
    type Returned = R;
}

/// Where in the program a callback was set, kept beside it: for whoever writes methods that take
/// callbacks.
///
/// What becomes of the error of a callback is decided by what it was set for. In each case it is
/// logged at the level of errors.
///
/// | the callback of | beside the log |
/// | --- | --- |
/// | a timer, an immediate, a tick, work, a signal, a polled source, an async handle, a server | nothing: nobody waits |
/// | a socket, a write to it, [`Connection`](crate::net::ServerEvent::Connection) | it is destroyed with the error |
/// | an HTTP request at a server, or its response | the answer is 500, or the connection ends if one was begun |
/// | an HTTP upgrade | the same, unless the socket was written to |
/// | an HTTP request of a client | it is given up with the error |
/// | a WebSocket | it is closed with 1011 |
#[derive(Clone, Copy, Debug)]
pub struct CallbackSite(&'static Location<'static>);

impl CallbackSite {
    /// Where the caller was called, if it is itself `#[track_caller]`.
    #[must_use]
    #[track_caller]
    pub fn caller() -> Self {
        Self(Location::caller())
    }

    /// Logs an error that a callback has returned, and gives it to whoever has to act on it.
    /// `what` is what the callback was set for.
    pub fn check(self, what: impl Display, returned: impl CallbackResult) -> Option<String> {
        let error = returned.into_error()?;
        error!("a callback has failed: {what}, set at {}: {error}", self.0);
        Some(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_is_one() {
        let failed: Result<u8, &str> = Err("why");
        let fine: Result<u8, &str> = Ok(1);
        assert_eq!(failed.into_error().as_deref(), Some("why"));
        assert_eq!(fine.into_error(), None);
        assert_eq!(().into_error(), None);
        assert_eq!(Some(Rc::new(1)).into_error(), None);
    }

    #[test]
    fn a_callback_that_never_returns_may_be_one() {
        fn takes<R: CallbackResult>(_: impl Fn() -> R) {}
        takes(|| panic!("never called"));
        takes(|| -> Result<(), std::io::Error> { unreachable!() });
    }
}
