//! What can be read of TLS by somebody who has no key: the records, and of those before the keys
//! are agreed on what is in them.

/// What one end has sent, as far as it makes no whole record yet.
#[derive(Default)]
pub struct Tape(Vec<u8>);

/// A cursor over bytes that are a sequence of numbers and of what they are the length of.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(first)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let bytes = self.bytes(bytes)?;
        Some(
            bytes
                .iter()
                .fold(0, |all, byte| all << 8 | usize::from(*byte)),
        )
    }

    /// What stands behind its length, which is a number of so many bytes.
    fn counted(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let length = self.number(bytes)?;
        self.bytes(length)
    }
}

impl Tape {
    /// Prints what there is to be seen of these bytes.
    pub fn saw(&mut self, who: &str, bytes: &[u8], is_tls: bool) {
        if !is_tls {
            for line in String::from_utf8_lossy(bytes).lines() {
                println!("{who}  {line}");
            }
            return;
        }
        self.0.extend_from_slice(bytes);
        while let Some((kind, body, length)) = record(&self.0) {
            println!("{who}  {:<4} bytes  {:02x}  {}", length, kind, name(kind));
            if kind == 22 {
                // Whoever sends another shape than this sends no hello.
                _ = hello(body);
            }
            self.0.drain(..length);
        }
    }
}

/// The first record, if it is whole: its kind, what is in it, and its length with its head.
fn record(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let mut reader = Reader(bytes);
    let kind = reader.number(1)?;
    reader.bytes(2)?; // 03 03, whatever is spoken
    let body = reader.counted(2)?;
    Some((u8::try_from(kind).ok()?, body, 5 + body.len()))
}

fn name(kind: u8) -> &'static str {
    match kind {
        20 => "ChangeCipherSpec",
        21 => "Alert",
        22 => "Handshake",
        23 => "ApplicationData: sealed",
        _ => "?",
    }
}

/// Prints a ClientHello or a ServerHello, field by field.
fn hello(body: &[u8]) -> Option<()> {
    let mut message = Reader(body);
    let kind = message.number(1)?;
    let mut hello = Reader(message.counted(3)?);
    let is_client = kind == 1;
    let what = if is_client {
        "ClientHello"
    } else {
        "ServerHello"
    };
    let row = |length: usize, text: &str| println!("          {length:<4}   {text}");
    row(4, &format!("{kind:02x} {what}, and its length"));
    row(2, &format!("version {:04x}", hello.number(2)?));
    row(hello.bytes(32)?.len(), "random");
    row(1 + hello.counted(1)?.len(), "session id");
    let suites = match is_client {
        true => hello.counted(2)?,
        false => hello.bytes(2)?,
    };
    let listed = suites.chunks(2).map(|suite| match suite {
        [0x13, 0x01] => "AES-128-GCM".to_owned(),
        [0x13, 0x02] => "AES-256-GCM".to_owned(),
        [0x13, 0x03] => "ChaCha20".to_owned(),
        _ => format!("{:02x}{:02x}", suite[0], suite[1]),
    });
    let listed: Vec<_> = listed.collect();
    let head = if is_client { 2 } else { 0 };
    row(
        head + suites.len(),
        &format!("ciphers {}", listed.join(" ")),
    );
    let compression = match is_client {
        true => 1 + hello.counted(1)?.len(),
        false => hello.bytes(1)?.len(),
    };
    row(compression, "compression: none");
    let mut extensions = Reader(hello.counted(2)?);
    row(2, "length of the extensions:");
    // A client shuffles them, so that no server comes to lean on their order.
    let mut found = Vec::new();
    while let Some(kind) = extensions.number(2) {
        found.push((kind, extensions.counted(2)?));
    }
    found.sort();
    for (kind, body) in found {
        row(
            4 + body.len(),
            &format!("{kind:04x} {}", extension(kind, body)),
        );
    }
    Some(())
}

fn extension(kind: usize, body: &[u8]) -> String {
    match kind {
        0 => {
            let name = body.get(5..).unwrap_or_default();
            format!("server name: {}", String::from_utf8_lossy(name))
        }
        5 => "certificate status, please".to_owned(),
        10 => "groups for key shares".to_owned(),
        11 => "point formats".to_owned(),
        13 => "kinds of signatures".to_owned(),
        23 => "extended master secret".to_owned(),
        35 => "session ticket".to_owned(),
        43 => "versions that are spoken".to_owned(),
        45 => "how a session may be resumed".to_owned(),
        51 => "key share".to_owned(),
        _ => "?".to_owned(),
    }
}
