//! The threads that hash and check.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use log::error;

use super::hash::{Cost, Failed, Hash, Verdict};
use super::secret::Secret;

/// How much there is of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What a try costs.
    pub cost: Cost,
    /// Tries at a time. Together they take so many times the memory of one.
    pub threads: usize,
    /// Tries that may wait for a thread, or for what came of them to be taken.
    pub most_waiting: usize,
}

impl Default for Options {
    /// Two at a time, which is 38 MiB, and 1024 that wait.
    fn default() -> Self {
        Self {
            cost: Cost::default(),
            threads: 2,
            most_waiting: 1024,
        }
    }
}

/// What is to be done.
#[derive(Debug)]
pub enum Task {
    /// Something to keep is to be made of a new password: [`Done::Hashed`].
    Hash(Secret),
    /// A password is to be checked: [`Done::Checked`].
    Check {
        /// What was typed.
        secret: Secret,
        /// What was kept.
        hash: Hash,
    },
}

/// What has come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// What is to be kept.
    Hashed(Result<Hash, Failed>),
    /// Whether it is right.
    Checked(Result<Verdict, Failed>),
}

/// Hashes and checks passwords, in threads of its own.
///
/// It is asked from the loop, and what comes of it is told later, with what it was asked for: a `T`,
/// which is whatever the asking side knows it by. With several threads those that are asked for at
/// once are not done in order. The threads are less urgent than the loop where the system can say
/// so of one thread, which is on Linux.
///
/// When it goes out of scope what waits is wiped and not done; what is under way is, and nobody is
/// told.
pub struct Pool<T> {
    shared: Arc<Shared<T>>,
    most_waiting: usize,
    waiting: usize,
}

struct Shared<T> {
    inner: Mutex<Inner<T>>,
    /// Something is to be done, or it is over.
    changed: Condvar,
}

struct Inner<T> {
    asked: VecDeque<(T, Task)>,
    done: VecDeque<(T, Done)>,
    wake: Option<Box<dyn Fn() + Send>>,
    is_over: bool,
}

impl<T> Shared<T> {
    /// No one panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be done next; `None` at the end.
    fn next(&self) -> Option<(T, Task)> {
        let is_quiet = |inner: &mut Inner<T>| inner.asked.is_empty() && !inner.is_over;
        let inner = self.changed.wait_while(self.lock(), is_quiet);
        let mut inner = inner.unwrap_or_else(PoisonError::into_inner);
        inner.asked.pop_front()
    }

    fn tell(&self, of: T, done: Done) {
        let mut inner = self.lock();
        inner.done.push_back((of, done));
        if let Some(wake) = &inner.wake {
            wake();
        }
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Pool<T> {
    /// Starts its threads.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput), if there is to be no thread, or a try cannot
    /// cost so little or so much; and what the system says if it has no thread.
    pub fn start(options: Options) -> io::Result<Self> {
        let Options {
            cost,
            threads,
            most_waiting,
        } = options;
        if threads == 0 || !cost.is_possible() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let inner = Inner {
            asked: VecDeque::new(),
            done: VecDeque::new(),
            wake: None,
            is_over: false,
        };
        let shared = Arc::new(Shared {
            inner: Mutex::new(inner),
            changed: Condvar::new(),
        });
        // If it fails halfway those that were started end with it.
        let pool = Self {
            shared,
            most_waiting,
            waiting: 0,
        };
        for at in 0..threads {
            let shared = Arc::clone(&pool.shared);
            let name = format!("passwords-{at}");
            thread::Builder::new().name(name).spawn(move || {
                give_way();
                while let Some((of, task)) = shared.next() {
                    shared.tell(of, carry_out(task, cost));
                }
            })?;
        }
        Ok(pool)
    }

    /// Has something done.
    ///
    /// # Errors
    ///
    /// What was to be done, if so much waits that nothing may be added.
    pub fn ask(&mut self, of: T, task: Task) -> Result<(), (T, Task)> {
        if self.waiting >= self.most_waiting {
            return Err((of, task));
        }
        self.waiting += 1;
        self.shared.lock().asked.push_back((of, task));
        self.shared.changed.notify_one();
        Ok(())
    }

    /// What has come of something; `None` if nothing was done since.
    pub fn next_done(&mut self) -> Option<(T, Done)> {
        let done = self.shared.lock().done.pop_front()?;
        self.waiting -= 1;
        Some(done)
    }

    /// What it is to call, from whichever thread, when something is done. It is called once, before
    /// anything is asked for.
    pub fn wake_by(&mut self, wake: Box<dyn Fn() + Send>) {
        self.shared.lock().wake = Some(wake);
    }
}

impl<T> Drop for Pool<T> {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        inner.is_over = true;
        inner.asked.clear();
        inner.wake = None;
        self.shared.changed.notify_all();
    }
}

fn carry_out(task: Task, cost: Cost) -> Done {
    // Whoever waits is told, whatever happens.
    match task {
        Task::Hash(secret) => Done::Hashed(caught(|| Hash::of(&secret, cost))),
        Task::Check { secret, hash } => Done::Checked(caught(|| hash.check(&secret, cost))),
    }
}

fn caught<R>(work: impl FnOnce() -> Result<R, Failed>) -> Result<R, Failed> {
    let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Failed::Unavailable));
    if let Err(failed) = &done {
        error!("a password cannot be hashed or checked: {failed:?}");
    }
    done
}

/// The processor is the loop's first. What the system refuses here costs others a little time, and
/// nothing else.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        // There it is of this thread alone.
        const LESS_URGENT: i32 = 10;
        if let Err(error) = rustix::process::setpriority_process(None, LESS_URGENT) {
            log::debug!("passwords are hashed as urgently as all else: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    const OPTIONS: Options = Options {
        cost: Cost {
            kibibytes: 16,
            passes: 1,
        },
        threads: 2,
        most_waiting: 8,
    };

    fn secret() -> Secret {
        Secret::new("open sesame").expect("it is one")
    }

    fn start(options: Options) -> (Pool<u32>, Receiver<()>) {
        let mut pool = Pool::start(options).expect("there are threads");
        let (wake, woken) = channel();
        // Whoever has gone needs no waking.
        pool.wake_by(Box::new(move || _ = wake.send(())));
        (pool, woken)
    }

    fn next(pool: &mut Pool<u32>, woken: &Receiver<()>) -> (u32, Done) {
        loop {
            match pool.next_done() {
                Some(done) => return done,
                None => woken.recv_timeout(LONG).expect("it wakes"),
            }
        }
    }

    /// Catches: a try that nobody is told of, one that is told to another, a queue without an end.
    #[test]
    fn each_is_done_once_and_no_more_wait_than_so_many() {
        let (mut pool, woken) = start(OPTIONS);
        pool.ask(0, Task::Hash(secret())).expect("there is room");
        let (0, Done::Hashed(Ok(hash))) = next(&mut pool, &woken) else {
            panic!("it is made")
        };
        let check = |at: u32| {
            let text = if at.is_multiple_of(2) {
                "open sesame"
            } else {
                "open saysme"
            };
            let secret = Secret::new(text).expect("it is one");
            let hash = hash.clone();
            Task::Check { secret, hash }
        };
        for at in 0..8 {
            pool.ask(at, check(at)).expect("there is room");
        }
        let (of, _refused) = pool.ask(8, check(8)).expect_err("there is none");
        assert_eq!(of, 8);
        let mut told = HashSet::new();
        for _ in 0..8 {
            let (of, done) = next(&mut pool, &woken);
            let verdict = match of.is_multiple_of(2) {
                true => Verdict::Right { renewed: None },
                false => Verdict::Wrong,
            };
            assert_eq!(done, Done::Checked(Ok(verdict)));
            assert!(told.insert(of), "once");
        }
        assert_eq!(told, (0..8).collect());
        assert_eq!(pool.next_done(), None);
        pool.ask(8, check(8)).expect("there is room again");
    }

    /// Catches: a broken hash that ends a thread, and whoever waits for ever.
    #[test]
    fn what_cannot_be_done_is_told_and_the_next_is_done() {
        let (mut pool, woken) = start(Options {
            threads: 1,
            ..OPTIONS
        });
        let broken = Task::Check {
            secret: secret(),
            hash: Hash::kept("nothing"),
        };
        pool.ask(1, broken).expect("there is room");
        pool.ask(2, Task::Hash(secret())).expect("there is room");
        let failed = Done::Checked(Err(Failed::Broken));
        assert_eq!(next(&mut pool, &woken), (1, failed));
        assert!(matches!(next(&mut pool, &woken), (2, Done::Hashed(Ok(_)))));
        let panics = caught::<()>(|| panic!("a test"));
        assert_eq!(panics, Err(Failed::Unavailable));
    }

    /// Catches: threads that outlast their pool, and keep what was typed.
    #[test]
    fn the_threads_end_with_it() {
        let (pool, _woken) = start(OPTIONS);
        let shared = Arc::downgrade(&pool.shared);
        drop(pool);
        let begun = std::time::Instant::now();
        while shared.strong_count() > 0 {
            assert!(begun.elapsed() < LONG, "they go on");
            thread::yield_now();
        }
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let with = |kibibytes, passes, threads| {
            let cost = Cost { kibibytes, passes };
            let options = Options {
                cost,
                threads,
                ..OPTIONS
            };
            Pool::<()>::start(options)
                .map(drop)
                .map_err(|error| error.kind())
        };
        let refused = Err(io::ErrorKind::InvalidInput);
        assert_eq!(with(16, 1, 0), refused);
        assert_eq!(with(7, 1, 1), refused);
        assert_eq!(with(super::super::MOST_KIBIBYTES + 1, 1, 1), refused);
        assert_eq!(with(16, 0, 1), refused);
        assert_eq!(with(16, 17, 1), refused);
        assert_eq!(with(16, 16, 1), Ok(()));
    }
}
