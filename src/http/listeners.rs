//! Who listens to a server, a message or a request.

use crate::Context;

/// Something that is listened to: a bit for each sort of event.
pub(super) trait Kind {
    fn bit(self) -> u16;
}

struct Listener<F: ?Sized> {
    bit: u16,
    once: bool,
    callback: Box<F>,
}

/// Listeners in the order in which they were added. Without any it owns no memory.
pub(super) struct Listeners<F: ?Sized> {
    list: Vec<Listener<F>>,
    /// What is listened to, also while the list is lent out.
    bits: u16,
}

impl<F: ?Sized> Default for Listeners<F> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            bits: 0,
        }
    }
}

impl<F: ?Sized> Listeners<F> {
    pub(super) fn add(&mut self, kind: impl Kind, once: bool, callback: Box<F>) {
        let bit = kind.bit();
        self.bits |= bit;
        self.list.push(Listener {
            bit,
            once,
            callback,
        });
    }

    pub(super) fn listens(&self, kind: impl Kind) -> bool {
        self.bits & kind.bit() != 0
    }

    pub(super) fn any(&self) -> bool {
        self.bits != 0
    }

    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.bits = 0;
    }
}

/// Where listeners are kept. It is looked up before and after they are called, since they may reach
/// everything.
pub(super) trait Kept<S, F: ?Sized> {
    fn listeners<'a>(&self, cx: &'a mut Context<S>) -> Option<&'a mut Listeners<F>>;
}

/// Calls those who listen to such an event, in order; true if there were any. Those that are added
/// meanwhile do not hear this event.
pub(super) fn emit<S, F: ?Sized>(
    state: &mut S,
    cx: &mut Context<S>,
    kind: impl Kind,
    kept: &impl Kept<S, F>,
    mut call: impl FnMut(&mut F, &mut S, &mut Context<S>),
) -> bool {
    let bit = kind.bit();
    let lent = kept
        .listeners(cx)
        .filter(|listeners| listeners.bits & bit != 0);
    let Some(mut list) = lent.map(|listeners| std::mem::take(&mut listeners.list)) else {
        return false;
    };
    let mut called = false;
    for listener in list.iter_mut().filter(|listener| listener.bit & bit != 0) {
        called = true;
        call(&mut listener.callback, state, cx);
    }
    list.retain(|listener| !(listener.once && listener.bit & bit != 0));
    if let Some(listeners) = kept.listeners(cx) {
        list.append(&mut listeners.list);
        listeners.bits = list.iter().fold(0, |bits, listener| bits | listener.bit);
        listeners.list = list;
    }
    called
}

/// Writes the pair of methods for each event, as `net` has them: every time, and the next time
/// only. The subject has a method `check` for what they return.
macro_rules! listener_methods {
    ($subject:ident, $event:ident: $(
        $on:ident $once:ident $kind:ident ($($type:ty),*) $pattern:pat => ($($value:expr),*);
    )*) => {
        impl $subject {
            $(
                #[doc = concat!("Calls back on every [`", stringify!($event), "::", stringify!($kind), "`].")]
                #[track_caller]
                pub fn $on<S: 'static, R: CallbackResult>(
                    self,
                    cx: &mut Context<S>,
                    mut callback: impl FnMut(&mut S, &mut Context<S>, Self $(, $type)*) -> R + 'static,
                ) -> Self {
                    let site = CallbackSite::caller();
                    self.listen_to(cx, Kind::$kind, false, move |state, cx, subject, event| {
                        if let $pattern = event {
                            let returned = callback(state, cx, subject $(, $value)*);
                            subject.check(cx, site, stringify!($kind), returned);
                        }
                    })
                }

                #[doc = concat!("Calls back on the next [`", stringify!($event), "::", stringify!($kind), "`] only.")]
                #[track_caller]
                pub fn $once<S: 'static, R: CallbackResult>(
                    self,
                    cx: &mut Context<S>,
                    mut callback: impl FnMut(&mut S, &mut Context<S>, Self $(, $type)*) -> R + 'static,
                ) -> Self {
                    let site = CallbackSite::caller();
                    self.listen_to(cx, Kind::$kind, true, move |state, cx, subject, event| {
                        if let $pattern = event {
                            let returned = callback(state, cx, subject $(, $value)*);
                            subject.check(cx, site, stringify!($kind), returned);
                        }
                    })
                }
            )*
        }
    };
}
pub(super) use listener_methods;
