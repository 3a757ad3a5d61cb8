//! Lists of listeners outside of a loop, compared with what Node's `EventEmitter` does.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

type List<F> = RefCell<Listeners<char, F>>;

/// As [`emit`](super::emit), for a list that is not in a loop.
fn emit<F: ?Sized>(list: &List<F>, kind: char, call: impl Fn(&mut F)) -> bool {
    let begun = list.borrow_mut().begin(kind);
    let mut next = begun.and_then(|place| list.borrow_mut().lend(kind, place));
    let any = next.is_some();
    while let Some(mut lent) = next {
        call(&mut lent.callback);
        next = list.borrow_mut().lend_next(kind, lent);
    }
    any
}

/// Listeners that note their names, and the list that they are in.
#[derive(Clone, Default)]
struct Notes {
    list: Rc<List<dyn FnMut()>>,
    noted: Rc<RefCell<String>>,
}

impl Notes {
    fn add(&self, kind: char, role: Role, name: char) -> ListenerId {
        self.add_with(kind, role, name, || {})
    }

    fn add_with(
        &self,
        kind: char,
        role: Role,
        name: char,
        mut then: impl FnMut() + 'static,
    ) -> ListenerId {
        let own = self.clone();
        let callback = move || {
            own.noted.borrow_mut().push(name);
            then();
        };
        self.list().add(Some(kind), role, false, Box::new(callback))
    }

    fn list(&self) -> std::cell::RefMut<'_, Listeners<char, dyn FnMut()>> {
        self.list.borrow_mut()
    }

    fn emit(&self, kind: char) -> String {
        emit(&self.list, kind, |callback| callback());
        self.noted.take()
    }
}

#[test]
fn they_hear_their_kind_in_the_order_added_but_for_those_that_were_prepended() {
    let notes = Notes::default();
    notes.add('d', Role::Every, '1');
    notes.add('e', Role::Every, '2');
    notes.add('d', Role::Once, '3');
    let own = notes.clone();
    let callback = Box::new(move || own.noted.borrow_mut().push('4'));
    notes.list().add(None, Role::Every, true, callback);
    assert_eq!(notes.emit('d'), "413");
    assert_eq!(notes.emit('d'), "41");
    assert_eq!(notes.emit('x'), "4");
    assert_eq!(notes.list().count('d'), 2);
}

#[test]
fn who_is_removed_meanwhile_hears_this_event_and_who_is_added_the_next() {
    let notes = Notes::default();
    let last = Rc::new(Cell::new(ListenerId::NONE));
    let (own, gone) = (notes.clone(), Rc::clone(&last));
    notes.add_with('d', Role::Once, '1', move || {
        assert!(own.list().remove(gone.get()));
        assert!(!own.list().remove(gone.get()));
        own.add('d', Role::Every, '3');
        assert_eq!(own.list().count('d'), 1, "the one that was added");
    });
    last.set(notes.add('d', Role::Every, '2'));
    assert_eq!(notes.emit('d'), "12");
    assert_eq!(notes.emit('d'), "3");
}

#[test]
fn who_is_removed_in_an_event_within_an_event_still_hears_both() {
    let notes = Notes::default();
    for (kind, inner, name) in [('a', 'b', '1'), ('b', 'c', '2')] {
        let own = notes.clone();
        notes.add_with(kind, Role::Every, name, move || {
            emit(&own.list, inner, |callback| callback());
        });
    }
    let last = Rc::new(Cell::new(ListenerId::NONE));
    let (own, gone) = (notes.clone(), Rc::clone(&last));
    notes.add_with('c', Role::Every, '3', move || {
        own.list().remove(gone.get());
    });
    last.set(notes.add('b', Role::Every, '4'));
    assert_eq!(notes.emit('a'), "1234");
    assert_eq!(notes.emit('a'), "123");
}

#[test]
fn all_are_removed_at_once_but_for_the_subjects_own() {
    let notes = Notes::default();
    let own = notes.clone();
    notes.add_with('d', Role::Every, '1', move || own.list().remove_all());
    notes.add('d', Role::Every, '2');
    notes.add('d', Role::Own, '3');
    notes.add('e', Role::Own, '4');
    assert_eq!(notes.emit('d'), "13");
    assert_eq!(notes.emit('d'), "");
    assert!(notes.list().listens('e') && notes.list().count('e') == 0);
    notes.list().remove_own('e');
    assert!(!notes.list().listens('e'));
    notes.add('d', Role::Every, '5');
    notes.list().remove_all();
    assert!(notes.list().list.is_empty(), "nobody would tidy up later");
}

/// Catches: one that was removed a moment before all are, and is still called after that, when what it
/// listened to is somebody else's.
#[test]
fn who_was_removed_before_all_are_does_not_hear_the_event_that_is_being_told() {
    let notes = Notes::default();
    let last = Rc::new(Cell::new(ListenerId::NONE));
    let (own, gone) = (notes.clone(), Rc::clone(&last));
    notes.add_with('d', Role::Every, '1', move || {
        assert!(own.list().remove(gone.get()));
    });
    let own = notes.clone();
    notes.add_with('d', Role::Every, '2', move || own.list().remove_all());
    last.set(notes.add('d', Role::Every, '3'));
    assert_eq!(notes.emit('d'), "12");
}

#[test]
fn one_that_is_called_once_is_removed_before_it_is_called() {
    let notes = Notes::default();
    let own = notes.clone();
    notes.add_with('d', Role::Once, '1', move || {
        assert_eq!(own.list().count('d'), 0);
        assert_eq!(own.emit('d'), "1", "only what was noted before");
    });
    notes.emit('d');
    assert!(notes.list().list.is_empty());
}

#[test]
fn without_listeners_it_owns_no_memory_and_with_some_it_is_small() {
    assert_eq!(size_of::<Listeners<char, dyn FnMut()>>(), 32);
    assert_eq!(size_of::<Listener<Kind, dyn FnMut()>>(), 24);
    assert_eq!(Notes::default().list().list.capacity(), 0);

    #[derive(Clone, Copy, PartialEq)]
    #[expect(dead_code, reason = "it is for its size")]
    enum Kind {
        One,
        Other,
    }
}

// --- whatever is done in whatever order -----------------------------------------------------

/// What a program does with its listeners, and each of them when it is called.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// For events of a kind or of any; once or every time; in front or behind.
    Add(Option<char>, bool, bool),
    /// That with this number, if it is there.
    Remove(usize),
    RemoveAll,
    /// Unless such an event is being told.
    Emit(char),
    Count(char),
}

fn step() -> impl Strategy<Value = Step> {
    let kind = || prop_oneof![Just('a'), Just('b'), Just('c')];
    prop_oneof![
        4 => (prop::option::weighted(0.5, kind()), any::<bool>(), any::<bool>())
            // Nobody listens to all events once.
            .prop_map(|(kind, once, first)| Step::Add(kind, once && kind.is_some(), first)),
        3 => (0..8_usize).prop_map(Step::Remove),
        1 => Just(Step::RemoveAll),
        5 => kind().prop_map(Step::Emit),
        2 => kind().prop_map(Step::Count),
    ]
}

/// A list of listeners of either sort, and what has been seen of it.
trait Emitter {
    fn add(&self, number: usize, kind: Option<char>, once: bool, first: bool);
    fn remove(&self, number: usize) -> bool;
    fn remove_all(&self);
    fn emit(&self, run: &Run<'_>, kind: char) -> bool;
    fn count(&self, kind: char) -> usize;
}

struct Run<'a> {
    emitter: &'a dyn Emitter,
    /// What each listener does, by its number.
    bodies: &'a [Vec<Step>],
    added: Cell<usize>,
    /// The kinds that are being told, one within the other.
    telling: RefCell<Vec<char>>,
    seen: RefCell<Vec<String>>,
}

impl Run<'_> {
    fn see(&self, what: String) {
        self.seen.borrow_mut().push(what);
    }

    fn take(&self, steps: &[Step]) {
        for step in steps {
            match *step {
                Step::Add(kind, once, first) => {
                    let number = self.added.get();
                    if number < 8 {
                        self.added.set(number + 1);
                        self.emitter.add(number, kind, once, first);
                    }
                }
                Step::Remove(number) => {
                    let removed = self.emitter.remove(number);
                    self.see(format!("removed {number}: {removed}"));
                }
                Step::RemoveAll => self.emitter.remove_all(),
                Step::Count(kind) => {
                    let count = self.emitter.count(kind);
                    self.see(format!("{count} listen to {kind}"));
                }
                Step::Emit(kind) => {
                    if self.telling.borrow().contains(&kind) {
                        continue;
                    }
                    self.telling.borrow_mut().push(kind);
                    let any = self.emitter.emit(self, kind);
                    self.telling.borrow_mut().pop();
                    self.see(format!("told {kind}: {any}"));
                }
            }
        }
    }

    fn call(&self, number: usize) {
        self.see(format!("called {number}"));
        self.take(&self.bodies[number % self.bodies.len()]);
    }
}

/// Node's: an emission goes through a copy of the list.
#[derive(Default)]
struct Model {
    list: RefCell<Vec<Rc<Modelled>>>,
    /// Those that were removed one by one: a copy may still have them.
    removed: RefCell<Vec<Rc<Modelled>>>,
}

struct Modelled {
    number: usize,
    kind: Option<char>,
    once: bool,
    fired: Cell<bool>,
    /// Being called: who emits within a listener does not call that one again.
    running: Cell<bool>,
    /// Gone with all others, those that were removed before among them: at once, unlike in Node.
    dead: Cell<bool>,
}

impl Modelled {
    fn hears(&self, kind: char) -> bool {
        self.kind.is_none_or(|own| own == kind)
    }

    fn may_be_called(&self) -> bool {
        !self.running.get() && !self.dead.get()
    }
}

impl Emitter for Model {
    fn add(&self, number: usize, kind: Option<char>, once: bool, first: bool) {
        let mut list = self.list.borrow_mut();
        let place = if first { 0 } else { list.len() };
        let (fired, running, dead) = Default::default();
        let listener = Modelled {
            number,
            kind,
            once,
            fired,
            running,
            dead,
        };
        list.insert(place, Rc::new(listener));
    }

    fn remove(&self, number: usize) -> bool {
        let mut list = self.list.borrow_mut();
        let place = list.iter().position(|listener| listener.number == number);
        let removed = place.map(|place| list.remove(place));
        let any = removed.is_some();
        self.removed.borrow_mut().extend(removed);
        any
    }

    fn remove_all(&self) {
        let (mut list, mut removed) = (self.list.borrow_mut(), self.removed.borrow_mut());
        for listener in list.drain(..).chain(removed.drain(..)) {
            listener.dead.set(true);
        }
    }

    fn emit(&self, run: &Run<'_>, kind: char) -> bool {
        let copy: Vec<_> = self.list.borrow().iter().map(Rc::clone).collect();
        let hears = |own: &&Rc<Modelled>| own.hears(kind) && own.may_be_called();
        let hearing: Vec<_> = copy.iter().filter(hears).collect();
        for listener in &hearing {
            let is_over = listener.once && listener.fired.replace(true);
            if is_over || !listener.may_be_called() {
                continue;
            }
            if listener.once {
                self.remove(listener.number);
            }
            listener.running.set(true);
            run.call(listener.number);
            listener.running.set(false);
        }
        !hearing.is_empty()
    }

    fn count(&self, kind: char) -> usize {
        self.list
            .borrow()
            .iter()
            .filter(|own| own.hears(kind))
            .count()
    }
}

#[derive(Default)]
struct Ours {
    list: List<dyn Fn(&Run<'_>)>,
    ids: RefCell<Vec<ListenerId>>,
}

impl Emitter for Ours {
    fn add(&self, number: usize, kind: Option<char>, once: bool, first: bool) {
        let role = if once { Role::Once } else { Role::Every };
        let callback = Box::new(move |run: &Run<'_>| run.call(number));
        let id = self.list.borrow_mut().add(kind, role, first, callback);
        self.ids.borrow_mut().push(id);
    }

    fn remove(&self, number: usize) -> bool {
        let id = self.ids.borrow().get(number).copied();
        id.is_some_and(|id| self.list.borrow_mut().remove(id))
    }

    fn remove_all(&self) {
        self.list.borrow_mut().remove_all();
    }

    fn emit(&self, run: &Run<'_>, kind: char) -> bool {
        emit(&self.list, kind, |callback| callback(run))
    }

    fn count(&self, kind: char) -> usize {
        self.list.borrow().count(kind)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_listeners_do_it_is_what_node_does(
        steps in vec(step(), 1..12),
        bodies in vec(vec(step(), 0..3), 1..8),
    ) {
        let seen = |emitter: &dyn Emitter| {
            let run = Run {
                emitter,
                bodies: &bodies,
                added: Cell::new(0),
                telling: RefCell::default(),
                seen: RefCell::default(),
            };
            run.take(&steps);
            run.seen.take()
        };
        prop_assert_eq!(seen(&Ours::default()), seen(&Model::default()));
    }
}
