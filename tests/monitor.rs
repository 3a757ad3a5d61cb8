//! The loop's monitor: what it tells of turns, callbacks and delays, on a clock that the test
//! moves.

use std::time::Duration;

use loopchat::event_loop::{ManualClock, Origin, Phase, Recording};
use loopchat::{EventLoop, net};

type Loop = EventLoop<()>;

/// Nanoseconds.
const fn ms(count: u64) -> u64 {
    count * 1_000_000
}

fn event_loop() -> (Loop, ManualClock) {
    let clock = ManualClock::new();
    let event_loop = Loop::with_clock(clock.clone()).expect("a poll");
    (event_loop, clock)
}

/// A callback that takes so long.
fn takes(clock: &ManualClock, ms: u64) -> impl FnOnce(&mut (), &mut net::Context<()>) + 'static {
    let clock = clock.clone();
    move |_, _| clock.advance(Duration::from_millis(ms))
}

#[test]
fn each_phase_has_its_time_and_its_callbacks() {
    let (mut event_loop, clock) = event_loop();
    event_loop.start_monitoring();
    let busy = clock.clone();
    event_loop.set_timeout(Duration::from_millis(10), move |_, _| {
        busy.advance(Duration::from_millis(4))
    });
    event_loop.turn(&mut ()).expect("a turn"); // sleeps for the timer, and runs it
    event_loop.set_immediate(takes(&clock, 2));
    let inner = clock.clone();
    event_loop.set_immediate(move |_, cx: &mut net::Context<()>| {
        inner.advance(Duration::from_millis(3));
        cx.next_tick(takes(&inner, 7));
    });
    event_loop.turn(&mut ()).expect("a turn");
    let monitor = event_loop.monitor().expect("it is watched");
    let turns: Vec<_> = monitor.turns_after(0).copied().collect();
    let [first, second] = turns[..] else {
        panic!("{turns:?}");
    };
    assert_eq!((first.number, first.start), (1, 0));
    assert_eq!(first.phase(Phase::Sleep).nanos, ms(10));
    assert_eq!(first.phase(Phase::Timers).nanos, ms(4));
    assert_eq!(first.phase(Phase::Timers).queued, 1);
    assert_eq!(first.phase(Phase::Timers).callbacks, 1);
    assert_eq!((first.busy(), first.callbacks()), (ms(4), 1));
    assert_eq!(second.start, ms(14));
    assert_eq!(
        second.phase(Phase::Sleep).nanos,
        0,
        "immediates do not wait"
    );
    let check = second.phase(Phase::Check);
    assert_eq!((check.nanos, check.callbacks), (ms(12), 2));
    assert_eq!(check.queued, 2);
    assert_eq!((second.ticks, second.tick_nanos), (1, ms(7)));
    let mut sum = first;
    sum.add(&second);
    assert_eq!((sum.busy(), sum.callbacks()), (ms(16), 3));
    assert_eq!(monitor.turns_after(1).len(), 1);
    let total = monitor.total();
    assert_eq!((total.busy(), total.callbacks()), (ms(16), 3));
    assert_eq!(total.phase(Phase::Sleep).nanos, ms(10));
}

#[test]
fn what_is_to_be_told_in_a_phase_is_counted_when_it_begins() {
    let (mut event_loop, _) = event_loop();
    event_loop.start_monitoring();
    let nowhere = "127.0.0.1:1".parse::<net::Address>().expect("an address");
    for _ in 0..3 {
        let client = net::create_connection(&mut event_loop, nowhere.clone());
        client.on_error(&mut event_loop, |_, _, _, _| {});
        client.destroy(&mut event_loop);
    }
    event_loop.turn(&mut ()).expect("a turn");
    let monitor = event_loop.monitor().expect("it is watched");
    let turn = monitor.turns_after(0).next().expect("a turn");
    let closing = turn.phase(Phase::Closing);
    assert_eq!((closing.queued, closing.callbacks), (3, 3));
    assert_eq!(Phase::Closing.name(), "closing");
}

#[test]
fn nothing_is_kept_while_nobody_watches() {
    let (mut event_loop, _) = event_loop();
    assert!(event_loop.monitor().is_none());
    assert!(
        !event_loop.record_turn(1, Duration::ZERO),
        "nobody could take it"
    );
    event_loop.turn(&mut ()).expect("a turn");
    event_loop.start_monitoring();
    event_loop.start_monitoring();
    event_loop.turn(&mut ()).expect("a turn");
    event_loop.stop_monitoring();
    let monitor = event_loop.monitor().expect("one is left");
    assert_eq!(monitor.turns_after(0).len(), 1);
    event_loop.stop_monitoring();
    assert!(event_loop.monitor().is_none());
    event_loop.stop_monitoring(); // one too many does no harm
    assert_eq!(event_loop.counters().turns, 2, "these are always counted");
}

#[test]
fn it_can_be_started_and_stopped_in_the_middle_of_a_turn() {
    let (mut event_loop, clock) = event_loop();
    let busy = clock.clone();
    event_loop.set_immediate(move |_, cx: &mut net::Context<()>| {
        cx.start_monitoring();
        assert!(cx.record_turn(1, Duration::ZERO));
        busy.advance(Duration::from_millis(5));
    });
    event_loop.turn(&mut ()).expect("a turn");
    assert_eq!(
        event_loop.monitor().map(|own| own.turns_after(0).len()),
        Some(0)
    );
    assert!(event_loop.take_recording().is_none());
    event_loop.set_immediate(takes(&clock, 1));
    event_loop.turn(&mut ()).expect("a turn");
    assert_eq!(event_loop.take_recording().expect("it").steps.len(), 1);
    event_loop.set_immediate(|_, cx: &mut net::Context<()>| cx.stop_monitoring());
    event_loop.turn(&mut ()).expect("a turn");
    assert!(event_loop.monitor().is_none());
}

#[test]
fn only_the_latest_turns_are_kept() {
    let (mut event_loop, _) = event_loop();
    event_loop.start_monitoring();
    for _ in 0..1500 {
        event_loop.turn(&mut ()).expect("a turn");
    }
    let monitor = event_loop.monitor().expect("it is watched");
    let mut turns = monitor.turns_after(0);
    assert_eq!(turns.len(), 1024);
    assert_eq!(turns.next().map(|turn| turn.number), Some(477));
    assert_eq!(
        monitor
            .turns_after(1499)
            .map(|turn| turn.number)
            .collect::<Vec<_>>(),
        [1500]
    );
}

/// A step as phase, origin, event, start and length in milliseconds.
fn steps(recording: &Recording) -> Vec<(Phase, Origin, Option<&str>, u64, u64)> {
    let steps = recording.steps.iter();
    steps
        .map(|step| {
            let (start, length) = (step.start / ms(1), step.nanos / ms(1));
            (step.phase, step.origin, step.event, start, length)
        })
        .collect()
}

#[test]
fn a_recording_has_every_callback_and_its_ticks() {
    let (mut event_loop, clock) = event_loop();
    event_loop.start_monitoring();
    assert!(event_loop.record_turn(3, Duration::from_secs(1)));
    let inner = clock.clone();
    event_loop.set_immediate(move |_, cx: &mut net::Context<()>| {
        inner.advance(Duration::from_millis(1));
        cx.next_tick(takes(&inner, 2));
    });
    let late = clock.clone();
    event_loop.set_timeout(Duration::from_millis(3), move |_, _| {
        late.advance(Duration::from_millis(4))
    });
    event_loop.turn(&mut ()).expect("a turn");
    let recording = event_loop.take_recording().expect("three steps");
    assert_eq!(
        steps(&recording),
        [
            (Phase::Check, Origin::Immediate, None, 0, 1),
            (Phase::Check, Origin::Tick, None, 1, 2),
            (Phase::Timers, Origin::Timer, None, 3, 4),
        ]
    );
    assert_eq!(recording.turn.busy(), ms(7));
    assert!(event_loop.take_recording().is_none(), "once");
}

#[test]
fn the_busiest_turn_will_do_when_none_is_busy_enough() {
    let (mut event_loop, clock) = event_loop();
    event_loop.start_monitoring();
    assert!(event_loop.record_turn(100, Duration::from_millis(50)));
    for count in [1, 3, 2] {
        for _ in 0..count {
            event_loop.set_immediate(takes(&clock, 1));
        }
        event_loop.turn(&mut ()).expect("a turn");
        assert!(event_loop.take_recording().is_none(), "it waits for more");
    }
    clock.advance(Duration::from_millis(50));
    event_loop.turn(&mut ()).expect("a turn");
    let recording = event_loop.take_recording().expect("the time is over");
    assert_eq!((recording.steps.len(), recording.turn.number), (3, 2));
}

#[test]
fn a_recording_is_bounded() {
    let (mut event_loop, clock) = event_loop();
    event_loop.start_monitoring();
    assert!(event_loop.record_turn(1, Duration::from_secs(1)));
    for _ in 0..300 {
        event_loop.set_immediate(takes(&clock, 1));
    }
    event_loop.turn(&mut ()).expect("a turn");
    let recording = event_loop.take_recording().expect("one");
    assert_eq!((recording.steps.len(), recording.left_out), (256, 44));
    assert_eq!(recording.steps[255].nanos, ms(1), "the last one has ended");
    assert_eq!(recording.turn.callbacks(), 300);
}

#[test]
fn sockets_are_named_with_their_events_and_counted() {
    let mut event_loop = Loop::new().expect("a poll");
    let limit = event_loop.set_timeout(Duration::from_secs(60), |_, _| panic!("the test hangs"));
    event_loop.set_timer_ref(limit, false);
    event_loop.start_monitoring();
    let server = net::create_server(&mut event_loop);
    server.on_data(&mut event_loop, |_, cx, socket, bytes| {
        socket.write(cx, bytes);
    });
    server.on_listening(&mut event_loop, |_, cx, server| {
        let client = net::create_connection(cx, server.address(cx).expect("it listens"));
        client.on_connect(cx, |_, cx, client| {
            client.write(cx, b"hello");
        });
        client.on_data(cx, move |_, cx, client, _| {
            client.end(cx);
            server.close(cx);
        });
    });
    let here = "127.0.0.1:0".parse::<net::Address>().expect("an address");
    // From a callback: the ticks of the main program are for `run`.
    event_loop.set_immediate(move |_, cx: &mut net::Context<()>| server.listen(cx, here));
    let mut told = Vec::new();
    for turn in 0.. {
        assert!(turn < 1000, "{told:?}");
        assert!(event_loop.record_turn(1, Duration::ZERO));
        event_loop.turn(&mut ()).expect("a turn");
        for step in event_loop
            .take_recording()
            .into_iter()
            .flat_map(|own| own.steps)
        {
            if let (Some((_, kind)), Some(event)) = (step.handle, step.event) {
                told.push((kind, event, step.bytes, step.done.writes));
            }
        }
        if told.iter().filter(|step| step.1 == "close").count() == 3 {
            break;
        }
    }
    for expected in [
        ("server", "listening", 0, 0),
        ("server", "connection", 0, 0),
        ("TCP connection", "connect", 0, 1),
        ("TCP connection", "data", 5, 1), // the server's side writes back
        ("TCP connection", "data", 5, 0),
        ("TCP connection", "end", 0, 0),
        ("closed connection", "close", 0, 0),
        ("server", "close", 0, 0),
    ] {
        assert!(told.contains(&expected), "{expected:?} in {told:?}");
    }
    let counters = event_loop.counters();
    assert_eq!((counters.writes, counters.bytes_written), (2, 10));
    assert_eq!(counters.bytes_read, 10);
    assert_eq!(counters.connections_opened, 2, "either end is one");
    assert_eq!(counters.connections(), 0);
    assert!(counters.accepts >= 1 && counters.reads >= 4 && counters.events >= 3);
    assert_eq!(counters.polls, counters.turns);
}

#[test]
fn the_delay_is_the_time_between_two_samples() {
    let (mut event_loop, clock) = event_loop();
    event_loop.set_interval(Duration::from_secs(100), |_, _| {}); // something to wait for
    let mut delay = event_loop.monitor_event_loop_delay(Duration::from_millis(10));
    assert_eq!((delay.count(), delay.min(), delay.mean()), (0, None, None));
    assert!(delay.enable(&mut event_loop) && !delay.enable(&mut event_loop));
    event_loop.turn(&mut ()).expect("a turn");
    assert_eq!(delay.count(), 0, "the first has nothing before it");
    for _ in 0..98 {
        event_loop.turn(&mut ()).expect("a turn");
    }
    event_loop.set_immediate(takes(&clock, 300));
    event_loop.turn(&mut ()).expect("a turn");
    let close = |value: Option<Duration>, wanted: u64| {
        let wanted = Duration::from_millis(wanted);
        let value = value.expect("there are samples");
        value.abs_diff(wanted) <= wanted / 1000
    };
    assert_eq!(delay.count(), 99);
    assert!(close(delay.min(), 10) && close(delay.percentile(50.0), 10));
    assert!(close(delay.max(), 300), "{delay:?}");
    assert!(close(delay.percentile(100.0), 300));
    // 98 of 10 ms and one of 300.
    let about = |value: Option<Duration>| value.map(|it| (it.as_secs_f64() * 1e4).round() / 10.0);
    assert_eq!(
        (about(delay.mean()), about(delay.stddev())),
        (Some(12.9), Some(29.0))
    );
    let late = delay.lateness(Duration::from_millis(300));
    assert_eq!(late, Duration::from_millis(290));
    assert!(delay.disable(&mut event_loop) && !delay.disable(&mut event_loop));
    clock.advance(Duration::from_secs(1));
    event_loop.turn(&mut ()).expect("a turn");
    assert_eq!(delay.count(), 99, "what was sampled stays");
    delay.reset();
    assert!(delay.enable(&mut event_loop));
    for _ in 0..3 {
        event_loop.turn(&mut ()).expect("a turn");
    }
    assert!(close(delay.max(), 10), "the pause is no delay");
}

#[test]
fn a_delay_does_not_hold_the_loop_open() {
    let mut event_loop = Loop::new().expect("a poll");
    let mut delay = event_loop.monitor_event_loop_delay(Duration::from_millis(1));
    assert!(delay.enable(&mut event_loop));
    event_loop.run(&mut ()).expect("it ends");
}
