//! What the kernel said about a handle, remembered until it has been acted on.

use std::ops::{BitOr, BitOrAssign};

use mio::event::Event;

/// A set of readiness bits.
///
/// mio is edge-triggered: it says each thing once, and says it again only after the handle has
/// run into `WouldBlock`. So the loop keeps what it was told, in one byte a handle, until the
/// handle clears it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness(u8);

impl Readiness {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// There is something to read, to accept, or an end of stream.
    pub const READABLE: Self = Self(1);
    /// There is room to write, or a connection attempt has ended.
    pub const WRITABLE: Self = Self(2);
    /// The peer will send no more (RDHUP): read on until `0`, even after a short read.
    pub const READ_CLOSED: Self = Self(4);
    /// Writing has no future (HUP).
    pub const WRITE_CLOSED: Self = Self(8);
    /// The descriptor holds an error.
    pub const ERROR: Self = Self(16);
    /// There is TCP urgent data: a read stops short in front of it, and of what is behind it.
    pub const PRIORITY: Self = Self(32);

    /// True if any bit of `other` is set here.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// These bits without those of `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Readiness {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Readiness {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl From<&Event> for Readiness {
    fn from(event: &Event) -> Self {
        let mut all = Self::NONE;
        for (set, bit) in [
            (event.is_readable(), Self::READABLE),
            (event.is_writable(), Self::WRITABLE),
            (event.is_read_closed(), Self::READ_CLOSED),
            (event.is_write_closed(), Self::WRITE_CLOSED),
            (event.is_error(), Self::ERROR),
            (event.is_priority(), Self::PRIORITY),
        ] {
            if set {
                all |= bit;
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_a_set() {
        let mut ready = Readiness::READABLE | Readiness::READ_CLOSED;
        assert!(ready.contains(Readiness::READ_CLOSED));
        assert!(!ready.contains(Readiness::WRITABLE));
        ready |= Readiness::WRITABLE;
        ready = ready.without(Readiness::READABLE);
        assert_eq!(ready, Readiness::WRITABLE | Readiness::READ_CLOSED);
    }
}
