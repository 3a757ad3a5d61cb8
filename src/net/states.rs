//! How far a socket is: its life, what is read of it, and what is written to it. Each goes its own
//! way, and each only forward. Node keeps the same in some twenty flags.

/// From its making to its close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// It has had no descriptor so far.
    New,
    /// It is to be connected: a lookup is under way, or an attempt.
    Connecting,
    /// The connection stands.
    Open,
    /// The connection broke. It is not destroyed yet, since what the peer had sent before is to be
    /// handed out first.
    Broken(Rest),
    /// Its descriptor is closed; `Close` is to come.
    Destroyed(Past),
    /// `Close` was emitted.
    Closed(Past),
}

/// Where the rest is of what the peer of a broken connection had sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// A write has failed: the kernel may have more to read.
    InKernel,
    /// Nothing more is to be had from the kernel.
    Read,
}

/// What is known of a life that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Past {
    /// The connection stood at some time.
    pub(super) stood: bool,
    /// `Close` tells of an error.
    pub(super) had_error: bool,
}

impl Life {
    /// Whether it has been destroyed.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Self::Destroyed(_) | Self::Closed(_))
    }

    pub(super) fn is_broken(self) -> bool {
        matches!(self, Self::Broken(_))
    }

    pub(super) fn is_closed(self) -> bool {
        matches!(self, Self::Closed(_))
    }

    /// Whether the connection stood at some time.
    pub(super) fn has_stood(self) -> bool {
        match self {
            Self::New | Self::Connecting => false,
            Self::Open | Self::Broken(_) => true,
            Self::Destroyed(past) | Self::Closed(past) => past.stood,
        }
    }

    /// What it is from its `destroy` on.
    pub(super) fn destroyed(self, has_error: bool) -> Self {
        Self::Destroyed(Past {
            stood: self.has_stood(),
            // Without a handle there is none whose close could tell of it.
            had_error: has_error && self != Self::New,
        })
    }

    /// `Close` is to be emitted: false if it was before.
    pub(super) fn close(&mut self) -> bool {
        let Self::Destroyed(past) = *self else {
            return false;
        };
        *self = Self::Closed(past);
        true
    }

    /// What `Close` says.
    pub(super) fn had_error(self) -> bool {
        match self {
            Self::Destroyed(past) | Self::Closed(past) => past.had_error,
            _ => false,
        }
    }
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ReadSide {
    /// Nobody has asked for data.
    Idle,
    /// It is read, as far as it [wants](super::connection::Connection::wants) it.
    Started,
    /// The end of the stream was read: `End` follows what was kept.
    Eof,
    /// `End` was emitted.
    Ended,
}

impl ReadSide {
    /// Somebody asks for data.
    pub(super) fn start(&mut self) {
        *self = (*self).max(Self::Started);
    }

    /// Whether the end of the stream was read.
    pub(super) fn is_at_end(self) -> bool {
        self >= Self::Eof
    }

    pub(super) fn has_ended(self) -> bool {
        self == Self::Ended
    }
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WriteSide {
    Open,
    /// `end` was called.
    Ending,
    /// All was written: the shutdown is under way, or done.
    ShuttingDown,
    /// It is shut down, and `Finish` emitted.
    Finished,
}

impl WriteSide {
    /// Whether `end` was called.
    pub(super) fn is_ending(self) -> bool {
        self >= Self::Ending
    }

    pub(super) fn has_finished(self) -> bool {
        self == Self::Finished
    }
}
