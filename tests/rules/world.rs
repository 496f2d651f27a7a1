//! The server, its users, and what each of them is told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use chatd::config::Config;
use chatd::proto::modes::Prefixes;
use chatd::server::{Effect, Input, Peer, Time, Verdict};

use crate::bare::Bare;
use crate::rng::Rng;
use crate::truth::{Truth, User};
use crate::wire::{Secret, Wire};
use crate::witness::Witness;

/// How many users there are.
pub(crate) const USERS: usize = 7;

/// The name of the server.
pub(crate) const SERVER: &str = "irc.test";

/// The capabilities that change what a user is told.
pub(crate) const CAPS: [&str; 18] = [
    "away-notify",
    "batch",
    "chghost",
    "draft/channel-rename",
    "draft/multiline",
    "draft/oper-tag",
    "echo-message",
    "extended-join",
    "extended-monitor",
    "invite-notify",
    "labeled-response",
    "message-tags",
    "multi-prefix",
    "no-implicit-names",
    "server-time",
    "setname",
    "standard-replies",
    "userhost-in-names",
];

/// Lines by who hears them, in their plain form.
pub(crate) type Heard = BTreeMap<usize, Vec<String>>;

pub(crate) struct World {
    pub(crate) rng: Rng,
    bare: Bare,
    pub(crate) truth: Truth,
    pub(crate) wire: Wire,
    /// What is to be heard of the command under way.
    pub(crate) expected: Heard,
    /// The notices to server operators about each other that are to come of it, and those that came.
    pub(crate) notices: Heard,
    noticed: Heard,
    /// A line that must never have been sent.
    pub(crate) fault: Option<String>,
    history: VecDeque<String>,
    /// How often each numeric and command was heard.
    pub(crate) seen: BTreeMap<String, u32>,
    serial: u64,
}

/// Where a user is.
pub(crate) fn address(number: usize) -> String {
    format!("10.0.0.{number}")
}

fn config(rng: &mut Rng, prefixes: &str) -> Config {
    let mut config = Config::default();
    SERVER.clone_into(&mut config.server.name);
    config.channels.prefixes = Prefixes::of(prefixes).expect("a valid set");
    config.limits.flood_rate = 0;
    config.limits.target_change_rate = 0;
    config.limits.knock_seconds = 1;
    config.limits.list_entries = 2;
    config.throttle.connections = 0;
    // Nobody ever answers a PING.
    config.timeouts.ping_interval = 1_000_000;
    if rng.one_in(2) {
        config.cloak.key = Some("0123456789abcdef0123456789abcdef".to_owned());
        "x".clone_into(&mut config.users.default_modes);
    }
    config
}

/// What comes of what the server asks for.
fn outcome(asked: Effect) -> Option<Input<'static>> {
    match asked {
        Effect::Verify { client, password, .. } => {
            let verdict = if password == "good" { Verdict::Good } else { Verdict::Wrong };
            Some(Input::Verified { client, verdict })
        }
        Effect::Save { serial, .. } => Some(Input::Saved { serial, problem: None }),
        _ => None,
    }
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let prefixes = rng.pick(&["ov", "ohv", "qaohv"]);
        let mut config = config(&mut rng, prefixes);
        let classes = crate::opers::classes(&mut rng, &mut config);
        let now = Time { mono_ms: 1_000, unix_ms: 1_700_000_000_000 };
        let cloaks = config.cloak.key.is_some();
        let mut world = Self {
            rng,
            bare: Bare::new(Rc::new(config), [seed, 1], now, Box::new(outcome)),
            truth: Truth { prefixes, cloaks, classes, ..Truth::default() },
            wire: Wire::default(),
            expected: Heard::new(),
            notices: Heard::new(),
            noticed: Heard::new(),
            fault: None,
            history: VecDeque::new(),
            seen: BTreeMap::new(),
            serial: 0,
        };
        world.bare.checks = false;
        for number in 0..USERS {
            let user = User { hides: cloaks && number.is_multiple_of(2), ..User::default() };
            world.truth.users.push(user);
            world.wire.witnesses.push(Witness::default());
            world.connect(number, format!("n{number}"));
        }
        world
    }

    /// A user connects, with capabilities that chance chooses.
    pub(crate) fn connect(&mut self, number: usize, nick: String) {
        let all = self.rng.one_in(4);
        let caps: BTreeSet<&str> = CAPS.into_iter().filter(|_| all || self.rng.one_in(2)).collect();
        let hides = self.truth.users[number].hides;
        let mut user = User { nick: nick.clone(), hides, caps, ..User::default() };
        user.realname = format!("real {number}");
        user.host = address(number);
        if self.truth.cloaks {
            user.modes.insert('x');
        }
        self.wire.witnesses[number] = Witness::default();
        let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, number as u8));
        let listener = "127.0.0.1:6667".parse().expect("a literal");
        self.note(format!("{nick} connects with {:?}", user.caps));
        self.bare
            .connect(number, Peer { address, port: 1, listener: Rc::new(listener) })
            .expect("there is room");
        for caps in user.caps.iter().copied().collect::<Vec<_>>().chunks(6) {
            self.bare.push(number, Some(format!("CAP REQ :{}", caps.join(" ")).into_bytes()));
        }
        for line in
            [format!("NICK {nick}"), format!("USER u{number} 0 * :real {number}"), "CAP END".to_owned()]
        {
            self.bare.push(number, Some(line.into_bytes()));
        }
        self.bare.run();
        // Whoever hides has another host than the address: whatever it is, 001 shows it.
        let text = String::from_utf8_lossy(self.bare.received(number)).into_owned();
        let mask = text.lines().find(|line| line.contains(" 001 ")).and_then(|line| line.rsplit(' ').next());
        let host = mask.and_then(|mask| mask.split_once('@')).map(|(_, host)| host.to_owned());
        user.cloak = host.filter(|_| self.truth.cloaks);
        user.host = user.cloak.clone().unwrap_or(user.host);
        self.truth.users[number] = user;
        let mask = self.truth.mask(number);
        for watcher in self.truth.watchers(&nick) {
            self.expect(watcher, format!("730 :{mask}"));
        }
        // What new users are told is long.
        let history = self.history.clone();
        let mut heard = self.hear_all();
        self.history = history;
        heard.remove(&number);
        let expected = std::mem::take(&mut self.expected);
        if heard != expected {
            self.fault
                .get_or_insert(format!("expected {expected:?}\nheard    {heard:?} as {nick} connected"));
        }
    }

    /// Has a user say a line; what everybody hears of it.
    pub(crate) fn say(&mut self, user: usize, line: &str) -> Heard {
        let label = self.label(user);
        let mut tags: Vec<_> = label.iter().map(|label| format!("label={label}")).collect();
        self.wire.begin(user, label.as_deref());
        if self.rng.one_in(5) {
            tags.push("+draft/react=x".to_owned());
        }
        let line = match line.strip_prefix('@') {
            Some(line) => format!("@{};{line}", tags.join(";")),
            None if tags.is_empty() => line.to_owned(),
            None => format!("@{} {line}", tags.join(";")),
        };
        self.send(user, &line);
        self.hear_all()
    }

    /// A label for the next command, if the user can have one.
    pub(crate) fn label(&mut self, user: usize) -> Option<String> {
        let able = ["batch", "labeled-response"].iter().all(|cap| self.truth.users[user].caps.contains(cap));
        self.serial += 1;
        (able && self.rng.one_in(2)).then(|| format!("l{}", self.serial))
    }

    /// What everybody has heard of a command.
    pub(crate) fn hear_all(&mut self) -> Heard {
        let heard = self.listen();
        self.wire.secret = None;
        let (notices, noticed) = (std::mem::take(&mut self.notices), std::mem::take(&mut self.noticed));
        if notices != noticed {
            self.fault.get_or_insert(format!("expected the notices {notices:?}\nheard    {noticed:?}"));
        }
        if let Err(fault) = self.wire.end() {
            self.fault.get_or_insert(fault);
        }
        heard
    }

    /// A user sends a line, and nobody looks at what comes of it.
    pub(crate) fn send(&mut self, user: usize, line: &str) {
        self.note(format!("{}> {line}", self.truth.users[user].nick));
        // Long enough for everybody to knock again.
        self.bare.now.mono_ms += 1_000;
        self.bare.now.unix_ms += 1_000;
        // It looks at everything, which takes longer than all else.
        self.bare.checks = self.rng.one_in(10);
        self.bare.push(user, Some(line.as_bytes().to_vec()));
        self.bare.run();
    }

    /// The time, in milliseconds.
    pub(crate) fn now(&self) -> u64 {
        self.bare.now.mono_ms
    }

    /// Whether a user's connection has ended.
    pub(crate) fn is_gone(&self, user: usize) -> bool {
        self.bare.id(user).is_none()
    }

    /// A word that was never said before. Only these may hear it.
    pub(crate) fn secret(&mut self, for_whom: BTreeSet<usize>) -> String {
        self.serial += 1;
        let word = format!("Zq{}", self.serial);
        self.wire.secret = Some(Secret { word: word.clone(), for_whom });
        word
    }

    /// An operator of the machine changes modes of a channel.
    pub(crate) fn set_modes(&mut self, channel: &str, change: &str) -> Heard {
        self.note(format!("admin> {channel} {change}"));
        self.wire.begin(0, None);
        let refused = self.bare.call(|server, now, out| server.set_modes(now, channel, change, out));
        assert!(refused.as_ref().is_ok_and(|set| set.refused.is_empty()), "{refused:?}");
        self.bare.run();
        self.hear_all()
    }

    /// What everybody has been told.
    fn listen(&mut self) -> Heard {
        let mut heard = Heard::new();
        for number in 0..USERS {
            let bytes = std::mem::take(self.bare.received(number));
            let text = String::from_utf8(bytes).expect("UTF-8");
            for line in text.lines() {
                self.note(format!("  {}< {line}", self.truth.users[number].nick));
                match self.wire.hear(&self.truth, number, line) {
                    Ok(None) => {}
                    Ok(Some(line)) if self.is_aside(number, &line) => {}
                    Ok(Some(line)) => heard.entry(number).or_default().push(line),
                    Err(fault) => _ = self.fault.get_or_insert(fault),
                }
            }
        }
        for line in heard.values().flatten() {
            let word = line.split(' ').find(|word| !word.starts_with(':')).unwrap_or_default();
            *self.seen.entry(word.to_owned()).or_default() += 1;
        }
        heard
    }

    /// Whether a line tells nothing that the model speaks of: who has set a topic, and what operators want to know.
    fn is_aside(&mut self, number: usize, line: &str) -> bool {
        let notice =
            line.strip_prefix(&format!(":{SERVER} NOTICE ")).and_then(|rest| rest.split_once(" :*** "));
        let Some((_, text)) = notice else { return line.starts_with("333 ") };
        let kind = crate::opers::kind(text);
        if !kind.is_some_and(|kind| self.truth.users[number].notices.contains(&kind)) {
            self.fault.get_or_insert(format!("it is not for them: {line}"));
        }
        if kind == Some('o') {
            let words = text.split(' ').skip(1);
            let used: Vec<_> = words.take(if text.contains(" override: ") { 3 } else { 2 }).collect();
            *self.seen.entry(used.join(" ")).or_default() += 1;
            self.noticed.entry(number).or_default().push(text.to_owned());
        }
        true
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

    /// Those of them who have the capability are to hear this.
    pub(crate) fn expect_able(&mut self, users: impl IntoIterator<Item = usize>, cap: &str, line: &str) {
        for user in users {
            if self.truth.users[user].caps.contains(cap) {
                self.expect(user, line);
            }
        }
    }

    /// Says a line, of which exactly what is expected must be heard.
    pub(crate) fn check(&mut self, user: usize, line: &str) -> Result<(), String> {
        let heard = self.say(user, line);
        self.compare(heard)
    }

    /// Compares what was heard with what was expected.
    pub(crate) fn compare(&mut self, heard: Heard) -> Result<(), String> {
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
