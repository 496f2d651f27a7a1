//! The servers that are measured: where they are, and how they are started and ended.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mio::{Events, Poll};
use nix::unistd::geteuid;
use tempfile::TempDir;

use crate::machine::{self, Processors};
use crate::peers;

/// The argument that makes this program the limit server.
pub(crate) const SERVE: &str = "serve-the-limit";
/// How long a server may take until it accepts connections.
const START: Duration = Duration::from_secs(20);
/// A user who owns nothing: servers that will not be run by root are run by it.
const NOBODY: u32 = 65534;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Limit,
    Chatd,
    Ngircd,
    Hybrid,
    Inspircd,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::Limit, Self::Chatd, Self::Ngircd, Self::Hybrid, Self::Inspircd];

    /// The name of the program and of the column.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Chatd => "chatd",
            Self::Ngircd => "ngircd",
            Self::Hybrid => "ircd-hybrid",
            Self::Inspircd => "inspircd",
        }
    }

    pub(crate) fn is_peer(self) -> bool {
        !matches!(self, Self::Limit | Self::Chatd)
    }

    /// Connections that are set up at a time: few for a listener with a short backlog, whose clients would wait whole seconds
    /// for their SYN to be sent again; many for a server that completes registrations on a timer.
    pub(crate) fn arrivals(self) -> usize {
        match self {
            Self::Ngircd => 8,
            Self::Inspircd => 400,
            // It always asks the DNS, and waits for seconds where nobody answers.
            Self::Hybrid => 2_000,
            Self::Limit | Self::Chatd => 64,
        }
    }

    /// Whether it sends what a turn makes in one go. One that does not takes minutes for the joins of 5,000 members.
    pub(crate) fn coalesces_joins(self) -> bool {
        matches!(self, Self::Limit | Self::Chatd | Self::Inspircd)
    }
}

/// A server that is there.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) kind: Kind,
    program: PathBuf,
    pub(crate) version: String,
    processors: Option<Processors>,
}

/// A server that runs; killed when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

/// The limit server, which is always there.
pub(crate) fn limit(processors: Option<Processors>) -> io::Result<Server> {
    Ok(Server { kind: Kind::Limit, program: std::env::current_exe()?, version: String::new(), processors })
}

/// What the run has found, and why the rest is left out.
///
/// # Errors
/// When chatd, the limit or a server that is asked for by name cannot be started, or a name is that of none.
pub(crate) fn find(
    only: &[String],
    processors: Option<Processors>,
) -> io::Result<(Vec<Server>, Vec<String>)> {
    if let Some(name) = only.iter().find(|name| Kind::ALL.iter().all(|kind| kind.name() != name.as_str())) {
        let names = Kind::ALL.map(Kind::name).join(", ");
        return Err(io::Error::new(ErrorKind::InvalidInput, format!("no server is named {name}: {names}")));
    }
    let (mut servers, mut missing) = (Vec::new(), Vec::new());
    for kind in Kind::ALL.into_iter().filter(|kind| wanted(only, *kind)) {
        match startable(kind, processors) {
            Ok(server) => servers.push(server),
            Err(error) => {
                let text = format!("{}: {error}", kind.name());
                if !kind.is_peer() || !only.is_empty() {
                    return Err(io::Error::new(error.kind(), text));
                }
                missing.push(text);
            }
        }
    }
    Ok((servers, missing))
}

/// A server that has been started once: whether it runs at all is better known before the first scenario than after it.
fn startable(kind: Kind, processors: Option<Processors>) -> io::Result<Server> {
    let missing = || io::Error::new(ErrorKind::NotFound, "not found in PATH, /usr/sbin or CHATD_PEERS");
    let program = program(kind).ok_or_else(missing)?;
    let version = version(kind, &program);
    let server = Server { kind, program, version, processors };
    server.start().map(|_| server)
}

fn wanted(only: &[String], kind: Kind) -> bool {
    only.is_empty() || only.iter().any(|name| name == kind.name())
}

fn program(kind: Kind) -> Option<PathBuf> {
    match kind {
        Kind::Limit => std::env::current_exe().ok(),
        Kind::Chatd => Some(PathBuf::from(env!("CARGO_BIN_EXE_chatd"))),
        _ => {
            let places = ["CHATD_PEERS", "PATH"].map(|name| std::env::var_os(name).unwrap_or_default());
            let mut folders: Vec<PathBuf> = places.iter().flat_map(std::env::split_paths).collect();
            folders.push(PathBuf::from("/usr/sbin"));
            folders.into_iter().map(|folder| folder.join(kind.name())).find(|path| path.is_file())
        }
    }
}

fn version(kind: Kind, program: &Path) -> String {
    let argument = match kind {
        Kind::Limit => return "of this run".to_owned(),
        Kind::Hybrid => "-version",
        _ => "--version",
    };
    let mut command = Command::new(program);
    command.arg(argument).stdin(Stdio::null());
    drop_root(&mut command);
    let Ok(output) = command.output() else { return "unknown".to_owned() };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<_> = text.lines().next().unwrap_or_default().split_whitespace().collect();
    let number = words.iter().find(|word| word.chars().any(|c| c.is_ascii_digit()));
    number.map_or_else(|| "unknown".to_owned(), |word| word.trim_end_matches('.').to_owned())
}

fn drop_root(command: &mut Command) {
    if geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
}

/// A port that nobody has at the moment.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

impl Server {
    /// Starts it on its processor and waits until it accepts connections.
    pub(crate) fn start(&self) -> io::Result<Running> {
        let folder = tempfile::tempdir()?;
        if self.kind.is_peer() && geteuid().is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY))?;
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let mut command = self.command(folder.path(), address)?;
        let log = File::create(folder.path().join("output"))?;
        command.current_dir(folder.path()).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A child is where its parent was, and threads of its own stay there, too.
        if let Some(processors) = self.processors {
            machine::stay_on(processors.server)?;
        }
        let child = command.spawn();
        if let Some(processors) = self.processors {
            machine::stay_on(processors.generator)?;
        }
        let mut running = Running { child: child?, address, folder };
        running.wait()?;
        Ok(running)
    }

    fn command(&self, folder: &Path, address: SocketAddr) -> io::Result<Command> {
        let mut command = Command::new(&self.program);
        let config = folder.join("config");
        let text = match self.kind {
            Kind::Limit => {
                command.arg(SERVE).arg(address.to_string());
                return Ok(command);
            }
            Kind::Chatd => {
                command.arg("--config").arg(&config);
                command.env_remove("CHATD_SOCKET").env_remove("NOTIFY_SOCKET").env("STATE_DIRECTORY", folder);
                peers::chatd(address.port(), folder)
            }
            Kind::Ngircd => {
                drop_root(&mut command);
                command.arg("--nodaemon").arg("--config").arg(&config);
                peers::ngircd(address.port())
            }
            Kind::Hybrid => {
                drop_root(&mut command);
                command.arg("-foreground").arg("-configfile").arg(&config);
                for name in ["pid", "log", "kline", "dline", "xline", "resv"] {
                    command.arg(format!("-{name}file")).arg(folder.join(name));
                }
                peers::hybrid(address.port())
            }
            Kind::Inspircd => {
                drop_root(&mut command);
                command.arg("--config").arg(&config).args(["--nofork", "--nolog", "--nopid"]);
                peers::inspircd(address.port(), folder)
            }
        };
        fs::write(&config, text)?;
        Ok(command)
    }
}

impl Running {
    fn wait(&mut self) -> io::Result<()> {
        let end = Instant::now() + START;
        // Nothing is registered in it: it is a clock.
        let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1));
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("ended at once, {status}: {}", self.output())));
            }
            if TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            if Instant::now() > end {
                let text = format!("does not listen: {}", self.output());
                return Err(io::Error::new(ErrorKind::TimedOut, text));
            }
            let _ = poll.poll(&mut events, Some(Duration::from_millis(20)));
        }
    }

    /// The end of what it has said.
    fn output(&self) -> String {
        let mut text = String::new();
        if let Ok(mut file) = File::open(self.folder.path().join("output")) {
            let _ = file.read_to_string(&mut text);
        }
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(3)..].join(" / ")
    }
}
