//! The end of a run, and a last chance to go on.

use super::{CallbackResult, CallbackSite, Context, Handle};

/// A callback of [`Context::on_before_exit`].
pub(super) type BeforeExit<H> = Box<dyn FnMut(&mut <H as Handle>::State, &mut Context<H>)>;

impl<H: Handle> Context<H> {
    /// Calls back whenever nothing referenced is left to wait for, so that
    /// [`EventLoop::run`](super::EventLoop::run) is about to return
    /// (`process.on('beforeExit', ..)`). Whatever it begins then, a timer or a connection, is
    /// waited for, and it is called again when that is over. Not after [`stop`](Self::stop), as
    /// Node's is not after `process.exit`.
    #[track_caller]
    pub fn on_before_exit<R: CallbackResult>(
        &mut self,
        mut callback: impl FnMut(&mut H::State, &mut Self) -> R + 'static,
    ) {
        let site = CallbackSite::caller();
        self.before_exit.push(Box::new(move |state, cx| {
            site.check("what is called before the exit", callback(state, cx));
        }));
    }

    /// Calls back all who want to be told that a run is about to end, each once, in order.
    pub(super) fn tell_before_exit(&mut self, state: &mut H::State) {
        let mut called = std::mem::take(&mut self.before_exit);
        for callback in &mut called {
            callback(state, self);
        }
        // Those who have come by it are told the next time.
        called.append(&mut self.before_exit);
        self.before_exit = called;
        self.run_ticks(state);
    }
}
