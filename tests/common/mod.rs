//! What tests that start the real daemon share: [`Daemon`], which owns the process, and [`Client`].
//!
//! Nothing here sleeps to wait for something: a wait is a read, or a wait for output, with the
//! deadline [`PATIENCE`]. Ports are chosen by the kernel, files live in a temporary folder, and the
//! process ends with the value that owns it.

// Each test program compiles this for itself and uses a part of it.
#![allow(dead_code)]

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use chatd::admin::RpcError;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

/// How long anything may take before a test gives up on it: long, as test machines may be slow and busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A running chatd; killed when dropped.
pub(crate) struct Daemon {
    /// Where it listens for chat: the first address that it said.
    pub(crate) addr: SocketAddr,
    /// Its admin socket.
    pub(crate) admin: PathBuf,
    child: Child,
    output: Arc<Output>,
    folder: tempfile::TempDir,
    /// Where it keeps its state.
    state: tempfile::TempDir,
}

impl Daemon {
    /// Starts chatd with this configuration and waits until it listens. What the text does not say is
    /// filled in: a listener on a free port of 127.0.0.1, an admin socket in the daemon's own folder,
    /// and the log on stderr.
    ///
    /// # Panics
    /// When chatd ends, or says no address, before the deadline.
    pub(crate) fn start(config: &str) -> Self {
        Self::start_with(config, |_| {})
    }

    /// Like [`Daemon::start`], with a last word on the command: arguments, environment, limits.
    pub(crate) fn start_with(config: &str, prepare: impl FnOnce(&mut Command)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = tempfile::tempdir().expect("a temporary folder");
        let config_path = folder.path().join("chatd.toml");
        fs::write(&config_path, complete(config, folder.path())).expect("the configuration is written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatd"));
        command.arg("--config").arg(&config_path);
        command.current_dir(folder.path()).env_remove("CHATD_SOCKET").env_remove("NOTIFY_SOCKET");
        command.env("STATE_DIRECTORY", state.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        prepare(&mut command);
        let mut child = command.spawn().expect("chatd starts");
        let output = Arc::new(Output::default());
        // A test may have another use for stdout.
        if let Some(stdout) = child.stdout.take() {
            output.follow(stdout);
        }
        output.follow(child.stderr.take().expect("stderr is a pipe"));
        let Some(addr) = output.wait(|line| addresses(line).next()) else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("chatd did not say where it listens; it said:\n{}", output.text());
        };
        let admin = folder.path().join("admin.sock");
        Self { addr, admin, child, output, folder, state }
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The configuration file.
    pub(crate) fn config_path(&self) -> PathBuf {
        self.folder.path().join("chatd.toml")
    }

    /// The daemon's own folder, which is also its working directory.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The state file.
    pub(crate) fn state_path(&self) -> PathBuf {
        self.state.path().join("state.json")
    }

    /// Replaces the configuration file, completed as [`Daemon::start`] does: a listener on a port that the kernel
    /// chose stays where it is.
    pub(crate) fn write_config(&self, config: &str) {
        let text = complete(config, self.folder.path());
        fs::write(self.config_path(), text).expect("the configuration is written");
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("the signal is sent");
    }

    /// All lines said so far, stdout and stderr.
    pub(crate) fn output(&self) -> Vec<String> {
        self.output.lines()
    }

    /// Waits for a line that contains `needle` and returns it. Lines said before count, too.
    pub(crate) fn wait_for_output(&self, needle: &str) -> String {
        self.output
            .wait(|line| line.contains(needle).then(|| line.to_owned()))
            .unwrap_or_else(|| panic!("chatd never said {needle:?}; it said:\n{}", self.output.text()))
    }

    /// Waits until `count` lines contain `needle`.
    pub(crate) fn wait_for_outputs(&self, needle: &str, count: usize) {
        let mut seen = 0;
        let found = self.output.wait(|line| {
            seen += usize::from(line.contains(needle));
            (seen >= count).then_some(())
        });
        assert!(found.is_some(), "chatd said {needle:?} fewer than {count} times:\n{}", self.output.text());
    }

    /// Waits for the process to end.
    pub(crate) fn wait_exit(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the process can be asked") {
                return status;
            }
            assert!(Instant::now() < end, "chatd did not end; it said:\n{}", self.output.text());
            // The output ends with the process: this returns as soon as it does.
            self.output.wait_for_end(Duration::from_millis(200));
            thread::yield_now();
        }
    }

    /// Connects a chat client.
    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.addr)
    }

    /// Connects a chat client and registers it under this nick, user name and real name.
    pub(crate) fn user(&self, nick: &str) -> Client {
        let mut client = self.connect();
        client.register(nick);
        client
    }

    /// One request on a connection of its own to the admin socket.
    pub(crate) fn rpc(&self, method: &str, params: &Value) -> Result<Value, RpcError> {
        let mut stream = UnixStream::connect(&self.admin).expect("the admin socket takes connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        stream.write_all(format!("{request}\n").as_bytes()).expect("the request is sent");
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("the reply is read");
        let mut reply: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e} in {line:?}"));
        assert_eq!((&reply["jsonrpc"], &reply["id"]), (&json!("2.0"), &json!(1)), "in {line}");
        match reply.get_mut("error") {
            Some(error) => Err(serde_json::from_value(error.take()).expect("an error object")),
            None => Ok(reply["result"].take()),
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("chatd had said:\n{}", self.output.text());
        }
    }
}

/// Fills in what a test's configuration leaves open.
fn complete(config: &str, folder: &Path) -> String {
    let mut text = config.to_owned();
    if !config.contains("[[listen]]") {
        text.push_str("\n[[listen]]\naddress = \"127.0.0.1:0\"\n");
    }
    if !config.contains("[admin]") {
        let socket = folder.join("admin.sock");
        text = format!("{text}\n[admin]\nsocket = \"{}\"\n", socket.display());
    }
    if !config.contains("[log]") {
        text.push_str("\n[log]\ntarget = \"stderr\"\n");
    }
    text
}

/// The socket addresses named in a line, except those with port 0.
fn addresses(line: &str) -> impl Iterator<Item = SocketAddr> {
    line.split(|c: char| c.is_whitespace() || matches!(c, ',' | '"' | '(' | ')' | '=' | '/'))
        .filter_map(|word| word.trim_end_matches(['.', ';', ':']).parse().ok())
        .filter(|address: &SocketAddr| address.port() != 0)
}

/// What the daemon says, line by line, as it says it.
#[derive(Default)]
struct Output {
    state: Mutex<OutputState>,
    changed: Condvar,
}

#[derive(Default)]
struct OutputState {
    lines: Vec<String>,
    open: u32,
}

impl Output {
    /// Collects the lines of `pipe` until it ends.
    fn follow(self: &Arc<Self>, pipe: impl Read + Send + 'static) {
        self.state.lock().expect("no panic under the lock").open += 1;
        let output = Arc::clone(self);
        thread::spawn(move || {
            let mut reader = BufReader::new(pipe);
            let mut line = Vec::new();
            while matches!(reader.read_until(b'\n', &mut line), Ok(1..)) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                output.state.lock().expect("no panic under the lock").lines.push(text);
                output.changed.notify_all();
            }
            output.state.lock().expect("no panic under the lock").open -= 1;
            output.changed.notify_all();
        });
    }

    /// Waits for a line of which `find` makes something; `None` at the deadline or at the end of all output.
    fn wait<T>(&self, mut find: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let end = Instant::now() + PATIENCE;
        let mut next = 0;
        let mut state = self.state.lock().expect("no panic under the lock");
        loop {
            while next < state.lines.len() {
                if let Some(found) = find(&state.lines[next]) {
                    return Some(found);
                }
                next += 1;
            }
            let left = end.saturating_duration_since(Instant::now());
            if state.open == 0 || left.is_zero() {
                return None;
            }
            state = self.changed.wait_timeout(state, left).expect("no panic under the lock").0;
        }
    }

    /// Waits until all output has ended, or for `patience`.
    fn wait_for_end(&self, patience: Duration) {
        let state = self.state.lock().expect("no panic under the lock");
        let _ = self.changed.wait_timeout_while(state, patience, |state| state.open > 0);
    }

    fn lines(&self) -> Vec<String> {
        self.state.lock().expect("no panic under the lock").lines.clone()
    }

    fn text(&self) -> String {
        self.lines().join("\n")
    }
}

/// A chat client on a blocking socket; every read has the deadline [`PATIENCE`].
pub(crate) struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    /// Connects.
    pub(crate) fn connect(addr: SocketAddr) -> Self {
        Self::of(TcpStream::connect_timeout(&addr, PATIENCE).expect("chatd accepts connections"))
    }

    /// Connects from this address of the loopback network.
    pub(crate) fn connect_from(from: Ipv4Addr, addr: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::from((from, 0)).into()).expect("all of 127.0.0.0/8 is this machine");
        socket.connect_timeout(&addr.into(), PATIENCE).expect("chatd accepts connections");
        Self::of(socket.into())
    }

    fn of(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout can be set");
        stream.set_nodelay(true).expect("an option can be set");
        Self { stream, unread: Vec::new() }
    }

    /// The socket, for what this type does not offer.
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Sends bytes as they are. A connection that chatd has closed takes them silently, as a network would.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        match self.stream.write_all(bytes) {
            Ok(()) => {}
            Err(error) if is_closed(&error) => {}
            Err(error) => panic!("sending failed: {error}"),
        }
    }

    /// Sends a line and CR LF.
    pub(crate) fn send(&mut self, line: &str) {
        self.send_raw(format!("{line}\r\n").as_bytes());
    }

    /// Sends NICK and USER, and reads to the end of the message of the day.
    pub(crate) fn register(&mut self, nick: &str) {
        self.send(&format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}"));
        loop {
            let line = self.line();
            if matches!(line.split(' ').nth(1), Some("376" | "422")) {
                return;
            }
        }
    }

    /// The next line, without its CR LF; `None` when the connection has ended.
    pub(crate) fn next_line(&mut self) -> Option<Vec<u8>> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.unread[searched..].iter().position(|&byte| byte == b'\n') {
                let mut line: Vec<u8> = self.unread.drain(..=searched + at).collect();
                line.pop();
                assert_eq!(
                    line.pop(),
                    Some(b'\r'),
                    "lines end with CR LF: {}",
                    String::from_utf8_lossy(&line)
                );
                return Some(line);
            }
            searched = self.unread.len();
            let mut chunk = [0; 16 * 1024];
            match self.stream.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => self.unread.extend_from_slice(&chunk[..n]),
                Err(error) if is_closed(&error) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => panic!("no line from chatd: {error}"),
            }
        }
        let rest = String::from_utf8_lossy(&self.unread);
        assert!(rest.is_empty(), "the connection ended within a line: {rest:?}");
        None
    }

    /// The next line as text.
    pub(crate) fn line(&mut self) -> String {
        let line = self.next_line().expect("chatd closed the connection");
        String::from_utf8(line).expect("lines are UTF-8")
    }

    /// Reads until a line contains `needle` and returns that line.
    pub(crate) fn expect(&mut self, needle: &str) -> String {
        let mut before = Vec::new();
        while let Some(line) = self.next_line() {
            let line = String::from_utf8_lossy(&line).into_owned();
            if line.contains(needle) {
                return line;
            }
            before.push(line);
        }
        panic!("no line with {needle:?} before the end; there were:\n{}", before.join("\n"));
    }

    /// All lines up to the PONG to a PING sent now: whatever chatd had to say to this client.
    pub(crate) fn sync(&mut self) -> Vec<String> {
        self.send("PING :in-sync");
        let mut lines = Vec::new();
        loop {
            let line = self.line();
            if line.contains(" PONG ") && line.ends_with("in-sync") {
                return lines;
            }
            lines.push(line);
        }
    }

    /// Reads to the end of the connection and returns the lines before it.
    pub(crate) fn expect_end(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.next_line() {
            lines.push(String::from_utf8_lossy(&line).into_owned());
        }
        lines
    }
}

/// Whether an error means that the other side has closed or reset the connection.
fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected)
}
