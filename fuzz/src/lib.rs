//! What the fuzz targets share: a server with clients and a clock, and what must hold for every line it sends.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

use chatd::config::{self, Config, Privileges};
use chatd::id::{ClientId, Slots};
use chatd::outbox::Outbox;
use chatd::proto::caps;
use chatd::proto::limits;
use chatd::server::{Effect, Gone, Input, Peer, Server, Time, Verdict};

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

/// The bare server with what stands in for the shell.
pub struct World {
    server: Server,
    outbox: Outbox,
    now: Time,
    /// Open connections: the number of the client.
    open: Slots<usize>,
    clients: Vec<Client>,
    /// What the server has asked others to do; answered in this order, before anything else happens.
    asked: VecDeque<Effect>,
    inputs: usize,
    reloads: usize,
}

#[derive(Default)]
struct Client {
    id: Option<ClientId>,
    /// Lines that wait until the server is ready for them; `None` is one that was too long.
    waiting: VecDeque<Option<Vec<u8>>>,
    received: Vec<u8>,
}

impl World {
    /// A server, with [`USERS`] clients in `#x`. The first has all capabilities, the second none, the others a few.
    pub fn new() -> Self {
        let now = Time { mono_ms: 5_000, unix_ms: 1_700_000_000_000 };
        let mut world = Self {
            server: Server::new(CONFIGS.with(|configs| configs[0].clone()), [1, 2], now),
            outbox: Outbox::default(),
            now,
            open: Slots::default(),
            asked: VecDeque::new(),
            clients: (0..CLIENTS).map(|_| Client::default()).collect(),
            inputs: 0,
            reloads: 0,
        };
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
        self.connect(number);
        self.clients[number].waiting.push_back(line);
        self.run();
    }

    /// A client sends a line that is too long.
    pub fn oversized(&mut self, number: usize) {
        self.connect(number);
        self.clients[number].waiting.push_back(None);
        self.run();
    }

    /// A client's connection ends.
    pub fn close(&mut self, number: usize) {
        if let Some(client) = self.clients[number].id {
            self.handle(Input::Closed { client, why: Gone::Eof });
            self.forget(client);
            self.run();
        }
    }

    /// Time passes.
    pub fn advance(&mut self, ms: u64) {
        let end = self.now.mono_ms + ms;
        while let Some(deadline) = self.server.deadline().filter(|&deadline| deadline <= end) {
            let step = deadline.saturating_sub(self.now.mono_ms);
            self.now = Time { mono_ms: self.now.mono_ms + step, unix_ms: self.now.unix_ms + step };
            self.run();
            if !self.count() {
                break;
            }
        }
        self.now = Time { mono_ms: end, unix_ms: self.now.unix_ms + (end - self.now.mono_ms) };
        self.run();
    }

    /// The configuration changes: every other time back to the first one.
    pub fn reload(&mut self) {
        self.reloads += 1;
        let config = CONFIGS.with(|configs| configs[self.reloads % 2].clone());
        self.handle(Input::Reload(config));
        self.run();
    }

    /// An operator disconnects a client.
    pub fn kill(&mut self, number: usize, reason: &str) {
        if let Some(client) = self.clients[number].id {
            self.handle(Input::Kill { client, reason });
            self.run();
        }
    }

    /// An operator removes a client from `#x`.
    pub fn kick(&mut self, number: usize, reason: &str) {
        let channel = self.server.find_channel("#x").map(str::to_owned);
        if let (Some(client), Some(channel)) = (self.clients[number].id, channel) {
            self.handle(Input::Kick { client, channel: &channel, reason });
            self.run();
        }
    }

    /// An operator speaks to everybody.
    pub fn announce(&mut self, text: &str) {
        self.handle(Input::Announce { text });
        self.run();
    }

    /// The server stops.
    pub fn shut_down(&mut self) {
        self.handle(Input::Shutdown { reason: "Bye" });
        self.run();
        assert!(self.open.is_empty(), "everybody is disconnected at the end");
    }

    /// What a client has received since it was last asked, line by line, each of them checked.
    pub fn take(&mut self, number: usize) -> Vec<String> {
        let received = std::mem::take(&mut self.clients[number].received);
        let mut lines = Vec::new();
        for line in received.split_inclusive(|&byte| byte == b'\n') {
            lines.push(checked(line).to_owned());
        }
        lines
    }

    /// Whether another input may be given.
    pub fn count(&mut self) -> bool {
        self.inputs += 1;
        self.inputs <= INPUTS
    }

    fn connect(&mut self, number: usize) {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, number as u8));
        let listener = SocketAddr::from((Ipv4Addr::LOCALHOST, 6667));
        let peer = Peer { address, port: 40_000, listener };
        if self.clients[number].id.is_some() || self.server.admit(self.now, &peer).is_err() {
            return;
        }
        self.clients[number].waiting.clear();
        let id = self.open.insert_with(|_| number);
        self.clients[number].id = Some(id);
        self.outbox.open(id.slot, self.server.config().limits.send_queue);
        self.handle(Input::Opened { client: id, peer });
    }

    /// Feeds and ticks until nothing is left to do at this time.
    fn run(&mut self) {
        loop {
            let due = self.server.deadline().is_some_and(|deadline| deadline <= self.now.mono_ms);
            if due {
                self.handle(Input::Tick);
            }
            if !self.answer() && !self.feed() && !due {
                break;
            }
        }
        for number in 0..CLIENTS {
            if self.clients[number].received.len() > 64 * 1024 {
                self.take(number);
            }
        }
    }

    /// Answers what the server has asked for first. The password of all operators is `good`, and addresses have names.
    fn answer(&mut self) -> bool {
        let Some(asked) = self.asked.pop_front() else { return false };
        match asked {
            Effect::Verify { client, password, .. } => {
                let verdict = match password.as_str() {
                    "good" => Verdict::Good,
                    "busy" => Verdict::Busy,
                    _ => Verdict::Wrong,
                };
                self.handle(Input::Verified { client, verdict });
            }
            Effect::Save { serial, .. } => self.handle(Input::Saved { serial, problem: None }),
            Effect::Resolve { client, address } => {
                let name = Some(format!("host-{}.dsl.example.net", client.slot));
                self.handle(Input::Resolved { client, address, name });
            }
            _ => {}
        }
        true
    }

    /// Feeds one waiting line, if there is one whose client is ready.
    fn feed(&mut self) -> bool {
        for number in 0..CLIENTS {
            let Some(client) = self.clients[number].id else { continue };
            if !self.server.ready(client) {
                continue;
            }
            let Some(line) = self.clients[number].waiting.pop_front() else { continue };
            self.handle(match &line {
                Some(line) if line.is_empty() => Input::Noise { client },
                Some(line) => Input::Line { client, line },
                None => Input::Oversized { client },
            });
            return true;
        }
        false
    }

    fn handle(&mut self, input: Input<'_>) {
        self.server.handle(self.now, input, &mut self.outbox);
        loop {
            for &slot in self.outbox.dirty() {
                let Some((_, &number)) = self.open.at(slot) else { panic!("bytes for a closed connection") };
                for bytes in self.outbox.spans(slot) {
                    self.clients[number].received.extend_from_slice(bytes);
                }
            }
            let overflowed = self.outbox.take_overflowed();
            self.outbox.clear();
            let effects: Vec<_> = self.server.effects().collect();
            for effect in effects {
                match effect {
                    Effect::Close(id) => self.forget(id),
                    effect => self.asked.push_back(effect),
                }
            }
            if overflowed.is_empty() {
                break;
            }
            for slot in overflowed {
                let Some((client, _)) = self.open.at(slot) else { continue };
                let gone = Input::Closed { client, why: Gone::SendQueue };
                self.server.handle(self.now, gone, &mut self.outbox);
                self.forget(client);
            }
        }
        self.server.check(&self.outbox);
    }

    fn forget(&mut self, id: ClientId) {
        if let Some(number) = self.open.remove(id) {
            self.outbox.close(id.slot);
            self.clients[number].id = None;
        }
    }
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
