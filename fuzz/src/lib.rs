//! What the fuzz targets share: a server with clients and a clock, and what must hold for every line it sends.

#[path = "../../tests/common/bare.rs"]
#[allow(dead_code)]
mod bare;
#[path = "../../tests/common/witness.rs"]
#[allow(dead_code)]
mod witness;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

use chatd::config::{self, Config, Privileges};
use chatd::proto::caps;
use chatd::proto::limits;
use chatd::server::{Effect, Input, Peer, Time, Verdict};

use bare::Bare;
use witness::Witness;

/// Clients that there can be.
pub const CLIENTS: usize = 8;
/// Clients that are registered and in `#x` from the start; the first one founded it. They are called `a`, `b` and so on.
pub const USERS: usize = 4;
/// Inputs of one run; what comes after them is left out.
const INPUTS: usize = 400;

/// Small limits, so that short inputs reach them.
const CONFIG: &str = r##"
[server]
name = "irc.test"
network = "TestNet"
description = "Fuzzed"
motd = "Welcome"
[channels]
prefixes = "qaohv"
[cloak]
key = "0123456789abcdef0123456789abcdef"
[[filter]]
name = "word"
pattern = "spam+"
on = ["message", "notice", "part", "quit", "topic", "nick", "realname", "away"]
[[oper_class]]
name = "all"
privileges = [PRIVILEGES]
[[oper]]
name = "root"
password = "$argon2id$v=19$m=19456,t=2,p=1$wiBG8uzp3uBhBramwLIOyw$mqPXzEs2h999yZRRs4KCLq4UEcEdbRQfnYd5kcV7zfM"
class = "all"
[dns]
reverse = true
[[reserve]]
nicks = ["serv*"]
channels = ["#res*"]
[limits]
flood_rate = 0
nick_length = 12
channel_length = 32
channels_per_user = 4
list_entries = 4
targets = 4
topic_length = 80
monitor_entries = 4
accept_entries = 4
silence_entries = 4
whowas_entries = 8
[log]
target = "stderr"
"##;

thread_local! {
    /// The configuration at the start, and the one after a reload: read once, as runs are many.
    static CONFIGS: [Rc<Config>; 2] = [read(CONFIG), {
        read(&CONFIG.replace("= 4\n", "= 2\n").replace("= 80\n", "= 5\n").replace("= 12\n", "= 9\n"))
    }];
}

fn read(text: &str) -> Rc<Config> {
    let all: Vec<_> = Privileges::TABLE.iter().map(|word| format!("\"{}\"", word.name)).collect();
    let parsed = config::parse(&text.replace("PRIVILEGES", &all.join(", ")));
    assert!(parsed.is_good(), "the configuration has problems: {:?}", parsed.problems);
    Rc::new(parsed.config)
}

/// The bare server and its clients.
pub struct World {
    bare: Bare,
    witnesses: Vec<Witness>,
    inputs: usize,
    reloads: usize,
}

impl World {
    /// A server, with [`USERS`] clients in `#x`. The first has all capabilities, the second none, the others a few.
    pub fn new() -> Self {
        let now = Time { mono_ms: 5_000, unix_ms: 1_700_000_000_000 };
        let config = CONFIGS.with(|configs| configs[0].clone());
        let bare = Bare::new(config, [1, 2], now, Box::new(outcome));
        let witnesses = (0..CLIENTS).map(|_| Witness::default()).collect();
        let mut world = Self { bare, witnesses, inputs: 0, reloads: 0 };
        for number in 0..USERS {
            let wanted = |&(index, _): &(usize, _)| match number {
                0 => true,
                1 => false,
                _ => index % number == 0,
            };
            let caps: Vec<_> =
                caps::TABLE.iter().enumerate().filter(wanted).map(|(_, cap)| cap.name).collect();
            for caps in caps.chunks(8) {
                world.line(number, format!("CAP REQ :{}", caps.join(" ")).as_bytes());
            }
            let nick = char::from(b'a' + number as u8);
            for line in [format!("NICK {nick}"), format!("USER {nick} 0 * :{nick}"), "CAP END".to_owned()] {
                world.line(number, line.as_bytes());
            }
            world.line(number, b"JOIN #x");
        }
        world.inputs = 0;
        world
    }

    /// A client sends a line; it connects first if it is not connected.
    pub fn line(&mut self, number: usize, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = (line.len() <= limits::INPUT_LINE).then(|| line.to_vec());
        self.push(number, line);
    }

    /// A client sends a line that is too long.
    pub fn oversized(&mut self, number: usize) {
        self.push(number, None);
    }

    fn push(&mut self, number: usize, line: Option<Vec<u8>>) {
        if self.connect(number) {
            self.bare.push(number, line);
        }
        self.run();
    }

    /// A client's connection ends.
    pub fn close(&mut self, number: usize) {
        self.bare.close(number);
        self.run();
    }

    /// Time passes.
    pub fn advance(&mut self, ms: u64) {
        let Self { bare, inputs, .. } = self;
        bare.advance(ms, || count(inputs));
        self.run();
    }

    /// The configuration changes: every other time back to the first one.
    pub fn reload(&mut self) {
        self.reloads += 1;
        let config = CONFIGS.with(|configs| configs[self.reloads % 2].clone());
        self.bare.handle(Input::Reload(config));
        self.run();
    }

    /// An operator disconnects a client.
    pub fn kill(&mut self, number: usize, reason: &str) {
        if let Some(client) = self.bare.id(number) {
            self.bare.handle(Input::Kill { client, reason });
            self.run();
        }
    }

    /// An operator removes a client from `#x`.
    pub fn kick(&mut self, number: usize, reason: &str) {
        let channel = self.bare.server.find_channel("#x").map(str::to_owned);
        if let (Some(client), Some(channel)) = (self.bare.id(number), channel) {
            self.bare.handle(Input::Kick { client, channel: &channel, reason });
            self.run();
        }
    }

    /// An operator speaks to everybody.
    pub fn announce(&mut self, text: &str) {
        self.bare.handle(Input::Announce { text });
        self.run();
    }

    /// The server stops.
    pub fn shut_down(&mut self) {
        self.bare.handle(Input::Shutdown { reason: "Bye" });
        self.run();
        let gone = (0..CLIENTS).all(|number| self.bare.id(number).is_none());
        assert!(gone, "everybody is disconnected at the end");
    }

    /// What a client has received since it was last asked, line by line, each of them checked.
    ///
    /// # Panics
    /// When a line is not one, or tells the client what is not for it.
    pub fn take(&mut self, number: usize) -> Vec<String> {
        let received = std::mem::take(self.bare.received(number));
        let mut lines = Vec::new();
        for line in received.split_inclusive(|&byte| byte == b'\n') {
            let line = checked(line);
            self.witnesses[number].hear(line).unwrap_or_else(|fault| panic!("{fault}"));
            lines.push(line.to_owned());
        }
        lines
    }

    /// Whether another input may be given.
    pub fn count(&mut self) -> bool {
        count(&mut self.inputs)
    }

    /// Whether a client is connected, now if not before.
    fn connect(&mut self, number: usize) -> bool {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, number as u8));
        let listener = SocketAddr::from((Ipv4Addr::LOCALHOST, 6667));
        let peer = Peer { address, port: 40_000, listener: Rc::new(listener.into()) };
        if self.bare.id(number).is_some() {
            return true;
        }
        // What is left of an earlier connection is not told to this one.
        self.take(number);
        self.witnesses[number] = Witness::default();
        self.bare.connect(number, peer).is_ok()
    }

    /// Has everything done that is to be done at this time.
    fn run(&mut self) {
        self.bare.run();
        for number in 0..CLIENTS {
            if self.bare.received(number).len() > 64 * 1024 {
                self.take(number);
            }
        }
    }
}

fn count(inputs: &mut usize) -> bool {
    *inputs += 1;
    *inputs <= INPUTS
}

/// What comes of what the server asks for. The password of all operators is `good`, and addresses have names.
fn outcome(asked: Effect) -> Option<Input<'static>> {
    Some(match asked {
        Effect::Verify { client, password, .. } => {
            let verdict = match password.as_str() {
                "good" => Verdict::Good,
                "busy" => Verdict::Busy,
                _ => Verdict::Wrong,
            };
            Input::Verified { client, verdict }
        }
        Effect::Save { serial, .. } => Input::Saved { serial, problem: None },
        Effect::Resolve { client, address } => {
            let name = Some(format!("host-{}.dsl.example.net", client.slot));
            Input::Resolved { client, address, name }
        }
        Effect::Rehash(client) => Input::Rehashed { client, outcome: Err("nobody can read it".to_owned()) },
        _ => return None,
    })
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

/// A line that was sent, without its end.
///
/// # Panics
/// When it is not one line of UTF-8 within the bounds of its tags and its rest.
fn checked(line: &[u8]) -> &str {
    let line = std::str::from_utf8(line).unwrap_or_else(|_| panic!("not UTF-8: {}", line.escape_ascii()));
    let text = line.strip_suffix("\r\n").unwrap_or_else(|| panic!("no end: {line:?}"));
    assert!(!text.is_empty() && !text.contains(['\0', '\r', '\n']), "not one line: {line:?}");
    let tags = match text.strip_prefix('@') {
        Some(rest) => rest.find(' ').expect("a message behind the tags") + 2,
        None => 0,
    };
    assert!(tags <= limits::ALL_TAGS && line.len() - tags <= limits::LINE, "too long: {line:?}");
    text
}
