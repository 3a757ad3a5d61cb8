//! From a host name to the addresses to try: off the loop, in the order to try them.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use super::connect::{attempt_first, connecting};
use super::connection::{self, emit, touch};
use super::{Context, Error, Event, Handles};
use crate::event_loop::HandleId;

/// A program's own way to look a name up.
pub(super) type LookUp<S> = Box<dyn FnOnce(&mut S, &mut Context<S>, LookupRequest)>;

/// A name to look up, for a socket that waits for the answer.
#[derive(Debug)]
pub struct LookupRequest {
    pub(super) id: HandleId,
    pub(super) connects: u32,
    pub(super) host: String,
    pub(super) port: u16,
    /// Whether all addresses are wanted, or one.
    pub all: bool,
}

impl LookupRequest {
    /// The name.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Answers, now or later; the socket goes on in the next tick.
    pub fn answer<S>(self, cx: &mut Context<S>, found: Result<Vec<IpAddr>, Error>) {
        cx.next_tick(move |state, cx| looked_up(state, cx, self, found));
    }
}

/// Asks the system, on the thread pool.
pub(super) fn look_up<S>(cx: &mut Context<S>, request: LookupRequest, family: Option<u8>) {
    let host = request.host.clone();
    let work = move || -> io::Result<Vec<IpAddr>> {
        let found = (host.as_str(), 0)
            .to_socket_addrs()?
            .map(|address| address.ip());
        Ok(found
            .filter(|ip| family.is_none_or(|family| (family == 4) == ip.is_ipv4()))
            .collect())
    };
    cx.queue_work(work, move |state, cx, found| {
        let found = match found {
            Ok(found) if !found.is_empty() => Ok(found),
            _ => Err(Error::lookup(&request.host)),
        };
        looked_up(state, cx, request, found);
    });
}

/// Whether the socket is still on the connection for which something was begun.
pub(super) fn is_same<S>(cx: &Context<S>, id: HandleId, connects: u32) -> bool {
    let own = cx.connection(id).and_then(|found| found.own.as_ref());
    own.is_some_and(|own| own.connects == connects)
}

fn looked_up<S>(
    state: &mut S,
    cx: &mut Context<S>,
    request: LookupRequest,
    found: Result<Vec<IpAddr>, Error>,
) {
    let LookupRequest { id, connects, .. } = request;
    if !is_same(cx, id, connects) {
        return;
    }
    go_on(state, cx, request, found);
    let Some(connection) = cx.connection_mut(id) else {
        return;
    };
    let is_closed = connection.life.is_closed();
    let own = connection.own.as_mut();
    let Some(own) = own.filter(|own| own.connects == connects) else {
        return;
    };
    let waited = std::mem::take(&mut own.looking_up);
    if waited && is_closed && !own.reusable {
        cx.close(id);
    }
}

/// Tells what was found, and tries it, unless the socket was destroyed meanwhile.
fn go_on<S>(
    state: &mut S,
    cx: &mut Context<S>,
    request: LookupRequest,
    found: Result<Vec<IpAddr>, Error>,
) {
    let LookupRequest {
        id,
        host,
        port,
        all,
        ..
    } = request;
    let host = host.as_str();
    // Of a single family the answer is told even to a socket that was destroyed meanwhile.
    if all && !connecting(cx, id) {
        return;
    }
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            emit(
                state,
                cx,
                id,
                Event::Lookup {
                    found: Err(&error),
                    host,
                },
            );
            if connecting(cx, id) {
                cx.next_tick(move |_, cx| connection::destroy(cx, id, Some(error)));
            }
            return;
        }
    };
    let told = if all { found.len() } else { 1 };
    for ip in found.iter().take(told) {
        emit(
            state,
            cx,
            id,
            Event::Lookup {
                found: Ok(*ip),
                host,
            },
        );
        if !connecting(cx, id) {
            return;
        }
    }
    let addresses = alternate(&found[..told.min(found.len())]);
    touch(cx, id);
    let addresses = addresses.into_iter().map(|ip| SocketAddr::new(ip, port));
    attempt_first(state, cx, id, addresses.collect());
}

/// Each address once, the families in turn, beginning with that of the first.
fn alternate(found: &[IpAddr]) -> Vec<IpAddr> {
    let mut each = Vec::new();
    for ip in found {
        if !each.contains(ip) {
            each.push(*ip);
        }
    }
    let first_is_v4 = each.first().is_some_and(IpAddr::is_ipv4);
    let (one, other): (Vec<_>, Vec<_>) = each
        .iter()
        .partition::<Vec<IpAddr>, _>(|ip| ip.is_ipv4() == first_is_v4);
    let longest = one.len().max(other.len());
    let turns = (0..longest).flat_map(|turn| [one.get(turn), other.get(turn)]);
    turns.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_alternate_and_repeats_are_left_out() {
        let ips = |texts: &[&str]| -> Vec<IpAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        assert_eq!(
            alternate(&ips(&["::1", "::2", "1.1.1.1", "::1", "::3"])),
            ips(&["::1", "1.1.1.1", "::2", "::3"])
        );
        assert_eq!(
            alternate(&ips(&["1.1.1.1", "::1"])),
            ips(&["1.1.1.1", "::1"])
        );
        assert_eq!(alternate(&[]), ips(&[]));
    }
}
