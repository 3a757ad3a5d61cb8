//! A connection that speaks JSON: a WebSocket, or a line whose first line is `/json`.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

/// Who hears nothing for so long asks whether anybody is there; who gets no answer to that connects
/// anew. It may be wrong, and connects once more than it has to; then it is more patient, or it would
/// never get in where every answer takes longer.
pub const SILENCE: Duration = Duration::from_millis(100);

/// Where to connect: to one of them, or to both in turn.
#[derive(Clone, Copy)]
pub struct Doors {
    pub web: Option<SocketAddr>,
    pub line: Option<SocketAddr>,
}

pub enum Link {
    Web(Box<WebSocket<TcpStream>>),
    Line { stream: TcpStream, unread: Vec<u8> },
}

/// Nothing has come for a while.
pub struct Silence;

impl Doors {
    /// `None` if it is cut before it is known to speak JSON.
    pub fn connect(self, count: usize, silence: Duration) -> Option<Link> {
        match (self.web, self.line) {
            (Some(web), Some(_)) if count.is_multiple_of(2) => Link::web(web, silence),
            (_, Some(line)) => Link::line(line, silence),
            (Some(web), None) => Link::web(web, silence),
            (None, None) => panic!("there is a door"),
        }
    }
}

fn stream(address: SocketAddr, silence: Duration) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the gate listens");
    stream.set_read_timeout(Some(silence)).expect("it can");
    stream
}

impl Link {
    fn line(address: SocketAddr, silence: Duration) -> Option<Self> {
        let mut stream = stream(address, silence);
        stream.write_all(b"/json\n").ok()?;
        let unread = Vec::new();
        Some(Self::Line { stream, unread })
    }

    fn web(address: SocketAddr, silence: Duration) -> Option<Self> {
        let mut stream = stream(address, silence);
        let request = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\n\
            Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
            Sec-WebSocket-Protocol: loopchat.v1.json\r\n\r\n";
        stream.write_all(request.as_bytes()).ok()?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return None,
            }
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{head:?}");
        let socket = WebSocket::from_raw_socket(stream, Role::Client, None);
        Some(Self::Web(Box::new(socket)))
    }

    /// `None` if it is cut.
    pub fn send(&mut self, object: &Value) -> Option<()> {
        match self {
            Self::Web(socket) => socket.send(Message::text(object.to_string())).ok(),
            Self::Line { stream, .. } => stream.write_all(format!("{object}\n").as_bytes()).ok(),
        }
    }

    /// Some objects, or none; `None` if it is cut.
    ///
    /// # Errors
    ///
    /// Nothing has come for a while.
    pub fn read(&mut self) -> Result<Option<Vec<Value>>, Silence> {
        match self {
            Self::Web(socket) => match socket.read() {
                Ok(Message::Text(text)) => Ok(Some(text.lines().map(parsed).collect())),
                Ok(_) => Ok(Some(Vec::new())),
                Err(tungstenite::Error::Io(error)) if is_silence(&error) => Err(Silence),
                Err(_) => Ok(None),
            },
            Self::Line { stream, unread } => {
                let mut buffer = [0; 4096];
                match stream.read(&mut buffer) {
                    Ok(1..) if unread.len() > 64 * 1024 * 1024 => panic!("a line without an end"),
                    Ok(count @ 1..) => {
                        unread.extend_from_slice(&buffer[..count]);
                        let whole = unread.iter().rposition(|&byte| byte == b'\n');
                        let rest = unread.split_off(whole.map_or(0, |end| end + 1));
                        let whole = std::mem::replace(unread, rest);
                        let whole = String::from_utf8(whole).expect("text");
                        // What comes before it speaks JSON is lines.
                        let objects = whole.lines().filter(|line| line.starts_with('{'));
                        Ok(Some(objects.map(parsed).collect()))
                    }
                    Err(error) if is_silence(&error) => Err(Silence),
                    _ => Ok(None),
                }
            }
        }
    }
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).expect("an object a line")
}

fn is_silence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}
