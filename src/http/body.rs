//! The body of a message in other shapes than pieces of bytes: as text, as a whole, given back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::incoming::IncomingMessage;
use crate::Context;
use crate::event_loop::CallbackResult;
use crate::net::{Error, StringDecoder};

impl IncomingMessage {
    /// Calls back with text instead of bytes (`setEncoding('utf8')` and `on('data')`): a character
    /// that is cut comes whole, with the bytes that complete it; one still incomplete at the end
    /// comes as U+FFFD before the end is told to those who listen to that later.
    #[track_caller]
    pub fn on_text<S: 'static, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        callback: impl FnMut(&mut S, &mut Context<S>, Self, &str) -> R + 'static,
    ) -> Self {
        let kept = Rc::new(RefCell::new((StringDecoder::new(), callback)));
        let rest = Rc::clone(&kept);
        self.on_data(cx, move |state, cx, message, bytes| {
            let (decoder, callback) = &mut *kept.borrow_mut();
            let text = decoder.write(bytes);
            (!text.is_empty()).then(|| callback(state, cx, message, &text))
        });
        self.on_end(cx, move |state, cx, message| {
            let (decoder, callback) = &mut *rest.borrow_mut();
            let text = decoder.end();
            (!text.is_empty()).then(|| callback(state, cx, message, &text))
        })
    }

    /// Calls back once with the whole body (`buffer(message)` of Node's `stream/consumers`), or with
    /// why there is none: the error that cut it short, `ERR_STREAM_PREMATURE_CLOSE` if the program
    /// [gave it up](Self::destroy), `ERR_STREAM_DESTROYED` if it is stale, in a tick. Of one that has
    /// ended there is nothing left.
    ///
    /// All of it is kept until then, however long it is; of a request as much as the server
    /// [allows](super::Server::set_max_body).
    #[track_caller]
    pub fn body<S: 'static, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        callback: impl FnOnce(&mut S, &mut Context<S>, Result<Vec<u8>, &Error>) -> R + 'static,
    ) -> Self {
        if self.head(cx).is_none() {
            let error = Error::destroyed("read");
            cx.next_tick(move |state, cx| callback(state, cx, Err(&error)));
            return self;
        }
        if self.readable_ended(cx) {
            cx.next_tick(move |state, cx| callback(state, cx, Ok(Vec::new())));
            return self;
        }
        let kept = Rc::new(RefCell::new(Vec::new()));
        // Whichever comes first: its end, an error, its close.
        let callback = Rc::new(Cell::new(Some(callback)));
        let collected = Rc::clone(&kept);
        self.on_data(cx, move |_, _, _, bytes| {
            collected.borrow_mut().extend_from_slice(bytes);
        });
        let then = Rc::clone(&callback);
        self.on_end(cx, move |state, cx, _| {
            let body = kept.take();
            then.take().map(|callback| callback(state, cx, Ok(body)))
        });
        let then = Rc::clone(&callback);
        self.on_error(cx, move |state, cx, _, error| {
            then.take().map(|callback| callback(state, cx, Err(error)))
        });
        self.on_close(cx, move |state, cx, _| {
            let error = Error::with_code("ERR_STREAM_PREMATURE_CLOSE", "Premature close");
            callback
                .take()
                .map(|callback| callback(state, cx, Err(&error)))
        })
    }

    /// As [`body`](Self::body), as text (`text(message)` of Node's `stream/consumers`): what is no
    /// UTF-8 becomes U+FFFD.
    ///
    /// ```
    /// # use loopchat::{EventLoop, http};
    /// # let mut event_loop = EventLoop::<String>::new()?;
    /// # let cx = &mut event_loop;
    /// let server = http::create_server(cx);
    /// server.on_request(cx, |_, cx, request, response| {
    ///     request.text(cx, move |_, cx, text| match text {
    ///         Ok(text) => drop(response.end_with(cx, text.to_uppercase())),
    ///         Err(error) => eprintln!("{error}"),
    ///     });
    /// });
    /// # server.listen(cx, ("127.0.0.1", 0));
    /// # server.on_listening(cx, |_, cx, server| {
    /// #     let to = http::RequestOptions::from(format!("http://127.0.0.1:{}/", server.port(cx)));
    /// #     let request = http::request(cx, to.method("POST"));
    /// #     request.on_response(cx, move |_, cx, _, response| {
    /// #         response.text(cx, move |said: &mut String, cx, text| {
    /// #             *said = text.expect("it comes whole");
    /// #             server.close(cx);
    /// #         });
    /// #     });
    /// #     request.end_with(cx, "shout");
    /// # });
    /// # let mut said = String::new();
    /// # event_loop.run(&mut said)?;
    /// # assert_eq!(said, "SHOUT");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn text<S: 'static, R: CallbackResult>(
        self,
        cx: &mut Context<S>,
        callback: impl FnOnce(&mut S, &mut Context<S>, Result<String, &Error>) -> R + 'static,
    ) -> Self {
        self.body(cx, |state, cx, body| {
            let text = |bytes: Vec<u8>| match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            };
            callback(state, cx, body.map(text))
        })
    }
}
