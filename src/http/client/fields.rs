//! The fields of a request that is to be sent.

use super::ids::ClientRequest;
use super::state::{known, of};
use crate::Context;
use crate::http::message::Misuse;
use crate::http::message::outgoing::Outgoing;
use crate::net::Error;

impl ClientRequest {
    fn change<S: 'static>(
        self,
        cx: &mut Context<S>,
        change: impl FnOnce(&mut Outgoing) -> Result<(), Misuse>,
    ) -> Result<Self, Error> {
        let changed = of(cx, self).map(|own| change(&mut own.sending.outgoing));
        changed.unwrap_or(Ok(()))?;
        Ok(self)
    }

    /// Sets a field, in the place of any of the same name (`req.setHeader`).
    ///
    /// # Errors
    ///
    /// As [`ServerResponse::set_header`](crate::http::ServerResponse::set_header).
    pub fn set_header<S: 'static>(
        self,
        cx: &mut Context<S>,
        name: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<Self, Error> {
        self.change(cx, |outgoing| outgoing.set(name, value.as_ref()))
    }

    /// Adds a field behind any of the same name (`req.appendHeader`).
    ///
    /// # Errors
    ///
    /// As [`set_header`](Self::set_header).
    pub fn append_header<S: 'static>(
        self,
        cx: &mut Context<S>,
        name: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<Self, Error> {
        self.change(cx, |outgoing| outgoing.append(name, value.as_ref()))
    }

    /// Takes a field out again, or what is sent by itself: `Host`, `Connection`,
    /// `Content-Length`, `Transfer-Encoding` (`req.removeHeader`).
    ///
    /// # Errors
    ///
    /// `ERR_HTTP_HEADERS_SENT` after the head is sent.
    pub fn remove_header<S: 'static>(self, cx: &mut Context<S>, name: &str) -> Result<Self, Error> {
        self.change(cx, |outgoing| outgoing.remove(name))
    }

    /// The value of a field that was set (`req.getHeader`).
    #[must_use]
    pub fn get_header<'a, S: 'static>(self, cx: &'a Context<S>, name: &str) -> Option<&'a [u8]> {
        known(cx, self)?.sending.outgoing.fields.get(name)
    }

    /// Whether a field is set (`req.hasHeader`).
    #[must_use]
    pub fn has_header<S: 'static>(self, cx: &Context<S>, name: &str) -> bool {
        self.get_header(cx, name).is_some()
    }

    /// The names of the fields that are set, in lower case (`req.getHeaderNames`).
    #[must_use]
    pub fn get_header_names<S: 'static>(self, cx: &Context<S>) -> Vec<String> {
        known(cx, self).map_or(Vec::new(), |own| own.sending.outgoing.fields.names())
    }

    /// The fields that are set, in order (`req.getHeaders`): each name in lower case, with its values.
    #[must_use]
    pub fn get_headers<S: 'static>(self, cx: &Context<S>) -> Vec<(String, Vec<&[u8]>)> {
        known(cx, self).map_or(Vec::new(), |own| own.sending.outgoing.fields.by_name())
    }

    /// Whether the head is fixed (`req.headersSent`).
    #[must_use]
    pub fn headers_sent<S: 'static>(self, cx: &Context<S>) -> bool {
        known(cx, self).is_some_and(|own| own.sending.outgoing.head_sent)
    }

    /// Sets fields that follow a body in chunks (`req.addTrailers`); before its end.
    ///
    /// # Errors
    ///
    /// As [`set_header`](Self::set_header).
    pub fn add_trailers<S: 'static>(
        self,
        cx: &mut Context<S>,
        trailers: &[(&str, &str)],
    ) -> Result<Self, Error> {
        self.change(cx, |outgoing| outgoing.add_trailers(trailers))
    }
}
