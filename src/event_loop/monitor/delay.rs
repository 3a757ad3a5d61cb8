//! How late the loop is: Node's `perf_hooks.monitorEventLoopDelay`.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::event_loop::timers::whole_delay;
use crate::event_loop::{Context, Handle, Timer};

/// What the histogram can tell apart, in nanoseconds: Node's lowest value, and an hour.
const LOWEST: u64 = 1000;
const HIGHEST: u64 = 3_600_000_000_000;
/// Three significant digits, as in Node.
const DIGITS: u8 = 3;

/// Samples how long an interval timer really takes (`IntervalHistogram`); made by
/// [`Context::monitor_event_loop_delay`].
///
/// A timer that does not hold the loop open calls once in its resolution. The time between two
/// calls is what is recorded (in Node in nanoseconds), **with** the resolution, as in Node: a loop
/// that is never late shows a little more than its resolution, and one that was blocked for 300 ms
/// shows 300 ms once. [`lateness`](Self::lateness) takes the resolution off.
///
/// Node's `min` of an empty histogram is a huge number and its `mean` is NaN; here both are
/// `None`. Times of more than an hour count as an hour; Node counts them apart (`exceeds`), and
/// its limit is 292 years.
pub struct EventLoopDelay {
    shared: Rc<RefCell<Samples>>,
    resolution: Duration,
    timer: Option<Timer>,
}

struct Samples {
    histogram: Histogram<u32>,
    /// When the last sample was taken, in nanoseconds.
    last: Option<u64>,
}

impl<H: Handle> Context<H> {
    /// Makes a sampler of the loop's delay (`monitorEventLoopDelay({ resolution })`), which is to
    /// be [enabled](EventLoopDelay::enable). Its resolution is 10 ms in Node unless another is
    /// given; it is counted as the delay of [`set_timeout`](Self::set_timeout).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use loopchat::EventLoop;
    ///
    /// let mut event_loop = EventLoop::<()>::new()?;
    /// let mut delay = event_loop.monitor_event_loop_delay(Duration::from_millis(1));
    /// assert!(delay.enable(&mut event_loop));
    /// event_loop.set_timeout(Duration::from_millis(20), |_, _| {});
    /// event_loop.run(&mut ())?;
    /// println!("99 % of the samples took at most {:?}", delay.percentile(99.0));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn monitor_event_loop_delay(&mut self, resolution: Duration) -> EventLoopDelay {
        let histogram = Histogram::new_with_bounds(LOWEST, HIGHEST, DIGITS)
            .expect("these bounds are apart, and three digits are allowed");
        EventLoopDelay {
            shared: Rc::new(RefCell::new(Samples {
                histogram,
                last: None,
            })),
            resolution: whole_delay(resolution),
            timer: None,
        }
    }
}

impl EventLoopDelay {
    /// Starts to sample (`enable`); false if it does already.
    pub fn enable<H: Handle>(&mut self, cx: &mut Context<H>) -> bool {
        if self.timer.is_some() {
            return false;
        }
        self.shared.borrow_mut().last = None;
        let shared = Rc::clone(&self.shared);
        let timer = cx.set_interval(self.resolution, move |_, cx| {
            shared.borrow_mut().sample(cx.nanos());
        });
        cx.set_timer_ref(timer, false);
        self.timer = Some(timer);
        true
    }

    /// Samples no more (`disable`); false if it did not. What was sampled stays.
    pub fn disable<H: Handle>(&mut self, cx: &mut Context<H>) -> bool {
        let timer = self.timer.take();
        if let Some(timer) = timer {
            cx.clear_timer(timer);
        }
        timer.is_some()
    }

    /// Forgets what was sampled (`reset`).
    pub fn reset(&self) {
        let mut samples = self.shared.borrow_mut();
        samples.histogram.reset();
        samples.last = None;
    }

    /// How many samples there are (`count`).
    #[must_use]
    pub fn count(&self) -> u64 {
        self.shared.borrow().histogram.len()
    }

    /// The shortest time between two samples (`min`). `None` without samples.
    #[must_use]
    pub fn min(&self) -> Option<Duration> {
        self.any(|histogram| Duration::from_nanos(histogram.min()))
    }

    /// The longest (`max`).
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        self.any(|histogram| Duration::from_nanos(histogram.max()))
    }

    /// The mean (`mean`).
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        self.any(|histogram| Duration::from_nanos(histogram.mean() as u64))
    }

    /// The standard deviation (`stddev`).
    #[must_use]
    pub fn stddev(&self) -> Option<Duration> {
        self.any(|histogram| Duration::from_nanos(histogram.stdev() as u64))
    }

    /// What so many percent of the samples do not exceed (`percentile`); 0 to 100.
    #[must_use]
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        self.any(|histogram| Duration::from_nanos(histogram.value_at_percentile(percent)))
    }

    /// How late a sample that took so long was: without the resolution.
    #[must_use]
    pub fn lateness(&self, sample: Duration) -> Duration {
        sample.saturating_sub(self.resolution)
    }

    fn any<R>(&self, ask: impl FnOnce(&Histogram<u32>) -> R) -> Option<R> {
        let samples = self.shared.borrow();
        (!samples.histogram.is_empty()).then(|| ask(&samples.histogram))
    }
}

impl fmt::Debug for EventLoopDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoopDelay")
            .field("resolution", &self.resolution)
            .field("count", &self.count())
            .field("max", &self.max())
            .finish_non_exhaustive()
    }
}

impl Samples {
    fn sample(&mut self, nanos: u64) {
        if let Some(last) = self.last.replace(nanos) {
            self.histogram.saturating_record(nanos.saturating_sub(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventLoop;

    #[test]
    fn what_is_taken_off_a_sample_is_what_its_timer_waits() {
        let mut event_loop = EventLoop::<()>::new().expect("a poll");
        for (resolution, waits) in [(1500, 2), (0, 1), (2000, 2), (1 << 50, 1)] {
            let delay = event_loop.monitor_event_loop_delay(Duration::from_micros(resolution));
            let on_time = Duration::from_millis(waits);
            assert_eq!(delay.lateness(on_time), Duration::ZERO, "{resolution}");
            let late = on_time + Duration::from_millis(5);
            assert_eq!(
                delay.lateness(late),
                Duration::from_millis(5),
                "{resolution}"
            );
        }
    }
}
