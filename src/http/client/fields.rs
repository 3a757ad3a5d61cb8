//! The fields of a request that is to be sent.

use super::ids::ClientRequest;
use super::state::{known, of};
use crate::Context;
use crate::http::header_methods::header_methods;
use crate::http::message::Misuse;
use crate::http::message::outgoing::Outgoing;
use crate::net::Error;

header_methods! { ClientRequest }

impl ClientRequest {
    fn outgoing<S: 'static>(self, cx: &Context<S>) -> Option<&Outgoing> {
        Some(&known(cx, self)?.sending.outgoing)
    }

    fn change<S: 'static>(
        self,
        cx: &mut Context<S>,
        change: impl FnOnce(&mut Outgoing) -> Result<(), Misuse>,
    ) -> Result<Self, Error> {
        let changed = of(cx, self).map(|own| change(&mut own.sending.outgoing));
        changed.unwrap_or(Ok(()))?;
        Ok(self)
    }
}
