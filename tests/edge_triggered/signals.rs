//! Rule 8: a signal may interrupt the poll.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use loopchat::EventLoop;
use loopchat::event_loop::SIGHUP;
use rustix::process::{Pid, Signal, getpid, kill_process};

use crate::in_process::within_deadline;

/// The id of this very thread. Linux lets `kill` aim at a thread: the process gets the signal, and
/// that thread is the one that is interrupted for it.
fn this_thread() -> Pid {
    let link = std::fs::read_link("/proc/thread-self").expect("this is Linux");
    let id = link.file_name().and_then(|name| name.to_str());
    let id = id.and_then(|id| id.parse().ok()).and_then(Pid::from_raw);
    id.expect("PID/task/TID")
}

/// Catches: an interrupted poll that ends the loop as an error, and one that starts its sleep over
/// with the full time: under a steady rain of signals the timer would never come.
#[test]
fn rule_8_a_timer_comes_in_time_though_signals_interrupt_the_poll() {
    within_deadline(|| {
        // A handler that does nothing the loop could wake for: only EINTR is left.
        let seen = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal_hook::consts::SIGWINCH, Arc::clone(&seen))
            .expect("a handler");
        let mut event_loop = EventLoop::<bool>::new().expect("a loop");
        let hour = event_loop.set_timeout(Duration::from_secs(3600), |_fired, _cx| {});
        let (this, stop) = (this_thread(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let sender = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                kill_process(this, Signal::WINCH).expect("the thread is there");
                thread::yield_now();
            }
        });
        let mut fired = false;
        for _ in 0..5 {
            // For an hour nothing but a signal ends the poll.
            event_loop.turn(&mut fired).expect("EINTR is no error");
        }
        assert!(seen.load(Ordering::Relaxed), "signals came");
        event_loop.clear_timer(hour);
        event_loop.update_time();
        let due = event_loop.now() + 100;
        event_loop.set_timeout(Duration::from_millis(100), move |fired, cx| {
            assert!(cx.now() >= due, "it is early");
            *fired = true;
        });
        while !fired {
            event_loop.turn(&mut fired).expect("EINTR is no error");
        }
        stop.store(true, Ordering::Relaxed);
        sender.join().expect("it sends");
    });
}

/// Catches: a signal that ends the process, or one that waits until something else wakes the loop.
#[test]
fn rule_8_a_signal_wakes_the_poll_and_arrives_as_an_event() {
    within_deadline(|| {
        let mut event_loop = EventLoop::<Vec<String>>::new().expect("a loop");
        let timer = event_loop.set_timeout(Duration::from_secs(3600), |_heard, _cx| {}); // holds the loop open
        let handle = event_loop.on_signal(&[SIGHUP], move |heard: &mut Vec<String>, cx, signal| {
            heard.push(signal.to_string());
            if heard.len() == 1 {
                // Again, from within: a signal while its event is being handled is not lost.
                kill_process(getpid(), Signal::HUP).expect("to oneself");
            } else {
                cx.clear_timer(timer);
            }
        });
        handle.expect("a handler");
        let sender = thread::spawn(|| kill_process(getpid(), Signal::HUP).expect("to oneself"));
        let mut heard = Vec::new();
        event_loop.run(&mut heard).expect("EINTR is no error");
        sender.join().expect("it sends");
        assert_eq!(heard, ["SIGHUP", "SIGHUP"]);
    });
}
