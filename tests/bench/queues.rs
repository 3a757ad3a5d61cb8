//! A turn of the loop with next to nothing to do, and what a tick and an immediate add to it.

use criterion::{Criterion, Throughput};
use loopchat::{Context, EventLoop};

/// So many callbacks at once that the turn which runs them no longer shows in the cost of each.
const MANY: u64 = 1_000;

/// What they add up to, when each adds its own number.
const SUM: u64 = MANY * (MANY - 1) / 2;

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("loop");

    // All six phases, empty: a look at the poll that does not sleep, and at the clock.
    group.bench_function("an empty turn", |b| {
        let mut event_loop = EventLoop::<u64>::new().expect("a loop");
        let mut ran = 0;
        b.iter(|| event_loop.turn(&mut ran).expect("a turn"));
    });

    // How fast the loop can go round: one callback a turn.
    group.bench_function("an immediate that sets the next", |b| {
        let mut event_loop = EventLoop::<u64>::new().expect("a loop");
        let (mut ran, mut turns) = (0, 0);
        event_loop.set_immediate(again);
        b.iter(|| {
            event_loop.turn(&mut ran).expect("a turn");
            turns += 1;
        });
        assert_eq!(ran, turns);
    });

    group.throughput(Throughput::Elements(MANY));

    group.bench_function("1000 immediates in a turn", |b| {
        let mut event_loop = EventLoop::<u64>::new().expect("a loop");
        let (mut sum, mut set) = (0, 0);
        b.iter(|| {
            for n in 0..MANY {
                event_loop.set_immediate(move |sum: &mut u64, _cx| *sum += n);
            }
            event_loop.turn(&mut sum).expect("a turn");
            set += SUM;
        });
        assert_eq!(sum, set);
    });

    // No turn at all: with nothing to wait for, `run` ends with the main program's own ticks.
    group.bench_function("1000 ticks", |b| {
        let mut event_loop = EventLoop::<u64>::new().expect("a loop");
        let (mut sum, mut set) = (0, 0);
        b.iter(|| {
            for n in 0..MANY {
                event_loop.next_tick(move |sum: &mut u64, _cx| *sum += n);
            }
            event_loop.run(&mut sum).expect("the ticks");
            set += SUM;
        });
        assert_eq!(sum, set);
    });
    group.finish();
}

fn again(ran: &mut u64, cx: &mut Context<u64>) {
    *ran += 1;
    cx.set_immediate(again);
}
