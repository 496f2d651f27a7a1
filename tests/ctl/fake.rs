//! A stand-in for chatd's admin socket, and chatctl run against it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use chatd::admin::{self, Json, Request, RpcError};

/// A socket with somebody behind it; gone when dropped.
pub(crate) struct Fake {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) socket: PathBuf,
    seen: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    /// Speaks the protocol, and answers every request so.
    pub(crate) fn answering(
        mut answer: impl FnMut(&Request) -> Result<Json, RpcError> + Send + 'static,
    ) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let serve = move |stream: UnixStream| {
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                let reply = admin::parse(&line).answer(|request| {
                    log.lock().unwrap().push(request.clone());
                    answer(request)
                });
                // chatctl may have left.
                if (&stream).write_all(&reply.unwrap()).is_err() {
                    break;
                }
                line.clear();
            }
        };
        let mut fake = Self::raw(serve);
        fake.seen = seen;
        fake
    }

    /// Answers every request with the same result.
    pub(crate) fn with(result: Json) -> Self {
        Self::answering(move |_| Ok(result.clone()))
    }

    /// Does what it likes with each connection.
    pub(crate) fn raw(mut serve: impl FnMut(UnixStream) + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("admin.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                serve(stream.unwrap());
            }
        });
        Self { folder, socket, seen: Arc::default(), stop, thread: Some(thread) }
    }

    /// chatctl, told of this socket.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = chatctl(line);
        command.arg("--socket").arg(&self.socket);
        command
    }

    /// Runs chatctl to its end.
    pub(crate) fn run(&self, line: &str) -> Outcome {
        self.command(line).output().unwrap().into()
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread; if it has ended by a panic, nobody listens.
        let _ = UnixStream::connect(&self.socket);
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking(), "the stand-in failed");
    }
}

/// chatctl with the words of this line, and none of the tester's own places.
pub(crate) fn chatctl(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatctl"));
    command.args(line.split_whitespace()).stdin(Stdio::null());
    // Without TERM nothing has colours, on terminals, too.
    for name in ["CHATD_SOCKET", "RUNTIME_DIRECTORY", "TERM", "XDG_RUNTIME_DIR"] {
        command.env_remove(name);
    }
    command
}

/// How chatctl ended, and what it said.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Outcome {
    /// Done, with nothing on stderr: what was printed.
    pub(crate) fn done(self) -> String {
        assert_eq!((self.status, self.stderr.as_str()), (Some(0), ""), "{}", self.stdout);
        self.stdout
    }

    /// Failed with this status and nothing on stdout: what was said on stderr.
    pub(crate) fn failed(self, status: i32) -> String {
        assert_eq!((self.status, self.stdout.as_str()), (Some(status), ""), "{}", self.stderr);
        self.stderr
    }
}
