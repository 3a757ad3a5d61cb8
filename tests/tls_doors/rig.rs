//! A server with a certificate, and clients that trust who has signed it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::certificates::{Authority, Pair};
use crate::support::{DEADLINE, Folder, Server, loopchat};

/// A folder with the files, and who has signed them.
pub struct Keys {
    pub folder: Folder,
    pub authority: Authority,
}

impl Keys {
    /// With one pair, for `localhost`.
    pub fn new() -> Self {
        let keys = Self {
            folder: Folder::new(),
            authority: Authority::new("authority"),
        };
        fs::write(keys.folder.path("ca.pem"), &keys.authority.cert).expect("written");
        keys.put("cert.pem", "key.pem", &keys.authority.sign(&["localhost"]));
        keys
    }

    /// Writes a pair, each file as a whole.
    pub fn put(&self, cert: &str, key: &str, pair: &Pair) {
        for (name, text) in [(key, &pair.key), (cert, &pair.cert)] {
            let beside = self.folder.path(format!("{name}.new"));
            fs::write(&beside, text).expect("written");
            fs::rename(&beside, self.folder.path(name)).expect("renamed");
        }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.text(name)
    }

    /// A server with a plain door and one over TLS, and more flags; where the latter is.
    pub fn serve(&self, flags: &[&str]) -> (Server, SocketAddr) {
        let server = Server::listening(&mut self.command(flags));
        let address = tls_address(&server);
        (server, address)
    }

    pub fn command(&self, flags: &[&str]) -> Command {
        let mut command = loopchat();
        command
            .args(["--listen", "127.0.0.1:0", "--listen", "tls://127.0.0.1:0"])
            .args(["--tls-cert", &self.path("cert.pem")])
            .args(["--tls-key", &self.path("key.pem")])
            .args(flags);
        command
    }

    /// Talks to what is there as `localhost`.
    pub fn connect(&self, address: SocketAddr) -> Tls {
        self.connect_as(address, "localhost").expect("a handshake")
    }

    /// The same by another name.
    pub fn connect_as(&self, address: SocketAddr, name: &str) -> std::io::Result<Tls> {
        connect(address, name, &[&self.authority.cert])
    }

    /// The same with this in front of the handshake.
    pub fn connect_behind(&self, address: SocketAddr, header: &[u8]) -> Tls {
        let tls = connect_behind(address, header, "localhost", &[&self.authority.cert]);
        tls.expect("a handshake").greeted()
    }
}

/// Talks to what is there, and trusts these.
pub fn connect(address: SocketAddr, name: &str, trusted: &[&str]) -> std::io::Result<Tls> {
    connect_behind(address, &[], name, trusted)
}

fn connect_behind(
    address: SocketAddr,
    header: &[u8],
    name: &str,
    trusted: &[&str],
) -> std::io::Result<Tls> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?; // what is said is on its way
    stream.write_all(header)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let mut roots = RootCertStore::empty();
    for pem in trusted {
        let cert = CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
        roots.add(cert).expect("an authority");
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut stream = StreamOwned::new(connection, stream);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(Tls {
        stream: BufReader::new(stream),
        name: String::new(),
    })
}

/// Where the log says that lines are taken over TLS.
pub fn tls_address(server: &Server) -> SocketAddr {
    let said = "listening on tls://";
    let line = server.expect_log(|line| line.contains(said));
    let (_, address) = line.rsplit_once(said).expect("an address");
    address.parse().expect("an address and a port")
}

/// Where it says that pages are.
pub fn web_address(server: &Server) -> SocketAddr {
    let said = "the chat in a browser: https://";
    let line = server.expect_log(|line| line.contains(said));
    let (_, address) = line.rsplit_once(said).expect("an address");
    let address = address.trim_end_matches('/').parse();
    address.expect("an address and a port")
}

/// A client over TLS.
pub struct Tls {
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
    pub name: String,
}

impl Tls {
    /// Reads the greeting.
    pub fn greeted(mut self) -> Self {
        let welcome = self.line();
        let name = welcome.strip_prefix("* Welcome to loopchat, ");
        let name = name.and_then(|rest| rest.split_once(". You are in"));
        self.name = name.unwrap_or_else(|| panic!("{welcome}")).0.to_owned();
        self.line();
        self
    }

    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// Reads on until this line.
    pub fn expect(&mut self, wanted: &str) {
        while self.line() != wanted {}
    }

    pub fn say(&mut self, line: &str) {
        self.send(&format!("{line}\n"));
    }

    pub fn send(&mut self, text: &str) {
        let stream = self.stream.get_mut();
        stream.write_all(text.as_bytes()).expect("written");
        stream.flush().expect("sent");
    }

    /// All up to the end, which has to come from the server.
    pub fn rest(mut self) -> String {
        let mut text = String::new();
        self.stream.read_to_string(&mut text).expect("an end");
        text
    }

    /// The certificate that was shown.
    pub fn certificate(&self) -> Vec<u8> {
        let shown = self.stream.get_ref().conn.peer_certificates();
        shown.expect("a certificate")[0].to_vec()
    }
}

/// The certificate in a file.
pub fn certificate_in(path: &Path) -> Vec<u8> {
    let cert = CertificateDer::from_pem_file(path);
    cert.expect("a certificate").to_vec()
}
