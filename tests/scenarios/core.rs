//! Scenarios on the bare server: no socket, no thread, virtual time.

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

use chatd::config::{self, Config};
use chatd::password;
use chatd::proto::limits;
use chatd::server::{Effect, Input, Peer, Time, Verdict};

use crate::bare::Bare;
use crate::config::over_defaults;
use crate::subject::{News, Subject};

/// The bare server with clients that send bytes.
pub(crate) struct Core {
    bare: Bare,
    clients: Vec<Framing>,
    /// Whether jobs find their queues full.
    busy: Rc<Cell<bool>>,
}

/// Bytes of a client without a newline yet, and whether the line they belong to is already too long.
#[derive(Default)]
struct Framing {
    partial: Vec<u8>,
    oversized: bool,
}

impl Core {
    /// A server with this configuration, in November 2023.
    pub(crate) fn start(config: &str) -> Self {
        let now = Time { mono_ms: 5_000, unix_ms: 1_700_000_000_000 };
        let busy = Rc::new(Cell::new(false));
        let is_busy = Rc::clone(&busy);
        let others = Box::new(move |effect| outcome(effect, is_busy.get()));
        Self { bare: Bare::new(read(config), [1, 2], now, others), clients: Vec::new(), busy }
    }
}

/// What comes of a job that the server asks for: passwords are checked unless it is busy, saves succeed, addresses have
/// no names.
fn outcome(effect: Effect, busy: bool) -> Option<Input<'static>> {
    Some(match effect {
        Effect::Verify { client, .. } if busy => Input::Verified { client, verdict: Verdict::Busy },
        Effect::Verify { client, hash, password } => {
            let good = password::verify(&hash, &password);
            Input::Verified {
                client,
                verdict: if good == Some(true) { Verdict::Good } else { Verdict::Wrong },
            }
        }
        Effect::Save { serial, .. } => Input::Saved { serial, problem: None },
        Effect::Resolve { client, address } => Input::Resolved { client, address, name: None },
        // The configuration is as it was.
        Effect::Rehash(client) => Input::Rehashed { client, outcome: Ok("nothing has changed".to_owned()) },
        _ => return None,
    })
}

/// The configuration that `text` stands for.
fn read(text: &str) -> Rc<Config> {
    let text = over_defaults(text);
    let parsed = config::parse(&text);
    assert!(parsed.is_good(), "the configuration has problems: {:?}\n{text}", parsed.problems);
    Rc::new(parsed.config)
}

impl Framing {
    /// Takes bytes as the shell does, and gives the lines that they complete: LF ends a line, a CR before it goes, too long
    /// a line is noted once.
    fn take(&mut self, bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
        let mut lines = Vec::new();
        for &byte in bytes {
            if byte == b'\n' {
                let mut line = std::mem::take(&mut self.partial);
                line.pop_if(|byte| *byte == b'\r');
                if !std::mem::take(&mut self.oversized) {
                    lines.push(Some(line));
                }
            } else if !self.oversized {
                self.partial.push(byte);
                if self.partial.len() > limits::INPUT_LINE {
                    self.oversized = true;
                    self.partial.clear();
                    lines.push(None);
                }
            }
        }
        lines
    }
}

impl Subject for Core {
    fn connect(&mut self, from: IpAddr) {
        let number = self.clients.len();
        self.clients.push(Framing::default());
        let listener = SocketAddr::from((Ipv4Addr::LOCALHOST, 6667));
        let peer = Peer { address: from, port: 40_000 + number as u16, listener: Rc::new(listener.into()) };
        if let Err(refusal) = self.bare.connect(number, peer) {
            let why = self.bare.server.refusal(refusal, from);
            *self.bare.received(number) = format!("ERROR :{why}\r\n").into_bytes();
        }
    }

    fn send(&mut self, client: usize, bytes: &[u8]) {
        if self.bare.id(client).is_some() {
            for line in self.clients[client].take(bytes) {
                self.bare.push(client, line);
            }
        }
    }

    fn close(&mut self, client: usize) {
        self.bare.run();
        self.bare.close(client);
    }

    fn reload(&mut self, config: &str) {
        self.bare.handle(Input::Reload(read(config)));
    }

    fn kick(&mut self, nick: &str, channel: Option<&str>, reason: &str) {
        let client = self.bare.server.find_nick(nick).expect("a user to be kicked");
        match channel {
            Some(name) => {
                let channel = self.bare.server.find_channel(name).expect("a channel to kick from").to_owned();
                self.bare.handle(Input::Kick { client, channel: &channel, reason });
            }
            None => self.bare.handle(Input::Kill { client, reason }),
        }
    }

    fn announce(&mut self, text: &str) {
        self.bare.handle(Input::Announce { text });
    }

    fn lockdown(&mut self, on: bool) {
        self.bare.call(|server, now, out| server.set_lockdown(now, on, out));
    }

    fn shutdown(&mut self, reason: &str) {
        self.bare.handle(Input::Shutdown { reason });
    }

    fn advance(&mut self, ms: u64) {
        self.bare.advance(ms, || true);
    }

    fn refuse_jobs(&mut self) {
        self.busy.set(true);
    }

    fn settle(&mut self, _first: Option<usize>) -> Vec<News> {
        self.bare.run();
        (0..self.clients.len())
            .map(|number| {
                let bytes = std::mem::take(self.bare.received(number));
                let text = bytes.strip_suffix(b"\r\n");
                assert!(bytes.is_empty() || text.is_some(), "what is sent ends with a line's end");
                let lines = text.into_iter().flat_map(|text| text.split(|&byte| byte == b'\n'));
                let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec()).collect();
                News { lines, closed: self.bare.id(number).is_none() }
            })
            .collect()
    }
}
