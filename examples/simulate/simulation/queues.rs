//! Those who wait for others of their address: the server's own
//! [`Queues`](loopchat::server::core::queues), served when the time has come.

use loopchat::chat::Millis;
use loopchat::server::Cost;
use loopchat::server::core::admission::Admission;
use loopchat::server::core::queues::{QueueId, Queues};

use super::members::Client;
use super::tally::{Count, Tally};
use super::world::World;

/// The queues of all addresses, and when each is to be served.
#[derive(Default)]
pub struct Waiting {
    pub queues: Queues<usize>,
    services: Vec<(Millis, QueueId)>,
}

impl Waiting {
    /// Has a connection wait for others of its address, if those have asked for too much.
    pub fn queue(
        &mut self,
        admission: &Admission,
        tally: &mut Tally,
        client: &mut Client,
        now: Millis,
    ) -> bool {
        let wait = admission.ask_wait(&client.input, now);
        if wait == 0 && !self.queues.are_before(&client.input, client.number) {
            return false;
        }
        tally.count(Count::HeldForOthers);
        client.input.queue();
        client.is_paused = true;
        let queue = self
            .queues
            .join(&client.input, client.number, Cost::NONE, now);
        self.services.extend(queue.map(|queue| (now + wait, queue)));
        true
    }
}

impl World<'_> {
    /// Reads on from those whose turn it is.
    pub(super) fn serve_queues(&mut self) {
        let now = self.now;
        let Waiting { queues, services } = &mut self.waiting;
        let due = services.extract_if(.., |(due, _)| *due <= now);
        let due: Vec<QueueId> = due.map(|(_, queue)| queue).collect();
        for queue in due {
            for _ in 0..queue.at_a_time() {
                let may_ask = self.admission.wait_of(queue, now) == 0;
                let next = may_ask.then(|| queues.next(queue)).flatten();
                if let Some(client) = next.and_then(|next| self.clients.get_mut(&next)) {
                    client.input.release();
                    client.read_on();
                }
            }
            if queues.has(queue) {
                let wait = queue.pause().max(self.admission.wait_of(queue, now));
                services.push((now + wait, queue));
            }
        }
    }
}
