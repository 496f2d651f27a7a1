//! Scenarios on the bare server: no socket, no thread, virtual time.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

use chatd::config::{self, Config};
use chatd::id::{ClientId, Slots};
use chatd::outbox::Outbox;
use chatd::password;
use chatd::proto::limits;
use chatd::server::{Effect, Gone, Input, Peer, Server, Time, Verdict};

use crate::config::over_defaults;
use crate::subject::{News, Subject};

/// The bare server with what stands in for the shell.
pub(crate) struct Core {
    server: Server,
    outbox: Outbox,
    now: Time,
    /// Open connections: their number.
    open: Slots<usize>,
    clients: Vec<Client>,
    /// Whether jobs find their queues full.
    busy: bool,
}

struct Client {
    id: Option<ClientId>,
    /// Bytes without a newline yet, and whether the line they belong to is already too long.
    partial: Vec<u8>,
    oversized: bool,
    /// Lines not fed yet; `None` stands for one that was too long.
    waiting: VecDeque<Option<Vec<u8>>>,
    received: Vec<u8>,
}

impl Core {
    /// A server with this configuration, in November 2023.
    pub(crate) fn start(config: &str) -> Self {
        let now = Time { mono_ms: 5_000, unix_ms: 1_700_000_000_000 };
        let server = Server::new(read(config), [1, 2], now);
        Self {
            server,
            outbox: Outbox::default(),
            now,
            open: Slots::default(),
            clients: Vec::new(),
            busy: false,
        }
    }

    fn handle(&mut self, input: Input<'_>) {
        self.server.handle(self.now, input, &mut self.outbox);
        self.end_turn();
    }

    /// What the shell does at the end of a turn: flush, close, and disconnect those who are over their limit.
    fn end_turn(&mut self) {
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
            let mut answered = false;
            for effect in effects {
                if let Effect::Close(id) = effect {
                    self.forget(id);
                } else if let Effect::Stop { reason } = effect {
                    self.server.handle(self.now, Input::Shutdown { reason: &reason }, &mut self.outbox);
                    answered = true;
                } else if let Some(outcome) = outcome(effect, self.busy) {
                    self.server.handle(self.now, outcome, &mut self.outbox);
                    answered = true;
                }
            }
            if overflowed.is_empty() && !answered {
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

    /// Feeds one waiting line, if there is one whose client is ready.
    fn feed(&mut self) -> bool {
        for number in 0..self.clients.len() {
            let Some(client) = self.clients[number].id else { continue };
            if self.server.ready(client)
                && let Some(line) = self.clients[number].waiting.pop_front()
            {
                self.handle(match &line {
                    Some(line) => Input::Line { client, line },
                    None => Input::Oversized { client },
                });
                return true;
            }
        }
        false
    }

    /// Feeds and ticks until nothing is left to do at this time.
    fn run(&mut self) {
        loop {
            let due = self.server.deadline().is_some_and(|deadline| deadline <= self.now.mono_ms);
            if due {
                self.handle(Input::Tick);
            }
            if !self.feed() && !due {
                break;
            }
        }
    }
}

/// What comes of a job that the server asks for: passwords are checked unless it is busy, saves succeed, addresses have
/// no names.
fn outcome(effect: Effect, busy: bool) -> Option<Input<'static>> {
    Some(match effect {
        Effect::Verify { client, .. } if busy => Input::Verified { client, verdict: Verdict::Busy },
        Effect::Verify { client, hash, password } => {
            let good = password::verify(&hash, &password);
            Input::Verified { client, verdict: if good { Verdict::Good } else { Verdict::Wrong } }
        }
        Effect::Save { serial, .. } => Input::Saved { serial, problem: None },
        Effect::Resolve { client, address } => Input::Resolved { client, address, name: None },
        // The configuration is as it was.
        Effect::Rehash(client) => Input::Rehashed { client, outcome: Ok("nothing has changed".to_owned()) },
        Effect::Close(_)
        | Effect::Resume(_)
        | Effect::Event(_)
        | Effect::Refused { .. }
        | Effect::Stop { .. } => return None,
    })
}

/// The configuration that `text` stands for.
fn read(text: &str) -> Rc<Config> {
    let text = over_defaults(text);
    let parsed = config::parse(&text);
    assert!(parsed.is_good(), "the configuration has problems: {:?}\n{text}", parsed.problems);
    Rc::new(parsed.config)
}

impl Client {
    /// Takes bytes as the shell's framing does: LF ends a line, a CR before it goes, too long a line is noted once.
    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                let mut line = std::mem::take(&mut self.partial);
                line.pop_if(|byte| *byte == b'\r');
                if !std::mem::take(&mut self.oversized) {
                    self.waiting.push_back(Some(line));
                }
            } else if !self.oversized {
                self.partial.push(byte);
                if self.partial.len() > limits::INPUT_LINE {
                    self.oversized = true;
                    self.partial.clear();
                    self.waiting.push_back(None);
                }
            }
        }
    }
}

impl Subject for Core {
    fn connect(&mut self, from: IpAddr) {
        let number = self.clients.len();
        let mut client = Client {
            id: None,
            partial: Vec::new(),
            oversized: false,
            waiting: VecDeque::new(),
            received: Vec::new(),
        };
        let listener = SocketAddr::from((Ipv4Addr::LOCALHOST, 6667));
        let peer = Peer { address: from, port: 40_000 + number as u16, listener };
        match self.server.admit(self.now, &peer) {
            Ok(()) => {
                let id = self.open.insert_with(|_| number);
                client.id = Some(id);
                self.clients.push(client);
                self.outbox.open(id.slot, self.server.config().limits.send_queue);
                self.handle(Input::Opened { client: id, peer });
            }
            Err(refusal) => {
                client.received = format!("ERROR :{refusal}\r\n").into_bytes();
                self.clients.push(client);
            }
        }
    }

    fn send(&mut self, client: usize, bytes: &[u8]) {
        let client = &mut self.clients[client];
        if client.id.is_some() {
            client.take(bytes);
        }
    }

    fn close(&mut self, client: usize) {
        self.run();
        if let Some(client) = self.clients[client].id {
            self.handle(Input::Closed { client, why: Gone::Eof });
            self.forget(client);
        }
    }

    fn reload(&mut self, config: &str) {
        self.handle(Input::Reload(read(config)));
    }

    fn kick(&mut self, nick: &str, channel: Option<&str>, reason: &str) {
        let client = self.server.find_nick(nick).expect("a user to be kicked");
        match channel {
            Some(name) => {
                let channel = self.server.find_channel(name).expect("a channel to kick from").to_owned();
                self.handle(Input::Kick { client, channel: &channel, reason });
            }
            None => self.handle(Input::Kill { client, reason }),
        }
    }

    fn announce(&mut self, text: &str) {
        self.handle(Input::Announce { text });
    }

    fn lockdown(&mut self, on: bool) {
        self.server.set_lockdown(on);
        self.end_turn();
    }

    fn shutdown(&mut self, reason: &str) {
        self.handle(Input::Shutdown { reason });
    }

    fn advance(&mut self, ms: u64) {
        let end = self.now.mono_ms + ms;
        self.run();
        while let Some(deadline) = self.server.deadline().filter(|&deadline| deadline <= end) {
            let step = deadline.saturating_sub(self.now.mono_ms);
            self.now.mono_ms += step;
            self.now.unix_ms += step;
            self.run();
        }
        self.now.unix_ms += end - self.now.mono_ms;
        self.now.mono_ms = end;
        self.run();
    }

    fn refuse_jobs(&mut self) {
        self.busy = true;
    }

    fn settle(&mut self, _first: Option<usize>) -> Vec<News> {
        self.run();
        self.clients
            .iter_mut()
            .map(|client| {
                let bytes = std::mem::take(&mut client.received);
                let text = bytes.strip_suffix(b"\r\n");
                assert!(bytes.is_empty() || text.is_some(), "what is sent ends with a line's end");
                let lines = text.into_iter().flat_map(|text| text.split(|&byte| byte == b'\n'));
                let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec()).collect();
                News { lines, closed: client.id.is_none() }
            })
            .collect()
    }
}
