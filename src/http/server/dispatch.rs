//! A request has come: to whom it goes, or with what it is refused.

use super::connection::{of, settings};
use super::response::ServerResponse;
use super::{Kind, ServerEvent};
use crate::Context;
use crate::http::incoming::IncomingMessage;
use crate::http::message::facts::{Expects, Facts};
use crate::net::Socket;

/// Hands a request out, unless it is answered here.
pub(in crate::http) fn request<S: 'static>(
    state: &mut S,
    cx: &mut Context<S>,
    socket: Socket,
    number: u32,
    facts: &Facts,
) {
    let request = IncomingMessage { socket, number };
    let response = ServerResponse::new(socket, number);
    let Some(server) = socket.server(cx) else {
        return;
    };
    if request
        .head(cx)
        .is_some_and(|head| head.http_version() == "1.0")
    {
        let event = ServerEvent::Request(request, response);
        super::emit(state, cx, server, Kind::Request, event);
        return;
    }
    if !facts.host {
        return refuse(cx, response, 400, true);
    }
    let max = settings(cx, socket).max_requests_per_socket;
    if max > 0 && number >= max {
        let event = ServerEvent::DropRequest(request, socket);
        super::emit(state, cx, server, Kind::DropRequest, event);
        return refuse(cx, response, 503, false);
    }
    let listens = |cx: &mut Context<S>, kind| super::listens(cx, server, kind);
    let (kind, event) = match facts.expects {
        Expects::Nothing => (Kind::Request, ServerEvent::Request(request, response)),
        Expects::Continue => {
            if let Some(own) = of(cx, socket)
                && let Some(exchange) = own.exchange(number)
            {
                exchange.response.expects_continue = true;
            }
            if listens(cx, Kind::CheckContinue) {
                let event = ServerEvent::CheckContinue(request, response);
                (Kind::CheckContinue, event)
            } else {
                response.write_continue(cx);
                (Kind::Request, ServerEvent::Request(request, response))
            }
        }
        Expects::SomethingElse if listens(cx, Kind::CheckExpectation) => {
            let event = ServerEvent::CheckExpectation(request, response);
            (Kind::CheckExpectation, event)
        }
        Expects::SomethingElse => return refuse(cx, response, 417, false),
    };
    super::emit(state, cx, server, kind, event);
}

/// Answers with a status alone. As in Node the head is written first, so that the empty body comes
/// in chunks.
fn refuse<S: 'static>(cx: &mut Context<S>, response: ServerResponse, status: u16, close: bool) {
    let fields: &[(&str, &str)] = if close {
        &[("Connection", "close")]
    } else {
        &[]
    };
    if let Err(error) = response.write_head(cx, status, fields) {
        log::debug!("a request was not refused with {status}: {error}");
    }
    response.end(cx);
}
