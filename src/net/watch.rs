//! Those who watch: admin connections that are told of events as they happen.
//!
//! Nobody waits for them. An event goes into the send queue of each connection that watches its kind, as long as that queue is
//! short and the turn has lines left; else it is missed and counted, and what stands in its place is one notification with the
//! number. With nobody watching, an event costs the look whether somebody does.
//!
//! Who watches certain nicks, channels or addresses only has their masks held against each event, for which a turn has a budget as
//! well. An event for which there is none left is missed, as nobody knows whether it was meant.

use std::io::Write;

use serde_json::json;

use super::conn::{Power, Role, State};
use super::driver::Driver;
use super::shell::Shell;
use crate::admin::{self, EVENT, GAP, Happening, Kinds, RpcError, WatchMasks, Watching};
use crate::id::ClientId;
use crate::outbox::{Outbox, Shelf};
use crate::proto::limits::{WATCH_LINES, WATCH_LOOKS, WATCH_QUEUE, WATCHERS};
use crate::server::Input;

/// All who watch.
#[derive(Default)]
pub(super) struct Watchers {
    list: Vec<Watcher>,
    /// What some of them watch.
    kinds: Kinds,
    /// How many events the turn may still tell of, each counted once for each who is told.
    lines_left: usize,
    /// How often the turn may still hold a mask against a text.
    looks_left: usize,
}

/// One who watches.
struct Watcher {
    id: ClientId,
    power: Power,
    kinds: Kinds,
    masks: WatchMasks,
    /// Whether the request has been answered, so that events may follow.
    begun: bool,
    /// Events so far, those that are missing included.
    seq: u64,
    /// Those of them that are missing behind the last that was sent.
    missed: u64,
}

impl Watchers {
    /// A turn begins.
    pub(super) fn begin(&mut self) {
        self.lines_left = WATCH_LINES;
        self.looks_left = WATCH_LOOKS;
    }

    /// How many they are.
    pub(super) fn count(&self) -> u64 {
        self.list.len() as u64
    }

    pub(super) fn has(&self, id: ClientId) -> bool {
        self.list.iter().any(|watcher| watcher.id == id)
    }

    /// Whether somebody wants to know of certain addresses only.
    fn ask_addresses(&self) -> bool {
        self.list.iter().any(|watcher| !watcher.masks.address.is_empty())
    }

    /// Tells of an event about a client with this address. Returns how many lines that took.
    fn tell(&mut self, what: &Happening, address: Option<&str>, unix_ms: u64, out: &mut Outbox) -> u64 {
        let kind = what.kind();
        let (mut lines, mut text) = (0, String::new());
        for watcher in self.list.iter_mut().filter(|it| it.begun && it.kinds.has(kind)) {
            let looks = watcher.masks.looks();
            let unseen = looks > self.looks_left;
            if !unseen {
                self.looks_left -= looks;
                if !watcher.masks.fit(what, address) {
                    continue;
                }
            }
            if unseen || self.lines_left == 0 || !watcher.has_room(out) {
                (watcher.seq, watcher.missed) = (watcher.seq + 1, watcher.missed + 1);
                continue;
            }
            if text.is_empty() {
                text = serde_json::to_string(what).expect("an event is JSON");
            }
            lines += watcher.tell_gap(unix_ms, out);
            watcher.seq += 1;
            watcher.say(EVENT, unix_ms, &text, out);
            lines += 1;
            self.lines_left -= 1;
        }
        lines
    }
}

impl Watcher {
    /// Whether one more line may wait for it. Where some are missing, half of what waits must have gone before there are more.
    fn has_room(&self, out: &Outbox) -> bool {
        let most = if self.missed > 0 { WATCH_QUEUE / 2 } else { WATCH_QUEUE };
        out.pending(self.id.slot) < most
    }

    /// Tells what is missing, if anything is. Returns how many lines that took.
    fn tell_gap(&mut self, unix_ms: u64, out: &mut Outbox) -> u64 {
        if self.missed == 0 {
            return 0;
        }
        let missed = json!({ "missed": std::mem::take(&mut self.missed) });
        self.say(GAP, unix_ms, &missed.to_string(), out);
        1
    }

    /// Sends a notification. `what` is an object, the last members of its parameters.
    fn say(&self, method: &str, time: u64, what: &str, out: &mut Outbox) {
        let (seq, what) = (self.seq, what.strip_prefix('{').unwrap_or(what));
        let span = out.encode(Shelf::Own, |arena| {
            // A vector takes all.
            let _ = writeln!(
                arena,
                r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"seq":{seq},"time":{time},{what}}}"#
            );
        });
        out.send(self.id.slot, span);
    }
}

impl<D: Driver> Shell<D> {
    /// Tells those who watch of something. With nobody watching it is not even made.
    #[inline]
    pub(super) fn happened(&mut self, what: impl FnOnce() -> Happening) {
        if !self.watchers.list.is_empty() {
            self.tell_watchers(&what());
        }
    }

    #[cold]
    fn tell_watchers(&mut self, what: &Happening) {
        if self.watchers.kinds.has(what.kind()) {
            let asked = what.client().filter(|_| self.watchers.ask_addresses());
            let conn = asked.and_then(ClientId::from_u64).and_then(|id| self.conns.get(id));
            let address = conn.and_then(|conn| match conn.role {
                Role::Chat(address, _) => Some(address.to_string()),
                Role::Admin(_) => None,
            });
            let address = address.as_deref();
            self.counters.replies += self.watchers.tell(what, address, self.now.unix_ms, &mut self.out);
        }
    }

    /// Tells those who miss something how much, as far as there is room for that.
    pub(super) fn tell_gaps(&mut self) {
        for watcher in &mut self.watchers.list {
            if watcher.has_room(&self.out) {
                self.counters.replies += watcher.tell_gap(self.now.unix_ms, &mut self.out);
            }
        }
    }

    /// Whether somebody can be told now of what is missing.
    pub(super) fn owes_gaps(&self) -> bool {
        self.watchers.list.iter().any(|watcher| watcher.missed > 0 && watcher.has_room(&self.out))
    }

    /// Has a connection told of events from the end of its request on; of these, instead of others before.
    ///
    /// # Errors
    /// When there are as many who watch as may be.
    pub(super) fn watch(
        &mut self,
        id: ClientId,
        power: Power,
        events: &[String],
        masks: &WatchMasks,
    ) -> Result<Watching, RpcError> {
        let kinds = Kinds::of(events);
        let watching = Watching { events: kinds.names().map(str::to_owned).collect() };
        let there = self.watchers.list.iter().filter(|watcher| watcher.power == power).count();
        match self.watchers.list.iter_mut().find(|watcher| watcher.id == id) {
            Some(watcher) => (watcher.kinds, watcher.masks) = (kinds, masks.clone()),
            None if there >= WATCHERS => {
                let message =
                    format!("{WATCHERS} connections watch already, and no more may; end one of them");
                return Err(RpcError::new(admin::TOO_LARGE, message));
            }
            None => {
                let masks = masks.clone();
                self.watchers.list.push(Watcher { id, power, kinds, masks, begun: false, seq: 0, missed: 0 });
            }
        }
        self.sum_up_watchers();
        Ok(watching)
    }

    /// The request has been answered: events follow.
    pub(super) fn begin_watch(&mut self, id: ClientId) {
        let new = |watcher: &&mut Watcher| watcher.id == id && !watcher.begun;
        if let Some(watcher) = self.watchers.list.iter_mut().find(new) {
            watcher.begun = true;
            self.sum_up_watchers();
        }
    }

    /// Tells a connection of no more events, as it wants it: but how many it misses until now. Returns whether it was told of
    /// some.
    pub(super) fn end_watch(&mut self, id: ClientId) -> bool {
        if let Some(watcher) = self.watchers.list.iter_mut().find(|watcher| watcher.id == id) {
            self.counters.replies += watcher.tell_gap(self.now.unix_ms, &mut self.out);
        }
        self.unwatch(id)
    }

    /// Tells a connection of no more events. Returns whether it was told of some.
    pub(super) fn unwatch(&mut self, id: ClientId) -> bool {
        if !self.watchers.has(id) {
            return false;
        }
        self.watchers.list.retain(|watcher| watcher.id != id);
        self.sum_up_watchers();
        true
    }

    /// Those who watch, or what they watch, have changed.
    fn sum_up_watchers(&mut self) {
        let begun = self.watchers.list.iter().filter(|watcher| watcher.begun);
        self.watchers.kinds = begun.fold(Kinds::default(), |all, watcher| all.or(watcher.kinds));
        let channels = ["join", "part"].iter().any(|kind| self.watchers.kinds.has(kind));
        self.server.handle(self.now, Input::Watched { channels }, &mut self.out);
    }

    /// Checks what holds between turns.
    pub(super) fn check_watchers(&self) {
        for Watcher { id, begun, seq, missed, .. } in &self.watchers.list {
            let Some(conn) = self.conns.get(*id) else { panic!("{id} watches and is gone") };
            assert!(
                !conn.is_chat() && conn.state == State::Open,
                "{id} watches and is no open admin connection"
            );
            assert!(*begun || conn.parked, "{id} watches and has no answer");
            assert!(missed <= seq, "{id} misses more than there was");
        }
    }
}
