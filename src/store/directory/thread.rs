//! The thread that asks the tables, and what the loop and it have together: questions one way, news
//! the other, each behind a lock that nobody holds for long.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use log::error;

use crate::directory::{News, Question, Unavailable, Wake};

/// What the loop and the thread have together.
#[derive(Default)]
pub(super) struct Shared {
    asked: Mutex<Asked>,
    /// A question has come, or the end.
    changed: Condvar,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Asked {
    questions: Vec<Question>,
    is_over: bool,
    has_ended: bool,
}

#[derive(Default)]
struct Told {
    news: VecDeque<News>,
    wake: Option<Wake>,
}

/// No one panics while it is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says that the thread has ended, however it has, and tells whoever still waits.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        let mut asked = lock(&self.0.asked);
        asked.has_ended = true;
        let left = mem::take(&mut asked.questions);
        drop(asked);
        self.0.changed.notify_all();
        self.0.tell(left.iter().map(unavailable));
    }
}

fn unavailable(question: &Question) -> News {
    News::Answered {
        ticket: question.ticket,
        answer: Err(Unavailable),
    }
}

/// Starts the thread, which has `answer` answer what waits. If that panics the thread ends, and from
/// then on everything is unavailable.
pub(super) fn start(
    mut answer: impl FnMut(&[Question]) -> Vec<News> + Send + 'static,
) -> io::Result<Arc<Shared>> {
    let shared = Arc::new(Shared::default());
    let ended = Ended(Arc::clone(&shared));
    let name = "store-directory".to_owned();
    thread::Builder::new().name(name).spawn(move || {
        let Ended(shared) = &ended;
        while let Some(questions) = shared.next_questions() {
            match catch_unwind(AssertUnwindSafe(|| answer(&questions))) {
                Ok(news) => shared.tell(news),
                Err(_) => {
                    error!("the directory has come to an end");
                    shared.tell(questions.iter().map(unavailable));
                    break;
                }
            }
        }
        drop(answer); // the database is closed before that is said
        drop(ended);
    })?;
    Ok(shared)
}

impl Shared {
    pub(super) fn ask(&self, question: Question) {
        let mut asked = lock(&self.asked);
        if asked.has_ended {
            drop(asked);
            self.tell([unavailable(&question)]);
            return;
        }
        asked.questions.push(question);
        self.changed.notify_all();
    }

    pub(super) fn wake_by(&self, wake: Wake) {
        lock(&self.told).wake = Some(wake);
    }

    /// Takes all that there is.
    pub(super) fn take_news(&self, news: &mut VecDeque<News>) {
        mem::swap(&mut lock(&self.told).news, news);
    }

    /// Nothing more comes. Waits until all is written, but no longer than that; true if it is.
    pub(super) fn end(&self, limit: Duration) -> bool {
        let mut asked = lock(&self.asked);
        asked.is_over = true;
        self.changed.notify_all();
        let is_open = |asked: &mut Asked| !asked.has_ended;
        let waited = self.changed.wait_timeout_while(asked, limit, is_open);
        let (asked, _) = waited.unwrap_or_else(PoisonError::into_inner);
        asked.has_ended
    }

    fn tell(&self, news: impl IntoIterator<Item = News>) {
        let mut told = lock(&self.told);
        told.news.extend(news);
        if let Some(wake) = &told.wake {
            wake();
        }
    }

    /// All that waits, as soon as anything does; `None` at the end.
    fn next_questions(&self) -> Option<Vec<Question>> {
        let is_quiet = |asked: &mut Asked| asked.questions.is_empty() && !asked.is_over;
        let asked = lock(&self.asked);
        let asked = self.changed.wait_while(asked, is_quiet);
        let mut asked = asked.unwrap_or_else(PoisonError::into_inner);
        let questions = mem::take(&mut asked.questions);
        (!questions.is_empty()).then_some(questions)
    }
}
