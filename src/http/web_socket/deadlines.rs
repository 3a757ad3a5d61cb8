//! Who is to be looked at when: first come, first due, one queue for each kind of wait.
//!
//! A WebSocket that keeps quiet costs one entry in one queue, whatever the number of them one
//! timer for all. Each kind of wait takes equally long for everyone, so a queue is in order by
//! itself. An entry whose WebSocket is gone meanwhile is found so when it is due.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Options, WebSocket};
use crate::event_loop::timer_millis;

/// What is to be seen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Whether the peer was silent, and wants a ping.
    Ping,
    /// Whether it has answered the ping.
    Pong,
    /// Whether the connection has ended.
    Close,
}

pub(super) struct Deadlines {
    ping: Queue,
    pong: Queue,
    close: Queue,
    grain: u64,
}

struct Queue {
    /// How long each waits, in milliseconds.
    wait: u64,
    /// In order of the loop time at which they are due.
    waiting: VecDeque<(u64, WebSocket)>,
}

/// In milliseconds; no longer than a timer can wait.
fn wait(time: Duration) -> u64 {
    timer_millis(time).into()
}

impl Deadlines {
    pub(super) fn new(options: &Options) -> Self {
        let waits = [
            options.ping_interval,
            options.ping_timeout,
            options.close_timeout,
        ]
        .map(wait);
        let [ping, pong, close] = waits.map(|wait| Queue {
            wait,
            waiting: VecDeque::new(),
        });
        let shortest = waits.into_iter().filter(|&wait| wait > 0).min();
        Self {
            ping,
            pong,
            close,
            grain: shortest.unwrap_or(0) / 32,
        }
    }

    /// How late one may be looked at, so that those who are due within this time wake the loop
    /// once.
    pub(super) fn grain(&self) -> u64 {
        self.grain
    }

    /// From now on an end may take so long: not less than before, or the queue would not be in
    /// order.
    pub(super) fn set_close_wait(&mut self, time: Duration) {
        self.close.wait = wait(time);
    }

    fn queue(&mut self, due: Due) -> &mut Queue {
        match due {
            Due::Ping => &mut self.ping,
            Due::Pong => &mut self.pong,
            Due::Close => &mut self.close,
        }
    }

    /// Has a WebSocket wait from now on.
    pub(super) fn push(&mut self, now: u64, due: Due, web_socket: WebSocket) {
        let queue = self.queue(due);
        queue.waiting.push_back((now + queue.wait, web_socket));
    }

    /// Takes out one that is due, and since when it has waited.
    pub(super) fn pop(&mut self, now: u64) -> Option<(Due, WebSocket, u64)> {
        for due in [Due::Close, Due::Pong, Due::Ping] {
            let Queue { wait, waiting } = self.queue(due);
            if let Some(&(at, web_socket)) = waiting.front()
                && at <= now
            {
                waiting.pop_front();
                return Some((due, web_socket, at.saturating_sub(*wait)));
            }
        }
        None
    }

    /// The loop time at which to look again: not before the first is due, nor much too often.
    pub(super) fn next_look(&self, now: u64) -> Option<u64> {
        let queues = [&self.ping, &self.pong, &self.close];
        let first = queues
            .into_iter()
            .filter_map(|queue| Some(queue.waiting.front()?.0))
            .min()?;
        if first <= now {
            return Some(now); // more are due than one turn looks at
        }
        Some(first.max(now + self.grain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{EventLoop, Socket};

    #[test]
    fn who_may_be_silent_for_longer_than_a_timer_can_wait_is_looked_at_no_later_than_that() {
        let mut event_loop = EventLoop::<()>::new().expect("a poll");
        let web_socket = WebSocket(Socket::new(&mut event_loop));
        for silence in [Duration::from_secs(30 * 24 * 3600), Duration::MAX] {
            let mut deadlines = Deadlines::new(&Options::default().ping_interval(silence));
            let now = 1000;
            deadlines.push(now, Due::Ping, web_socket);
            let look = deadlines.next_look(now).expect("one waits");
            let wait = Duration::from_millis(look - now);
            assert_eq!(u64::from(crate::event_loop::timer_millis(wait)), look - now);
        }
    }
}
