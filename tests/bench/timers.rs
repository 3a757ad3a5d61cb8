//! Timers set and cleared again before they fire, which is the life of nearly all of them.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use loopchat::EventLoop;

/// How many timers are pending meanwhile: ten for each of ten thousand connections.
const PENDING: u64 = 100_000;

/// Longer than any benchmark takes, in milliseconds.
const HOURS: u64 = 10_000_000;

pub(crate) fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("timers");
    let mut bench = |name: &str, pending: u64, duration_of: fn(u64) -> u64, duration: u64| {
        group.bench_function(BenchmarkId::new(name, pending), |b| {
            let mut event_loop = EventLoop::<u64>::new().expect("a loop");
            for n in 0..pending {
                set(&mut event_loop, duration_of(n), n);
            }
            b.iter(|| {
                let timer = set(&mut event_loop, duration, pending);
                event_loop.clear_timer(timer);
            });
        });
    };
    // Alone, its list is made and removed with it.
    bench("set and clear, pending", 0, |_| HOURS, HOURS);
    // Idle timeouts: all connections have the same. The list is there, the timer its last.
    bench(
        "set and clear, all alike, pending",
        PENDING,
        |_| HOURS,
        HOURS,
    );
    // The worst: each pending one has a list of its own, and so has the one that is set, amid them.
    bench(
        "set and clear, all different, pending",
        PENDING,
        |n| HOURS + 2 * n,
        HOURS + PENDING + 1,
    );
    group.finish();
}

/// Sets a timer with a callback that has something to remember, as callbacks do.
fn set(event_loop: &mut EventLoop<u64>, duration: u64, n: u64) -> loopchat::event_loop::Timer {
    event_loop.set_timeout(Duration::from_millis(duration), move |fired, _cx| {
        *fired += n
    })
}
