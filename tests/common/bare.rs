//! The bare server with what stands in for the shell: no socket, no thread, virtual time. Scenarios, the random tests of
//! the rules and the fuzz targets run on it.

use std::collections::VecDeque;
use std::rc::Rc;

use chatd::config::Config;
use chatd::id::{ClientId, Slots};
use chatd::outbox::Outbox;
use chatd::server::{Effect, Gone, Input, Peer, Refusal, Server, Time};

/// Who does what the server asks others to do: the answer to an effect, if it has one.
pub(crate) type Others = Box<dyn FnMut(Effect) -> Option<Input<'static>>>;

/// A server and its clients, who have numbers.
pub(crate) struct Bare {
    pub(crate) server: Server,
    pub(crate) now: Time,
    outbox: Outbox,
    /// Open connections: the number of the client.
    open: Slots<usize>,
    clients: Vec<Client>,
    others: Others,
    /// What the server has asked for; answered in this order, before anything else happens.
    asked: VecDeque<Effect>,
    /// Whether [`Server::check`] follows every input. It looks at everything.
    pub(crate) checks: bool,
}

#[derive(Default)]
struct Client {
    id: Option<ClientId>,
    /// Lines that wait until the server is ready for them; `None` is one that was too long.
    waiting: VecDeque<Option<Vec<u8>>>,
    received: Vec<u8>,
}

impl Bare {
    /// A server to which nobody is connected.
    pub(crate) fn new(config: Rc<Config>, seed: [u64; 2], now: Time, others: Others) -> Self {
        Self {
            server: Server::new(config, seed, now),
            now,
            outbox: Outbox::default(),
            open: Slots::default(),
            clients: Vec::new(),
            others,
            asked: VecDeque::new(),
            checks: true,
        }
    }

    /// A client that is not connected connects.
    pub(crate) fn connect(&mut self, number: usize, peer: Peer) -> Result<(), Refusal> {
        self.server.admit(self.now, &peer)?;
        let id = self.open.insert_with(|_| number);
        let client = self.client(number);
        client.waiting.clear();
        client.id = Some(id);
        self.outbox.open(id.slot, self.server.config().limits.send_queue);
        self.handle(Input::Opened { client: id, peer });
        Ok(())
    }

    /// The id of a client that is connected.
    pub(crate) fn id(&self, number: usize) -> Option<ClientId> {
        self.clients.get(number)?.id
    }

    /// A client sends a line, without its end; `None` is one that is too long.
    pub(crate) fn push(&mut self, number: usize, line: Option<Vec<u8>>) {
        self.client(number).waiting.push_back(line);
    }

    /// What a client has received, and the place for more.
    pub(crate) fn received(&mut self, number: usize) -> &mut Vec<u8> {
        &mut self.client(number).received
    }

    fn client(&mut self, number: usize) -> &mut Client {
        if self.clients.len() <= number {
            self.clients.resize_with(number + 1, Client::default);
        }
        &mut self.clients[number]
    }

    /// A client's connection ends.
    pub(crate) fn close(&mut self, number: usize) {
        if let Some(client) = self.id(number) {
            self.handle(Input::Closed { client, why: Gone::Eof });
            self.forget(client);
        }
    }

    /// Something happens, and what the shell does at the end of a turn: flush, close, and disconnect those who are over
    /// their limit.
    pub(crate) fn handle(&mut self, input: Input<'_>) {
        self.server.handle(self.now, input, &mut self.outbox);
        self.end_turn();
    }

    /// Calls the server, and ends the turn.
    pub(crate) fn call<R>(&mut self, what: impl FnOnce(&mut Server, Time, &mut Outbox) -> R) -> R {
        let result = what(&mut self.server, self.now, &mut self.outbox);
        self.end_turn();
        result
    }

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
        if self.checks {
            self.server.check(&self.outbox);
        }
    }

    fn forget(&mut self, id: ClientId) {
        if let Some(number) = self.open.remove(id) {
            self.outbox.close(id.slot);
            self.clients[number].id = None;
        }
    }

    /// Answers, feeds and ticks until nothing is left to do at this time.
    pub(crate) fn run(&mut self) {
        loop {
            let due = self.server.deadline().is_some_and(|deadline| deadline <= self.now.mono_ms);
            if due {
                self.handle(Input::Tick);
            }
            if !self.answer() && !self.feed() && !due {
                break;
            }
        }
    }

    /// Answers what the server has asked for first.
    fn answer(&mut self) -> bool {
        let Some(asked) = self.asked.pop_front() else { return false };
        if let Effect::Stop { reason } = &asked {
            self.handle(Input::Shutdown { reason });
        } else if let Some(answer) = (self.others)(asked) {
            self.handle(answer);
        }
        true
    }

    /// Feeds one waiting line, if there is one whose client is ready.
    fn feed(&mut self) -> bool {
        for number in 0..self.clients.len() {
            let Some(client) = self.clients[number].id.filter(|&client| self.server.ready(client)) else {
                continue;
            };
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

    /// Time passes, from one deadline of the server to the next, until `more` says that it is enough.
    pub(crate) fn advance(&mut self, ms: u64, mut more: impl FnMut() -> bool) {
        self.run();
        let end = self.now.mono_ms + ms;
        while let Some(deadline) = self.server.deadline().filter(|&deadline| deadline <= end) {
            self.pass(deadline.saturating_sub(self.now.mono_ms));
            if !more() {
                break;
            }
        }
        self.pass(end - self.now.mono_ms);
    }

    fn pass(&mut self, ms: u64) {
        self.now = Time { mono_ms: self.now.mono_ms + ms, unix_ms: self.now.unix_ms + ms };
        self.run();
    }
}
