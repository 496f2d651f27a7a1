//! The shell on a machine that does what it is told: [`FakeDriver`] and a clock that stands still.

mod admin;
mod backlog;
mod busiest;
mod closing;
mod confirm;
mod drain;
mod events;
mod flood;
mod jobs;
mod reload;
mod roles;
mod scale;
mod supervision;
mod watch;

use std::net::SocketAddr;
use std::rc::Rc;

use serde_json::Value;

use super::fake::{FakeDriver, Remote};
use super::{Credentials, Driver, Ready, Shell};
use crate::config::{Config, Diagnostic, Listen};
use crate::load::{LoadError, Loaded};
use crate::server::Time;

/// A shell, its machine, and clients.
struct Rig {
    shell: Shell<FakeDriver>,
    now: Time,
    address: SocketAddr,
    /// What the next reload finds.
    file: Result<Config, Vec<Diagnostic>>,
    /// Leaves it to the test when a reload has been read.
    loads_late: bool,
    clients: u16,
}

/// Without the throttle, which has tests of its own.
fn config() -> Config {
    let mut config = Config::default();
    config.limits.flood_rate = 0;
    config.throttle.connections = 0;
    config.listen = vec![listen("192.0.2.1:6667")];
    config
}

fn listen(address: &str) -> Listen {
    Listen { address: address.parse().unwrap(), optional: false }
}

fn addresses(config: &Config) -> impl Iterator<Item = SocketAddr> {
    config.listen.iter().filter_map(|listen| listen.address.address())
}

const OPERATOR: Credentials = Credentials { pid: 7, uid: 1000, gid: 100 };

impl Rig {
    fn new() -> Self {
        Self::with(config())
    }

    fn with(config: Config) -> Self {
        let now = Time { mono_ms: 5_000, unix_ms: 1_700_000_000_000 };
        let file = Ok(config.clone());
        let mut driver = FakeDriver::new(1);
        let bound: Vec<_> =
            addresses(&config).map(|it| driver.bind(it, false, None).unwrap().unwrap()).collect();
        let admin = driver.admin_listener();
        let address = bound[0].address;
        let mut shell = Shell::new(driver, Rc::new(config), [1, 2], now, Box::new(|| 0));
        for bound in bound {
            shell.listen(bound).unwrap();
        }
        shell.listen_admin("/run/chatd/admin.sock", admin).unwrap();
        Self { shell, now, address, file, loads_late: false, clients: 0 }
    }

    fn driver(&mut self) -> &mut FakeDriver {
        self.shell.driver_mut()
    }

    /// A turn with these events.
    fn turn_with(&mut self, events: &[(u64, Ready)]) {
        self.shell.begin(self.now);
        for &(token, ready) in events {
            self.shell.event(token, ready);
        }
        self.shell.end();
        self.shell.check();
    }

    /// A turn with what is ready, a reload included. Returns whether anything was.
    fn turn(&mut self) -> bool {
        let events = self.driver().poll();
        let loads = !self.loads_late && self.driver().take_load();
        if loads {
            self.load();
        }
        self.turn_with(&events);
        loads || !events.is_empty()
    }

    /// A turn in which the configuration has been read.
    fn load(&mut self) {
        let outcome = match self.file.clone() {
            Ok(config) => Ok(Loaded { config, path: None, warnings: Vec::new() }),
            Err(problems) => Err(LoadError { problems }),
        };
        self.shell.begin(self.now);
        self.shell.loaded(outcome);
        self.shell.end();
        self.shell.check();
    }

    /// Turns until nothing is ready and nothing is due, or the process would end.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            let busy = self.turn();
            if self.shell.is_finished() || (!busy && !self.is_due()) {
                return;
            }
        }
        panic!("the loop does not come to rest");
    }

    /// Whether the loop would not sleep.
    fn is_due(&self) -> bool {
        self.shell.deadline().is_some_and(|at| at <= self.now.mono_ms)
    }

    /// Time passes, from one deadline to the next.
    fn pass(&mut self, ms: u64) {
        let end = self.now.mono_ms + ms;
        while let Some(due) = self.shell.deadline().filter(|&due| due <= end && !self.shell.is_finished()) {
            self.jump(due.saturating_sub(self.now.mono_ms));
        }
        self.jump(end - self.now.mono_ms);
    }

    /// Time passes at once, as if the process had been stopped.
    fn jump(&mut self, ms: u64) {
        self.now.mono_ms += ms;
        self.now.unix_ms += ms;
        self.settle();
    }

    fn connect(&mut self) -> Remote {
        self.clients += 1;
        let (to, from) = (self.address, SocketAddr::from(([198, 51, 100, 1], self.clients)));
        self.driver().connect(to, from)
    }

    /// A registered user, welcomed.
    fn user(&mut self, nick: &str) -> Remote {
        let remote = self.connect();
        self.say(remote, &format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\n"));
        self.settle();
        assert!(self.hear(remote).contains(" 001 "), "{nick} is welcome");
        remote
    }

    /// Users who share #room.
    fn room<const N: usize>(&mut self, nicks: [&str; N]) -> [Remote; N] {
        let users = nicks.map(|nick| {
            let user = self.user(nick);
            self.say(user, "JOIN #room\r\n");
            self.settle();
            user
        });
        for user in users {
            self.hear(user);
        }
        users
    }

    fn say(&mut self, remote: Remote, text: &str) {
        self.driver().send(remote, text.as_bytes());
    }

    /// All that the client has been sent and not read.
    fn hear(&mut self, remote: Remote) -> String {
        String::from_utf8(self.driver().receive(remote, usize::MAX)).unwrap()
    }

    /// An admin client.
    fn operator(&mut self) -> Remote {
        self.driver().connect_admin(OPERATOR)
    }

    /// A request and its answer.
    fn ask(&mut self, operator: Remote, method: &str, params: &Value) -> Value {
        let request = serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.say(operator, &format!("{request}\n"));
        self.settle();
        self.answer(operator)
    }

    /// The one answer that waits.
    fn answer(&mut self, operator: Remote) -> Value {
        let text = self.hear(operator);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
    }

    fn stats(&mut self) -> Value {
        let operator = self.operator();
        let stats = self.ask(operator, "stats", &serde_json::json!({}))["result"].take();
        self.driver().close_remote(operator);
        self.settle();
        stats
    }
}
