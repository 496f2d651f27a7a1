//! The bare server with what stands in for the shell.

use std::hint::black_box;
use std::rc::Rc;

use chatd::config::Config;
use chatd::id::{ClientId, Slots};
use chatd::outbox::Outbox;
use chatd::server::{Gone, Input, Peer, Server, Time};

/// When everything begins.
pub(crate) const START: Time = Time { mono_ms: 1_000, unix_ms: 1_700_000_000_000 };
/// The seed of all that is random.
pub(crate) const SEED: [u64; 2] = [1, 2];

/// The built-in settings, but that nobody is slowed down or refused: what that costs is counted all the same.
pub(crate) fn config() -> Rc<Config> {
    let mut config = Config::default();
    config.server.motd =
        (1..=10).map(|line| format!("Line {line} of what everybody is told here.")).collect();
    let limits = &mut config.limits;
    (limits.connections, limits.connections_per_address) = (1_000_000, 1_000_000);
    (limits.flood_burst, limits.flood_rate) = (10_000, 10_000);
    (limits.lines_per_turn, limits.bytes_per_turn, limits.deliveries_per_turn) = (10_000, 1 << 20, 1_000_000);
    (limits.target_changes, limits.target_change_rate) = (10_000, 10_000);
    config.throttle.connections = 1_000_000;
    Rc::new(config)
}

/// Where a client connects from.
pub(crate) fn address(number: u32) -> [u8; 4] {
    let [_, a, b, c] = number.to_be_bytes();
    [10, a, b, c]
}

/// A server, what it says, and who is connected.
pub(crate) struct Chat {
    pub(crate) server: Server,
    out: Outbox,
    now: Time,
    slots: Slots<()>,
}

impl Chat {
    pub(crate) fn new() -> Self {
        let server = Server::new(config(), SEED, START);
        Self { server, out: Outbox::default(), now: START, slots: Slots::default() }
    }

    /// Somebody connects.
    pub(crate) fn open(&mut self) -> ClientId {
        let client = self.slots.insert_with(|_| ());
        let listener = Rc::new(([127, 0, 0, 1], 6667).into());
        let peer = Peer { address: address(client.slot).into(), port: 40_000, listener };
        self.server.admit(self.now, &peer).expect("there is room");
        self.out.open(client.slot, self.server.config().limits.send_queue);
        self.input(Input::Opened { client, peer });
        client
    }

    /// Somebody connects and registers.
    pub(crate) fn user(&mut self) -> ClientId {
        let client = self.open();
        self.say(client, &format!("NICK nick{}", client.slot));
        self.say(client, "USER user 0 * :Some real name");
        self.end();
        client
    }

    /// So many users.
    pub(crate) fn users(&mut self, count: usize) -> Vec<ClientId> {
        (0..count).map(|_| self.user()).collect()
    }

    /// So many users who are in `channel`.
    pub(crate) fn members(&mut self, count: usize, channel: &str) -> Vec<ClientId> {
        let users = self.users(count);
        for &user in &users {
            self.turn(user, &format!("JOIN {channel}"));
        }
        users
    }

    /// Somebody leaves.
    pub(crate) fn close(&mut self, client: ClientId) {
        self.input(Input::Closed { client, why: Gone::Eof });
        self.end();
        self.slots.remove(client);
    }

    pub(crate) fn input(&mut self, input: Input<'_>) {
        self.server.handle(self.now, input, &mut self.out);
        for effect in self.server.effects() {
            black_box(&effect);
        }
    }

    /// Handles a line, as one of many in a turn.
    pub(crate) fn say(&mut self, client: ClientId, line: &str) {
        self.input(Input::Line { client, line: black_box(line).as_bytes() });
    }

    /// Ends a turn, after whatever goes on in later ones.
    pub(crate) fn end(&mut self) {
        self.out.clear();
        while self.server.deadline() == Some(0) {
            self.input(Input::Tick);
            self.out.clear();
        }
    }

    /// A turn with one line.
    pub(crate) fn turn(&mut self, client: ClientId, line: &str) {
        self.say(client, line);
        self.end();
    }

    /// Lets time pass, so little that nothing is due.
    pub(crate) fn pass(&mut self) {
        self.now.mono_ms += 1;
        self.now.unix_ms += 1;
    }

    /// Lines handed to recipients so far.
    pub(crate) fn deliveries(&self) -> u64 {
        self.out.deliveries()
    }
}
