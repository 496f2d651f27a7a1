//! The shell with its server on a machine that is played, all clients, and what happens to them.

use std::net::SocketAddr;
use std::rc::Rc;

use chatd::config::{Config, Diagnostic, Severity};
use chatd::load::{LoadError, Loaded};
use chatd::net::fake::{FakeDriver, Happened, Remote};
use chatd::net::{Credentials, Driver, Ready, Shell, Signal};
use chatd::server::{Cause, Time};

use crate::admin::Admin;
use crate::bot::Bot;
use crate::client::{Client, Role};
use crate::config;
use crate::ends;
use crate::history::History;
use crate::jobs::Jobs;
use crate::ledger::Ledger;
use crate::noise::Noise;
use crate::parcel::Parcel;
use crate::rng::Rng;
use crate::witness::Witness;

/// Most clients of each kind at a time.
const BOTS: usize = 12;
const NOISES: usize = 5;
const ADMINS: usize = 3;

/// Turns between two checks of all invariants.
const CHECK: u64 = 8;

/// The kernel's buffer for a client that reads.
pub(crate) const ROOMY: usize = 1 << 20;

/// Everything.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) step: u64,
    /// Those of times of rest included.
    turns: u64,
    pub(crate) shell: Shell<FakeDriver>,
    pub(crate) now: Time,
    /// What the next reload reads; `None` cannot be used.
    next_config: Option<Config>,
    /// Times that the configuration is being read.
    pub(crate) loads: usize,
    /// What other threads are doing.
    pub(crate) jobs: Jobs,
    /// Whether hosts are hidden.
    pub(crate) cloaks: bool,
    /// Whether memory is short at times.
    pub(crate) scarce: bool,
    /// Whether the panic switch has been turned.
    pub(crate) locked: bool,
    /// Whether the server drains, by the log, and whether it ever has.
    pub(crate) draining: bool,
    pub(crate) drained: bool,
    /// Whether an operator has asked for anything.
    pub(crate) operated: bool,
    pub(crate) clients: Vec<Client>,
    pub(crate) ledger: Ledger,
    /// Events that the kernel has not told of yet.
    held: Vec<(u64, Ready)>,
    /// Tokens that there were.
    tokens: Vec<u64>,
    next_number: u32,
    /// The server has been told to stop.
    pub(crate) stopping: bool,
    /// The least that a client's send queue has held, in bytes, in this turn and the one before.
    pub(crate) send_queue: [u32; 2],
    history: History,
    pub(crate) totals: Totals,
}

/// How much was seen, so that a run that tests nothing is noticed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) steps: u64,
    /// Events that the loop was told of.
    pub(crate) events: u64,
    /// Bytes that clients have read, each compared with what was given.
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
    pub(crate) deliveries: u64,
    pub(crate) barriers: u64,
    pub(crate) answers: u64,
    pub(crate) settled: u64,
    /// Outcomes of jobs, those for somebody who had left, and bots that became operators.
    pub(crate) jobs: u64,
    pub(crate) late: u64,
    pub(crate) operators: u64,
    /// Times that new clients were kept out.
    pub(crate) drains: u64,
    /// Connections that ended, by [`chatd::server::Cause::ALL`].
    pub(crate) ends: [u64; Cause::ALL.len()],
    /// What went wrong on the machine.
    pub(crate) happened: Happened,
}

impl World {
    pub(crate) fn new(seed: u64, history: History) -> Self {
        ends::forget();
        let mut rng = Rng::new(seed);
        let cloaks = rng.one_in(2);
        let config = config::random(&mut rng, cloaks);
        let next_config = Some(config.clone());
        let now = Time { mono_ms: rng.below(1 << 40), unix_ms: 1_700_000_000_000 };
        let driver = FakeDriver::new(rng.next());
        let listen: Vec<_> = config.listen.iter().filter_map(|it| it.address.address()).collect();
        let hash_seed = [rng.next(), rng.next()];
        let scarce = rng.one_in(4);
        let mut shell = Shell::new(driver, Rc::new(config), hash_seed, now, Box::new(|| 0));
        for address in listen {
            let bound =
                shell.driver_mut().bind(address, false, None).expect("it binds").expect("it is there");
            shell.listen(bound).expect("it registers");
        }
        let admin = shell.driver_mut().admin_listener();
        shell.listen_admin("/run/sim", admin).expect("it registers");
        Self {
            rng,
            step: 0,
            turns: 0,
            shell,
            now,
            next_config,
            loads: 0,
            jobs: Jobs::default(),
            cloaks,
            scarce,
            locked: false,
            draining: false,
            drained: false,
            operated: false,
            clients: Vec::new(),
            ledger: Ledger::default(),
            held: Vec::new(),
            tokens: Vec::new(),
            next_number: 0,
            stopping: false,
            send_queue: [0; 2],
            history,
            totals: Totals::default(),
        }
    }

    /// Takes a note of what happens, if anybody wants to know.
    pub(crate) fn note(&self, what: impl FnOnce() -> String) {
        self.history.note(self.step, what);
    }

    /// The index of the client at the far end of a connection. They are in the order in which they came.
    pub(crate) fn position(&self, remote: Remote) -> Option<usize> {
        self.clients.binary_search_by_key(&remote, |client| client.remote).ok()
    }

    /// Something happens, and a turn of the loop after it.
    pub(crate) fn advance(&mut self) -> Result<(), String> {
        self.step += 1;
        match self.rng.below(200) {
            0..=5 => self.connect(),
            6..=85 => (0..self.rng.between(1, 3)).for_each(|_| self.act()),
            86..=89 => self.change_appetite(),
            90 => self.lose_a_client(),
            91 => self.reload()?,
            92 | 93 => self.jump(),
            94 => self.change_weather(),
            _ => {}
        }
        self.send_some();
        self.turn(true)?;
        self.read_all()
    }

    fn count(&self, kind: impl Fn(&Role) -> bool) -> usize {
        self.clients.iter().filter(|client| client.open && kind(&client.role)).count()
    }

    fn connect(&mut self) {
        let number = self.next_number;
        let role = match self.rng.below(4) {
            0 | 1 if self.count(|role| matches!(role, Role::Bot(_))) < BOTS => {
                Role::Bot(Box::new(Bot::new(number, &mut self.rng)))
            }
            2 if self.count(|role| matches!(role, Role::Noise(_))) < NOISES => {
                Role::Noise(Noise::new(number, &mut self.rng))
            }
            3 if self.count(|role| matches!(role, Role::Admin(_))) < ADMINS => Role::Admin(Admin::default()),
            _ => return,
        };
        self.next_number += 1;
        let driver = self.shell.driver_mut();
        let remote = if matches!(role, Role::Admin(_)) {
            driver.connect_admin(Credentials { pid: 1, uid: 0, gid: 0 })
        } else {
            let ports = [7000, 7001].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
            let listening: Vec<_> =
                ports.into_iter().filter(|&address| driver.is_listening(address)).collect();
            // Nobody listens in a server that drains.
            if listening.is_empty() {
                return;
            }
            let listener = self.rng.pick(&listening);
            // Bots hide where they are, others may not.
            let network = u8::from(matches!(role, Role::Bot(_)));
            let from = [10, network, 0, self.rng.below(12) as u8];
            let from = SocketAddr::from((from, 1000 + number as u16));
            driver.connect(listener, from)
        };
        driver.set_capacity(remote, ROOMY);
        self.note(|| format!("client {number} connects as {}", role.name()));
        self.clients.push(Client {
            remote,
            role,
            witness: Witness::default(),
            parcel: Parcel::default(),
            taken: 0,
            met: false,
            since_ms: self.now.mono_ms,
            end: None,
            inbox: Vec::new(),
            appetite: None,
            open: true,
            finished: false,
        });
    }

    pub(crate) fn random_client(&mut self) -> Option<usize> {
        let count = self.count(|_| true) as u64;
        let chosen = (count > 0).then(|| self.rng.below(count))?;
        let mut open = (0..self.clients.len()).filter(|&at| self.clients[at].open);
        open.nth(chosen as usize)
    }

    fn act(&mut self) {
        let Some(at) = self.random_client() else { return };
        match &mut self.clients[at].role {
            Role::Bot(bot) => bot.act(&mut self.ledger, &mut self.rng),
            Role::Noise(noise) => noise.act(&mut self.rng),
            // Their requests cost the most by far.
            Role::Admin(_) if self.rng.one_in(4) => {
                let nick = self.somebody();
                let Role::Admin(admin) = &mut self.clients[at].role else { return };
                admin.act(&nick, &mut self.rng);
                self.locked |= admin.locks;
                self.operated = true;
            }
            Role::Admin(_) => {}
        }
    }

    /// The nick of a bot, or some other; of one that waits for something, if there is one.
    fn somebody(&mut self) -> String {
        let waiting = self.jobs.waiting();
        let driver = self.shell.driver_mut();
        let waits =
            |client: &Client| driver.token(client.remote).is_some_and(|token| waiting.contains(&token));
        if let Some(bot) = self.clients.iter().filter(|client| waits(client)).find_map(Client::bot) {
            return bot.nick.clone();
        }
        let bots = self.clients.iter().filter_map(|client| client.bot().map(|bot| bot.nick.clone()));
        let nicks: Vec<_> = bots.chain(["x3".to_owned()]).collect();
        nicks[self.rng.below(nicks.len() as u64) as usize].clone()
    }

    /// A client begins to read slowly, or stops, or reads on.
    fn change_appetite(&mut self) {
        let Some(at) = self.random_client() else { return };
        let appetite = match self.rng.below(4) {
            0 => Some(0),
            1 => Some(self.rng.between(1, 200) as usize),
            _ => None,
        };
        let capacity = if appetite.is_some() { self.rng.between(1, 8192) as usize } else { ROOMY };
        self.clients[at].appetite = appetite;
        if let Role::Bot(bot) = &mut self.clients[at].role
            && appetite.is_some()
            && self.rng.one_in(3)
        {
            bot.ask_much();
        }
        self.clients[at].excuse();
        let remote = self.clients[at].remote;
        self.shell.driver_mut().set_capacity(remote, capacity);
        self.note(|| format!("client at {at} reads {appetite:?} a step"));
    }

    /// A client leaves without a word: often in the middle of a line.
    fn lose_a_client(&mut self) {
        let Some(at) = self.random_client() else { return };
        self.clients[at].excuse();
        let remote = self.clients[at].remote;
        // Somebody comes as it goes, and it may have last words that have an answer.
        if self.rng.one_in(2) {
            self.connect();
        }
        if self.rng.one_in(2) && !self.clients[at].finished && self.clients[at].waiting().is_empty() {
            self.shell.driver_mut().send(remote, b"\r\nPING :last\r\n");
        }
        let driver = self.shell.driver_mut();
        match self.rng.below(3) {
            0 if !self.clients[at].finished => {
                driver.finish(remote);
                self.clients[at].finished = true;
                if let Role::Admin(admin) = &mut self.clients[at].role {
                    admin.finished = true;
                }
            }
            1 => {
                driver.close_remote(remote);
                self.clients[at].open = false;
            }
            _ => {
                driver.reset(remote);
                self.clients[at].open = false;
            }
        }
        self.note(|| format!("client at {at} is lost"));
    }

    fn reload(&mut self) -> Result<(), String> {
        let config = config::random(&mut self.rng, self.cloaks);
        let good = !self.rng.one_in(4);
        self.next_config = good.then_some(config);
        self.note(|| format!("reload, good: {good}"));
        self.shell.begin(self.now);
        self.shell.signal(Signal::Reload);
        self.shell.end();
        self.shell.check();
        self.hand_over();
        self.note_ends()
    }

    /// A clock jumps: the wall clock either way, the other one only forward, as after a suspend.
    fn jump(&mut self) {
        if self.rng.one_in(3) {
            let ms = self.rng.between(1_000, 300_000);
            self.now.mono_ms += ms;
            self.now.unix_ms += ms;
            // Nobody had a chance to answer a PING in time.
            self.clients.iter_mut().for_each(Client::excuse);
            self.note(|| format!("{ms} ms pass at once"));
        } else {
            self.now.unix_ms = self.rng.below(4_000_000_000_000);
            self.note(|| "the wall clock is set".to_owned());
        }
    }

    /// Clients send what they want to say, in pieces of any size.
    fn send_some(&mut self) {
        for client in self.clients.iter_mut().filter(|client| client.open && !client.finished) {
            let waiting = client.waiting().len();
            if waiting > 0 && !self.rng.one_in(3) {
                let size =
                    if self.rng.one_in(3) { self.rng.between(1, waiting as u64) as usize } else { waiting };
                let bytes: Vec<u8> = client.waiting().drain(..size).collect();
                let remote = client.remote;
                self.shell.driver_mut().send(remote, &bytes);
            }
        }
    }

    /// A turn of the loop. With `chance`, some events come late, some twice, and some for what is gone.
    pub(crate) fn turn(&mut self, chance: bool) -> Result<(), String> {
        let ms = self.rng.below(if chance { 30 } else { 2 });
        self.now.mono_ms += ms;
        self.now.unix_ms += ms;
        let mut events = std::mem::take(&mut self.held);
        for (token, ready) in self.shell.driver_mut().poll() {
            match events.iter_mut().find(|(other, _)| *other == token) {
                Some((_, merged)) => *merged = merge(*merged, ready),
                None => events.push((token, ready)),
            }
        }
        self.tokens.extend(events.iter().map(|(token, _)| *token));
        self.tokens.truncate(200);
        if chance && self.rng.one_in(4) {
            let keep = self.rng.below(events.len() as u64 + 1) as usize;
            self.held = events.split_off(keep);
            if !self.tokens.is_empty() {
                let stale = self.rng.pick(&self.tokens);
                events.push((stale, Ready { readable: true, writable: true, ..Ready::default() }));
            }
        }
        self.totals.events += events.len() as u64;
        self.shell.begin(self.now);
        for (token, ready) in events {
            self.shell.event(token, ready);
        }
        while self.shell.driver_mut().take_load() {
            self.loads += 1;
        }
        // Reading it takes its time.
        if self.loads > 0 && (!chance || self.rng.one_in(5)) {
            self.loads -= 1;
            self.loaded();
        }
        self.do_jobs(chance);
        self.shell.end();
        self.turns += 1;
        self.check();
        self.hand_over();
        self.note_ends()?;
        self.check_listening()
    }

    /// Checks the shell after each turn, and all of it after some, or each if somebody looks for a failure.
    fn check(&self) {
        if self.turns.is_multiple_of(CHECK) || self.history.is_kept() {
            self.shell.check();
        } else {
            self.shell.check_turn();
        }
    }

    /// Takes note of what the server gave to whom in this turn.
    pub(crate) fn hand_over(&mut self) {
        let mut record = std::mem::take(self.shell.record());
        let driver = self.shell.driver_mut();
        for (slot, piece) in record.pieces() {
            let remote = driver.at_slot(slot).expect("whoever gets something is registered");
            let at = self.clients.binary_search_by_key(&remote, |client| client.remote);
            self.clients[at.expect("whoever gets something is a client")].parcel.give(piece);
        }
        record.clear();
        *self.shell.record() = record;
        for client in &mut self.clients {
            client.met |= client.parcel.given() > 0 || self.shell.driver_mut().token(client.remote).is_some();
        }
        self.send_queue = [self.send_queue[1], self.shell.server().config().limits.send_queue];
    }

    /// The configuration has been read.
    fn loaded(&mut self) {
        // Those who wait to be accepted go with their listener, if it goes.
        for client in &mut self.clients {
            if self.shell.driver_mut().token(client.remote).is_none() {
                client.excuse();
            }
        }
        self.shell.loaded(match self.next_config.clone() {
            Some(config) => Ok(Loaded { config, path: None, warnings: Vec::new() }),
            None => {
                Err(LoadError { problems: vec![Diagnostic::of_file("sim.toml", Severity::Error, "bad")] })
            }
        });
    }
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.events += other.events;
        self.bytes += other.bytes;
        self.lines += other.lines;
        self.deliveries += other.deliveries;
        self.barriers += other.barriers;
        self.answers += other.answers;
        self.settled += other.settled;
        self.jobs += other.jobs;
        self.late += other.late;
        self.operators += other.operators;
        self.drains += other.drains;
        self.ends.iter_mut().zip(other.ends).for_each(|(sum, more)| *sum += more);
        let (sums, more) = (&mut self.happened, other.happened);
        sums.faults.iter_mut().zip(more.faults).for_each(|(sum, more)| *sum += more);
        sums.errors.iter_mut().zip(more.errors).for_each(|(sum, more)| *sum += more);
    }
}

fn merge(a: Ready, b: Ready) -> Ready {
    Ready {
        readable: a.readable | b.readable,
        writable: a.writable | b.writable,
        read_closed: a.read_closed | b.read_closed,
        write_closed: a.write_closed | b.write_closed,
        error: a.error | b.error,
    }
}
