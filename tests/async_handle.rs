//! The loop woken by other threads: no send is lost, none counts twice, and what is closed is
//! quiet.

#[path = "support/in_process.rs"]
mod in_process;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use in_process::within_deadline;
use loopchat::event_loop::{AsyncHandle, AsyncSender, ManualClock, Origin};
use loopchat::{Context, EventLoop};

type Said = Vec<&'static str>;

/// Runs a test with a loop whose time is moved by hand.
fn with_clock<S: 'static>(test: impl FnOnce(EventLoop<S>, ManualClock) + Send + 'static) {
    within_deadline(|| {
        let clock = ManualClock::new();
        let event_loop = EventLoop::with_clock(clock.clone());
        test(event_loop.expect("a loop"), clock);
    });
}

fn run<S: Default>(event_loop: &mut EventLoop<S>) -> S {
    let mut state = S::default();
    event_loop.run(&mut state).expect("the poll works");
    state
}

/// A handle that says a word whenever it is called, and closes itself then.
fn says(event_loop: &mut EventLoop<Said>, word: &'static str) -> (AsyncHandle, AsyncSender) {
    event_loop.async_handle(move |said: &mut Said, cx, handle| {
        said.push(word);
        cx.close_async(handle);
    })
}

// --- sends ----------------------------------------------------------------------------------

/// Catches: a call for each send.
#[test]
fn several_sends_before_the_loop_gets_to_it_are_one_call() {
    with_clock(|mut event_loop: EventLoop<Said>, _| {
        let (_, sender) = event_loop.async_handle(|said: &mut Said, cx, handle| {
            said.push("called");
            cx.set_timeout(Duration::from_millis(1), move |_, cx| {
                cx.close_async(handle)
            });
        });
        let other = sender.clone();
        assert!(sender.send() && other.send() && sender.send());
        assert_eq!(run(&mut event_loop), ["called"]);
    });
}

/// Catches: a flag that is taken back when the poll says so and not when the callback begins: what
/// is sent between the two would be a second call.
#[test]
fn a_send_while_it_waits_for_its_turn_is_the_same_call() {
    with_clock(|mut event_loop: EventLoop<Said>, _| {
        let second = Rc::new(Cell::new(None::<AsyncSender>));
        let to = Rc::clone(&second);
        let (_, first) = event_loop.async_handle(move |said: &mut Said, _, _| {
            said.push("first");
            let second = to.take().expect("called once");
            assert!(second.send());
        });
        let (_, sender) = event_loop.async_handle(|said: &mut Said, cx, _| {
            said.push("second");
            cx.set_timeout(Duration::from_millis(1), |_, cx| cx.stop());
        });
        second.set(Some(sender.clone()));
        assert!(first.send() && sender.send());
        assert_eq!(run(&mut event_loop), ["first", "second"]);
    });
}

/// Catches: a send that only a poll with a timeout would find.
#[cfg(target_os = "linux")]
#[test]
fn a_send_wakes_a_loop_that_sleeps_without_a_timer() {
    within_deadline(|| {
        let mut event_loop = EventLoop::<Said>::new().expect("a loop");
        let (_, sender) = says(&mut event_loop, "woken");
        let (begins, begun) = mpsc::channel();
        event_loop.next_tick(move |_, _| begins.send(rustix::thread::gettid()).expect("it waits"));
        let waking = thread::spawn(move || {
            let thread = begun.recv().expect("the loop runs").as_raw_nonzero();
            let stat = format!("/proc/self/task/{thread}/stat");
            let sleeps = || {
                let stat = std::fs::read_to_string(&stat).expect("it is there");
                stat.rsplit(')').next().expect("a state").starts_with(" S")
            };
            while !sleeps() {
                thread::yield_now();
            }
            sender.send()
        });
        assert_eq!(run(&mut event_loop), ["woken"]);
        assert!(waking.join().expect("it does not panic"));
    });
}

/// Catches: a flag that is taken back behind the callback. A thread sends when the callback has
/// looked at what there is, and it returns only after that.
#[test]
fn a_send_from_a_thread_while_the_callback_runs_is_another_call() {
    within_deadline(|| {
        let mut event_loop = EventLoop::<Said>::new().expect("a loop");
        let (go, goes) = mpsc::channel();
        let (done, is_done) = mpsc::channel::<bool>();
        let (_, sender) = event_loop.async_handle(move |said: &mut Said, cx, handle| {
            said.push("called");
            match said.len() {
                1 => {
                    go.send(()).expect("the thread waits");
                    assert!(is_done.recv().expect("the thread has sent"));
                }
                _ => cx.close_async(handle),
            }
        });
        assert!(sender.send());
        let sending = thread::spawn(move || {
            goes.recv().expect("the callback says so");
            done.send(sender.send()).expect("the callback waits");
        });
        assert_eq!(run(&mut event_loop), ["called", "called"]);
        sending.join().expect("it does not panic");
    });
}

/// Catches: a send that is lost between the callback's look and the next sleep. What each thread
/// adds has no other way of being seen, and nothing else wakes the loop: it would hang.
#[test]
fn nothing_is_lost_under_a_hammer_of_threads() {
    const THREADS: u64 = 4;
    const SENDS: u64 = 20_000;
    within_deadline(|| {
        let mut event_loop = EventLoop::<(u64, u64)>::new().expect("a loop");
        let added = Arc::new(AtomicU64::new(0));
        let from = Arc::clone(&added);
        let (_, sender) = event_loop.async_handle(move |(sum, calls): &mut (u64, u64), cx, own| {
            // No order but that of the sends themselves.
            *sum += from.swap(0, Ordering::Relaxed);
            *calls += 1;
            if *sum == THREADS * SENDS {
                cx.close_async(own);
            }
        });
        let begin = Arc::new(Barrier::new(THREADS as usize));
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (added, begin, sender) = (added.clone(), begin.clone(), sender.clone());
                thread::spawn(move || {
                    begin.wait();
                    for _ in 0..SENDS {
                        added.fetch_add(1, Ordering::Relaxed);
                        sender.send();
                    }
                })
            })
            .collect();
        let (sum, calls) = run(&mut event_loop);
        assert_eq!(sum, THREADS * SENDS);
        assert!(calls <= THREADS * SENDS, "never more calls than sends");
        for thread in threads {
            thread.join().expect("it does not panic");
        }
    });
}

/// Catches the same where the threads give it the best chance: each sends, waits until that is
/// seen, and so sends again while the callback is about to return, and the loop to sleep.
#[test]
fn nothing_is_lost_when_each_send_waits_for_the_one_before() {
    const ROUNDS: u64 = 5_000;
    within_deadline(|| {
        let mut event_loop = EventLoop::<u64>::new().expect("a loop");
        let (sent, seen) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (from, to) = (sent.clone(), seen.clone());
        let (_, sender) = event_loop.async_handle(move |last: &mut u64, cx, handle| {
            *last = from.load(Ordering::Relaxed);
            to.store(*last, Ordering::Relaxed);
            if *last == ROUNDS {
                cx.close_async(handle);
            }
        });
        let sending = thread::spawn(move || {
            for round in 1..=ROUNDS {
                sent.store(round, Ordering::Relaxed);
                assert!(sender.send());
                while seen.load(Ordering::Relaxed) != round {
                    thread::yield_now();
                }
            }
        });
        assert_eq!(run(&mut event_loop), ROUNDS);
        sending.join().expect("it does not panic");
    });
}

/// Catches: a wake that calls all handles, also those that nobody sent for.
#[test]
fn a_wake_is_for_those_only_that_were_sent_for() {
    with_clock(|mut event_loop: EventLoop<Said>, _| {
        let (quiet, _) = says(&mut event_loop, "never");
        let (_, sender) = says(&mut event_loop, "sent for");
        event_loop.set_async_ref(quiet, false);
        assert!(sender.send());
        assert_eq!(run(&mut event_loop), ["sent for"]);
    });
}

/// Catches: a wake that is taken for the pool's alone, or for an async handle's alone.
#[test]
fn the_pool_and_async_handles_share_the_waker() {
    within_deadline(|| {
        let mut event_loop = EventLoop::<Said>::new().expect("a loop");
        let (_, sender) = says(&mut event_loop, "async handle");
        event_loop.queue_work(
            move || sender.send(),
            |said: &mut Said, _, sent| {
                assert!(sent);
                said.push("work");
            },
        );
        let mut said = run(&mut event_loop);
        said.sort_unstable();
        assert_eq!(said, ["async handle", "work"]);
    });
}

// --- the order of things --------------------------------------------------------------------

/// Catches: another phase, ticks that wait for all handles, an order that is not the one in which
/// they were made.
#[test]
fn they_are_called_in_the_poll_phase_in_the_order_they_were_made() {
    with_clock(|mut event_loop: EventLoop<Said>, clock| {
        let say = |word| move |said: &mut Said, _: &mut Context<Said>| said.push(word);
        let [(_, first), (_, second)] = ["first", "second"].map(|word| {
            let clock = clock.clone();
            event_loop.async_handle(move |said: &mut Said, cx, handle| {
                said.push(word);
                clock.advance(Duration::from_millis(1));
                cx.next_tick(say("tick"));
                cx.set_immediate(say("immediate"));
                cx.set_timeout(Duration::from_millis(1), say("timer"));
                cx.close_async(handle);
            })
        });
        event_loop.set_timeout(Duration::from_millis(1), say("timer"));
        assert!(second.send() && first.send());
        assert_eq!(
            run(&mut event_loop),
            [
                "first",
                "tick",
                "second",
                "tick",
                "immediate",
                "immediate",
                "timer",
                "timer",
                "timer"
            ]
        );
    });
}

/// Catches: a handle that is called again and again while the others wait, and a loop that sleeps
/// for a timer although there was a send.
#[test]
fn a_send_from_within_the_callback_is_for_the_next_turn() {
    with_clock(|mut event_loop: EventLoop<Vec<(&str, u64)>>, clock| {
        let own = Rc::new(Cell::new(None::<AsyncSender>));
        let to = Rc::clone(&own);
        event_loop.set_timeout(Duration::from_secs(60), |_, _| {});
        let (_, sender) = event_loop.async_handle(move |said: &mut Vec<_>, cx, handle| {
            said.push(("called", cx.counters().turns));
            cx.set_immediate(|said: &mut Vec<_>, cx| said.push(("immediate", cx.counters().turns)));
            if said.len() < 5 {
                let own = to.take().expect("it was put back");
                assert!(own.send() && own.send());
                to.set(Some(own));
            } else {
                assert_eq!(clock.now(), 0, "it has not slept");
                cx.close_async(handle);
            }
        });
        assert!(sender.send());
        own.set(Some(sender));
        let said = run(&mut event_loop);
        let turns = (1..=3).flat_map(|turn| [("called", turn), ("immediate", turn)]);
        assert_eq!(said, turns.collect::<Vec<_>>());
    });
}

/// Catches: a call that a recorded turn does not show, or shows as something else.
#[test]
fn a_recorded_turn_shows_them() {
    with_clock(|mut event_loop: EventLoop<Said>, _| {
        event_loop.start_monitoring();
        assert!(event_loop.record_turn(1, Duration::ZERO));
        let (_, sender) = event_loop.async_handle(|_, cx, _| cx.next_tick(|_, _| {}));
        assert!(sender.send());
        event_loop.turn(&mut Said::new()).expect("a turn");
        let recording = event_loop.take_recording().expect("one turn");
        let origins = recording.steps.iter().map(|step| step.origin);
        assert!(origins.eq([Origin::AsyncHandle, Origin::Tick]));
        assert_eq!(event_loop.counters().callbacks, 1);
    });
}

// --- how long -------------------------------------------------------------------------------

#[test]
fn one_holds_the_loop_open_until_it_is_closed() {
    with_clock(|mut event_loop: EventLoop<Said>, _| {
        let (handle, _) = event_loop.async_handle(|_, _, _| {});
        let timer =
            event_loop.set_timeout(Duration::from_secs(3600), move |said: &mut Said, cx| {
                said.push("an hour later");
                cx.close_async(handle);
            });
        event_loop.set_timer_ref(timer, false);
        assert_eq!(run(&mut event_loop), ["an hour later"]);
    });
}

#[test]
fn an_unreferenced_one_does_not_hold_the_loop_but_is_called() {
    with_clock(|mut event_loop: EventLoop<Said>, _| {
        let (handle, sender) = event_loop.async_handle(|said: &mut Said, _, _| said.push("called"));
        event_loop.set_async_ref(handle, false);
        assert_eq!(run(&mut event_loop), [""; 0]);
        assert!(sender.send());
        assert_eq!(run(&mut event_loop), [""; 0], "the loop has nothing to do");
        event_loop.set_timeout(Duration::from_millis(1), |said: &mut Said, _| {
            said.push("timer")
        });
        assert_eq!(run(&mut event_loop), ["called", "timer"], "it was kept");
        event_loop.set_async_ref(handle, true);
        let timer = event_loop.set_timeout(Duration::from_millis(1), |said: &mut Said, cx| {
            said.push("unreferenced timer");
            cx.stop();
        });
        event_loop.set_timer_ref(timer, false);
        assert_eq!(run(&mut event_loop), ["unreferenced timer"]);
    });
}

/// Catches: a call of what was closed while it was due, in an earlier turn or in this one, and a
/// sender that is not told.
#[test]
fn what_is_closed_while_a_send_is_pending_is_never_called() {
    with_clock(|mut event_loop: EventLoop<Said>, _| {
        let (early, early_sender) = says(&mut event_loop, "closed before the turn");
        let next = Rc::new(Cell::new(None::<AsyncHandle>));
        let closes = Rc::clone(&next);
        let (_, sender) = event_loop.async_handle(move |said: &mut Said, cx, handle| {
            said.push("closes the next");
            cx.close_async(closes.get().expect("it was made"));
            cx.close_async(handle);
        });
        let (handle, next_sender) = says(&mut event_loop, "closed in the turn");
        next.set(Some(handle));
        assert!(early_sender.send() && sender.send() && next_sender.send());
        event_loop.close_async(early);
        assert!(!early_sender.send(), "it says so at once");
        assert_eq!(run(&mut event_loop), ["closes the next"]);
        for sender in [early_sender, sender, next_sender] {
            assert!(!sender.send() && !sender.clone().send());
        }
        assert_eq!(run(&mut event_loop), [""; 0]);
    });
}

/// Catches: a handle that closes itself and is told to its senders as open until it returns, and
/// one whose callback stays for ever.
#[test]
fn one_that_closes_itself_is_closed_at_once_and_dropped_when_it_returns() {
    with_clock(|mut event_loop: EventLoop<Said>, _| {
        let kept = Rc::new(Cell::new(None::<AsyncSender>));
        let own = Rc::clone(&kept);
        let (_, sender) = event_loop.async_handle(move |said: &mut Said, cx, handle| {
            cx.close_async(handle);
            assert!(!own.take().expect("it was put there").send());
            said.push("closed");
        });
        assert!(sender.send());
        kept.set(Some(sender));
        assert_eq!(run(&mut event_loop), ["closed"]);
        assert_eq!(Rc::strong_count(&kept), 1);
    });
}

/// Catches: an id that reaches whatever took the place of its handle.
#[test]
fn a_stale_id_is_a_no_op() {
    with_clock(|mut event_loop: EventLoop<Said>, _| {
        let (stale, _) = says(&mut event_loop, "never");
        event_loop.close_async(stale);
        event_loop.close_async(stale);
        assert_eq!(run(&mut event_loop), [""; 0], "its place is free");
        let (handle, sender) = says(&mut event_loop, "called");
        assert_ne!(stale, handle);
        event_loop.set_async_ref(stale, false);
        event_loop.close_async(stale);
        assert!(sender.send());
        assert_eq!(run(&mut event_loop), ["called"]);
    });
}

/// Catches: a thread that never hears that nobody listens any more.
#[test]
fn when_the_loop_is_gone_a_send_says_so() {
    within_deadline(|| {
        let mut event_loop = EventLoop::<Said>::new().expect("a loop");
        let (_, pending) = says(&mut event_loop, "never");
        let (_, sender) = says(&mut event_loop, "never");
        assert!(pending.send());
        let (gone, is_gone) = mpsc::channel();
        let sending = thread::spawn(move || {
            is_gone.recv().expect("it says so");
            sender.send()
        });
        drop(event_loop);
        gone.send(()).expect("the thread waits");
        assert!(!sending.join().expect("it does not panic"));
        assert!(!pending.send(), "also if a send was pending");
    });
}
