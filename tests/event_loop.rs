//! The order of things: phases, ticks, immediates, timers, closes, and when a loop ends.
//!
//! Every order here is Node 20's, confirmed there by a run of the same program.

#[path = "support/in_process.rs"]
mod in_process;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use in_process::{Family, Rig, World, clock, each_family, within_deadline};
use loopchat::event_loop::{ManualClock, SIGTERM};
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

/// A callback that only says a word.
fn say(word: &'static str) -> impl FnMut(&mut Said, &mut Context<Said>) + 'static {
    move |said, _cx| said.push(word)
}

fn run(event_loop: &mut EventLoop<Said>) -> Said {
    let mut said = Said::new();
    event_loop.run(&mut said).expect("the poll works");
    said
}

// --- phases ---------------------------------------------------------------------------------

#[test]
fn from_an_io_callback_come_tick_immediate_close_timer() {
    each_family(|family| {
        let clock = clock();
        let mut rig = Rig::<Said>::with_clock(family, &clock);
        let (server, mut peer) = (rig.server, rig.peer());
        peer.send(b"go");
        server.on_data(&mut rig.event_loop, move |_said, cx, socket, _bytes| {
            cx.set_timeout(Duration::from_millis(1), say("timer"));
            clock.advance(Duration::from_millis(1)); // due before the timers phase of this very turn
            socket.on_close(cx, |said: &mut Said, _cx, _socket, _| said.push("close"));
            socket.destroy(cx);
            server.close(cx);
            cx.set_immediate(say("immediate"));
            cx.next_tick(say("tick"));
        });
        assert_eq!(
            run(&mut rig.event_loop),
            ["tick", "immediate", "close", "timer"]
        );
    });
}

/// What is called in every turn comes when all is read, before the immediates; it holds nothing open, and
/// wakes nobody.
#[test]
fn a_check_comes_in_every_turn_and_holds_nothing_open() {
    with_clock::<Said>(|mut event_loop, clock| {
        event_loop.on_check(|said, cx| {
            said.push("check");
            cx.next_tick(say("its tick"));
        });
        event_loop.set_immediate(|said: &mut Said, cx| {
            said.push("immediate");
            cx.set_timeout(Duration::from_secs(60), say("timer"));
        });
        let said = run(&mut event_loop);
        let turn = ["check", "its tick"];
        assert_eq!(said[..3], ["check", "its tick", "immediate"]);
        assert_eq!(said[3..], [&turn[..], &["timer"]].concat());
        assert_eq!(clock.now(), 60_000);
    });
}

#[test]
fn ticks_then_overdue_timers_come_before_the_first_immediate() {
    with_clock(|mut event_loop, clock| {
        event_loop.set_immediate(say("immediate"));
        event_loop.set_timeout(Duration::from_millis(5), say("timer"));
        event_loop.next_tick(say("tick"));
        clock.advance(Duration::from_millis(5));
        assert_eq!(run(&mut event_loop), ["tick", "timer", "immediate"]);
    });
}

#[test]
fn a_timer_that_is_not_due_when_the_loop_is_entered_comes_after_the_immediate() {
    with_clock(|mut event_loop, _clock| {
        event_loop.set_timeout(Duration::ZERO, say("timer"));
        event_loop.set_immediate(say("immediate"));
        assert_eq!(run(&mut event_loop), ["immediate", "timer"]);
    });
}

#[test]
fn close_events_come_last_in_first_out_and_errors_in_order() {
    each_family(|family| {
        let mut rig = Rig::<World>::new(family);
        let (server, _peers) = (rig.server, rig.peers(3));
        server.on_connection(&mut rig.event_loop, move |world: &mut World, cx, socket| {
            world.sockets.push(socket);
            if world.sockets.len() < 3 {
                return;
            }
            server.close(cx);
            for socket in world.sockets.clone() {
                socket.end(cx);
                assert!(!socket.write(cx, b"after the end"), "an error");
            }
        });
        server.on_socket_event(&mut rig.event_loop, |world, _cx, socket, event| {
            let number = world.number(socket);
            world.say(format!("{number} {}", in_process::describe(event)));
        });
        server.on_close(&mut rig.event_loop, |world, _cx, _server| {
            world.say("server")
        });
        let mut world = World::default();
        rig.run(&mut world);
        let write_after_end = |number| format!("{number} error ERR_STREAM_WRITE_AFTER_END");
        let mut expected: Vec<String> = (0..3).map(write_after_end).collect();
        // A server's close is a tick; the close of its last socket waits for the closing phase.
        expected.push("server".into());
        expected.extend((0..3).rev().map(|number| format!("{number} close true")));
        assert_eq!(world.events, expected);
    });
}

#[test]
fn a_server_closes_before_its_last_socket_whichever_was_called_first() {
    for server_first in [true, false] {
        within_deadline(move || {
            let mut rig = Rig::<Said>::new(Family::Tcp);
            let (server, _peer) = (rig.server, rig.peer());
            server.on_close(&mut rig.event_loop, |said, _cx, _| said.push("server"));
            server.on_connection(&mut rig.event_loop, move |_said, cx, socket| {
                socket.on_close(cx, |said: &mut Said, _cx, _, _| said.push("socket"));
                if server_first {
                    server.close(cx);
                    socket.destroy(cx);
                } else {
                    socket.destroy(cx);
                    server.close(cx);
                }
                assert_eq!(server.connections(cx), 0, "counted off by destroy");
            });
            assert_eq!(run(&mut rig.event_loop), ["server", "socket"]);
        });
    }
}

// --- ticks ----------------------------------------------------------------------------------

/// Says a word, and another in a tick.
fn say_and_tick(word: &'static str) -> impl FnMut(&mut Said, &mut Context<Said>) + 'static {
    move |said, cx| {
        said.push(word);
        cx.next_tick(say("tick"));
    }
}

#[test]
fn ticks_run_dry_between_two_timers_of_one_list_and_of_two() {
    with_clock(|mut event_loop, clock| {
        event_loop.set_timeout(Duration::from_millis(1), say_and_tick("first"));
        event_loop.set_timeout(Duration::from_millis(1), say_and_tick("second"));
        event_loop.set_timeout(Duration::from_millis(2), say_and_tick("third"));
        clock.advance(Duration::from_millis(2));
        let said = run(&mut event_loop);
        assert_eq!(said, ["first", "tick", "second", "tick", "third", "tick"]);
    });
}

#[test]
fn ticks_run_dry_between_two_immediates() {
    with_clock(|mut event_loop, _clock| {
        event_loop.set_immediate(say_and_tick("first"));
        event_loop.set_immediate(say_and_tick("second"));
        assert_eq!(run(&mut event_loop), ["first", "tick", "second", "tick"]);
    });
}

#[test]
fn ticks_run_dry_between_two_connections_and_between_two_close_events() {
    each_family(|family| {
        let mut rig = Rig::<Said>::new(family);
        let (server, _peers) = (rig.server, rig.peers(2));
        let mut first = None;
        server.on_connection(&mut rig.event_loop, move |said: &mut Said, cx, socket| {
            say_and_tick("connection")(said, cx);
            socket.on_close(cx, |said, cx, _, _| say_and_tick("close")(said, cx));
            let Some(first) = first.replace(socket) else {
                return;
            };
            cx.set_immediate(move |_said, cx| {
                server.close(cx);
                first.destroy(cx);
                socket.destroy(cx);
            });
        });
        let said = run(&mut rig.event_loop);
        assert_eq!(said[..4], ["connection", "tick", "connection", "tick"]);
        assert_eq!(said[4..], ["close", "tick", "close", "tick"]);
    });
}

#[test]
fn ticks_of_ticks_come_before_everything_else() {
    fn again(said: &mut Said, cx: &mut Context<Said>) {
        said.push("tick");
        if said.len() < 1000 {
            cx.next_tick(again);
        }
    }
    with_clock(|mut event_loop, clock| {
        event_loop.set_timeout(Duration::from_millis(1), say("timer"));
        event_loop.set_immediate(say("immediate"));
        event_loop.next_tick(again);
        clock.advance(Duration::from_millis(1));
        let said = run(&mut event_loop);
        assert!(said[..1000].iter().all(|word| *word == "tick"));
        assert_eq!(said[1000..], ["timer", "immediate"]);
    });
}

// --- immediates -----------------------------------------------------------------------------

#[test]
fn an_immediate_set_in_the_check_phase_waits_for_the_next_turn() {
    with_clock(|mut event_loop, clock| {
        event_loop.set_immediate(move |said: &mut Said, cx| {
            said.push("first");
            cx.set_immediate(say("set there"));
            cx.set_timeout(
                Duration::from_millis(1),
                say("timer at the end of this turn"),
            );
            clock.advance(Duration::from_millis(1));
        });
        event_loop.set_immediate(say("second"));
        assert_eq!(
            run(&mut event_loop),
            [
                "first",
                "second",
                "timer at the end of this turn",
                "set there"
            ]
        );
    });
}

#[test]
fn an_immediate_can_be_cleared_from_a_tick_between_two_of_them() {
    with_clock(|mut event_loop: EventLoop<Said>, _clock| {
        let first = event_loop.set_immediate(|_said, _cx| {});
        event_loop.clear_immediate(first);
        event_loop.clear_immediate(first); // no error
        event_loop.set_immediate(say("first"));
        let (set, cleared) = std::sync::mpsc::channel();
        event_loop.set_immediate(move |_said, cx| {
            cx.next_tick(move |said: &mut Said, cx| {
                said.push("tick");
                cx.clear_immediate(cleared.recv().expect("it was sent"));
            });
        });
        let last = event_loop.set_immediate(say("never"));
        set.send(last).expect("it is received");
        assert_eq!(run(&mut event_loop), ["first", "tick"]);
    });
}

// --- timers ---------------------------------------------------------------------------------

#[test]
fn a_timer_set_by_a_timer_never_runs_in_the_same_pass() {
    with_clock(|mut event_loop, clock| {
        event_loop.set_timeout(Duration::from_millis(1), move |said: &mut Said, cx| {
            said.push("outer");
            cx.set_immediate(say("immediate"));
            cx.set_timeout(Duration::from_millis(1), say("inner"));
            clock.advance(Duration::from_millis(100)); // long overdue when this returns
        });
        assert_eq!(run(&mut event_loop), ["outer", "immediate", "inner"]);
    });
}

#[test]
fn overdue_timers_of_one_duration_run_together() {
    with_clock(|mut event_loop, clock| {
        event_loop.set_timeout(Duration::from_millis(40), say("A, due at 40"));
        clock.advance(Duration::from_millis(20));
        event_loop.set_timeout(Duration::from_millis(40), say("B, due at 60"));
        event_loop.set_timeout(Duration::from_millis(30), say("C, due at 50"));
        clock.advance(Duration::from_millis(80));
        // A heap of timers would run C before B.
        let said = run(&mut event_loop);
        assert_eq!(said, ["A, due at 40", "B, due at 60", "C, due at 50"]);
    });
}

/// Catches: a poll that sleeps for one timer past another, whichever was set first.
#[test]
fn each_timer_comes_at_its_time_whatever_was_set_before_it() {
    let orders = [
        [10, 500, 9000],
        [9000, 500, 10],
        [500, 10, 9000],
        [9000, 10, 500],
    ];
    for order in orders {
        with_clock(move |mut event_loop: EventLoop<Vec<u64>>, _clock| {
            for ms in order {
                event_loop.set_timeout(Duration::from_millis(ms), |times: &mut Vec<u64>, cx| {
                    times.push(cx.now())
                });
            }
            let cleared = event_loop.set_timeout(Duration::from_millis(5), |_, _| unreachable!());
            event_loop.clear_timer(cleared);
            let mut times = Vec::new();
            event_loop.run(&mut times).expect("the poll works");
            assert_eq!(times, [10, 500, 9000], "set as {order:?}");
        });
    }
}

/// Catches: a list that comes before others that have been due for as long. Node's order, too.
#[test]
fn a_list_whose_first_timer_ran_goes_behind_those_due_at_the_same_time() {
    with_clock(|mut event_loop, clock| {
        event_loop.set_timeout(Duration::from_millis(40), say("a"));
        event_loop.set_timeout(Duration::from_millis(60), say("c"));
        clock.advance(Duration::from_millis(20));
        event_loop.set_timeout(Duration::from_millis(40), say("b"));
        assert_eq!(run(&mut event_loop), ["a", "c", "b"]);
    });
}

#[test]
fn an_interval_counts_from_the_start_of_its_callback() {
    for (busy, expected) in [(4, [10, 20, 30]), (25, [10, 35, 60])] {
        with_clock(move |mut event_loop: EventLoop<Vec<u64>>, clock| {
            let timer = std::rc::Rc::new(std::cell::Cell::new(None));
            let itself = timer.clone();
            let interval = event_loop.set_interval(
                Duration::from_millis(10),
                move |starts: &mut Vec<u64>, cx| {
                    starts.push(clock.now());
                    clock.advance(Duration::from_millis(busy));
                    if let (3, Some(timer)) = (starts.len(), itself.get()) {
                        cx.clear_timer(timer);
                    }
                },
            );
            timer.set(Some(interval));
            let mut starts = Vec::new();
            event_loop.run(&mut starts).expect("the poll works");
            assert_eq!(starts, expected, "busy for {busy} ms");
        });
    }
}

#[test]
fn busy_code_before_it_does_not_make_a_timer_shorter() {
    with_clock(|mut event_loop: EventLoop<Vec<u64>>, clock| {
        event_loop.set_immediate(move |_times, cx| {
            clock.advance(Duration::from_millis(50)); // the turn began at 0
            cx.set_timeout(Duration::from_millis(10), move |times, cx| {
                times.push(cx.now())
            });
        });
        let mut times = Vec::new();
        event_loop.run(&mut times).expect("the poll works");
        assert_eq!(times, [60]);
    });
}

#[test]
fn timers_are_cleared_by_siblings_and_refreshed_by_themselves() {
    with_clock(|mut event_loop: EventLoop<Said>, clock| {
        let timer = std::rc::Rc::new(std::cell::Cell::new(None));
        let itself = timer.clone();
        let refreshed =
            event_loop.set_timeout(Duration::from_millis(10), move |said: &mut Said, cx| {
                said.push("refreshed");
                let timer = itself.get().expect("it was set");
                if said.len() == 1 {
                    assert!(
                        cx.refresh_timer(timer),
                        "in its own callback it is still there"
                    );
                }
            });
        timer.set(Some(refreshed));
        let cleared = event_loop.set_timeout(Duration::from_millis(15), say("never"));
        event_loop.set_timeout(Duration::from_millis(12), move |_said, cx| {
            cx.clear_timer(cleared)
        });
        assert_eq!(run(&mut event_loop), ["refreshed", "refreshed"]);
        assert_eq!(clock.now(), 20);
        assert!(!event_loop.refresh_timer(refreshed), "it has fired");
        event_loop.clear_timer(refreshed);
        assert_eq!(run(&mut event_loop), [""; 0]);
    });
}

#[test]
fn with_a_manual_clock_an_hour_takes_no_time() {
    with_clock(|mut event_loop, clock| {
        event_loop.set_timeout(Duration::from_secs(3600), say("an hour"));
        event_loop.set_timeout(Duration::from_secs(60), say("a minute"));
        assert_eq!(run(&mut event_loop), ["a minute", "an hour"]);
        assert_eq!(clock.now(), 3_600_000);
    });
}

#[test]
fn with_the_real_clock_a_timer_is_never_early() {
    within_deadline(|| {
        let mut event_loop = EventLoop::<Said>::new().expect("a loop");
        event_loop.update_time();
        let due = event_loop.now() + 20;
        event_loop.set_timeout(Duration::from_millis(20), move |said: &mut Said, cx| {
            said.push("timer");
            assert!(cx.now() >= due, "{} is before {due}", cx.now());
            assert!(cx.nanos() >= due * 1_000_000, "nor by the finer clock");
        });
        assert_eq!(run(&mut event_loop), ["timer"]);
    });
}

// --- when a loop ends -----------------------------------------------------------------------

#[test]
fn a_loop_with_nothing_to_wait_for_ends_at_once() {
    within_deadline(|| {
        let mut event_loop = EventLoop::new().expect("a loop");
        assert_eq!(run(&mut event_loop), [""; 0]);
        event_loop.next_tick(say("tick"));
        assert_eq!(run(&mut event_loop), ["tick"], "ticks run all the same");
    });
}

#[test]
fn what_is_not_referenced_does_not_hold_the_loop() {
    within_deadline(|| {
        let mut rig = Rig::<Said>::new(Family::Tcp); // real time: an hour would be an hour
        let (server, _peer) = (rig.server, rig.peer());
        let event_loop = &mut rig.event_loop;
        let timer = event_loop.set_timeout(Duration::from_secs(3600), say("never"));
        event_loop.set_timer_ref(timer, false);
        assert!(!event_loop.timer_has_ref(timer));
        let immediate = event_loop.set_immediate(say("never"));
        event_loop.set_immediate_ref(immediate, false);
        assert!(!event_loop.immediate_has_ref(immediate));
        event_loop
            .on_signal(&[SIGTERM], |_, _, _| {})
            .expect("a handler");
        server.set_ref(event_loop, false);
        assert_eq!(run(event_loop), [""; 0]);

        // A socket that is accepted while something else holds the loop, and unreferenced then.
        event_loop.clear_immediate(immediate);
        server.set_ref(event_loop, true);
        server.on_connection(event_loop, move |said: &mut Said, cx, socket| {
            said.push("connection");
            socket.set_ref(cx, false);
            server.set_ref(cx, false);
        });
        assert_eq!(run(event_loop), ["connection"]);
    });
}

#[test]
fn an_unreferenced_immediate_runs_if_something_else_keeps_the_loop() {
    with_clock(|mut event_loop, _clock| {
        let immediate = event_loop.set_immediate(say("immediate"));
        event_loop.set_immediate_ref(immediate, false);
        event_loop.set_timeout(Duration::from_millis(5), say("timer"));
        assert_eq!(run(&mut event_loop), ["immediate", "timer"]);
    });
}

#[test]
fn a_referenced_server_or_socket_holds_the_loop_until_it_is_closed() {
    each_family(|family| {
        let clock = clock();
        let mut rig = Rig::<Said>::with_clock(family, &clock);
        let (server, _peer) = (rig.server, rig.peer());
        server.on_connection(&mut rig.event_loop, move |_said, cx, socket| {
            server.close(cx); // the socket alone holds it now
            let timer = cx.set_timeout(Duration::from_secs(3600), move |said: &mut Said, cx| {
                said.push("an hour later");
                socket.destroy(cx);
            });
            cx.set_timer_ref(timer, false);
        });
        assert_eq!(run(&mut rig.event_loop), ["an hour later"]);
    });
}

#[test]
fn stop_ends_the_run_after_this_turn_and_the_next_run_goes_on() {
    with_clock(|mut event_loop, clock| {
        event_loop.set_immediate(move |said: &mut Said, cx| {
            said.push("stop");
            cx.stop();
            cx.set_immediate(say("next turn"));
            cx.set_timeout(Duration::from_millis(1), say("timer"));
            clock.advance(Duration::from_millis(1));
        });
        event_loop.set_immediate(say("same phase"));
        assert_eq!(run(&mut event_loop), ["stop", "same phase", "timer"]);
        assert_eq!(run(&mut event_loop), ["next turn"]);
    });
}

// --- other sources --------------------------------------------------------------------------

#[test]
fn work_runs_on_another_thread_and_its_result_comes_as_a_callback() {
    within_deadline(|| {
        let mut event_loop = EventLoop::<Said>::new().expect("a loop");
        let loop_thread = thread::current().id();
        event_loop.queue_work(
            || thread::current().id(),
            move |said: &mut Said, cx, worker| {
                assert_ne!(worker, loop_thread);
                assert_eq!(thread::current().id(), loop_thread);
                cx.set_immediate(say("immediate"));
                say_and_tick("work")(said, cx);
            },
        );
        assert_eq!(run(&mut event_loop), ["work", "tick", "immediate"]);
    });
}

/// Catches: a pool of fewer threads than it says, where whatever blocks keeps the rest waiting.
#[test]
fn four_pieces_of_work_run_at_once() {
    within_deadline(|| {
        let mut event_loop = EventLoop::<Said>::new().expect("a loop");
        let all_run = Arc::new(Barrier::new(4));
        for _ in 0..8 {
            // None of four comes past this before all four are there.
            let all_run = Arc::clone(&all_run);
            event_loop.queue_work(
                move || all_run.wait(),
                |said: &mut Said, _, _| said.push("met"),
            );
        }
        assert_eq!(run(&mut event_loop), ["met"; 8]);
    });
}

/// Catches: more threads than four, however much is queued.
#[test]
fn no_more_than_four_pieces_of_work_run_at_once() {
    within_deadline(|| {
        let mut event_loop = EventLoop::<Vec<thread::ThreadId>>::new().expect("a loop");
        let all_run = Arc::new(Barrier::new(4));
        for _ in 0..16 {
            let all_run = Arc::clone(&all_run);
            let work = move || {
                all_run.wait();
                thread::current().id()
            };
            event_loop.queue_work(work, |threads: &mut Vec<_>, _, thread| threads.push(thread));
        }
        let mut threads = Vec::new();
        event_loop.run(&mut threads).expect("the poll works");
        let distinct: std::collections::HashSet<_> = threads.into_iter().collect();
        assert_eq!(distinct.len(), 4);
    });
}

/// Catches: a clock that jumps over what the pool has yet to do.
#[test]
fn time_by_hand_waits_for_work_as_long_as_it_takes() {
    with_clock(|mut event_loop: EventLoop<Said>, clock| {
        event_loop.set_timeout(Duration::from_millis(1), say("timer"));
        let work = || (0..1000).for_each(|_| thread::yield_now());
        event_loop.queue_work(work, |said: &mut Said, _, ()| said.push("work"));
        assert_eq!(run(&mut event_loop), ["work", "timer"]);
        assert_eq!(clock.now(), 1);
    });
}

#[test]
fn all_work_arrives_however_much_is_queued() {
    within_deadline(|| {
        let mut event_loop = EventLoop::<Vec<u32>>::new().expect("a loop");
        for number in 0..200u32 {
            event_loop.queue_work(
                move || number * number,
                |squares: &mut Vec<u32>, _cx, square| squares.push(square),
            );
        }
        let mut squares = Vec::new();
        event_loop.run(&mut squares).expect("the poll works");
        squares.sort_unstable();
        assert!(
            squares
                .into_iter()
                .eq((0..200).map(|number| number * number))
        );
    });
}

#[test]
fn a_panic_of_work_is_resumed_on_the_loop_and_the_pool_survives() {
    within_deadline(|| {
        let mut event_loop = EventLoop::<Said>::new().expect("a loop");
        event_loop.queue_work(|| panic!("boom"), |_said, _cx, ()| unreachable!());
        let run_once = AssertUnwindSafe(|| run(&mut event_loop));
        let panic = catch_unwind(run_once).expect_err("it is resumed");
        assert_eq!(panic.downcast_ref(), Some(&"boom"));
        event_loop.queue_work(|| "more work", |said: &mut Said, _cx, word| said.push(word));
        assert_eq!(run(&mut event_loop), ["more work"]);
    });
}

#[test]
fn any_source_is_polled_level_triggered_until_it_is_closed() {
    use std::io::{Read, Write};
    within_deadline(|| {
        let mut event_loop = EventLoop::<Vec<u8>>::new().expect("a loop");
        let (mut sender, receiver) = mio::unix::pipe::new().expect("a pipe");
        sender.write_all(b"abc").expect("there is room");
        let polled = event_loop.poll(
            receiver,
            mio::Interest::READABLE,
            |read: &mut Vec<u8>, cx, handle, receiver, _ready| {
                let mut byte = [0];
                assert_eq!(receiver.read(&mut byte).expect("it is ready"), 1);
                read.push(byte[0]);
                if byte == *b"c" {
                    cx.close_poll(handle);
                }
            },
        );
        let handle = polled.expect("a pipe can be polled");
        let mut read = Vec::new();
        event_loop.run(&mut read).expect("the poll works");
        assert_eq!(read, b"abc");
        event_loop.close_poll(handle); // stale by now: a no-op
    });
}
