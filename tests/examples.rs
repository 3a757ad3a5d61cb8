//! The examples, run as a newcomer runs them, against what their documentation says.
//!
//! The head of each example shows what it prints (a `text` block) and the same program in Node (a
//! `js` block). These tests run both, on ports and paths of their own, and compare them with the
//! documented output. The commands with which `examples/README.md` has other languages and `nc`
//! talk to them are run as they stand there, but for the address.
//!
//! `cargo test` builds the examples; `cargo test --test examples` does not.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use socket2::{Domain, Socket, Type};

#[path = "support/certificates.rs"]
mod certificates;

/// How long to wait for anything a program is to do.
const DEADLINE: Duration = Duration::from_secs(120);

/// Where the IPC examples meet unless told otherwise.
const IPC_PATH: &str = "/tmp/loopchat-ipc.sock";

// --- programs -----------------------------------------------------------------------------------

/// A program that runs; it does not outlive its test.
struct Program {
    child: Child,
    name: String,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

/// What a program that has ended had left to say.
#[derive(Debug, PartialEq)]
struct Ended {
    stdout: Vec<String>,
    stderr: Vec<String>,
    status: Option<i32>,
}

impl Program {
    /// Runs an example with this one argument.
    fn example(name: &str, argument: &str) -> Self {
        Self::start(name, Self::command(name).arg(argument))
    }

    /// The same in a folder.
    fn example_in(folder: &Path, name: &str, argument: &str) -> Self {
        Self::start(name, Self::command(name).arg(argument).current_dir(folder))
    }

    fn command(name: &str) -> Command {
        let tests = std::env::current_exe().expect("this test has a path");
        let target = tests.parent().and_then(|deps| deps.parent());
        let path = target
            .expect("target/debug/deps")
            .join("examples")
            .join(name);
        assert!(
            path.exists(),
            "{path:?} is not built: `cargo test` builds it, or `cargo build --examples`"
        );
        Command::new(path)
    }

    /// Runs what an example's documentation says is the same in Node, with replacements.
    fn node(name: &str, replace: &[(&str, &str)]) -> Self {
        Self::node_in(Path::new("."), name, replace)
    }

    /// The same in a folder.
    fn node_in(folder: &Path, name: &str, replace: &[(&str, &str)]) -> Self {
        let mut script = documented(name, "js");
        for (from, to) in replace {
            assert!(script.contains(from), "{name}: {from:?} in\n{script}");
            script = script.replace(from, to);
        }
        Self::start(
            &format!("node {name}"),
            Command::new("node")
                .args(["-e", &script])
                .current_dir(folder),
        )
    }

    fn start(name: &str, command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null());
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let stdout = lines(child.stdout.take().expect("piped"));
        let stderr = lines(child.stderr.take().expect("piped"));
        let name = name.to_owned();
        Self {
            child,
            name,
            stdout,
            stderr,
        }
    }

    /// The next line it prints.
    fn line(&self) -> String {
        next(&self.name, &self.stdout).unwrap_or_else(|| {
            let stderr: Vec<String> = self.stderr.try_iter().collect();
            panic!(
                "{}: it ended instead of printing a line; {stderr:?}",
                self.name
            )
        })
    }

    /// Presses Ctrl-C.
    fn interrupt(&self) {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("it runs");
    }

    /// Waits for its end.
    fn end(mut self) -> Ended {
        let rest = |lines| std::iter::from_fn(|| next(&self.name, lines)).collect();
        let (stdout, stderr) = (rest(&self.stdout), rest(&self.stderr));
        let status = self.child.wait().expect("it is a child").code();
        Ended {
            stdout,
            stderr,
            status,
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill(); // unless it has ended
        let _ = self.child.wait();
    }
}

/// Reads lines in a thread of their own, so that waiting for one can have a deadline.
fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The next line, or none at the end.
fn next(name: &str, lines: &Receiver<String>) -> Option<String> {
    match lines.recv_timeout(DEADLINE) {
        Ok(line) => Some(line),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => panic!("{name}: nothing for {DEADLINE:?}"),
    }
}

/// An orderly end with these last lines.
fn success(stdout: &[&str]) -> Ended {
    let stdout = stdout.iter().map(ToString::to_string).collect();
    Ended {
        stdout,
        stderr: vec![],
        status: Some(0),
    }
}

/// An end with a message and status 1.
fn failure(message: impl Into<String>) -> Ended {
    Ended {
        stdout: vec![],
        stderr: vec![message.into()],
        status: Some(1),
    }
}

/// Whether a tool is there; where all tools are required, it has to be.
fn has(tool: &str) -> bool {
    let mut asked = Command::new(tool);
    asked.arg("-h").stdout(Stdio::null()).stderr(Stdio::null());
    let there = asked.status().is_ok();
    let required = std::env::var_os("LOOPCHAT_REQUIRE_TOOLS").is_some();
    assert!(
        there || !required,
        "{tool} is not there, and LOOPCHAT_REQUIRE_TOOLS is set"
    );
    if !there {
        eprintln!("skipped: {tool} is not there");
    }
    there
}

// --- documentation ------------------------------------------------------------------------------

fn read(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// The block of this language at the head of an example.
fn documented(example: &str, language: &str) -> String {
    let source = read(&format!("{example}.rs"));
    let head = source.lines().map_while(|line| line.strip_prefix("//!"));
    let start = format!("```{language}");
    head.map(|line| line.strip_prefix(' ').unwrap_or(line))
        .skip_while(|line| *line != start)
        .skip(1)
        .take_while(|line| *line != "```")
        .map(|line| format!("{line}\n"))
        .collect()
}

/// What an example prints according to its documentation, line by line.
fn prints(example: &str) -> Vec<String> {
    documented(example, "text")
        .lines()
        .map(str::to_owned)
        .collect()
}

/// The port that a line ends with.
fn port(line: &str) -> u16 {
    let (_, port) = line.rsplit_once(' ').expect("a line with a port");
    port.parse().expect("a port")
}

// --- TCP ----------------------------------------------------------------------------------------

/// Runs a server and a client to the end, and compares both with the documentation of the
/// examples. Which address, the server tells.
fn check_pair(kind: &str, server: Program, client: impl FnOnce(&str) -> Program) {
    let (server_name, client_name) = (format!("{kind}_server"), format!("{kind}_client"));
    let mut printed = vec![server.line()];
    let (_, place) = printed[0]
        .rsplit_once(' ')
        .expect("it tells where it listens");
    let place = place.to_owned();
    let client = client(&place);
    let documented = prints(&client_name);
    let expected = success(&documented.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(client.end(), expected);
    printed.extend((0..3).map(|_| server.line()));
    let default = if kind == "tcp" { "3000" } else { IPC_PATH };
    printed[0] = printed[0].replace(&place, default);
    assert_eq!(printed, prints(&server_name));
    server.interrupt();
    assert_eq!(server.end(), success(&[]));
}

#[test]
fn tcp_server_and_client() {
    let server = Program::example("tcp_server", "127.0.0.1:0");
    check_pair("tcp", server, |port| {
        Program::example("tcp_client", &format!("127.0.0.1:{port}"))
    });
}

#[test]
fn tcp_client_looks_names_up() {
    let server = Program::example("tcp_server", "127.0.0.1:0");
    check_pair("tcp", server, |port| {
        Program::example("tcp_client", &format!("localhost:{port}"))
    });
}

#[test]
fn tcp_each_side_may_be_node() {
    if !has("node") {
        return;
    }
    let node_server = || Program::node("tcp_server", &[("listen(3000", "listen(0")]);
    let node_client = |port: &str| Program::node("tcp_client", &[("3000", port)]);
    let client = |port: &str| Program::example("tcp_client", &format!("127.0.0.1:{port}"));
    check_pair(
        "tcp",
        Program::example("tcp_server", "127.0.0.1:0"),
        node_client,
    );
    check_pair("tcp", node_server(), client);
    check_pair("tcp", node_server(), node_client);
}

#[test]
fn a_port_that_is_taken_is_nodes_message() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("bound").to_string();
    let message = format!("listen EADDRINUSE: address already in use {address}");
    for server in ["tcp_server", "ports", "http_server"] {
        assert_eq!(Program::example(server, &address).end(), failure(&message));
    }
}

#[test]
fn nobody_there_is_nodes_message() {
    // Bound, so that no other program gets it, and not listening.
    let silent = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    silent.bind(&any.into()).expect("a free port");
    let address = silent.local_addr().expect("bound").as_socket();
    let address = address.expect("TCP").to_string();
    let message = format!("connect ECONNREFUSED {address}");
    assert_eq!(
        Program::example("tcp_client", &address).end(),
        failure(message)
    );
}

#[test]
fn what_is_no_address_is_said() {
    for (example, wanted) in [
        ("tcp_server", "IP:PORT"),
        ("tcp_client", "HOST:PORT"),
        ("ports", "IP:PORT"),
        ("http_server", "IP:PORT"),
    ] {
        let message = format!("nowhere is not {wanted}");
        assert_eq!(Program::example(example, "nowhere").end(), failure(message));
    }
}

// --- HTTP ---------------------------------------------------------------------------------------

/// Runs a server and a client of HTTP, and compares both with the documentation of the examples.
fn check_http(server: Program, client: impl FnOnce(&str) -> Program) {
    let line = server.line();
    let place = port(&line).to_string();
    assert_eq!(vec![line.replace(&place, "3000")], prints("http_server"));
    let documented = prints("http_client");
    let expected = success(&documented.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(client(&place).end(), expected);
    server.interrupt();
    assert_eq!(server.end(), success(&[]));
}

fn http_client(port: &str) -> Program {
    Program::example("http_client", &format!("http://127.0.0.1:{port}/"))
}

#[test]
fn http_server_and_client() {
    check_http(Program::example("http_server", "127.0.0.1:0"), http_client);
}

#[test]
fn http_each_side_may_be_node() {
    if !has("node") {
        return;
    }
    let node_server = || Program::node("http_server", &[("listen(3000", "listen(0")]);
    let node_client = |port: &str| Program::node("http_client", &[("3000", port)]);
    let server = Program::example("http_server", "127.0.0.1:0");
    check_http(server, node_client);
    check_http(node_server(), http_client);
    check_http(node_server(), node_client);
}

#[test]
fn curl_is_a_client() {
    if !has("curl") {
        return;
    }
    let server = Program::example("http_server", "127.0.0.1:0");
    let url = format!("http://127.0.0.1:{}/", port(&server.line()));
    let curl = Program::start("curl", Command::new("curl").args(["-s", &url]));
    assert_eq!(curl.end(), success(&["Hello, World!"]));
}

#[test]
fn http_nobody_there_is_nodes_message() {
    let silent = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    silent.bind(&any.into()).expect("a free port");
    let address = silent.local_addr().expect("bound").as_socket();
    let address = address.expect("TCP").to_string();
    let message = format!("Problem with request: connect ECONNREFUSED {address}");
    let client = Program::example("http_client", &format!("http://{address}/"));
    assert_eq!(client.end(), failure(message));
}

// --- TLS ----------------------------------------------------------------------------------------

/// A folder with a key and its certificate, which `localhost` has.
fn keys() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let pair = certificates::self_signed(&["localhost"]);
    fs::write(folder.path().join("key.pem"), pair.key).expect("written");
    fs::write(folder.path().join("cert.pem"), pair.cert).expect("written");
    folder
}

/// Runs a server and a client of TLS, and compares both with the documentation of the examples.
fn check_tls(server: Program, client: impl FnOnce(&str) -> Program) {
    let line = server.line();
    let place = port(&line).to_string();
    assert_eq!(vec![line.replace(&place, "3443")], prints("https_server"));
    let documented = prints("tls_client");
    let expected = success(&documented.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(client(&place).end(), expected);
    server.interrupt();
    assert_eq!(server.end(), success(&[]));
}

#[test]
fn https_server_and_tls_client_either_of_them_nodes() {
    let folder = keys();
    let folder = folder.path();
    let server = || Program::example_in(folder, "https_server", "127.0.0.1:0");
    let client =
        |port: &str| Program::example_in(folder, "tls_client", &format!("localhost:{port}"));
    check_tls(server(), client);
    if !has("node") {
        return;
    }
    let node_server = || Program::node_in(folder, "https_server", &[("listen(3443", "listen(0")]);
    let node_client = |port: &str| Program::node_in(folder, "tls_client", &[("3443", port)]);
    check_tls(server(), node_client);
    check_tls(node_server(), client);
    check_tls(node_server(), node_client);
}

#[test]
fn a_server_that_is_not_trusted_is_nodes_message() {
    let (one, other) = (keys(), keys());
    let server = Program::example_in(one.path(), "https_server", "127.0.0.1:0");
    let place = format!("localhost:{}", port(&server.line()));
    let client = Program::example_in(other.path(), "tls_client", &place);
    assert_eq!(client.end(), failure("self-signed certificate"));
}

// --- IPC ----------------------------------------------------------------------------------------

/// A path in a folder that goes with it.
struct SocketPath(tempfile::TempDir);

impl SocketPath {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("example.sock")
    }

    fn text(&self) -> String {
        self.path().display().to_string()
    }
}

#[test]
fn ipc_server_and_client() {
    let socket = SocketPath::new();
    let server = Program::example("ipc_server", &socket.text());
    check_pair("ipc", server, |path| Program::example("ipc_client", path));
    assert!(!socket.path().exists(), "the server removes its file");
}

#[test]
fn ipc_each_side_may_be_node() {
    if !has("node") {
        return;
    }
    let socket = SocketPath::new();
    let path = socket.text();
    let node_server = || Program::node("ipc_server", &[(IPC_PATH, &path)]);
    let node_client = |path: &str| Program::node("ipc_client", &[(IPC_PATH, path)]);
    let client = |path: &str| Program::example("ipc_client", path);
    check_pair("ipc", Program::example("ipc_server", &path), node_client);
    check_pair("ipc", node_server(), client);
    check_pair("ipc", node_server(), node_client);
}

#[test]
fn ipc_errors_are_nodes_messages() {
    let socket = SocketPath::new();
    let path = socket.text();
    let client = Program::example("ipc_client", &path);
    assert_eq!(client.end(), failure(format!("connect ENOENT {path}")));
    let server = Program::example("ipc_server", &path);
    assert_eq!(server.line(), format!("Server listening on {path}"));
    let second = Program::example("ipc_server", &path).end();
    let message = format!("listen EADDRINUSE: address already in use {path}");
    assert_eq!(second, failure(message));
    assert!(socket.path().exists(), "the first server's file stays");
}

#[test]
fn ctrl_c_ends_a_server_whose_client_stays() {
    let socket = SocketPath::new();
    let server = Program::example("ipc_server", &socket.text());
    server.line();
    let mut client = std::os::unix::net::UnixStream::connect(socket.path()).expect("it listens");
    assert_eq!(server.line(), "Client connected");
    server.interrupt();
    assert_eq!(server.end(), success(&[]));
    assert!(!socket.path().exists(), "the server removes its file");
    client.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    assert_eq!(client.read(&mut [0]).expect("the end of the stream"), 0);
}

#[test]
fn tcp_and_ipc_are_the_same_program() {
    let code = |example: String| {
        let source = read(&format!("{example}.rs"));
        let lines = source.lines().map(str::to_owned);
        let from_loop = lines.skip_while(|line| !line.contains("EventLoop::new()"));
        from_loop.collect::<Vec<_>>()
    };
    for side in ["server", "client"] {
        let (tcp, ipc) = (code(format!("tcp_{side}")), code(format!("ipc_{side}")));
        assert_eq!(tcp.len(), ipc.len());
        for (tcp, ipc) in tcp.iter().zip(&ipc).filter(|(tcp, ipc)| tcp != ipc) {
            let where_to = ["(&mut event_loop, path)", "Server listening on"];
            assert!(
                where_to.iter().any(|part| ipc.contains(part)),
                "{tcp}\n{ipc}"
            );
        }
    }
}

// --- the README ---------------------------------------------------------------------------------

/// The commands of the README that have this in them, each with what it shows them to print.
fn shown(part: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in read("README.md").lines() {
        match line.strip_prefix("$ ") {
            Some(command) => {
                inside = command.contains(part);
                if inside {
                    commands.push((command.to_owned(), vec![]));
                }
            }
            None if line.starts_with("```") => inside = false,
            None if inside => commands.last_mut().expect("one").1.push(line.to_owned()),
            None => {}
        }
    }
    assert!(!commands.is_empty(), "the README shows {part}");
    commands
}

/// Runs a command in a shell and tells what it prints.
fn shell(command: &str) -> Vec<String> {
    let run = Program::start(command, Command::new("sh").args(["-c", command]));
    let ended = run.end();
    assert_eq!((ended.status, ended.stderr), (Some(0), vec![]), "{command}");
    ended.stdout
}

/// Runs the README's commands with a tool while `ipc_server` listens on the same path.
fn check_ipc_with(tool: &str, part: &str, hello: &str) {
    if !has(tool) {
        return;
    }
    for (command, printed) in shown(part) {
        let socket = SocketPath::new();
        let server = Program::example("ipc_server", &socket.text());
        server.line();
        assert!(command.contains(IPC_PATH), "{command}");
        assert_eq!(shell(&command.replace(IPC_PATH, &socket.text())), printed);
        assert_eq!(server.line(), "Client connected");
        assert_eq!(server.line(), format!("Received data from client: {hello}"));
        assert_eq!(server.line(), "Client disconnected");
    }
}

#[test]
fn python_talks_to_the_ipc_server() {
    check_ipc_with("python3", "python3 -c", "Hello from Python");
}

#[test]
fn node_talks_to_the_ipc_server() {
    check_ipc_with("node", "node -e", "Hello from Node");
}

#[test]
fn a_shell_talks_to_the_ipc_server() {
    check_ipc_with("nc", "nc -NU", "Hello from a shell");
}

#[test]
fn nc_talks_to_the_services() {
    if !has("nc") {
        return;
    }
    let services = Program::example("ports", "127.0.0.1:0");
    let ports = [0, 1, 2].map(|_| port(&services.line()).to_string());
    for (command, printed) in shown("nc -N 127.0.0.1 300") {
        let documented = command
            .split([' ', '|'])
            .find(|word| word.starts_with("300"));
        let documented = documented.expect("a port");
        let nth: usize = documented[3..].parse().expect("one of three");
        let answer = shell(&command.replace(documented, &ports[nth]));
        if nth == 1 {
            let shapes = |told: &[String]| told.iter().map(|told| time_shape(told)).collect();
            let (told, shown): (Vec<_>, Vec<_>) = (shapes(&answer), shapes(&printed));
            assert_eq!(told, shown, "{command}");
        } else {
            assert_eq!(answer, printed, "{command}");
        }
    }
}

#[test]
fn the_readme_shows_what_the_examples_print() {
    let readme = read("README.md");
    for example in [
        "tcp_server",
        "tcp_client",
        "ipc_server",
        "ipc_client",
        "ports",
        "timers",
    ] {
        let printed = documented(example, "text");
        assert!(!printed.is_empty(), "{example} documents what it prints");
        assert!(
            readme.contains(&printed),
            "{example} in the README:\n{printed}"
        );
    }
}

// --- ports and timers ---------------------------------------------------------------------------

/// Says something to a service, and all that it answers until it hangs up.
fn ask(port: u16, says: &str) -> String {
    let mut service = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    service.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    service.write_all(says.as_bytes()).expect("it reads");
    service.shutdown(Shutdown::Write).expect("a connection");
    let mut answer = String::new();
    service
        .read_to_string(&mut answer)
        .expect("an answer and an end");
    answer
}

/// A time without its digits, which are never the same.
fn time_shape(told: &str) -> String {
    told.replace(|c: char| c.is_ascii_digit(), "0")
}

fn check_ports(services: Program) {
    let printed: Vec<String> = (0..3).map(|_| services.line()).collect();
    let [echo, time, counter] = [0, 1, 2].map(|nth| port(&printed[nth]));
    for (line, documented) in printed.iter().zip(prints("ports")) {
        let normal = documented.replace(&port(&documented).to_string(), &port(line).to_string());
        assert_eq!(line, &normal);
    }
    assert_eq!(ask(echo, "one\ntwo\n"), "one\ntwo\n");
    assert_eq!(ask(counter, ""), "echo 1, time 0, counter 1\n");
    let told = ask(time, "");
    assert_eq!(time_shape(&told), "00:00:00 UTC\n", "{told}");
    assert_eq!(ask(counter, ""), "echo 1, time 1, counter 2\n");
    services.interrupt();
    assert_eq!(services.end(), success(&[]));
}

#[test]
fn ports_serves_three_services() {
    check_ports(Program::example("ports", "127.0.0.1:0"));
    if has("node") {
        check_ports(Program::node("ports", &[("3000 + nth", "0")]));
    }
}

#[test]
fn timers_prints_the_phases_in_their_order() {
    let documented = prints("timers");
    let expected = success(&documented.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(Program::example("timers", "").end(), expected);
    if has("node") {
        assert_eq!(Program::node("timers", &[]).end(), expected);
    }
}
