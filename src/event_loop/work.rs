//! The thread pool for what blocks: it never runs on the loop.

use std::any::Any;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use log::error;
use mio::Waker;
use slab::Slab;

use super::monitor::Origin;
use super::{Context, Handle};

/// Threads at most, as libuv's default (`UV_THREADPOOL_SIZE`).
const THREADS: usize = 4;

type Outcome = thread::Result<Box<dyn Any + Send>>;
type Job = Box<dyn FnOnce() + Send>;
type After<H> = Box<dyn FnOnce(&mut <H as Handle>::State, &mut Context<H>, Box<dyn Any + Send>)>;

/// Work that is under way, and the threads it runs on. They are started when they are needed
/// first; a loop that never looks up a name has none.
pub(super) struct Work<H: Handle> {
    waiting: Slab<After<H>>,
    jobs: Option<Sender<Job>>,
    queue: Option<Arc<Mutex<Receiver<Job>>>>,
    threads: usize,
    finished: Receiver<(usize, Outcome)>,
    finish: Sender<(usize, Outcome)>,
    waker: Arc<Waker>,
}

impl<H: Handle> Work<H> {
    pub(super) fn new(waker: Arc<Waker>) -> Self {
        let (finish, finished) = channel();
        Self {
            waiting: Slab::new(),
            jobs: None,
            queue: None,
            threads: 0,
            finished,
            finish,
            waker,
        }
    }

    /// The poll's only waker: whoever else wakes the loop uses it, too.
    pub(super) fn waker(&self) -> &Arc<Waker> {
        &self.waker
    }

    /// Whether any work is under way; it holds the loop open.
    pub(super) fn any(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn queue<R: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> R + Send + 'static,
        after: impl FnOnce(&mut H::State, &mut Context<H>, R) + 'static,
    ) {
        let key = self.waiting.insert(Box::new(move |state, cx, result| {
            match result.downcast::<R>() {
                Ok(result) => after(state, cx, *result),
                Err(_) => unreachable!("work returns what its own closure returned"),
            }
        }));
        let (finish, waker) = (self.finish.clone(), Arc::clone(&self.waker));
        self.send(Box::new(move || {
            let work = || Box::new(work()) as Box<dyn Any + Send>;
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // The loop is gone: nobody waits for it any more.
            if finish.send((key, outcome)).is_ok()
                && let Err(error) = waker.wake()
            {
                error!("the thread pool cannot wake the loop: {error}");
            }
        }));
    }

    fn send(&mut self, job: Job) {
        let queue = Arc::clone(self.queue.get_or_insert_with(|| {
            let (jobs, queue) = channel();
            self.jobs = Some(jobs);
            Arc::new(Mutex::new(queue))
        }));
        if self.threads < THREADS && self.threads < self.waiting.len() {
            let started = thread::Builder::new()
                .name(format!("loopchat-work-{}", self.threads))
                .spawn(move || run_jobs(&queue));
            match started {
                Ok(_detached) => self.threads += 1,
                Err(error) => error!("the thread pool cannot start a thread: {error}"),
            }
        }
        match &self.jobs {
            // With no thread at all it is better to block the loop once than to wait for ever.
            Some(jobs) if self.threads > 0 => {
                jobs.send(job)
                    .expect("the pool's queue is held open by its own Arc");
            }
            _ => job(),
        }
    }
}

fn run_jobs(queue: &Mutex<Receiver<Job>>) {
    loop {
        // The guard is gone before the job runs.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => job(),
            Err(_) => return, // the loop was dropped
        }
    }
}

/// Poll phase: calls back for the work that has finished.
pub(super) fn run_finished<H: Handle>(state: &mut H::State, cx: &mut Context<H>) {
    while cx.work.any() {
        let Ok((key, outcome)) = cx.work.finished.try_recv() else {
            return;
        };
        let after = cx.work.waiting.remove(key);
        match outcome {
            Ok(result) => {
                cx.calling(Origin::Work, None);
                cx.make_callback(state, |state, cx| after(state, cx, result));
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;

    /// Says to the test that it is the one in the process that gets no thread.
    const CHILD: &str = "LOOPCHAT_TEST_WITHOUT_THREADS";

    /// Catches: work that waits for ever where the system refuses even the first thread. A process
    /// of its own asks for stacks that no address space holds.
    #[test]
    fn without_a_single_thread_work_is_done_by_the_loop() {
        if std::env::var_os(CHILD).is_some() {
            assert!(thread::Builder::new().spawn(|| {}).is_err(), "none starts");
            let mut event_loop = crate::EventLoop::<Vec<u32>>::new().expect("a loop");
            for number in [1, 2] {
                let done = |done: &mut Vec<_>, _: &mut crate::Context<_>, number| done.push(number);
                event_loop.queue_work(move || number, done);
            }
            let mut done = Vec::new();
            event_loop.run(&mut done).expect("the poll works");
            assert_eq!(done, [1, 2]);
            return;
        }
        let name = "event_loop::work::tests::without_a_single_thread_work_is_done_by_the_loop";
        let forks = crate::event_loop::forks::one();
        let mut child = Command::new(std::env::current_exe().expect("this is a file"))
            .args(["--exact", name, "--nocapture", "--test-threads", "1"])
            .envs([(CHILD, "1"), ("RUST_MIN_STACK", "281474976710656")])
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts once more");
        drop(forks);
        let mut output = child.stdout.take().expect("it is a pipe");
        let (sender, said) = channel();
        let reader = thread::spawn(move || {
            let mut text = String::new();
            let read = output.read_to_string(&mut text);
            let _ = sender.send(read.map(|_| text));
        });
        let said = said.recv_timeout(Duration::from_secs(60));
        let _ = child.kill();
        let status = child.wait().expect("it was started");
        reader.join().expect("it does not panic");
        let said = said.expect("it does not hang").expect("it is text");
        assert!(said.contains("1 passed"), "{status}: {said}");
    }
}
