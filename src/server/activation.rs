//! Sockets that the service manager has bound and passes on (`sd_listen_fds(3)`): it keeps them
//! while the service is restarted, so that nobody is refused meanwhile.

use std::env;
use std::process;

use listenfd::ListenFd;
use log::info;

use crate::net::Listener;
use crate::server::bind::{Bound, StartError, set_options};

/// What was passed.
#[derive(Default)]
pub(super) struct Passed {
    /// For the line door; over TLS those that are called `tls` (`FileDescriptorName=tls`).
    pub(super) line: Vec<Bound>,
    /// For the web door: those that are called `web`, and over TLS those that are called `https`.
    pub(super) web: Vec<Bound>,
}

/// Takes over what was passed to this process, if anything was.
pub(super) fn passed() -> Result<Passed, StartError> {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    // For another process, which has started this one: not ours.
    let own = process::id().to_string();
    if variable("LISTEN_PID").as_ref() != Some(&own) {
        return Ok(Passed::default());
    }
    let Some(count) = variable("LISTEN_FDS") else {
        return Ok(Passed::default());
    };
    if count.parse::<u16>().is_err() {
        return Err(StartError::new(
            format!("LISTEN_FDS={count}"),
            "not a number of sockets",
        ));
    }
    let names = variable("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut descriptors = ListenFd::from_env();
    let mut passed = Passed::default();
    for number in 0..descriptors.len() {
        let name = names.next().unwrap_or_default();
        let error = |reason: &dyn std::fmt::Display| {
            let which = format!("LISTEN_FDS: socket {} {name:?}", number + 1);
            StartError::new(which, reason)
        };
        let mut listener = take(&mut descriptors, number).map_err(|reason| error(&reason))?;
        set_options(&mut listener);
        info!("the service manager has passed {}", listener.address());
        match name {
            "web" => passed.web.push(Bound::passed(listener, false)),
            "https" => passed.web.push(Bound::passed(listener, true)),
            "tls" => passed.line.push(Bound::passed(listener, true)),
            _ => passed.line.push(Bound::passed(listener, false)),
        }
    }
    Ok(passed)
}

fn take(descriptors: &mut ListenFd, number: usize) -> Result<Listener, String> {
    let not_listening = |_| "it does not listen; the socket unit wants Accept=no".to_owned();
    if let Ok(Some(listener)) = descriptors.take_tcp_listener(number) {
        return Listener::from_tcp(listener).map_err(not_listening);
    }
    match descriptors.take_unix_listener(number) {
        Ok(Some(listener)) => Listener::from_ipc(listener).map_err(not_listening),
        Ok(None) | Err(_) => Err("neither TCP nor a Unix stream socket".to_owned()),
    }
}
