//! A message that is being sent, of either side: its head, how its body is marked off, what of it
//! is done.

use super::fields::{Fields, push_line};
use super::{Misuse, chunked};

/// How the other side will know where the body ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::http) enum Body {
    /// There is none; what is written to it is dropped.
    #[default]
    None,
    /// So many bytes more.
    Length(u64),
    Chunked,
    /// At the end of the connection.
    UntilEof,
}

/// What the program took out, which is then not added by itself either.
#[derive(Clone, Copy, Default)]
pub(in crate::http) struct Removed {
    pub(in crate::http) connection: bool,
    pub(in crate::http) length: bool,
    pub(in crate::http) transfer_encoding: bool,
    pub(in crate::http) date: bool,
}

/// A message that is being sent.
#[derive(Default)]
pub(in crate::http) struct Outgoing {
    pub(in crate::http) fields: Fields,
    pub(in crate::http) trailers: Fields,
    pub(in crate::http) removed: Removed,
    pub(in crate::http) body: Body,
    /// It may have one: it answers no HEAD, and its status is none without a body.
    pub(in crate::http) bodiless: bool,
    /// Chunks, when the length is not known: the other side knows HTTP/1.1.
    pub(in crate::http) chunks: bool,
    pub(in crate::http) keep_alive: bool,
    /// The connection ends after it.
    pub(in crate::http) last: bool,
    /// Its head is rendered: fields cannot be set any more (`headersSent`).
    pub(in crate::http) head_sent: bool,
    /// `end` was called (`writableEnded`).
    pub(in crate::http) ended: bool,
    /// A `write` returned false.
    pub(in crate::http) need_drain: bool,
}

/// What the connection adds to a head by itself.
#[derive(Default)]
pub(in crate::http) struct Added<'a> {
    pub(in crate::http) date: Option<&'a [u8]>,
    /// `Keep-Alive: timeout=`, in seconds, and `max=`.
    pub(in crate::http) timeout: Option<(u64, u32)>,
    /// `Connection: close`, though the connection is kept: Node's word for the last request it
    /// takes.
    pub(in crate::http) say_close: bool,
    /// The side that agrees on keeping the connection knows the length by other means.
    pub(in crate::http) request: bool,
}

impl Outgoing {
    /// Forgets all, but keeps a little memory.
    pub(in crate::http) fn recycle(&mut self) {
        let Self {
            fields,
            trailers,
            removed,
            body,
            bodiless,
            chunks,
            keep_alive,
            last,
            head_sent,
            ended,
            need_drain,
        } = self;
        fields.recycle();
        trailers.recycle();
        (*removed, *body) = Default::default();
        for flag in [
            bodiless, chunks, keep_alive, last, head_sent, ended, need_drain,
        ] {
            *flag = false;
        }
    }

    /// Sets a field, unless the head is on its way.
    pub(in crate::http) fn set(&mut self, name: &str, value: &[u8]) -> Result<(), Misuse> {
        self.unsent("set")?;
        self.fields.set(name, value)
    }

    pub(in crate::http) fn append(&mut self, name: &str, value: &[u8]) -> Result<(), Misuse> {
        self.unsent("append")?;
        self.fields.append(name, value)
    }

    /// Sets fields; a name that is here several times is one of several fields.
    pub(in crate::http) fn set_all(&mut self, fields: &[(&str, &str)]) -> Result<(), Misuse> {
        self.unsent("write")?;
        for (place, (name, value)) in fields.iter().enumerate() {
            let mut before = fields[..place].iter();
            if before.any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                self.append(name, value.as_bytes())?;
            } else {
                self.set(name, value.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Adds fields that follow a body in chunks.
    pub(in crate::http) fn add_trailers(
        &mut self,
        trailers: &[(&str, &str)],
    ) -> Result<(), Misuse> {
        let mut fields = trailers.iter();
        fields.try_for_each(|(name, value)| self.trailers.append(name, value.as_bytes()))
    }

    pub(in crate::http) fn remove(&mut self, name: &str) -> Result<(), Misuse> {
        self.unsent("remove")?;
        match name.to_ascii_lowercase().as_str() {
            "connection" => self.removed.connection = true,
            "content-length" => self.removed.length = true,
            "transfer-encoding" => self.removed.transfer_encoding = true,
            "date" => self.removed.date = true,
            _ => {}
        }
        self.fields.remove(name);
        Ok(())
    }

    fn unsent(&self, what: &str) -> Result<(), Misuse> {
        if self.head_sent {
            let message = format!("Cannot {what} headers after they are sent to the client");
            return Err(Misuse::new("ERR_HTTP_HEADERS_SENT", message));
        }
        Ok(())
    }

    /// Renders the fields and the empty line behind them; the first line is there already.
    /// `length` is the body's, if it is known. The order of what is added is Node's.
    pub(in crate::http) fn render(
        &mut self,
        out: &mut Vec<u8>,
        length: Option<u64>,
        added: &Added<'_>,
    ) {
        self.head_sent = true;
        let (mut connection, mut chunked, mut own_length) = (self.removed.connection, false, None);
        let mut date = self.removed.date;
        let (mut trailer, mut keep_alive) = (false, false);
        for line in self.fields.lines() {
            match line.name.len() {
                4 if line.name.eq_ignore_ascii_case(b"date") => date = true,
                7 if line.name.eq_ignore_ascii_case(b"trailer") => trailer = true,
                10 if line.name.eq_ignore_ascii_case(b"keep-alive") => keep_alive = true,
                10 if line.name.eq_ignore_ascii_case(b"connection") => {
                    connection = true;
                    let mut options = line.value.split(|&byte| byte == b',');
                    if options.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close")) {
                        self.last = true;
                    }
                }
                14 if line.name.eq_ignore_ascii_case(b"content-length") => {
                    own_length = super::facts::length(line.value).ok();
                }
                17 if line.name.eq_ignore_ascii_case(b"transfer-encoding") => chunked = true,
                _ => {}
            }
        }
        if chunked && (own_length.is_some() || !self.chunks || self.bodiless) {
            // Two lengths, or chunks for one who does not know them: not even if asked for.
            self.fields.remove("transfer-encoding");
            chunked = false;
        }
        out.extend_from_slice(self.fields.text());
        if let (false, Some(now)) = (date, added.date) {
            push_line(out, "Date", now);
        }
        if !connection {
            let known = own_length.is_some() || self.chunks || added.request;
            if !(self.keep_alive && known) {
                self.last = true;
                out.extend_from_slice(b"Connection: close\r\n");
            } else if added.say_close {
                out.extend_from_slice(b"Connection: close\r\n");
            } else {
                out.extend_from_slice(b"Connection: keep-alive\r\n");
                if let Some((seconds, max)) = added.timeout.filter(|_| !keep_alive) {
                    out.extend_from_slice(b"Keep-Alive: timeout=");
                    chunked::write_number(out, seconds, 10);
                    if max > 0 {
                        out.extend_from_slice(b", max=");
                        chunked::write_number(out, u64::from(max), 10);
                    }
                    out.extend_from_slice(b"\r\n");
                }
            }
        } else if !self.keep_alive {
            self.last = true;
        }
        self.body = self.mark_off(out, length, own_length, chunked, trailer);
        out.extend_from_slice(b"\r\n");
    }

    /// How the body is marked off, with the field that says so, unless the program has set it.
    fn mark_off(
        &mut self,
        out: &mut Vec<u8>,
        length: Option<u64>,
        own: Option<u64>,
        chunked: bool,
        trailer: bool,
    ) -> Body {
        match (own, length) {
            _ if self.bodiless => Body::None,
            _ if chunked => Body::Chunked,
            (Some(own), _) => Body::Length(own),
            _ if !self.chunks => {
                self.last = true;
                Body::UntilEof
            }
            (None, Some(length)) if !trailer && !self.removed.length => {
                out.extend_from_slice(b"Content-Length: ");
                chunked::write_number(out, length, 10);
                out.extend_from_slice(b"\r\n");
                Body::Length(length)
            }
            _ if !self.removed.transfer_encoding => {
                out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
                Body::Chunked
            }
            _ => {
                self.last = true;
                Body::UntilEof
            }
        }
    }

    /// Adds a piece of the body.
    pub(in crate::http) fn body(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Misuse> {
        match &mut self.body {
            Body::None => {}
            Body::Length(left) => {
                let length = data.len() as u64;
                *left = left.checked_sub(length).ok_or_else(mismatch)?;
                out.extend_from_slice(data);
            }
            Body::Chunked => chunked::encode(data, out),
            Body::UntilEof => out.extend_from_slice(data),
        }
        Ok(())
    }

    /// Ends the body.
    pub(in crate::http) fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Misuse> {
        self.ended = true;
        match self.body {
            Body::Chunked => {
                out.extend_from_slice(b"0\r\n");
                out.extend_from_slice(self.trailers.text());
                out.extend_from_slice(b"\r\n");
                Ok(())
            }
            Body::Length(1..) => Err(mismatch()),
            Body::None | Body::Length(0) | Body::UntilEof => Ok(()),
        }
    }
}

/// The body is not as long as its head has said.
fn mismatch() -> Misuse {
    let message = "Response body's content-length does not match the Content-Length header";
    Misuse::new("ERR_HTTP_CONTENT_LENGTH_MISMATCH", message)
}
