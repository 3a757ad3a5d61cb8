//! A loop that was held up looks before it judges: what peers did meanwhile is still to be seen.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loopchat::EventLoop;
use loopchat::event_loop::ManualClock;
use loopchat::net::Event;

use crate::in_process::{Family, Rig, World, within_deadline};

/// Catches: peers that are given up since the process was stopped, or a callback blocked.
#[test]
fn an_idle_time_starts_anew_when_the_loop_was_held_up() {
    within_deadline(|| {
        let clock = ManualClock::new();
        let mut rig = Rig::<World>::with_clock(Family::Tcp, &clock);
        rig.keep_sockets();
        let told = Rc::new(Cell::new(None));
        let (tell, time) = (Rc::clone(&told), clock.clone());
        let server = rig.server;
        server.on_connection(&mut rig.event_loop, |_, cx, socket| {
            socket.set_timeout(cx, Duration::from_secs(5));
        });
        server.on_socket_event(
            &mut rig.event_loop,
            move |world: &mut World, _, _, event| {
                if let Event::Timeout = event {
                    tell.set(Some(time.now()));
                    world.done = true;
                }
            },
        );
        let _peer = rig.peer();
        let mut world = World::default();
        while world.sockets.is_empty() {
            rig.event_loop.turn(&mut world).expect("the poll works");
        }
        let start = clock.now();
        clock.hold_up(Duration::from_secs(33));
        assert_eq!(rig.event_loop.awake_since(), start + 33_000);
        rig.run_until_done(&mut world);
        assert_eq!(told.get(), Some(start + 33_000 + 5000));
    });
}

/// Catches: the same in the timers phase itself, where nothing is polled between two timers.
#[test]
fn a_deadline_behind_a_timer_that_blocks_starts_anew() {
    let clock = ManualClock::new();
    let mut event_loop = EventLoop::<Vec<(&str, u64)>>::with_clock(clock.clone()).expect("a loop");
    let (blocks, now) = (clock.clone(), clock.clone());
    event_loop.set_timeout(Duration::from_millis(10), move |_, _| {
        blocks.hold_up(Duration::from_secs(60))
    });
    event_loop.set_deadline(Duration::from_millis(10), move |seen: &mut Vec<_>, _| {
        seen.push(("deadline", now.now()))
    });
    let now = clock.clone();
    event_loop.set_timeout(Duration::from_millis(10), move |seen: &mut Vec<_>, _| {
        seen.push(("timeout", now.now()))
    });
    let mut seen = Vec::new();
    event_loop.run(&mut seen).expect("it polls");
    assert_eq!(seen, [("timeout", 60_010), ("deadline", 60_020)]);
}

/// A deadline is an ordinary timer otherwise, and a clock that only passes holds nothing up.
#[test]
fn a_deadline_is_kept_to_if_nothing_is_held_up() {
    let clock = ManualClock::new();
    let mut event_loop = EventLoop::<u64>::with_clock(clock.clone()).expect("a loop");
    let now = clock.clone();
    event_loop.set_deadline(Duration::from_secs(5), move |seen: &mut u64, _| {
        *seen = now.now()
    });
    clock.advance(Duration::from_secs(4));
    let mut seen = 0;
    event_loop.run(&mut seen).expect("it polls");
    assert_eq!((seen, event_loop.awake_since()), (5000, 0));
}
