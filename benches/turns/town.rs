//! Ten thousand users, ten thousand channels, one channel of all, a hundred of half of them, and lists full of hostile
//! masks.

use std::rc::Rc;
use std::time::Duration;

use chatd::config::{self, Config};
use chatd::load::Loaded;
use chatd::net::{Driver, Job, Outcome, Ready, Shell};
use chatd::server::{Time, Verdict};
use nix::time::{ClockId, clock_gettime};

use crate::machine::{ADMIN, Machine};

/// Users, channels, and members of `#all`.
pub(crate) const USERS: u32 = 10_000;
/// Members of the channels of [`large`].
pub(crate) const MEMBERS: u32 = 5_000;
/// Channels of [`large`].
pub(crate) const LARGE: u32 = 100;
/// Entries of the lists of each of them.
const ENTRIES: u32 = 1_000;
/// Events that a turn gets from the kernel.
const EVENTS: usize = 1_024;

/// All that can be set, as large as it can be, but for what the guard against floods is there for.
const CONFIG: &str = r#"
[limits]
connections = 50000
connections_per_address = 50000
channels_per_user = 10000
nick_length = 64
user_length = 32
realname_length = 390
away_length = 390
targets = 100
list_entries = 1000
monitor_entries = 10000
accept_entries = 1000
silence_entries = 1000
whowas_entries = 100000
multiline_bytes = 65536
multiline_lines = 1000
target_change_rate = 0
send_queue = 1073741824
flood_rate = 0

[throttle]
connections = 0

[timeouts]
ping_interval = 86400

[cloak]
key = "0123456789abcdef0123456789abcdef"

[[listen]]
address = "192.0.2.1:6667"

[[oper_class]]
name = "all"
privileges = [PRIVILEGES]

[[oper]]
name = "root"
password = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$bvZ+kWJ5Vh+r8a8t8YYN0Q"
class = "all"
"#;

/// What a scenario came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// The longest turn.
    pub(crate) longest: Duration,
    pub(crate) turns: u64,
    /// Deliveries of the turn that had most.
    pub(crate) most: u64,
    pub(crate) deliveries: u64,
    pub(crate) sends: u64,
}

pub(crate) struct Town {
    pub(crate) shell: Shell<Machine>,
    now: Time,
    /// Whom an event is due for.
    ready: Vec<u32>,
    /// Reloads so far.
    loads: u32,
}

pub(crate) fn config() -> Config {
    let names: Vec<_> = config::Privileges::TABLE.iter().map(|word| format!("{:?}", word.name)).collect();
    let text = CONFIG.replace("PRIVILEGES", &names.join(", "));
    let parsed = config::parse(&text);
    assert!(parsed.is_good(), "{:?}", parsed.problems);
    parsed.config
}

/// A nick as long as it may be.
pub(crate) fn nick(number: u32) -> String {
    format!("{}{number:05}", "a".repeat(59))
}

/// The name of one of the channels with many members and full lists.
pub(crate) fn large(number: u32) -> String {
    format!("#{}{number:03}", "l".repeat(60))
}

/// As dear to hold against a name as a mask can be.
fn hostile(number: u32) -> String {
    format!("{}b{number:04}", "*a".repeat(75))
}

impl Town {
    pub(crate) fn new() -> Self {
        let config = config();
        let now = Time { mono_ms: 1_000, unix_ms: 1_700_000_000_000 };
        let mut machine = Machine::default();
        let address = config.listen[0].address.address().expect("an address");
        let bound = machine.bind(address, false, None).expect("it binds").expect("it is there");
        let mut shell = Shell::new(machine, Rc::new(config), [1, 2], now, Box::new(|| 0));
        shell.listen(bound).expect("it registers");
        shell.listen_admin("/run/bench", ADMIN).expect("it registers");
        let mut town = Self { shell, now, ready: Vec::new(), loads: 0 };
        town.settle_down();
        town
    }

    fn settle_down(&mut self) {
        for number in 0..USERS {
            assert_eq!(self.connect(), number);
            let names = format!(
                "CAP REQ :no-implicit-names\r\nNICK {}\r\nUSER {} 0 * :{}\r\nCAP END\r\n",
                nick(number),
                "u".repeat(32),
                "r".repeat(390)
            );
            self.say(number, &names);
        }
        self.run();
        self.everybody(0..USERS, "JOIN #all\r\n");
        for number in 0..LARGE {
            let name = large(number);
            // Nobody is told who comes: that would be most of what it takes to set this up.
            self.say(0, &format!("JOIN {name}\r\nMODE {name} +u\r\n"));
            self.run();
            self.everybody(1..MEMBERS, &format!("JOIN {name}\r\n"));
            self.say(0, &format!("MODE {name} -u\r\n"));
            self.fill(&name);
        }
        for number in 0..USERS - LARGE {
            let name = format!("{}{number:05}", "s".repeat(58));
            self.say(
                USERS - 1 - number / 100,
                &format!("JOIN #{name}\r\nTOPIC #{name} :{}\r\n", "t".repeat(390)),
            );
        }
        self.say(1, "OPER root secret\r\n");
        self.run();
    }

    fn everybody(&mut self, who: std::ops::Range<u32>, text: &str) {
        for number in who {
            self.say(number, text);
        }
        self.run();
    }

    /// Fills the lists of a channel.
    fn fill(&mut self, name: &str) {
        let mut left = (0..ENTRIES).peekable();
        while left.peek().is_some() {
            let masks: Vec<_> = left.by_ref().take(12).map(hostile).collect();
            self.say(
                0,
                &format!("MODE {name} +{} {}\r\n", "b".repeat(2), masks[..2.min(masks.len())].join(" ")),
            );
            for pair in masks[2..].chunks(2) {
                self.say(0, &format!("MODE {name} +{} {}\r\n", "b".repeat(pair.len()), pair.join(" ")));
            }
        }
        self.run();
    }

    pub(crate) fn connect(&mut self) -> u32 {
        self.shell.driver_mut().connect(0)
    }

    pub(crate) fn operator(&mut self) -> u32 {
        self.shell.driver_mut().connect(ADMIN)
    }

    pub(crate) fn say(&mut self, number: u32, text: &str) {
        self.shell.driver_mut().send(number, text.as_bytes());
        self.ready.push(number);
    }

    pub(crate) fn hang_up(&mut self, number: u32) {
        self.shell.driver_mut().close_remote(number);
        self.ready.push(number);
    }

    pub(crate) fn pass(&mut self, ms: u64) {
        self.now.mono_ms += ms;
        self.now.unix_ms += ms;
    }

    /// Turns until nothing is left to do.
    pub(crate) fn run(&mut self) -> Cost {
        let mut cost = Cost::default();
        let sends = self.shell.driver_mut().sends;
        loop {
            self.turn(&mut cost);
            let busy = !self.ready.is_empty() || self.shell.driver_mut().knocked().next().is_some();
            let due = self.shell.deadline().is_some_and(|at| at <= self.now.mono_ms);
            // Long replies wait some milliseconds for a queue that is full.
            let soon = self.shell.deadline().filter(|&at| at <= self.now.mono_ms + 100);
            match soon {
                _ if busy || due || !self.shell.driver_mut().jobs.is_empty() => {}
                Some(at) => self.pass(at - self.now.mono_ms),
                None => break,
            }
        }
        cost.sends = self.shell.driver_mut().sends - sends;
        cost
    }

    fn turn(&mut self, cost: &mut Cost) {
        let some: Vec<u32> = self.ready.drain(..self.ready.len().min(EVENTS)).collect();
        let machine = self.shell.driver_mut();
        let tokens: Vec<u64> = machine.knocked().chain(some.iter().map(|&it| machine.token(it))).collect();
        // Whoever is not accepted yet has no token.
        self.ready.extend(some.iter().copied().filter(|&it| machine.token(it) == 0));
        let jobs = std::mem::take(&mut machine.jobs);
        self.loads += u32::from(jobs.contains(&Job::Load));
        let outcomes: Vec<_> = jobs.iter().filter_map(|job| outcome(job, self.loads)).collect();
        let before = self.shell.deliveries();
        let begun = processor_time();
        self.shell.begin(self.now);
        for outcome in outcomes {
            self.shell.finished(outcome);
        }
        for token in tokens.into_iter().filter(|&token| token != 0) {
            self.shell.event(token, Ready { readable: true, ..Ready::default() });
        }
        self.shell.end();
        cost.longest = cost.longest.max(processor_time().saturating_sub(begun));
        let deliveries = self.shell.deliveries() - before;
        cost.turns += 1;
        cost.deliveries += deliveries;
        cost.most = cost.most.max(deliveries);
    }
}

/// What this thread has had of the processor: other programs do not count.
fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("the system knows").into()
}

/// A configuration of which all are told.
fn other_config(number: u32) -> Config {
    let mut config = config();
    config.limits.topic_length -= number;
    config.limits.multiline_lines -= number;
    config.server.network = format!("Other{number}");
    config
}

fn outcome(job: &Job, loads: u32) -> Option<Outcome> {
    match job {
        Job::Load => {
            let loaded = Loaded { config: other_config(loads), path: None, warnings: Vec::new() };
            Some(Outcome::Loaded(Box::new(Ok(loaded))))
        }
        Job::Verify { client, .. } => Some(Outcome::Verified { client: *client, verdict: Verdict::Good }),
        Job::Save { serial, .. } => Some(Outcome::Saved { serial: *serial, problem: None }),
        Job::Resolve { .. } => None,
    }
}
