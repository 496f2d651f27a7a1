//! The server, its users, and what each of them is told.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use chatd::config::Config;
use chatd::id::ClientId;
use chatd::outbox::Outbox;
use chatd::proto::modes::Prefixes;
use chatd::server::{Input, Peer, Server, Time};

use crate::rng::Rng;
use crate::truth::{Truth, User};

/// How many users there are.
pub(crate) const USERS: usize = 7;

/// Lines as they are compared: a numeric without source and receiver, everything up to the trailing text.
pub(crate) type Heard = BTreeMap<usize, Vec<String>>;

pub(crate) struct World {
    pub(crate) rng: Rng,
    server: Server,
    out: Outbox,
    now: Time,
    pub(crate) truth: Truth,
    /// What is to be heard of the command under way.
    pub(crate) expected: Heard,
    history: VecDeque<String>,
    /// How often each numeric and command was heard.
    pub(crate) seen: BTreeMap<String, u32>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut config = Config::default();
        let prefixes = rng.pick(&["ov", "ohv", "qaohv"]);
        "irc.test".clone_into(&mut config.server.name);
        config.channels.prefixes = Prefixes::of(prefixes).expect("a valid set");
        config.limits.flood_rate = 0;
        config.limits.target_change_rate = 0;
        config.limits.knock_seconds = 1;
        config.limits.list_entries = 3;
        config.throttle.connections = 0;
        let now = Time { mono_ms: 1_000, unix_ms: 1_700_000_000_000 };
        let mut world = Self {
            rng,
            server: Server::new(Rc::new(config), [seed, 1], now),
            out: Outbox::default(),
            now,
            truth: Truth { prefixes, ..Truth::default() },
            expected: Heard::new(),
            history: VecDeque::new(),
            seen: BTreeMap::new(),
        };
        for number in 0..USERS {
            world.connect(number);
        }
        world
    }

    fn connect(&mut self, number: usize) {
        let multi_prefix = self.rng.one_in(2);
        let nick = format!("n{number}");
        self.truth.users.push(User { nick: nick.clone(), multi_prefix, ..User::default() });
        let client = id(number);
        self.out.open(client.slot, 1 << 30);
        let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, number as u8));
        let listener = "127.0.0.1:6667".parse().expect("a literal");
        let peer = Peer { address, port: 1, listener };
        self.server.handle(self.now, Input::Opened { client, peer }, &mut self.out);
        let caps = if multi_prefix { "multi-prefix" } else { "" };
        for line in [
            format!("CAP REQ :{caps}"),
            format!("NICK {nick}"),
            format!("USER u{number} 0 * :real {number}"),
            "CAP END".to_owned(),
        ] {
            self.server.handle(self.now, Input::Line { client, line: line.as_bytes() }, &mut self.out);
        }
        self.out.clear();
    }

    /// Has a user say a line; what everybody hears of it.
    pub(crate) fn say(&mut self, user: usize, line: &str) -> Heard {
        self.note(format!("{}> {line}", self.truth.users[user].nick));
        // Long enough for everybody to knock again.
        self.now.mono_ms += 1_000;
        self.now.unix_ms += 1_000;
        let client = id(user);
        self.server.handle(self.now, Input::Line { client, line: line.as_bytes() }, &mut self.out);
        // It looks at everything, which takes longer than all else.
        if self.rng.one_in(10) {
            self.server.check(&self.out);
        }
        self.listen()
    }

    /// An operator of the machine changes modes of a channel.
    pub(crate) fn set_modes(&mut self, channel: &str, change: &str) -> Heard {
        self.note(format!("admin> {channel} {change}"));
        let refused = self.server.set_modes(self.now, channel, change, &mut self.out).expect("it is there");
        assert!(refused.is_empty(), "{refused:?}");
        self.listen()
    }

    /// What everybody has been told.
    fn listen(&mut self) -> Heard {
        let mut heard = Heard::new();
        for number in 0..USERS {
            let bytes: Vec<u8> = self.out.spans(number as u32).flatten().copied().collect();
            let text = String::from_utf8(bytes).expect("UTF-8");
            for line in text.lines() {
                self.note(format!("  {}< {line}", self.truth.users[number].nick));
                heard.entry(number).or_default().push(compared(line));
            }
        }
        self.out.clear();
        self.server.effects().for_each(drop);
        for line in heard.values().flatten() {
            let word = line.split(' ').find(|word| !word.starts_with(':')).unwrap_or_default();
            *self.seen.entry(word.to_owned()).or_default() += 1;
        }
        heard
    }

    /// A user is to hear this.
    pub(crate) fn expect(&mut self, user: usize, line: impl Into<String>) {
        self.expected.entry(user).or_default().push(line.into());
    }

    /// All of these are to hear this.
    pub(crate) fn expect_all(&mut self, users: impl IntoIterator<Item = usize>, line: &str) {
        for user in users {
            self.expect(user, line);
        }
    }

    /// Says a line, of which exactly what is expected must be heard.
    pub(crate) fn check(&mut self, user: usize, line: &str) -> Result<(), String> {
        let heard = self.say(user, line);
        let expected = std::mem::take(&mut self.expected);
        if heard == expected { Ok(()) } else { Err(format!("expected {expected:?}\nheard    {heard:?}")) }
    }

    fn note(&mut self, what: String) {
        if self.history.len() == 80 {
            self.history.pop_front();
        }
        self.history.push_back(what);
    }

    pub(crate) fn history(&self) -> String {
        let mut text = Vec::from(self.history.clone()).join("\n  ");
        for channel in self.truth.channels.values() {
            let _ = write!(text, "\n  {channel:?}");
        }
        text
    }
}

fn id(number: usize) -> ClientId {
    ClientId { slot: number as u32, generation: number as u32 + 1 }
}

/// What is compared of a line: of a numeric neither source nor receiver, and no trailing text but for names.
fn compared(line: &str) -> String {
    let (source, rest) = line.strip_prefix(':').and_then(|line| line.split_once(' ')).expect("a source");
    let mut words = rest.splitn(3, ' ');
    let (command, receiver) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if source != "irc.test" || !command.bytes().all(|byte| byte.is_ascii_digit()) {
        return line.to_owned();
    }
    let rest = words.next().unwrap_or_default();
    // 710 and 718 are told to all in one line, or have what matters in front.
    let kept = match command {
        "353" | "319" | "332" | "352" => rest,
        _ if rest.starts_with(':') => "",
        _ => rest.split_once(" :").map_or(rest, |(middle, _)| middle),
    };
    match command {
        "710" => format!("710 {receiver} {kept}"),
        _ if kept.is_empty() => command.to_owned(),
        _ => format!("{command} {kept}"),
    }
}
