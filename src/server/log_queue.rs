//! The way of the log lines from the loop to where they are written: a bounded queue, and a thread.
//!
//! A write to standard error can wait for ever: on a terminal where somebody pressed Ctrl-S, or
//! for a pipe that nobody reads. So the loop only puts lines into the queue, which never waits,
//! and the thread is the one that does. What has no room is dropped and counted, and said in its
//! place once there is room again.

use std::fs::File;
use std::io::{self, Write};
use std::mem;
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes of lines that may wait; as many may be on their way out.
const CAPACITY: usize = 512 * 1024;

/// How often a writer that says "not now" is asked again: there is no event to wait for.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// Takes whole lines from any thread, and never waits. Copies are the same queue.
///
/// ```
/// use std::io::Write;
/// use std::time::Duration;
/// use loopchat::server::LogQueue;
///
/// let mut queue = LogQueue::start(std::io::sink())?;
/// writeln!(queue, "a line")?;
/// assert!(queue.flush(Duration::from_secs(30)));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct LogQueue(Arc<Shared>);

struct Shared {
    capacity: usize,
    state: Mutex<State>,
    /// Something came, or everything is out.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// Lines that had no room, all of them after those that wait.
    dropped: usize,
    /// The thread has taken something that is not out yet.
    writing: bool,
}

impl State {
    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.dropped == 0 && !self.writing
    }
}

impl LogQueue {
    /// Starts the thread that writes to `sink`, and never ends but with the process: nobody can
    /// join a thread that waits for a terminal.
    ///
    /// # Errors
    ///
    /// When the system has no thread left.
    pub fn start(sink: impl Write + Send + 'static) -> io::Result<Self> {
        Self::with_capacity(sink, CAPACITY)
    }

    fn with_capacity(sink: impl Write + Send + 'static, capacity: usize) -> io::Result<Self> {
        let queue = Self(Arc::new(Shared {
            capacity,
            state: Mutex::default(),
            changed: Condvar::new(),
        }));
        let shared = Arc::clone(&queue.0);
        let thread = thread::Builder::new().name("log".to_owned());
        thread.spawn(move || write_all(&shared, sink))?;
        Ok(queue)
    }

    /// Waits until everything is written, but no longer than `limit`: true if it is.
    pub fn flush(&self, limit: Duration) -> bool {
        let state = self.0.lock();
        let waited = self
            .0
            .changed
            .wait_timeout_while(state, limit, |state| !state.is_idle());
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_idle()
    }
}

impl Write for LogQueue {
    /// Takes all of it, or drops all of it and counts its lines; never fails.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock();
        // After the first that was dropped all are, until the thread has said so: what is missing
        // is missing in one place.
        let has_room = state.waiting.len() + lines.len() <= self.0.capacity;
        if has_room && state.dropped == 0 {
            state.waiting.extend_from_slice(lines);
        } else {
            state.dropped += count(lines);
        }
        self.0.changed.notify_all();
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    /// No one panics while it is held, and a panic is the last thing that should silence the log.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Standard error, without the lock that `std::io::stderr` holds while it writes: whoever else
/// writes to it must not wait for the log.
pub fn standard_error() -> Box<dyn Write + Send> {
    match io::stderr().as_fd().try_clone_to_owned() {
        Ok(descriptor) => Box::new(File::from(descriptor)),
        Err(_no_descriptor) => Box::new(io::stderr()),
    }
}

/// The thread: takes what waits, and writes it.
fn write_all(shared: &Shared, sink: impl Write) {
    let mut out = Out {
        sink,
        within_a_line: false,
        lost: 0,
    };
    loop {
        let (lines, dropped) = {
            let mut state = shared.lock();
            state.writing = false;
            shared.changed.notify_all();
            let waited = shared.changed.wait_while(state, |state| state.is_idle());
            state = waited.unwrap_or_else(PoisonError::into_inner);
            state.writing = true;
            (mem::take(&mut state.waiting), mem::take(&mut state.dropped))
        };
        out.tell_of_lost();
        out.write(&lines);
        out.lost += dropped;
        out.tell_of_lost();
    }
}

struct Out<W> {
    sink: W,
    /// A write failed in the midst of a line.
    within_a_line: bool,
    /// Lines that nobody was told of yet.
    lost: usize,
}

impl<W: Write> Out<W> {
    fn write(&mut self, lines: &[u8]) {
        let mut written = 0;
        while written < lines.len() {
            match self.sink.write(&lines[written..]) {
                Ok(0) => break,
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A descriptor that somebody else has made nonblocking.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(TRY_AGAIN),
                // A full disk, a reader that is gone: the next line may have more luck.
                Err(_) => break,
            }
        }
        let (out, left) = lines.split_at(written);
        self.lost += count(left);
        self.within_a_line = match out.last() {
            Some(last) => *last != b'\n',
            None => self.within_a_line,
        };
    }

    fn tell_of_lost(&mut self) {
        let lost = mem::take(&mut self.lost);
        if lost == 0 {
            return;
        }
        let (lines, were) = match lost {
            1 => ("line", "was"),
            _ => ("lines", "were"),
        };
        let start = if self.within_a_line { "\n" } else { "" };
        let notice = format!(
            "{start}loopchat: {lost} {lines} {were} dropped here: the log could not be written\n"
        );
        self.write(notice.as_bytes());
        if self.lost > 0 {
            self.lost = lost; // the notice does not count
        }
    }
}

/// Lines in what was to be written, a part of one at either end included.
fn count(lines: &[u8]) -> usize {
    lines.split_inclusive(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    /// Says what is written, and does with it what the test says.
    struct Gate {
        written: Sender<Vec<u8>>,
        results: Receiver<io::Result<usize>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.written.send(bytes.to_vec()).expect("the test runs");
            match self.results.recv() {
                Ok(result) => result.map(|most| most.min(bytes.len())),
                Err(_) => Ok(bytes.len()), // the test holds nothing up any more
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gate() -> (LogQueue, Receiver<Vec<u8>>, Sender<io::Result<usize>>) {
        let (written, seen) = channel();
        let (decide, results) = channel();
        let queue = LogQueue::with_capacity(Gate { written, results }, 100);
        (queue.expect("a thread"), seen, decide)
    }

    fn next(seen: &Receiver<Vec<u8>>) -> String {
        String::from_utf8(seen.recv_timeout(LONG).expect("a write")).expect("text")
    }

    #[test]
    fn what_has_no_room_is_dropped_and_counted_in_its_place() {
        let (mut queue, seen, decide) = gate();
        queue.write_all(b"first\n").unwrap();
        assert_eq!(next(&seen), "first\n");
        // It is on its way and stays there: the queue is empty, and holds a hundred bytes.
        queue.write_all(&[b'a'; 60]).unwrap();
        queue.write_all(b"\n").unwrap();
        queue.write_all(&[b'b'; 60]).unwrap();
        for _ in 0..1000 {
            queue.write_all(b"c\n").unwrap();
        }
        assert!(!queue.flush(Duration::ZERO), "it waits for nobody");
        drop(decide);
        assert_eq!(next(&seen), format!("{}\n", "a".repeat(60)));
        assert_eq!(
            next(&seen),
            "loopchat: 1001 lines were dropped here: the log could not be written\n"
        );
        queue.write_all(b"last\n").unwrap();
        assert_eq!(next(&seen), "last\n");
        assert!(queue.flush(LONG));
    }

    #[test]
    fn a_write_that_fails_is_told_of_when_one_succeeds() {
        let (mut queue, seen, decide) = gate();
        let full = || Err(io::ErrorKind::StorageFull.into());
        decide.send(full()).unwrap(); // the line
        decide.send(full()).unwrap(); // the notice
        queue.write_all(b"one\n").unwrap();
        assert_eq!(next(&seen), "one\n");
        let notice = "loopchat: 1 line was dropped here: the log could not be written\n";
        assert_eq!(next(&seen), notice);
        assert!(queue.flush(LONG), "what is lost is not waited for");
        decide.send(full()).unwrap(); // the notice
        decide.send(Ok(2)).unwrap(); // a part of the line
        decide.send(full()).unwrap(); // the rest of it
        queue.write_all(b"two\n").unwrap();
        assert_eq!(next(&seen), notice);
        assert_eq!(next(&seen), "two\n");
        assert_eq!(next(&seen), "o\n");
        drop(decide);
        assert_eq!(
            next(&seen),
            format!("\n{}", notice.replace("1 line was", "2 lines were"))
        );
        assert!(queue.flush(LONG));
    }

    #[test]
    fn a_nonblocking_or_interrupted_writer_is_asked_again() {
        let (mut queue, seen, decide) = gate();
        decide.send(Err(io::ErrorKind::WouldBlock.into())).unwrap();
        decide.send(Err(io::ErrorKind::Interrupted.into())).unwrap();
        drop(decide);
        queue.write_all(b"one\n").unwrap();
        for _ in 0..3 {
            assert_eq!(next(&seen), "one\n");
        }
        assert!(queue.flush(LONG));
    }
}
