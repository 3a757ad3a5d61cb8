//! The fields of a message that is to be sent: the same methods for requests and responses, as both
//! inherit them from `OutgoingMessage` in Node.

/// Gives a message its methods. It has a `change`, which is lent what is sent, and an `outgoing`.
macro_rules! header_methods {
    ($message:ident) => {
        impl $message {
            /// Sets a field, in the place of any of the same name (`setHeader`).
            ///
            /// # Errors
            ///
            /// `ERR_INVALID_HTTP_TOKEN` for a name that is none, `ERR_INVALID_CHAR` for a value
            /// with a line end or another control character, `ERR_HTTP_INVALID_HEADER_VALUE` for a
            /// `Content-Length` that is no number and a `Transfer-Encoding` other than `chunked`,
            /// `ERR_HTTP_HEADERS_SENT` after the head is sent: what goes out never depends on what
            /// a value smuggles in.
            pub fn set_header<S: 'static>(
                self,
                cx: &mut Context<S>,
                name: &str,
                value: impl AsRef<[u8]>,
            ) -> Result<Self, Error> {
                self.change(cx, |outgoing| outgoing.set(name, value.as_ref()))
            }

            /// Adds a field behind those of the same name (`appendHeader`): how to set several
            /// cookies.
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

            /// Takes a field out again (`removeHeader`), or what is sent by itself: of `Host`,
            /// `Date`, `Connection`, `Content-Length` and `Transfer-Encoding` it says that they are
            /// not to be added.
            ///
            /// # Errors
            ///
            /// `ERR_HTTP_HEADERS_SENT` after the head is sent.
            pub fn remove_header<S: 'static>(
                self,
                cx: &mut Context<S>,
                name: &str,
            ) -> Result<Self, Error> {
                self.change(cx, |outgoing| outgoing.remove(name))
            }

            /// The value of a field that was set (`getHeader`).
            #[must_use]
            pub fn get_header<'a, S: 'static>(
                self,
                cx: &'a Context<S>,
                name: &str,
            ) -> Option<&'a [u8]> {
                self.outgoing(cx)?.fields.get(name)
            }

            /// Whether a field was set (`hasHeader`).
            #[must_use]
            pub fn has_header<S: 'static>(self, cx: &Context<S>, name: &str) -> bool {
                self.get_header(cx, name).is_some()
            }

            /// The names of the fields that were set, in lower case, in order (`getHeaderNames`).
            #[must_use]
            pub fn get_header_names<S: 'static>(self, cx: &Context<S>) -> Vec<String> {
                let outgoing = self.outgoing(cx);
                outgoing.map_or(Vec::new(), |outgoing| outgoing.fields.names())
            }

            /// The fields that were set, in order (`getHeaders`): each name in lower case, with its
            /// values.
            #[must_use]
            pub fn get_headers<S: 'static>(self, cx: &Context<S>) -> Vec<(String, Vec<&[u8]>)> {
                let outgoing = self.outgoing(cx);
                outgoing.map_or(Vec::new(), |outgoing| outgoing.fields.by_name())
            }

            /// Whether the head is fixed (`headersSent`).
            #[must_use]
            pub fn headers_sent<S: 'static>(self, cx: &Context<S>) -> bool {
                self.outgoing(cx).is_some_and(|outgoing| outgoing.head_sent)
            }

            /// Sets fields that follow a body in chunks (`addTrailers`); before its end.
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
    };
}

pub(in crate::http) use header_methods;
