//! The loop with a kind of handle that does what a test says: what it promises to any kind.

use std::collections::VecDeque;
use std::time::Duration;

use super::*;

type Loop = EventLoop<Scripted>;
type Cx = Context<Scripted>;

/// What a handle does when it is called in a phase.
type Script = Box<dyn FnMut(&mut World, &mut Cx, HandleId)>;

struct World {
    said: Vec<&'static str>,
    clock: ManualClock,
}

/// Runs one script after the other, whatever phase calls.
struct Scripted(VecDeque<Script>);

fn run_next(world: &mut World, cx: &mut Cx, id: HandleId) {
    if let Some(mut script) = cx.handle_mut(id).and_then(|own| own.0.pop_front()) {
        script(world, cx, id);
    }
}

impl Handle for Scripted {
    type State = World;

    fn ready(world: &mut World, cx: &mut Cx, id: HandleId) {
        run_next(world, cx, id);
    }

    fn pending(world: &mut World, cx: &mut Cx, id: HandleId) {
        world.said.push("pending");
        run_next(world, cx, id);
    }

    fn closed(world: &mut World, cx: &mut Cx, id: HandleId) {
        run_next(world, cx, id);
    }

    fn timeout(world: &mut World, cx: &mut Cx, id: HandleId) {
        run_next(world, cx, id);
    }
}

fn with_clock() -> (Loop, World) {
    let clock = ManualClock::new();
    let event_loop = Loop::with_clock(clock.clone()).expect("a poll");
    let said = Vec::new();
    (event_loop, World { said, clock })
}

type PlainScript = fn(&mut World, &mut Cx, HandleId);

fn handle(event_loop: &mut Loop, scripts: &[PlainScript]) -> HandleId {
    let scripts = scripts.iter().map(|script| Box::new(*script) as Script);
    event_loop.insert(Scripted(scripts.collect()))
}

/// Calls a program's callback that takes so many milliseconds.
fn call(world: &mut World, cx: &mut Cx, ms: u64) {
    let time = Duration::from_millis(ms);
    cx.make_callback(world, |world, _| world.clock.advance(time));
}

/// A turn that is recorded: origin, event, start and length in milliseconds of each step.
fn recorded(
    event_loop: &mut Loop,
    world: &mut World,
) -> Vec<(Origin, Option<&'static str>, u64, u64)> {
    event_loop.start_monitoring();
    assert!(event_loop.record_turn(1, Duration::ZERO));
    event_loop.turn(world).expect("a turn");
    let steps = event_loop.take_recording().expect("one turn").steps;
    let steps = steps.into_iter();
    steps
        .map(|own| {
            (
                own.origin,
                own.event,
                own.start / 1_000_000,
                own.nanos / 1_000_000,
            )
        })
        .collect()
}

/// Catches: putting off that waits for the next turn, behind the immediates; and one that holds
/// them up for ever.
#[test]
fn what_is_put_off_while_that_runs_comes_before_the_check_phase_up_to_a_limit() {
    let (mut event_loop, mut world) = with_clock();
    let put_off_again: PlainScript = |_, cx, id| cx.pend(id);
    let id = handle(&mut event_loop, &[put_off_again; 100]);
    let short = handle(&mut event_loop, &[put_off_again; 3]);
    event_loop.queue_ready(short);
    event_loop.set_immediate(|world: &mut World, _| world.said.push("immediate"));
    event_loop.turn(&mut world).expect("a turn");
    assert_eq!(world.said, ["pending", "pending", "pending", "immediate"]);

    world.said.clear();
    event_loop.queue_ready(id);
    event_loop.set_immediate(|world: &mut World, _| world.said.push("immediate"));
    event_loop.turn(&mut world).expect("a turn");
    let (immediate, before) = world.said.split_last().expect("all of them");
    assert_eq!((*immediate, before), ("immediate", &["pending"; 8][..]));
}

/// Catches: a poll that sleeps for a timer although some phase has work.
#[test]
fn the_poll_does_not_sleep_while_any_phase_has_work() {
    let gives_work: [fn(&mut Loop, HandleId); 5] = [
        |event_loop, id| event_loop.pend(id), // and it does so again, in the phase before the poll
        |event_loop, id| event_loop.queue_ready(id),
        |event_loop, id| event_loop.close(id),
        |event_loop, _| event_loop.close_part(),
        |event_loop, _| {
            event_loop.set_immediate(|_: &mut World, _| {});
        },
    ];
    for gives_work in gives_work {
        let (mut event_loop, mut world) = with_clock();
        event_loop.set_timeout(Duration::from_secs(1), |world: &mut World, _| {
            world.said.push("timeout")
        });
        let id = handle(&mut event_loop, &[|_, cx, id| cx.pend(id)]);
        gives_work(&mut event_loop, id);
        event_loop.turn(&mut world).expect("a turn");
        assert_eq!(world.clock.now(), 0);
        event_loop.turn(&mut world).expect("a turn");
        assert_eq!(world.clock.now(), 1000, "then there is nothing to do");
        assert_eq!(world.said.last(), Some(&"timeout"));
    }
}

/// Catches: a loop that ends with something put off, for which no active handle stands.
#[test]
fn what_is_put_off_holds_the_loop() {
    let (mut event_loop, mut world) = with_clock();
    let put_off_again: PlainScript = |_, cx, id| cx.pend(id);
    let id = handle(&mut event_loop, &[put_off_again; 20]);
    event_loop.pend(id);
    event_loop.run(&mut world).expect("the poll works");
    assert_eq!(world.said, ["pending"; 21]);
}

/// Catches: a stop that waits for whatever the poll waits for.
#[test]
fn after_a_stop_the_poll_does_not_sleep() {
    let (mut event_loop, mut world) = with_clock();
    event_loop.set_timeout(Duration::from_secs(1), |world: &mut World, _| {
        world.said.push("timeout")
    });
    let id = handle(&mut event_loop, &[|_, cx, _| cx.stop()]);
    event_loop.pend(id);
    event_loop.run(&mut world).expect("the poll works");
    assert_eq!((world.clock.now(), &world.said[..]), (0, &["pending"][..]));
    event_loop.run(&mut world).expect("the poll works");
    assert_eq!(world.said, ["pending", "timeout"]);
}

/// Catches: an interval that counts from the begin of the pass, before what others did in it.
#[test]
fn an_interval_counts_from_its_own_start_behind_a_timer_that_takes_long() {
    let (mut event_loop, mut world) = with_clock();
    event_loop.set_timeout(Duration::from_millis(10), |world: &mut World, _| {
        world.clock.advance(Duration::from_millis(5))
    });
    event_loop.set_interval(Duration::from_millis(10), |world: &mut World, cx| {
        world.said.push(match world.clock.now() {
            15 => "at 15",
            25 => "at 25",
            _ => "at another time",
        });
        if world.said.len() == 2 {
            cx.stop();
        }
    });
    event_loop.run(&mut world).expect("the poll works");
    assert_eq!(world.said, ["at 15", "at 25"]);
}

/// Catches: a tick that runs within another, since that calls back as a handle does.
#[test]
fn ticks_never_run_within_a_tick() {
    let (mut event_loop, mut world) = with_clock();
    event_loop.next_tick(|world: &mut World, cx| {
        cx.next_tick(|world: &mut World, _| world.said.push("the next"));
        cx.make_callback(world, |world, _| world.said.push("called back"));
        world.said.push("done");
    });
    event_loop.run(&mut world).expect("the poll works");
    assert_eq!(world.said, ["called back", "done", "the next"]);
}

/// Catches: callbacks after the poll that are told the time before it.
#[test]
fn the_time_is_looked_at_when_the_poll_has_slept() {
    let (mut event_loop, mut world) = with_clock();
    event_loop.set_timeout(Duration::from_secs(1), |_: &mut World, _| {});
    let check = event_loop.set_immediate(|world: &mut World, cx| {
        assert_eq!((cx.now(), world.clock.now()), (1000, 1000));
        world.said.push("checked");
    });
    event_loop.set_immediate_ref(check, false);
    event_loop.turn(&mut world).expect("a turn");
    assert_eq!(world.said, ["checked"]);
}

#[test]
fn a_handle_is_referenced_unless_told_otherwise_and_as_long_as_it_is_known() {
    let (mut event_loop, mut world) = with_clock();
    let id = handle(&mut event_loop, &[]);
    assert!(event_loop.has_ref(id));
    event_loop.set_ref(id, false);
    assert!(!event_loop.has_ref(id));
    event_loop.set_ref(id, true);
    assert!(event_loop.has_ref(id));
    event_loop.close(id);
    event_loop.turn(&mut world).expect("a turn");
    assert!(!event_loop.has_ref(id), "there is none any more");
}

/// Catches: a buffer that is made, and cleared, for each read.
#[test]
fn the_read_buffer_is_one_and_the_same() {
    let (mut event_loop, _) = with_clock();
    let mut buffer = event_loop.take_read_buffer();
    let meanwhile = event_loop.take_read_buffer();
    assert_eq!(meanwhile.len(), buffer.len(), "two readers have one each");
    buffer[0] = 7;
    event_loop.put_read_buffer(buffer);
    assert_eq!(event_loop.take_read_buffer()[0], 7);
}

/// Catches: a polled source that is told of what it was ready for once, and is no more.
#[test]
fn a_polled_source_hears_what_it_is_ready_for_now() {
    use std::io::{Read, Write};

    let (mut event_loop, mut world) = with_clock();
    let (near, mut far) = mio::net::UnixStream::pair().expect("a pair");
    let interest = mio::Interest::READABLE | mio::Interest::WRITABLE;
    let cx: &mut Cx = &mut event_loop;
    let polled = cx.poll(
        near,
        interest,
        |world: &mut World, cx, handle, near, ready: Readiness| {
            if ready.contains(Readiness::READABLE) {
                assert!(!ready.contains(Readiness::WRITABLE), "it is full");
                assert_eq!(near.read(&mut [0; 9]).expect("it is ready"), 1);
                world.said.push("readable");
                return cx.close_poll(handle);
            }
            while near.write(&[0; 4096]).is_ok() {}
            world.said.push("full");
        },
    );
    polled.expect("a socket can be polled");
    event_loop.turn(&mut world).expect("a turn");
    far.write_all(b"x").expect("there is room");
    event_loop.turn(&mut world).expect("a turn");
    assert_eq!(world.said, ["full", "readable"]);
}

/// Catches: a step that takes the time of what the loop or its handle does after the callback.
#[test]
fn a_step_ends_when_its_callback_returns() {
    let (mut event_loop, mut world) = with_clock();
    let reads_twice = |world: &mut World, cx: &mut Cx, id| {
        cx.note_event(id, "data", 1);
        call(world, cx, 1);
        world.clock.advance(Duration::from_millis(2)); // the handle's own work
        cx.note_event(id, "end", 0);
        call(world, cx, 4);
    };
    let times_out = |world: &mut World, cx: &mut Cx, _| {
        call(world, cx, 1);
        world.clock.advance(Duration::from_millis(2));
    };
    let id = handle(&mut event_loop, &[reads_twice, times_out]);
    event_loop.set_handle_timeout(Duration::from_millis(5), id);
    event_loop.queue_ready(id);
    assert_eq!(
        recorded(&mut event_loop, &mut world),
        [
            (Origin::Handle, Some("data"), 0, 1),
            (Origin::Handle, Some("end"), 3, 4),
            (Origin::Timer, None, 7, 1),
        ]
    );
}

#[test]
fn a_handle_may_name_the_event_after_a_callback_that_had_none() {
    let (mut event_loop, mut world) = with_clock();
    let tells_late = |world: &mut World, cx: &mut Cx, id| {
        call(world, cx, 1);
        world.clock.advance(Duration::from_millis(2));
        cx.note_event(id, "data", 1);
        call(world, cx, 4);
    };
    let id = handle(&mut event_loop, &[tells_late]);
    event_loop.queue_ready(id);
    assert_eq!(
        recorded(&mut event_loop, &mut world),
        [(Origin::Handle, Some("data"), 0, 7)]
    );
}

/// Catches: an event that is shown as told by the ticks that ran before it.
#[test]
fn what_is_told_after_ticks_is_a_step_of_the_handle() {
    for (named, first) in [(false, None), (true, Some("data"))] {
        let (mut event_loop, mut world) = with_clock();
        let tells_twice = move |world: &mut World, cx: &mut Cx, id: HandleId| {
            if named {
                cx.note_event(id, "data", 1);
            }
            cx.make_callback(world, |world, cx| {
                world.clock.advance(Duration::from_millis(1));
                cx.next_tick(|world: &mut World, _| world.clock.advance(Duration::from_millis(2)));
            });
            world.clock.advance(Duration::from_millis(4));
            cx.note_event(id, "end", 0);
            call(world, cx, 8);
        };
        let id = event_loop.insert(Scripted([Box::new(tells_twice) as Script].into()));
        event_loop.queue_ready(id);
        assert_eq!(
            recorded(&mut event_loop, &mut world),
            [
                (Origin::Handle, first, 0, 1),
                (Origin::Tick, None, 1, 2),
                (Origin::Handle, Some("end"), 7, 8),
            ]
        );
    }
}

/// Catches: a recording that goes on when it is there, and shows a later turn.
#[test]
fn the_first_turn_of_enough_steps_is_the_recorded_one() {
    let (mut event_loop, mut world) = with_clock();
    event_loop.start_monitoring();
    assert!(event_loop.record_turn(2, Duration::from_secs(1)));
    for count in [1, 2, 3] {
        for _ in 0..count {
            event_loop.set_immediate(|_, _| {});
        }
        event_loop.turn(&mut world).expect("a turn");
    }
    let recording = event_loop.take_recording().expect("the second turn");
    assert_eq!((recording.steps.len(), recording.turn.number), (2, 2));
}

#[test]
fn a_manual_clock_shows_its_time() {
    let clock = ManualClock::new();
    clock.advance(Duration::from_millis(25));
    assert_eq!(format!("{clock:?}"), "ManualClock(25)");
}
