//! A machine of its own for a page: a chatd with some users, and a shell in which the page's commands are run.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::common::{Client, Daemon, PATIENCE};
use crate::compare::pattern;

/// Folders of a machine, of which the sandbox has its own.
const FOLDERS: &[&str] = &["/etc/chatd", "/run/chatd", "/var/lib/chatd"];

/// What they are called where outputs are compared.
const FOLDER: &str = "FOLDER";

/// The machine of a page.
pub(crate) struct Sandbox {
    daemon: Daemon,
    /// The working directory of commands.
    desk: tempfile::TempDir,
    alice: Client,
    bob: Client,
    /// How many have come for a moment since.
    visitors: u32,
}

impl Sandbox {
    /// Starts one, with `alice` and `bob` in `#den`, and `bob` in `#rust`.
    pub(crate) fn start() -> Self {
        let daemon = Daemon::start("");
        let desk = tempfile::tempdir().expect("a temporary folder");
        let bin = desk.path().join("bin");
        fs::create_dir(&bin).expect("a folder is made");
        for (name, program) in
            [("chatd", env!("CARGO_BIN_EXE_chatd")), ("chatctl", env!("CARGO_BIN_EXE_chatctl"))]
        {
            symlink(program, bin.join(name)).expect("a link is made");
        }
        let user = |nick: &str, name: &str, channels: &[&str]| {
            let mut client = daemon.connect();
            client.send(&format!("NICK {nick}\r\nUSER {nick} 0 * :{name}"));
            client.expect(" 422 ");
            for channel in channels {
                client.send(&format!("JOIN {channel}"));
            }
            client.sync();
            client
        };
        let alice = user("alice", "Alice", &["#den"]);
        let bob = user("bob", "Bob B.", &["#den", "#rust"]);
        Self { daemon, desk, alice, bob, visitors: 0 }
    }

    /// Writes a file of the page. A configuration in `/etc/chatd` is completed, so that the daemon goes on listening
    /// where it does.
    pub(crate) fn write(&self, name: &str, text: &str) {
        if name == "/etc/chatd/chatd.toml" {
            self.daemon.write_config(text);
            // As the package has it; what a page says of modes would else not be so.
            let mode = fs::Permissions::from_mode(0o640);
            fs::set_permissions(self.daemon.config_path(), mode).expect("the mode is set");
        } else {
            fs::write(self.desk.path().join(self.here(name)), text).expect("the file is written");
        }
    }

    /// A command or path of the manual, as it is in the sandbox.
    fn here(&self, text: &str) -> String {
        let state = self.daemon.state_path();
        let state = state.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
        let own = self.daemon.folder().to_string_lossy().into_owned();
        FOLDERS.iter().fold(text.to_owned(), |text, folder| {
            text.replace(folder, if *folder == "/var/lib/chatd" { &state } else { &own })
        })
    }

    /// An output without the names of the sandbox's folders.
    fn anywhere(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for folder in FOLDERS {
            text = text.replace(&self.here(folder), FOLDER).replace(folder, FOLDER);
        }
        text
    }

    fn command(&self, line: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command.args(["-c", &self.here(line)]).current_dir(self.desk.path()).stdin(Stdio::null());
        command.env("PATH", format!("{}:{path}", self.desk.path().join("bin").display()));
        command.env("CHATD_SOCKET", &self.daemon.admin).env("NO_COLOR", "1");
        command.env("STATE_DIRECTORY", self.daemon.state_path().parent().expect("a folder"));
        command
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// What is wrong: it failed and the manual does not say that it would, or it printed something else than shown.
    pub(crate) fn run(&self, line: &str, shown: &str) -> Result<(), String> {
        let output = self.command(&format!("{{ {line}\n}} 2>&1")).output().expect("there is a shell");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let fails = shown.contains("error");
        if output.status.success() == fails {
            return Err(format!("{} with\n{printed}", output.status));
        }
        if shown.is_empty() || pattern(&self.anywhere(shown), true).is_match(&self.anywhere(&printed)) {
            return Ok(());
        }
        Err(format!("the manual shows\n{shown}\nand it prints\n{printed}"))
    }

    /// Runs a command that goes on until it is stopped, while somebody comes and goes, until it has printed what is shown.
    ///
    /// # Errors
    /// It did not, before the deadline.
    pub(crate) fn watch(&mut self, line: &str, shown: &str) -> Result<(), String> {
        // Without a shell in between, which would be what is killed.
        let mut command = self.command(&format!("exec {line}"));
        let mut child = Running(command.stdout(Stdio::piped()).spawn().expect("there is a shell"));
        let lines = BufReader::new(child.0.stdout.take().expect("stdout is a pipe")).lines();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || lines.map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        let end = Instant::now() + PATIENCE;
        let mut printed = String::new();
        let pattern = pattern(shown, false);
        while Instant::now() < end {
            self.visit();
            while let Ok(line) = receiver.try_recv() {
                printed.extend([line.as_str(), "\n"]);
            }
            if pattern.is_match(&printed) {
                return Ok(());
            }
        }
        Err(format!("the manual shows\n{shown}\nand it prints\n{printed}"))
    }

    /// Somebody comes, says something, and goes.
    fn visit(&mut self) {
        self.visitors += 1;
        let mut client = self.daemon.user("carol");
        client.send("JOIN #den\r\nPRIVMSG #den :hello\r\nPART #den\r\nQUIT :bye");
        client.expect_end();
    }

    /// Sends a request to the admin socket, and compares the answer.
    ///
    /// # Errors
    /// It is refused, or another answer than shown.
    pub(crate) fn ask(&self, request: &str, shown: &str) -> Result<(), String> {
        let request: Value = serde_json::from_str(request).map_err(|error| format!("{request}: {error}"))?;
        let method = request["method"].as_str().ok_or("no method")?;
        let result = self.daemon.rpc(method, &request["params"]).map_err(|error| format!("{error:?}"))?;
        let shown: Value = serde_json::from_str(shown).map_err(|error| format!("{shown}: {error}"))?;
        let same = keys(&result) == keys(&shown["result"]);
        if same { Ok(()) } else { Err(format!("the answer is {result}")) }
    }

    /// Has `alice` type a line into her client.
    ///
    /// # Errors
    /// It is refused.
    pub(crate) fn type_in(&mut self, line: &str) -> Result<(), String> {
        let wire = wire(line)?;
        self.alice.send(&wire);
        // What bob is told is nobody's business here, and must not fill his queue.
        let answers = self.alice.sync();
        self.bob.sync();
        let refused = |answer: &&String| {
            let numeric = answer.split(' ').nth(1).unwrap_or_default();
            numeric.len() == 3 && numeric.starts_with(['4', '5'])
        };
        answers.iter().find(refused).map_or(Ok(()), |answer| Err(format!("{wire}: {answer}")))
    }
}

/// The members of an object, with the names of those within.
fn keys(value: &Value) -> Vec<String> {
    value.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default()
}

/// A process that does not outlive the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a client sends for a line that its user types.
fn wire(line: &str) -> Result<String, String> {
    // Words before the text of each command that has one.
    const TEXTS: &[(&str, &str, usize)] = &[
        ("/msg", "PRIVMSG", 1),
        ("/topic", "TOPIC", 1),
        ("/kick", "KICK", 2),
        ("/kill", "KILL", 1),
        ("/kline", "KLINE", 2),
        ("/wallops", "WALLOPS", 0),
    ];
    let words: Vec<_> = line.split_whitespace().collect();
    let [command, arguments @ ..] = words.as_slice() else { return Err("an empty line".into()) };
    if let Some((_, name, before)) = TEXTS.iter().find(|(typed, ..)| typed == command) {
        let (first, text) = arguments.split_at((*before).min(arguments.len()));
        return Ok(format!("{name} {} :{}", first.join(" "), text.join(" ")));
    }
    let name = command.strip_prefix('/').ok_or_else(|| format!("{line}: no command"))?;
    Ok(format!("{} {}", name.to_uppercase(), arguments.join(" ")))
}
