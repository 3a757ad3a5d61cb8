//! Keys and certificates of the doors that speak TLS: read at the start, and again when they
//! change.
//!
//! | file | what |
//! | --- | --- |
//! | `mod.rs` | which doors show them; when they are read again |
//! | `pairs.rs` | the files: what is wrong with them, which of them is for whom |
//! | `expiry.rs` | when one is to be replaced |
//! | `development.rs` | one that is made here |
//!
//! They are read again at SIGHUP, when the system tells that something in their folders has changed
//! (Linux only), and once an hour, where nobody tells. Whoever is connected does not notice: it is
//! the next connection that is shown another certificate. What cannot be used changes nothing.

mod development;
mod expiry;
mod pairs;

use std::path::Path;
use std::time::Duration;

use log::{info, warn};

use crate::net::{Context, Error, Server};
#[cfg(target_os = "linux")]
use crate::server::file_watch::Watch;
use crate::server::{ChatServer, Config, Loop, StartError, moment};
use crate::tls::{PeerCertificate, ServerOptions};
use pairs::{Pairs, Source};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How many may be under way at one door. More than come at once after a restart, so that only
/// whoever does not go on with it is given up.
const MOST_HANDSHAKES: usize = 2048;

/// How often is looked whether anything has changed, where nobody tells.
const LOOK: Duration = Duration::from_secs(60 * 60);

/// How long after a change they are read: a key and its certificate are two files.
const SETTLE: Duration = Duration::from_secs(1);

/// How often one is warned of, in milliseconds.
const WARN: u64 = 24 * 60 * 60 * 1000;

/// Why they are read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Somebody wants it, and wants to hear of it.
    Asked,
    /// Something may have changed.
    Look,
}

/// The keys and certificates that there are.
#[derive(Default)]
pub(super) struct Certificates {
    sources: Vec<Source>,
    pairs: Option<Pairs>,
    /// Who shows them.
    doors: Vec<Server>,
    #[cfg(target_os = "linux")]
    watch: Option<Watch>,
    /// They will be read in a moment.
    read_set: bool,
    /// They are being read.
    reads: bool,
    /// And are to be read again after that.
    again: Option<Why>,
    /// What was wrong with them the last time.
    wrong: Option<String>,
    /// When one was warned of.
    warned: Option<u64>,
}

impl Certificates {
    /// Reads what the flags name, and makes what they ask for.
    ///
    /// # Errors
    ///
    /// What is wrong with which file.
    pub(super) fn open(config: &Config) -> Result<Self, StartError> {
        let mut sources = pairs::sources(config)?;
        if config.tls_dev {
            if !sources.is_empty() {
                let reason = "there is a certificate already, --tls-cert";
                return Err(StartError::new("--tls-dev", reason));
            }
            if config.hsts.is_some() {
                let reason = "not with --tls-dev: browsers would want its certificate for as long";
                return Err(StartError::new("--hsts", reason));
            }
            sources.push(development::source()?);
        }
        let pairs = Pairs::read(&sources)?;
        if let Some(pairs) = pairs.as_ref().filter(|_| config.tls_dev) {
            for pair in &pairs.pairs {
                let fingerprint = pairs::fingerprint(pair);
                info!("--tls-dev: {}, SHA-256 {fingerprint}", pair.file());
            }
        }
        Ok(Self {
            sources,
            pairs,
            ..Self::default()
        })
    }

    /// Has a door made that speaks TLS, and shows all certificates there are, also those that come
    /// later. `server` is what of it accepts.
    ///
    /// # Errors
    ///
    /// There is no certificate, or the door cannot be made.
    pub(super) fn open_door<D>(
        &mut self,
        event_loop: &mut Loop,
        make: impl FnOnce(&mut Loop, ServerOptions) -> Result<D, Error>,
        server: impl FnOnce(&D) -> Server,
    ) -> Result<D, String> {
        let Some(pairs) = &self.pairs else {
            return Err("it wants --tls-cert and --tls-key, or --tls-dev".to_owned());
        };
        let options = ServerOptions::new(pairs.context())
            .handshake_timeout(HANDSHAKE)
            .max_handshakes(MOST_HANDSHAKES);
        let door = make(event_loop, options).map_err(|error| error.to_string())?;
        let server = server(&door);
        self.doors.push(server);
        let shown = pairs.show(event_loop, server);
        shown.map_err(|error| error.to_string())?;
        Ok(door)
    }

    /// The certificates, and the file of each.
    pub(super) fn shown(&self) -> impl Iterator<Item = (String, &PeerCertificate)> {
        let pairs = self.pairs.iter().flat_map(|pairs| &pairs.pairs);
        pairs.map(|pair| (pair.file(), &pair.certificate))
    }

    /// The folders in which something may change: those that the files are said to be in, and those
    /// that they are in.
    fn folders(&self) -> Vec<std::path::PathBuf> {
        let files = self.sources.iter().flat_map(|pair| [&pair.cert, &pair.key]);
        let folder = |path: &Path| match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new(".").to_path_buf(),
            Some(parent) => parent.to_path_buf(),
            None => path.to_path_buf(),
        };
        let mut folders: Vec<_> = files
            .flat_map(|path| {
                let real = path.canonicalize().ok();
                [Some(folder(path)), real.map(|path| folder(&path))]
            })
            .flatten()
            .collect();
        folders.sort();
        folders.dedup();
        folders
    }

    /// Asks the system to tell of changes. What it has been asked for before, it need not be told
    /// again.
    #[cfg(target_os = "linux")]
    fn watch_folders(&self) {
        use rustix::fs::inotify::WatchFlags;

        let Some(watch) = &self.watch else { return };
        let events = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::ATTRIB;
        for folder in self.folders() {
            if let Err(error) = watch.add(&folder, events) {
                warn!("nobody tells when a certificate in {folder:?} changes: {error}");
            }
        }
    }
}

/// All doors are open: from now on certificates are read when they change, and warned of.
pub(super) fn watch(cx: &mut Context<ChatServer>, server: &mut ChatServer) {
    let own = &mut server.certificates;
    if own.sources.is_empty() {
        return;
    }
    if own.doors.is_empty() {
        warn!("no door shows the certificate: --listen tls://ADDR and --web https://ADDR do");
    }
    #[cfg(target_os = "linux")]
    {
        let opened = Watch::open(cx, |server, cx| {
            let own = &mut server.certificates;
            if std::mem::replace(&mut own.read_set, true) {
                return;
            }
            let timer = cx.set_timeout(SETTLE, |server: &mut ChatServer, cx| {
                server.certificates.read_set = false;
                read_again(server, cx, Why::Look);
            });
            cx.set_timer_ref(timer, false);
        });
        match opened {
            Ok(watch) => own.watch = Some(watch),
            Err(error) => warn!("nobody tells when a certificate changes: {error}"),
        }
        own.watch_folders();
        read_again(server, cx, Why::Look); // they may have changed since they were read
    }
    warn_of_expiry(server, cx);
    let timer = cx.set_interval(LOOK, |server: &mut ChatServer, cx| {
        read_again(server, cx, Why::Look);
        warn_of_expiry(server, cx);
    });
    cx.set_timer_ref(timer, false);
}

/// Reads them again, on the pool.
pub(super) fn read_again(server: &mut ChatServer, cx: &mut Context<ChatServer>, why: Why) {
    let own = &mut server.certificates;
    if server.end.has_begun() {
        return;
    }
    if own.sources.is_empty() {
        return info!("there is no certificate to be read again");
    }
    if own.reads {
        own.again = own.again.filter(|again| *again == Why::Asked).or(Some(why));
        return;
    }
    own.reads = true;
    let sources = own.sources.clone();
    cx.queue_work(
        move || Pairs::read(&sources),
        move |server: &mut ChatServer, cx, read| {
            server.certificates.reads = false;
            take_over(server, cx, read, why);
            if let Some(why) = server.certificates.again.take() {
                read_again(server, cx, why);
            }
        },
    );
}

/// They were read: if they can be used and are others, all doors show them.
fn take_over(
    server: &mut ChatServer,
    cx: &mut Context<ChatServer>,
    read: Result<Option<Pairs>, StartError>,
    why: Why,
) {
    let own = &mut server.certificates;
    #[cfg(target_os = "linux")]
    own.watch_folders();
    let read = match read {
        Ok(Some(read)) => read,
        Ok(None) => return,
        Err(error) => {
            let wrong = Some(error.to_string());
            if own.wrong != wrong || why == Why::Asked {
                warn!("{error}; the certificates stay as they were");
            }
            own.wrong = wrong;
            return;
        }
    };
    own.wrong = None;
    if own.pairs.as_ref().is_some_and(|pairs| pairs.is_same(&read)) {
        if why == Why::Asked {
            info!("the certificates are the same as before");
        }
        return;
    }
    for door in &own.doors {
        if let Err(error) = read.show(cx, *door) {
            return warn!("{error}; the certificates stay as they were");
        }
    }
    for pair in &read.pairs {
        info!("a certificate was read again: {}", pair.file());
    }
    (own.pairs, own.warned) = (Some(read), None);
    warn_of_expiry(server, cx);
}

/// Warns of certificates that expire soon, or have; once a day.
fn warn_of_expiry(server: &mut ChatServer, cx: &mut Context<ChatServer>) {
    let at = moment(cx);
    let own = &mut server.certificates;
    if own.warned.is_some_and(|warned| at.now - warned < WARN) {
        return;
    }
    let seconds = i64::try_from(at.utc / 1000).unwrap_or(i64::MAX);
    let mut warned = None;
    for (file, certificate) in own.shown() {
        if let Some(notice) = expiry::notice(certificate, seconds) {
            warn!("--tls-cert {file}: {notice}");
            warned = Some(at.now);
        }
    }
    own.warned = warned;
}
