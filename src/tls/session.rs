//! One TLS connection as a state machine: bytes in, plaintext and bytes out. No loop, no socket.
//!
//! It is `rustls` with its own buffers left out: a record is deciphered where it was read, and of
//! what has come only a torn record is kept, so an idle connection owns no buffer.

use std::cell::Cell;
use std::io::IoSlice;
use std::sync::Arc;

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::pki_types::ServerName;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic,
};
use rustls::{ClientConfig, CommonState, HandshakeKind, ServerConfig};

use super::error::{self, from_rustls, not_tls};
use super::under_way::Place;
use super::verify::Verify;
use crate::net::{Error, Holding, Layer, Stage};

/// Bytes of plaintext in one record at most: TLS's own limit.
const RECORD: usize = 16 * 1024;

/// What a record takes beside its plaintext, at most: a header, a nonce, a tag, its kind.
const OVERHEAD: usize = 5 + 8 + 16 + 1;

/// The first byte of whatever a TLS client says first: a record of the handshake.
const HANDSHAKE: u8 = 22;

/// One end of a TLS connection.
pub(super) struct Session {
    end: End,
    /// What has come and cannot be read yet.
    torn: Option<Box<Torn>>,
    stage: Stage,
    /// It has been given anything.
    has_begun: bool,
    /// What has come is no TLS, and nothing was said to it.
    is_foreign: bool,
    /// Nothing can be read any more.
    has_failed: bool,
    /// Who the peer has to be.
    verify: Verify,
    authorization: Result<(), Box<Error>>,
    /// The name that the client has asked for.
    asked: Option<Box<str>>,
    /// Among its server's handshakes, until its own is done.
    place: Option<Box<Place>>,
}

thread_local! {
    /// The name that a client asks for, from where the engine tells it: while a certificate is
    /// chosen for it, which is within a step of its session's. The engine asks one resolver for
    /// all connections of a server, and does not say for which of them: what can be said to the
    /// session is what lies beside the stack.
    static ASKED: Cell<Option<Box<str>>> = const { Cell::new(None) };
}

/// A client asks for this name, in the step that is under way.
pub(super) fn note_server_name(name: Option<&str>) {
    ASKED.set(name.map(Box::from));
}

enum End {
    Server(UnbufferedServerConnection),
    Client(UnbufferedClientConnection),
}

/// Bytes that no whole record is made of yet, or that are none of TLS.
struct Torn {
    bytes: Vec<u8>,
    held: Holding,
}

/// What one step of the engine has come to.
enum Step {
    /// There may be more to do.
    On,
    /// It needs more bytes.
    Rest,
    /// The peer has said that no more comes.
    Ended,
}

/// Does the same with either end.
macro_rules! either {
    ($end:expr, $connection:ident => $do:expr) => {
        match $end {
            End::Server($connection) => $do,
            End::Client($connection) => $do,
        }
    };
}

impl Session {
    /// The end that waits for the other to begin.
    pub(super) fn server(config: Arc<ServerConfig>, verify: Verify) -> Result<Self, Error> {
        let connection = UnbufferedServerConnection::new(config);
        let end = End::Server(connection.map_err(|error| from_rustls(&error))?);
        Ok(Self::new(end, verify))
    }

    /// The end that begins.
    pub(super) fn client(
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        verify: Verify,
    ) -> Result<Self, Error> {
        let connection = UnbufferedClientConnection::new(config, name);
        let end = End::Client(connection.map_err(|error| from_rustls(&error))?);
        Ok(Self::new(end, verify))
    }

    fn new(end: End, verify: Verify) -> Self {
        Self {
            end,
            torn: None,
            stage: Stage::Opening,
            has_begun: false,
            is_foreign: false,
            has_failed: false,
            verify,
            authorization: Ok(()),
            asked: None,
            place: None,
        }
    }

    /// It is one of its server's handshakes until it has opened or is gone.
    pub(super) fn counts(mut self, place: Place) -> Self {
        self.place = Some(Box::new(place));
        self
    }

    /// What the two ends have agreed on.
    pub(super) fn agreed(&self) -> &CommonState {
        either!(&self.end, connection => connection)
    }

    /// The name that the client has asked for.
    pub(super) fn server_name(&self) -> Option<&str> {
        match &self.end {
            End::Server(_) => self.asked.as_deref(),
            End::Client(_) => self.verify.server_name(),
        }
    }

    /// Whether the handshake was a short one, out of what both remembered of another.
    pub(super) fn is_resumed(&self) -> bool {
        self.agreed().handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Whether the peer was asked who it is, and is that.
    pub(super) fn authorization(&self) -> Option<Result<(), &Error>> {
        let is_known = self.stage != Stage::Opening && self.verify.asks();
        is_known.then(|| {
            self.authorization
                .as_ref()
                .copied()
                .map_err(|error| &**error)
        })
    }

    /// Has new keys made, as long-lived connections should now and then (TLS 1.3; a no-op before).
    #[cfg(test)]
    pub(super) fn update_keys(&mut self, answer: &mut Vec<u8>) {
        let torn = bytes_of(&mut self.torn);
        let done = either!(&mut self.end, connection => {
            match connection.process_tls_records(torn).state {
                Ok(ConnectionState::WriteTraffic(write)) => write.refresh_traffic_keys(),
                _ => panic!("it is not open"),
            }
        });
        done.expect("it is TLS 1.3");
        self.run(&mut [], &mut |_| {}, answer)
            .expect("nothing has come");
    }

    /// Runs the engine until it needs more than these bytes; how many of them it is done with.
    fn run(
        &mut self,
        came: &mut [u8],
        hand_on: &mut dyn FnMut(&[u8]),
        answer: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        let mut used = 0;
        loop {
            let step = either!(&mut self.end, connection => {
                let status = connection.process_tls_records(&mut came[used..]);
                step(status, &mut used, hand_on, answer)
            });
            if self.stage == Stage::Opening {
                if let Some(name) = ASKED.take() {
                    self.asked = Some(name);
                }
                if either!(&self.end, connection => !connection.is_handshaking()) {
                    self.stage = Stage::Open;
                }
            }
            match step {
                Ok(Step::On) => {}
                Ok(Step::Rest) => return Ok(used),
                Ok(Step::Ended) if self.stage == Stage::Open => self.stage = Stage::Ended,
                Ok(Step::Ended) => return Err(self.fail(self.cut_off(), answer)),
                Err(error) => return Err(self.fail(from_rustls(&error), answer)),
            }
        }
    }

    /// Nothing can be read any more. What the peer is told of it is still to be had, and only that:
    /// the engine is never again given what it has refused.
    fn fail(&mut self, error: Error, answer: &mut Vec<u8>) -> Error {
        self.has_failed = true;
        either!(&mut self.end, connection => {
            while connection.wants_write() {
                let status = connection.process_tls_records(&mut []);
                if !matches!(step(status, &mut 0, &mut |_| {}, answer), Ok(Step::On)) {
                    break;
                }
            }
        });
        error
    }

    /// Keeps what cannot be read yet; behind the peer's end nothing is read.
    fn keep(&mut self, rest: &[u8]) {
        if self.stage != Stage::Ended && !rest.is_empty() {
            let bytes = rest.to_vec();
            let held = Holding::new(bytes.capacity());
            self.torn = Some(Box::new(Torn { bytes, held }));
        }
    }

    /// Lends the engine's sending half.
    fn write<R>(
        &mut self,
        answer: &mut Vec<u8>,
        call: impl FnOnce(&mut dyn Write, &mut Vec<u8>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        if self.has_failed {
            return Err(error::broken("the connection has failed"));
        }
        let torn = bytes_of(&mut self.torn);
        either!(&mut self.end, connection => {
            // What the engine itself has to say goes first.
            loop {
                let mut used = 0;
                let status = connection.process_tls_records(torn);
                match status.state {
                    Ok(ConnectionState::WriteTraffic(mut write)) => {
                        return call(&mut write, answer);
                    }
                    state => {
                        let status = UnbufferedStatus { discard: status.discard, state };
                        let step = step(status, &mut used, &mut |_| {}, answer);
                        if let Step::Rest = step.map_err(|error| from_rustls(&error))? {
                            return Err(error::broken("nothing can be sent"));
                        }
                    }
                }
            }
        })
    }
}

fn bytes_of(torn: &mut Option<Box<Torn>>) -> &mut [u8] {
    torn.as_mut().map_or(&mut [], |torn| &mut torn.bytes)
}

/// The sending half of either end.
trait Write {
    fn encrypt(&mut self, bytes: &[u8], out: &mut [u8]) -> Result<usize, EncryptError>;
    fn close(&mut self, out: &mut [u8]) -> Result<usize, EncryptError>;
}

impl Write for WriteTraffic<'_, ServerConnectionData> {
    fn encrypt(&mut self, bytes: &[u8], out: &mut [u8]) -> Result<usize, EncryptError> {
        WriteTraffic::encrypt(self, bytes, out)
    }

    fn close(&mut self, out: &mut [u8]) -> Result<usize, EncryptError> {
        self.queue_close_notify(out)
    }
}

impl Write for WriteTraffic<'_, ClientConnectionData> {
    fn encrypt(&mut self, bytes: &[u8], out: &mut [u8]) -> Result<usize, EncryptError> {
        WriteTraffic::encrypt(self, bytes, out)
    }

    fn close(&mut self, out: &mut [u8]) -> Result<usize, EncryptError> {
        self.queue_close_notify(out)
    }
}

/// Appends what `write` writes. If that says that it has not enough room, it is given as much as it
/// `needs`.
fn append<E>(
    answer: &mut Vec<u8>,
    mut room: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, E>,
    needs: impl Fn(&E) -> Option<usize>,
) -> Result<(), E> {
    let start = answer.len();
    loop {
        answer.resize(start + room, 0);
        match write(&mut answer[start..]) {
            Ok(written) => {
                answer.truncate(start + written);
                return Ok(());
            }
            Err(error) => match needs(&error).filter(|needed| *needed > room) {
                Some(needed) => room = needed,
                None => {
                    answer.truncate(start);
                    return Err(error);
                }
            },
        }
    }
}

/// Appends one record.
fn append_record(
    answer: &mut Vec<u8>,
    room: usize,
    seal: impl FnMut(&mut [u8]) -> Result<usize, EncryptError>,
) -> Result<(), Error> {
    let needs = |error: &EncryptError| match error {
        EncryptError::InsufficientSize(error) => Some(error.required_size),
        EncryptError::EncryptExhausted => None,
    };
    append(answer, room, seal, needs).map_err(error::broken)
}

/// Acts on what the engine says.
fn step<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    used: &mut usize,
    hand_on: &mut dyn FnMut(&[u8]),
    answer: &mut Vec<u8>,
) -> Result<Step, rustls::Error> {
    *used += status.discard;
    match status.state? {
        ConnectionState::ReadTraffic(mut read) => {
            while let Some(record) = read.next_record() {
                let record = record?;
                *used += record.discard;
                if !record.payload.is_empty() {
                    hand_on(record.payload);
                }
            }
            Ok(Step::On)
        }
        ConnectionState::EncodeTlsData(mut encode) => {
            let needs = |error: &EncodeError| match error {
                EncodeError::InsufficientSize(error) => Some(error.required_size),
                EncodeError::AlreadyEncoded => None,
            };
            let encoded = append(answer, OVERHEAD + RECORD, |out| encode.encode(out), needs);
            encoded.map_err(|error| rustls::Error::General(error.to_string()))?;
            Ok(Step::On)
        }
        ConnectionState::TransmitTlsData(transmit) => {
            transmit.done();
            Ok(Step::On)
        }
        ConnectionState::PeerClosed => Ok(Step::Ended),
        ConnectionState::BlockedHandshake
        | ConnectionState::WriteTraffic(_)
        | ConnectionState::Closed => Ok(Step::Rest),
        // 0-RTT is never allowed, and there is no other.
        _ => Err(rustls::Error::General("an unknown state".into())),
    }
}

impl Layer for Session {
    fn receive(
        &mut self,
        came: &mut [u8],
        hand_on: &mut dyn FnMut(&[u8]),
        answer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let is_first = !came.is_empty() && !std::mem::replace(&mut self.has_begun, true);
        if is_first && matches!(self.end, End::Server(_)) && came[0] != HANDSHAKE {
            self.is_foreign = true;
            self.keep(came);
            return Err(not_tls(came));
        }
        let Some(torn) = self.torn.take() else {
            let used = self.run(came, hand_on, answer)?;
            self.keep(&came[used..]);
            return Ok(());
        };
        let mut all = torn.bytes;
        all.extend_from_slice(came);
        let used = self.run(&mut all, hand_on, answer)?;
        self.keep(&all[used..]);
        Ok(())
    }

    fn send(&mut self, bytes: &[IoSlice<'_>], answer: &mut Vec<u8>) -> Result<usize, Error> {
        let first = bytes.iter().find(|bytes| !bytes.is_empty());
        let first = first.map_or(&[][..], |first| first);
        let joined;
        let record = if first.len() >= RECORD || bytes.len() == 1 {
            &first[..first.len().min(RECORD)]
        } else {
            let all = bytes.iter().flat_map(|bytes| bytes.iter().copied());
            joined = all.take(RECORD).collect::<Vec<u8>>();
            &joined
        };
        self.write(answer, |write, answer| {
            append_record(answer, record.len() + OVERHEAD, |out| {
                write.encrypt(record, out)
            })
        })?;
        Ok(record.len())
    }

    fn end(&mut self, answer: &mut Vec<u8>) {
        let ended = self.write(answer, |write, answer| {
            append_record(answer, OVERHEAD + 2, |out| write.close(out))
        });
        if let Err(error) = ended {
            log::debug!("the peer is not told the end: {error}");
        }
    }

    fn stage(&self) -> Stage {
        self.stage
    }

    fn opened(&mut self) -> Result<(), Error> {
        self.place = None;
        let certificates = either!(&self.end, connection => connection.peer_certificates());
        let verified = self.verify.verify(certificates.unwrap_or_default());
        let verdict = self.verify.verdict(&verified);
        self.authorization = verified.map_err(Box::new);
        verdict
    }

    fn cut_off(&self) -> Error {
        match (&self.end, self.stage) {
            (End::Client(_), Stage::Opening) => Error::with_code(
                "ECONNRESET",
                "Client network socket disconnected before secure TLS connection was established",
            ),
            (End::Server(_), Stage::Opening) => Error::with_code("ECONNRESET", "socket hang up"),
            _ => Error::with_code(
                "ERR_SSL_UNEXPECTED_EOF_WHILE_READING",
                "unexpected eof while reading: the end did not come from the peer",
            ),
        }
    }

    fn kept(&self) -> usize {
        self.torn.as_ref().map_or(0, |torn| torn.held.bytes())
    }

    fn give_back(&mut self) -> Option<Vec<u8>> {
        let has_said_nothing = matches!(self.end, End::Server(_)) && !self.has_begun;
        if !(self.is_foreign || has_said_nothing) {
            return None;
        }
        Some(self.torn.take().map_or(Vec::new(), |torn| torn.bytes))
    }
}

impl Session {
    /// The certificates that the peer has shown, its own first.
    pub(super) fn peer_certificates(&self) -> &[rustls::pki_types::CertificateDer<'static>] {
        self.agreed().peer_certificates().unwrap_or_default()
    }
}
