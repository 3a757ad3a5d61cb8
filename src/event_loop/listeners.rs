//! Who listens to what happens to a socket, a server, a request (`EventEmitter`).
//!
//! One list for each of them, and one set of rules, which are Node's:
//!
//! - Listeners are called in the order in which they were added; one that was prepended comes first.
//! - Who listens when an event begins hears it: also who is removed by another listener meanwhile, not
//!   who is added. Only [`remove_all`](Listeners::remove_all) is at once, since what was listened to
//!   is somebody else's from then on.
//! - One that is called once is removed before it is called.
//!
//! The list stays where it is while its listeners are called, each lent out by itself, so that they
//! may reach everything, the list included.

use super::{Context, Handle};

/// Names a listener, to remove it again (`off`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(u32);

impl ListenerId {
    /// Of whoever wanted to listen to what is gone.
    pub(crate) const NONE: Self = Self(0);
}

/// How often it is called, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Every,
    Once,
    /// What the subject itself has to do at the next such event, in its place among the listeners. It
    /// is not counted, and not removed with the others.
    Own,
}

struct Listener<K, F: ?Sized> {
    /// What it listens to: any event, if this says nothing.
    kind: Option<K>,
    role: Role,
    /// The depth of the emission in which it was added or removed; 0 if that is over, or never was.
    added_in: u8,
    removed_in: u8,
    id: ListenerId,
    /// `None` while it is called, and once it never will be again.
    callback: Option<Box<F>>,
}

impl<K: Copy + PartialEq, F: ?Sized> Listener<K, F> {
    fn listens(&self, kind: K) -> bool {
        self.removed_in == 0 && self.kind.is_none_or(|own| own == kind)
    }

    /// Whether an emission of this depth calls it.
    fn hears(&self, kind: K, depth: u8) -> bool {
        let was_removed = self.removed_in != 0 && self.removed_in < depth;
        let is_there = self.added_in < depth && !was_removed && self.callback.is_some();
        is_there && self.kind.is_none_or(|own| own == kind)
    }
}

/// Listeners in the order in which they are called. Without any it owns no memory.
pub(crate) struct Listeners<K, F: ?Sized> {
    list: Vec<Listener<K, F>>,
    /// The last id that was given out.
    last: u32,
    /// How many emissions are under way, each within the one before.
    depth: u8,
    /// Something was added or removed meanwhile.
    untidy: bool,
}

impl<K, F: ?Sized> Default for Listeners<K, F> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            last: 0,
            depth: 0,
            untidy: false,
        }
    }
}

/// A listener that is being called.
struct Lent<F: ?Sized> {
    place: usize,
    id: ListenerId,
    callback: Box<F>,
}

impl<K: Copy + PartialEq, F: ?Sized> Listeners<K, F> {
    /// Adds a listener behind the others, or before them.
    pub(crate) fn add(
        &mut self,
        kind: Option<K>,
        role: Role,
        first: bool,
        callback: Box<F>,
    ) -> ListenerId {
        self.last = self.last.wrapping_add(1).max(1);
        self.untidy |= self.depth > 0;
        let place = if first { 0 } else { self.list.len() };
        let listener = Listener {
            kind,
            role,
            added_in: self.depth,
            removed_in: 0,
            id: ListenerId(self.last),
            callback: Some(callback),
        };
        self.list.insert(place, listener);
        ListenerId(self.last)
    }

    /// Adds what the subject itself has to do at the next such event.
    pub(crate) fn add_own(&mut self, kind: K, callback: Box<F>) {
        self.add(Some(kind), Role::Own, false, callback);
    }

    /// Removes one; false if it was removed before. If others are being called, it still hears that.
    pub(crate) fn remove(&mut self, id: ListenerId) -> bool {
        self.remove_those(|listener| listener.id == id)
    }

    /// As [`remove`](Self::remove), for what the subject itself would have done at such an event.
    pub(crate) fn remove_own(&mut self, kind: K) {
        self.remove_those(|listener| listener.role == Role::Own && listener.kind == Some(kind));
    }

    fn remove_those(&mut self, gone: impl Fn(&Listener<K, F>) -> bool) -> bool {
        let mut any = false;
        let there = |listener: &&mut Listener<K, F>| listener.removed_in == 0 && gone(listener);
        for listener in self.list.iter_mut().filter(there) {
            listener.removed_in = self.depth.max(1);
            any = true;
        }
        self.untidy |= any;
        if self.depth == 0 {
            self.tidy();
        }
        any
    }

    /// Removes all but what the subject itself has to do, at once.
    pub(crate) fn remove_all(&mut self) {
        for listener in self.list.iter_mut().filter(|own| own.role != Role::Own) {
            listener.removed_in = self.depth.max(1);
            listener.callback = None;
            listener.role = Role::Once; // if it is being called, it is for the last time
        }
        self.untidy = true;
        if self.depth == 0 {
            self.tidy();
        }
    }

    /// Whether anybody listens to such an event.
    pub(crate) fn listens(&self, kind: K) -> bool {
        self.list.iter().any(|listener| listener.listens(kind))
    }

    /// Whether anybody listens to such an event by its name, and not only to all of them.
    pub(crate) fn names(&self, kind: K) -> bool {
        let mut list = self.list.iter();
        list.any(|own| own.kind == Some(kind) && own.listens(kind))
    }

    /// How many listen to such an event, or to any, without what the subject itself has to do.
    pub(crate) fn count(&self, kind: K) -> usize {
        let listening = self.list.iter().filter(|own| own.listens(kind));
        listening.filter(|own| own.role != Role::Own).count()
    }

    /// Whether anybody listens to anything.
    #[cfg(feature = "http")]
    pub(crate) fn any(&self) -> bool {
        self.list.iter().any(|listener| listener.removed_in == 0)
    }

    /// Forgets all of them: the list is another subject's from now on.
    #[cfg(feature = "http")]
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        (self.depth, self.untidy) = (0, false);
    }

    /// Begins an emission, if anybody hears it, and tells the place of the first who does: who is
    /// added from now on does not.
    pub(crate) fn begin(&mut self, kind: K) -> Option<usize> {
        let depth = self.depth + 1;
        let place = self.list.iter().position(|own| own.hears(kind, depth))?;
        self.depth = depth;
        Some(place)
    }

    /// Lends out the first from a place on whose turn it is. If there is none, the emission is over.
    fn lend(&mut self, kind: K, from: usize) -> Option<Lent<F>> {
        let depth = self.depth;
        let mut rest = self.list.iter_mut().enumerate().skip(from);
        let Some((place, listener)) = rest.find(|(_, own)| own.hears(kind, depth)) else {
            self.end();
            return None;
        };
        if listener.role != Role::Every && listener.removed_in == 0 {
            listener.removed_in = depth;
            self.untidy = true;
        }
        Some(Lent {
            place,
            id: listener.id,
            callback: listener.callback.take()?,
        })
    }

    /// Takes one back, and lends out the next.
    fn lend_next(&mut self, kind: K, lent: Lent<F>) -> Option<Lent<F>> {
        let Lent {
            place,
            id,
            callback,
        } = lent;
        let is_it = |listener: &Listener<K, F>| listener.id == id;
        let place = match self.list.get(place) {
            Some(listener) if is_it(listener) => place,
            _ => self.list.iter().position(is_it)?, // others were prepended
        };
        if self.list[place].role == Role::Every {
            self.list[place].callback = Some(callback);
        }
        self.lend(kind, place + 1)
    }

    /// An emission is over.
    fn end(&mut self) {
        self.depth -= 1;
        self.tidy();
    }

    /// What was added and removed in emissions that are over counts for the one around them, or for
    /// good.
    fn tidy(&mut self) {
        if !self.untidy {
            return;
        }
        let depth = self.depth;
        self.untidy = depth > 0;
        for listener in &mut self.list {
            listener.added_in = listener.added_in.min(depth);
            listener.removed_in = listener.removed_in.min(depth.max(1));
        }
        if depth == 0 {
            self.list.retain(|listener| listener.removed_in == 0);
        }
    }
}

/// Calls those who listen to such an event, in order; true if there was one. `of` finds the list: it
/// is looked for before and after each call, since a call may reach everything.
pub(crate) fn emit<H: Handle, K: Copy + PartialEq, F: ?Sized>(
    state: &mut H::State,
    cx: &mut Context<H>,
    kind: K,
    of: impl Fn(&mut Context<H>) -> Option<&mut Listeners<K, F>>,
    call: impl FnMut(&mut F, &mut H::State, &mut Context<H>),
) -> bool {
    let first = of(cx).and_then(|listeners| {
        let place = listeners.begin(kind)?;
        listeners.lend(kind, place)
    });
    call_from(state, cx, kind, first, of, call)
}

/// As [`emit`], for a list whose emission has [begun](Listeners::begin) before.
pub(crate) fn emit_begun<H: Handle, K: Copy + PartialEq, F: ?Sized>(
    state: &mut H::State,
    cx: &mut Context<H>,
    kind: K,
    of: impl Fn(&mut Context<H>) -> Option<&mut Listeners<K, F>>,
    call: impl FnMut(&mut F, &mut H::State, &mut Context<H>),
) -> bool {
    let first = of(cx).and_then(|listeners| listeners.lend(kind, 0));
    call_from(state, cx, kind, first, of, call)
}

fn call_from<H: Handle, K: Copy + PartialEq, F: ?Sized>(
    state: &mut H::State,
    cx: &mut Context<H>,
    kind: K,
    first: Option<Lent<F>>,
    of: impl Fn(&mut Context<H>) -> Option<&mut Listeners<K, F>>,
    mut call: impl FnMut(&mut F, &mut H::State, &mut Context<H>),
) -> bool {
    let any = first.is_some();
    let mut next = first;
    while let Some(mut lent) = next {
        call(&mut lent.callback, state, cx);
        next = of(cx).and_then(|listeners| listeners.lend_next(kind, lent));
    }
    any
}

/// Names the kinds of a sort of events, and what Node calls them.
macro_rules! event_kinds {
    ($kinds:ident of $event:ident: $($kind:ident $name:literal,)*) => {
        #[doc = concat!("What one can listen to: the kinds of [`", stringify!($event), "`].")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $kinds {
            $(#[doc = concat!("[`", stringify!($event), "::", stringify!($kind), "`].")] $kind,)*
        }

        impl $event<'_> {
            /// Which of them it is.
            #[must_use]
            pub fn kind(&self) -> $kinds {
                match self {
                    $(Self::$kind { .. } => $kinds::$kind,)*
                }
            }

            /// Node's name of it, as `on` takes it there.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$kind { .. } => $name,)*
                }
            }
        }
    };
}
pub(crate) use event_kinds;

/// Writes the `add_listener` of a subject for which nothing follows from being listened to.
macro_rules! adds_listeners {
    ($subject:ident, $kinds:ident, $callback:ident, S: $bound:tt) => {
        impl $subject {
            fn add_listener<S: $bound>(
                self,
                cx: &mut Context<S>,
                kind: Option<$kinds>,
                role: Role,
                first: bool,
                callback: Box<$callback<S>>,
            ) -> ListenerId {
                let listeners = self.listeners(cx);
                listeners.map_or(ListenerId::NONE, |listeners| {
                    listeners.add(kind, role, first, callback)
                })
            }
        }
    };
}
pub(crate) use adds_listeners;

/// Writes the methods that add and remove listeners. The subject has a method `listeners` that finds
/// its list, one `add_listener` that adds to it, and one `run` that calls one and acts on its error; `$of`
/// is what a listener is called with, and `$bound` what the program's state has to be.
///
/// A row for each kind of event: the names of its pair of methods, the types of what the callback
/// gets, and how that is taken out of the event and of whom it is about.
macro_rules! listener_methods {
    ($subject:ident of $event:ident, $kinds:ident, $of:ident, S: $bound:tt; $(
        $on:ident $once:ident $kind:ident ($($type:ty),*) $whom:pat, $what:pat => ($($value:expr),*);
    )*) => {
        impl $subject {
            $(
                #[doc = concat!("Calls back on every [`", stringify!($event), "::", stringify!($kind), "`].")]
                #[track_caller]
                pub fn $on<S: $bound, R: CallbackResult>(
                    self,
                    cx: &mut Context<S>,
                    mut callback: impl FnMut(&mut S, &mut Context<S> $(, $type)*) -> R + 'static,
                ) -> Self {
                    let site = CallbackSite::caller();
                    let callback = move |state: &mut S, cx: &mut Context<S>, of: $of, event: $event<'_>| {
                        if let ($whom, $what) = (of, event) {
                            Self::run(state, cx, site, of, event, |state, cx| {
                                callback(state, cx $(, $value)*)
                            });
                        }
                    };
                    self.add_listener(cx, Some($kinds::$kind), Role::Every, false, Box::new(callback));
                    self
                }

                #[doc = concat!("Calls back on the next [`", stringify!($event), "::", stringify!($kind), "`] only.")]
                #[track_caller]
                pub fn $once<S: $bound, R: CallbackResult>(
                    self,
                    cx: &mut Context<S>,
                    callback: impl FnOnce(&mut S, &mut Context<S> $(, $type)*) -> R + 'static,
                ) -> Self {
                    let (site, mut callback) = (CallbackSite::caller(), Some(callback));
                    let callback = move |state: &mut S, cx: &mut Context<S>, of: $of, event: $event<'_>| {
                        if let (($whom, $what), Some(callback)) = ((of, event), callback.take()) {
                            Self::run(state, cx, site, of, event, |state, cx| {
                                callback(state, cx $(, $value)*)
                            });
                        }
                    };
                    self.add_listener(cx, Some($kinds::$kind), Role::Once, false, Box::new(callback));
                    self
                }
            )*

            /// Calls back on every event, of whichever kind.
            #[track_caller]
            pub fn on_event<S: $bound, R: CallbackResult>(
                self,
                cx: &mut Context<S>,
                callback: impl FnMut(&mut S, &mut Context<S>, $of, $event<'_>) -> R + 'static,
            ) -> Self {
                let callback = Self::checked(CallbackSite::caller(), callback);
                self.add_listener(cx, None, Role::Every, false, callback);
                self
            }

            /// Calls back on every event of this kind with the event as it is, and names the
            /// listener, for [`off`](Self::off) (`on`, `addListener`).
            #[track_caller]
            pub fn on<S: $bound, R: CallbackResult>(
                self,
                cx: &mut Context<S>,
                kind: $kinds,
                callback: impl FnMut(&mut S, &mut Context<S>, $of, $event<'_>) -> R + 'static,
            ) -> ListenerId {
                let callback = Self::checked(CallbackSite::caller(), callback);
                self.add_listener(cx, Some(kind), Role::Every, false, callback)
            }

            /// As [`on`](Self::on), for the next event only.
            #[track_caller]
            pub fn once<S: $bound, R: CallbackResult>(
                self,
                cx: &mut Context<S>,
                kind: $kinds,
                callback: impl FnOnce(&mut S, &mut Context<S>, $of, $event<'_>) -> R + 'static,
            ) -> ListenerId {
                let callback = Self::checked_once(CallbackSite::caller(), callback);
                self.add_listener(cx, Some(kind), Role::Once, false, callback)
            }

            /// As [`on`](Self::on), before those who listen already (`prependListener`).
            #[track_caller]
            pub fn prepend<S: $bound, R: CallbackResult>(
                self,
                cx: &mut Context<S>,
                kind: $kinds,
                callback: impl FnMut(&mut S, &mut Context<S>, $of, $event<'_>) -> R + 'static,
            ) -> ListenerId {
                let callback = Self::checked(CallbackSite::caller(), callback);
                self.add_listener(cx, Some(kind), Role::Every, true, callback)
            }

            /// As [`once`](Self::once), before those who listen already (`prependOnceListener`).
            #[track_caller]
            pub fn prepend_once<S: $bound, R: CallbackResult>(
                self,
                cx: &mut Context<S>,
                kind: $kinds,
                callback: impl FnOnce(&mut S, &mut Context<S>, $of, $event<'_>) -> R + 'static,
            ) -> ListenerId {
                let callback = Self::checked_once(CallbackSite::caller(), callback);
                self.add_listener(cx, Some(kind), Role::Once, true, callback)
            }

            /// Removes a listener of this one's (`off`, `removeListener`); false if it is none any
            /// more. If an event is being told, it still hears that.
            pub fn off<S: $bound>(self, cx: &mut Context<S>, listener: ListenerId) -> bool {
                let listeners = self.listeners(cx);
                listeners.is_some_and(|listeners| listeners.remove(listener))
            }

            /// How many listen to events of this kind, those who listen to all among them
            /// (`listenerCount`).
            pub fn listener_count<S: $bound>(self, cx: &mut Context<S>, kind: $kinds) -> usize {
                self.listeners(cx).map_or(0, |listeners| listeners.count(kind))
            }

            /// A listener whose error is acted on.
            fn checked<S: $bound, R: CallbackResult>(
                site: CallbackSite,
                mut callback: impl FnMut(&mut S, &mut Context<S>, $of, $event<'_>) -> R + 'static,
            ) -> Box<dyn FnMut(&mut S, &mut Context<S>, $of, $event<'_>)> {
                Box::new(move |state, cx, of, event| {
                    Self::run(state, cx, site, of, event, |state, cx| {
                        callback(state, cx, of, event)
                    });
                })
            }

            fn checked_once<S: $bound, R: CallbackResult>(
                site: CallbackSite,
                callback: impl FnOnce(&mut S, &mut Context<S>, $of, $event<'_>) -> R + 'static,
            ) -> Box<dyn FnMut(&mut S, &mut Context<S>, $of, $event<'_>)> {
                let mut callback = Some(callback);
                Box::new(move |state, cx, of, event| {
                    if let Some(callback) = callback.take() {
                        Self::run(state, cx, site, of, event, |state, cx| {
                            callback(state, cx, of, event)
                        });
                    }
                })
            }
        }
    };
}
pub(crate) use listener_methods;

#[cfg(test)]
mod tests;
