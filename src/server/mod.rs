//! The chat server as a value: input and time go in, encoded lines and effects come out.
//!
//! It has no socket, clock, thread, file or global; the same calls in the same order always give
//! the same result. [`crate::net`] is the shell around it.
//!
//! | file | what is there |
//! |---|---|
//! | `types` | the words that server and shell exchange |
//! | `admission`, `class`, `networks` | who may come in, what holds for them, and how many they are |
//! | `lifecycle` | how connections begin and end |
//! | `commands/` | the table of commands, and the functions behind it by family |
//! | `greeting` | what every new user is told |
//! | `host`, `cloak` | the host that others see, and hosts that hide the address |
//! | `filter` | which texts are refused |
//! | `filters` | filters that operators add |
//! | `policy` | every question of permission |
//! | `bans`, `ban_mask` | bans from the server, and what they say |
//! | `ban` | whom the entries of a channel's lists are about |
//! | `mode` | reading, applying and showing mode changes |
//! | `setting` | the modes of a channel that have a value |
//! | `ctx` | what a command works with; every line that is sent goes through it |
//! | `extras` | what few users have: lists of those they accept or silence |
//! | `targets` | how many people somebody may begin to address at once |
//! | `multiline` | messages of several lines on their way in |
//! | `response` | labelled responses and batches |
//! | `outgoing` | from what happened to bytes, once per form that some recipient needs |
//! | `arrival` | how others are shown that somebody is in a channel |
//! | `work` | long replies, a slice at a time |
//! | `rounds` | what all are told, some in each turn |
//! | `effort` | how much was done, so that the loop can share its time out |
//! | `channel`, `channels` | a channel, and the table of them |
//! | `monitor` | who watches whom |
//! | `operator` | server operators |
//! | `notices` | what they are told (user mode `s`) |
//! | `whowas` | who has been here lately |
//! | `jobs` | commands that wait for another thread |
//! | `state` | what outlives a restart |
//! | `info` | what the admin socket shows |
//! | `recent` | who says much, and where |
//! | `details` | all that is known of one channel or user |
//! | `admin` | what the admin socket changes |
//! | `check` | the invariants |

mod admin;
mod admission;
mod arrival;
mod ban;
mod ban_mask;
mod bans;
mod channel;
mod check;
mod class;
mod client;
pub mod cloak;
mod commands;
mod ctx;
mod details;
mod effort;
mod extras;
pub mod filter;
mod filters;
mod greeting;
mod host;
mod info;
mod jobs;
mod lifecycle;
mod members;
mod mode;
mod monitor;
mod multiline;
mod name_table;
mod networks;
mod notices;
mod operator;
mod outgoing;
mod policy;
mod recent;
mod response;
mod rounds;
mod setting;
mod slot_set;
mod state;
mod targets;
mod throttle;
mod timers;
mod types;
mod whowas;
mod work;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::Hash;
use std::rc::Rc;

use siphasher::sip::SipHasher13;

use crate::config::Config;
use crate::id::ClientId;
use crate::outbox::Outbox;
use crate::proto::caps;
use crate::proto::isupport;
use crate::proto::modes::{self, DEAF, INVISIBLE, OPERATOR, WALLOPS};
use crate::proto::names;
use crate::table::Table;

use channel::Channel;
use class::Classes;
use client::{Client, User};
use ctx::{Ctx, Seen};
use filter::Filters;
use greeting::Greeting;
use host::Cloaks;
use jobs::Saves;
use monitor::Watchers;
use name_table::NameTable;
use networks::Networks;
use outgoing::Stamp;
use response::Response;
use rounds::News;
use slot_set::SlotSet;
use timers::Timers;
use whowas::Whowas;

pub use admin::{ModesError, ModesSet, NoSuchChannel, OperatorInfo};
pub use bans::{Ban, BanError, BanInfo, BanKind};
pub use commands::{Command, TABLE as COMMANDS, Who};
pub use details::{ChannelDetails, EntryDetails, ListDetails, UserDetails};
pub use filters::FilterError;
pub use info::{ChannelInfo, Stats, UserInfo};
pub use state::State;
pub use types::*;

pub use crate::proto::modes::without_key;

/// The name and version that the server gives.
pub const VERSION: &str = concat!("chatd-", env!("CARGO_PKG_VERSION"));

/// Hashes with keys from the seed: strangers choose the names, and cannot foresee where they fall.
#[derive(Clone, Copy)]
struct Keyed([u64; 2]);

impl std::hash::BuildHasher for Keyed {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0[0], self.0[1])
    }
}

/// Gives back most of the memory of a table that has become almost empty.
fn slim<K: Eq + Hash, V>(table: &mut HashMap<K, V, Keyed>) {
    if table.capacity() > KEEP_TABLE.max(8 * table.len()) {
        table.shrink_to(KEEP_TABLE.max(2 * table.len()));
    }
}

/// Entries for which a table keeps the room.
const KEEP_TABLE: usize = 1_024;

/// All that the chat server knows.
pub struct Server {
    config: Rc<Config>,
    /// Rendered from `config`.
    greeting: Rc<Greeting>,
    now: Time,
    started_unix_ms: u64,
    started_mono_ms: u64,
    /// By slot.
    clients: Vec<Option<Box<Client>>>,
    /// Nicks, of registered users and of those on the way, to slots.
    nicks: NameTable,
    /// By index; indices are reused.
    channels: Table<Box<Channel>>,
    channel_serial: u64,
    /// Channel names to indices.
    names: NameTable,
    classes: Classes,
    networks: Networks,
    cloaks: Cloaks,
    timers: Timers,
    /// When the process last went on after a pause in which it could hear nobody, in [`Time::mono_ms`].
    resumed_ms: Option<u64>,
    watchers: Watchers,
    whowas: Whowas,
    /// Clients whose long reply goes on at the next tick, those that wait longest first.
    working: VecDeque<ClientId>,
    /// How many of them waited when the last tick was over.
    rested: usize,
    /// What all are told, and whom not yet. At most [`crate::proto::limits::ROUNDS`], one of changes, and the shutdown.
    rounds: VecDeque<rounds::Round>,
    /// The generation of the client that came last.
    newest: u32,
    effort: effort::Effort,
    effects: Vec<Effect>,
    stats: Stats,
    /// How often each command was used, in the order of their table.
    used: [u64; COMMANDS.len()],
    most_users: u64,
    /// Users with mode `i`.
    invisible: u64,
    /// Slots of users with mode `o`.
    operators: BTreeSet<u32>,
    /// Slots of users with mode `w`.
    wallops: BTreeSet<u32>,
    notices: notices::Spoken,
    bans: bans::Bans,
    /// Users with mode `D`.
    deaf: SlotSet,
    stamp: Stamp,
    seen: Seen,
    /// Events since the start, for their ids.
    events: u64,
    /// What tells the ids of this run from those of others.
    run: u64,
    /// Batches since the start, for their references.
    batches: u64,
    /// The response that is being set aside, and the slot of its recipient.
    response: Option<(u32, Response)>,
    filters: Filters,
    /// Why a filter disconnects the client whose line is being handled.
    condemned: Option<String>,
    stopping: bool,
    /// Whether somebody wants to know who enters channels and leaves them.
    watched: bool,
    /// What outlives a restart.
    state: State,
    saves: Saves,
}

impl Server {
    /// An empty server. All its randomness comes from `seed`.
    pub fn new(config: Rc<Config>, seed: [u64; 2], now: Time) -> Self {
        let keyed = Keyed(seed);
        Self {
            greeting: Rc::new(Greeting::new(&config)),
            filters: Filters::new(config.filter.iter().cloned()),
            condemned: None,
            classes: Classes::new(&config),
            cloaks: Cloaks::new(&config),
            bans: bans::Bans::new(&config.ban, keyed),
            config,
            now,
            started_unix_ms: now.unix_ms,
            started_mono_ms: now.mono_ms,
            clients: Vec::new(),
            nicks: NameTable::new(keyed),
            channels: Table::default(),
            channel_serial: 0,
            names: NameTable::new(keyed),
            networks: Networks::new(keyed),
            timers: Timers::default(),
            resumed_ms: None,
            watchers: Watchers::new(keyed),
            whowas: Whowas::new(keyed),
            working: VecDeque::new(),
            rested: 0,
            rounds: VecDeque::new(),
            newest: 0,
            effort: effort::Effort::default(),
            effects: Vec::new(),
            stats: Stats::default(),
            used: [0; COMMANDS.len()],
            most_users: 0,
            invisible: 0,
            operators: BTreeSet::new(),
            wallops: BTreeSet::new(),
            notices: notices::Spoken::default(),
            deaf: SlotSet::default(),
            stamp: Stamp::default(),
            seen: Seen::default(),
            events: 0,
            run: seed[0] ^ seed[1].rotate_left(32),
            batches: 0,
            response: None,
            stopping: false,
            watched: false,
            state: State::default(),
            saves: Saves::default(),
        }
    }

    /// Takes one input. What is to be said goes to `out`; what else is to be done, to [`Server::effects`].
    pub fn handle(&mut self, now: Time, input: Input<'_>, out: &mut Outbox) {
        self.now = now;
        match input {
            Input::Opened { client, peer } => self.open(client, peer, out),
            Input::Line { client, line } => {
                if let Some(mut ctx) = self.ctx(client, out) {
                    commands::dispatch(&mut ctx, line);
                }
                self.dismiss_condemned(client, out);
            }
            Input::Oversized { client } => {
                if let Some(mut ctx) = self.ctx(client, out) {
                    commands::oversized(&mut ctx);
                }
            }
            Input::Noise { client } => {
                if let Some(mut ctx) = self.ctx(client, out) {
                    commands::noise(&mut ctx);
                }
            }
            Input::Closed { client, why } => self.gone(client, why, out),
            Input::Verified { client, verdict } => self.verified(client, verdict, out),
            Input::Rehashed { client, outcome } => self.rehashed(client, outcome, out),
            Input::Saved { serial, problem } => self.saved(serial, problem.as_deref(), out),
            Input::Resolved { client, address, name } => self.resolved(client, address, name, out),
            Input::Tick => self.tick(out),
            Input::Reload(config) => self.reload(config, out),
            Input::Shutdown { reason } => {
                if !std::mem::replace(&mut self.stopping, true) {
                    self.tell_all(News::Shutdown { reason: reason.into() }, out);
                }
            }
            Input::Kill { client, reason } => {
                if let Some(mut ctx) = self.ctx(client, out) {
                    let (source, by) = (ctx.server_source(), ctx.config().server.name.clone());
                    ctx.kill(&source, &by, reason);
                }
            }
            Input::Kick { client, channel, reason } => {
                if let Some(mut ctx) = self.ctx(client, out) {
                    commands::kick_by_server(&mut ctx, channel, reason);
                }
            }
            Input::Announce { text } => self.send_announcement(text, out),
            Input::Watched { channels } => self.watched = channels,
        }
    }

    /// Puts a configuration in force, and tells clients what it changes for them.
    fn reload(&mut self, config: Rc<Config>, out: &mut Outbox) {
        let before = std::mem::replace(&mut self.config, config);
        let config = self.config.clone();
        self.whowas.trim(config.limits.whowas_entries as usize);
        self.renew_filters();
        self.reclassify(out);
        self.cloaks.reconfigure(&before, &config);
        self.greeting = Rc::new(Greeting::new(&config));
        let (old, new) = (isupport::tokens(&before), isupport::tokens(&config));
        let tokens = isupport::changes(&old, &new);
        let offers = caps::changes(caps::TABLE, &before, &config);
        if !tokens.is_empty() || offers.any() {
            self.tell_changes(offers, tokens, out);
        }
        self.review_operators(out);
        if before.ban != config.ban {
            self.bans.reconfigure(&config.ban);
        }
    }

    /// Gives back what it keeps for those who have left.
    pub fn trim(&mut self) {
        while self.clients.pop_if(|client| client.is_none()).is_some() {}
        self.clients.shrink_to_fit();
        self.seen.trim(self.clients.len());
    }

    /// Whether there is anything in [`Server::effects`]. After most inputs there is not.
    pub fn has_effects(&self) -> bool {
        !self.effects.is_empty() || self.wants_save()
    }

    /// Effects since this was last asked, oldest first.
    pub fn effects(&mut self) -> std::vec::Drain<'_, Effect> {
        self.begin_save();
        self.effects.drain(..)
    }

    /// When [`Input::Tick`] is due, in [`Time::mono_ms`]; in the past when long work waits for the next turn.
    pub fn deadline(&self) -> Option<u64> {
        if !self.working.is_empty() || self.is_going_round() {
            return Some(0);
        }
        [self.timers.next(), self.bans_deadline()].into_iter().flatten().min()
    }

    /// Whether the next line of this client may be fed: it is not slowed down, no long reply is under way, and no
    /// command waits for something.
    /// When it becomes ready again, [`Effect::Resume`] says so. False for a client that is gone.
    pub fn ready(&self, client: ClientId) -> bool {
        self.client(client.slot).is_some_and(|it| {
            it.id == client && !it.is_waiting() && !it.armed.is_armed(timers::Kind::Throttle)
        })
    }

    /// The configuration in force.
    pub fn config(&self) -> &Rc<Config> {
        &self.config
    }

    /// The server at work for `client`, if it is still there.
    fn ctx<'a>(&'a mut self, client: ClientId, out: &'a mut Outbox) -> Option<Ctx<'a>> {
        let there = self.client(client.slot).is_some_and(|it| it.id == client);
        there.then_some(Ctx { server: self, out, me: client.slot })
    }

    /// Disconnects the client whose words a filter has found. Only after the command, as none expects that its client leaves
    /// while it runs.
    fn dismiss_condemned(&mut self, client: ClientId, out: &mut Outbox) {
        if let Some(reason) = self.condemned.take()
            && let Some(mut ctx) = self.ctx(client, out)
        {
            ctx.dismiss(Cause::Kill, &reason);
        }
    }

    fn client(&self, slot: u32) -> Option<&Client> {
        self.clients.get(slot as usize)?.as_deref()
    }

    fn client_mut(&mut self, slot: u32) -> Option<&mut Client> {
        self.clients.get_mut(slot as usize)?.as_deref_mut()
    }

    fn user(&self, slot: u32) -> Option<&User> {
        self.client(slot)?.user()
    }

    /// The slot of the registered user of that nick.
    fn registered(&self, nick: &str) -> Option<u32> {
        self.slot_of(nick).filter(|&slot| self.user(slot).is_some())
    }

    /// The slot of whoever has that nick, registered or on the way.
    fn slot_of(&self, nick: &str) -> Option<u32> {
        let its = |slot| self.client(slot).and_then(Client::nick);
        self.nicks.find(nick, |slot| its(slot).is_some_and(|its| names::same(its, nick)))
    }

    /// The index of the channel of that name.
    fn index_of(&self, name: &str) -> Option<u32> {
        self.names.find(name, |index| names::same(&self.channel(index).name, name))
    }

    /// Keeps what is known of users by mode, when the modes of the one in `slot` change.
    fn count_modes(&mut self, slot: u32, before: u16, after: u16) {
        self.deaf.set(slot, after & DEAF != 0);
        let change = |bit: u16| i64::from(after & bit != 0) - i64::from(before & bit != 0);
        self.invisible = self.invisible.saturating_add_signed(change(INVISIBLE));
        for (set, bit) in [(&mut self.operators, OPERATOR), (&mut self.wallops, WALLOPS)] {
            if after & bit != 0 {
                set.insert(slot);
            } else {
                set.remove(&slot);
            }
        }
    }

    /// The channel at an index that is known to be in use.
    fn channel(&self, index: u32) -> &Channel {
        self.channels[index as usize].as_ref().expect("an index in use")
    }

    fn channel_mut(&mut self, index: u32) -> &mut Channel {
        self.channels[index as usize].as_mut().expect("an index in use")
    }

    /// Makes a channel without members; one must follow at once.
    fn create_channel(&mut self, name: &str) -> u32 {
        self.channel_serial += 1;
        let flags = modes::flags(&self.config.channels.default_modes).expect("the configuration was checked");
        let channel = Channel::new(name, self.channel_serial, flags, self.now.unix_ms);
        let index = self.channels.insert_with(|_| Box::new(channel));
        self.names.insert(name, index);
        self.stats.channels += 1;
        index
    }

    /// Gives a channel another name, which no other channel has. Nobody is told.
    fn rename_channel(&mut self, index: u32, name: &str) {
        let now = self.now.mono_ms;
        let channel = self.channel_mut(index);
        channel.renamed_ms = Some(now);
        let before = std::mem::replace(&mut channel.name, name.into());
        self.names.remove(&before, index);
        self.names.insert(name, index);
    }

    /// Takes a user out of a channel; a channel without members is no more. Nobody is told.
    fn part(&mut self, slot: u32, index: u32) {
        let channel = self.channel_mut(index);
        channel.remove(slot);
        if channel.members().is_empty() {
            let name = channel.name.clone();
            self.names.remove(&name, index);
            self.channels.remove(index);
            self.stats.channels -= 1;
        }
        if let Some(user) = self.client_mut(slot).and_then(Client::user_mut) {
            user.channels.retain(|other| *other != index);
        }
    }
}
