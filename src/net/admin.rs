//! The admin socket: requests of operators and what they do.

use super::audit;
use super::conn::{Caller, Power, State};
use super::driver::Driver;
use super::operate::{no_channel, uncut};
use super::reload::{Read, Waiter};
use super::shell::GateKind;
use super::shell::{STOPPED, Shell};
use crate::admin::{
    self, Announced, Calls, Help, Json, Kicked, LogLevel, METHODS, NOT_DONE, NOT_FOUND, Request, RpcError,
    ShuttingDown, Stats, Target, Unwatched, Version,
};
use crate::id::ClientId;
use crate::outbox::Shelf;
use crate::proto::limits::{ADMIN_CONNECTIONS, ADMIN_REPLY, ADMIN_REQUESTS_PER_TURN, ADMIN_SCAN};
use crate::server::{Cause, Input};

/// Items looked at for the price of one request: one full scan uses up a connection's share of a turn.
const SCAN_PER_REQUEST: usize = ADMIN_SCAN / ADMIN_REQUESTS_PER_TURN;

/// A line of requests that waits for a reload.
pub(super) struct Parked {
    id: ClientId,
    caller: Caller,
    calls: Calls,
}

impl Parked {
    /// The requests of the line that its caller may make.
    pub(super) fn requests(&self) -> impl Iterator<Item = &Request> {
        let may = |request: &&Request| self.caller.power == Power::Admin || !request.changes();
        self.calls.requests().filter(may)
    }
}

/// A line of requests that has been carried out, and whose answer waits until that is on disk.
pub(super) struct Unsaved {
    parked: Parked,
    /// Each request, what came of it, and whether it waits.
    outcomes: Vec<(Request, Result<Json, RpcError>, bool)>,
    /// The save that is waited for.
    serial: u64,
}

impl<D: Driver> Shell<D> {
    /// Carries out a line of requests. Returns what it costs of the connection's share of a turn. A line that needs the
    /// configuration file is put aside, whole, until the configuration has been read; the connection waits meanwhile.
    pub(super) fn admin_line(&mut self, id: ClientId, caller: Caller, line: &[u8]) -> usize {
        self.scanned = 0;
        let calls = admin::parse(line);
        audit::record_faulty(id, caller, &calls);
        let requests = calls.len();
        let parked = Parked { id, caller, calls };
        if parked.requests().any(Request::reads_config) && !self.too_many_reloads() {
            if let Some(conn) = self.conns.get_mut(id) {
                conn.parked = true;
            }
            self.reload(Some(Waiter::Admin(parked)));
        } else {
            let busy =
                RpcError::new(admin::TOO_LARGE, "too many requests wait for a reload already; try again");
            self.carry_out(id, caller, parked.calls, &Read::refused(busy));
        }
        requests + self.scanned / SCAN_PER_REQUEST
    }

    /// Carries out a line that was put aside. Its connection may have gone; what it asked for still holds.
    pub(super) fn unpark(&mut self, parked: Parked, read: &Read) {
        let Parked { id, caller, calls } = parked;
        self.carry_out(id, caller, calls, read);
        // It may wait on, for the disk.
        if self.unsaved.iter().any(|unsaved| unsaved.parked.id == id) {
            return;
        }
        if let Some(conn) = self.conns.get_mut(id) {
            conn.parked = false;
            self.enqueue(id);
        }
    }

    /// Carries out the requests of a line that has one in it whose answer waits until what it changes is on disk, and puts
    /// the answer aside until then.
    fn carry_out_saved(&mut self, id: ClientId, caller: Caller, calls: Calls, read: &Read) {
        let requests: Vec<Request> = calls.requests().cloned().collect();
        let before = self.server.newest_save();
        let (mut outcomes, mut bytes) = (Vec::new(), 0);
        for request in requests {
            // All wait in memory, and no more than an answer holds is sent.
            if bytes > ADMIN_REPLY && !request.changes() {
                let message = "not answered: the reply to the batch is full; ask again, in a batch of fewer";
                outcomes.push((request, Err(RpcError::new(admin::TOO_LARGE, message)), false));
                continue;
            }
            let full = request.is_saved() && self.unsaved.len() >= ADMIN_CONNECTIONS;
            let busy = || RpcError::new(admin::TOO_LARGE, "too many requests wait for the disk; try again");
            let asked = self.server.newest_save();
            let outcome = if full { Err(busy()) } else { self.answer(id, caller, &request, read) };
            let saves = request.is_saved() && self.server.newest_save() > asked;
            bytes += outcome.as_ref().map_or(0, |result| result.as_str().len());
            outcomes.push((request, outcome, saves));
        }
        let serial = self.server.newest_save();
        let unsaved = Unsaved { parked: Parked { id, caller, calls }, outcomes, serial };
        if serial == before {
            self.finish_unsaved(unsaved, None);
            return;
        }
        if let Some(conn) = self.conns.get_mut(id) {
            conn.parked = true;
        }
        self.unsaved.push(unsaved);
        self.apply_effects();
        self.release_saved();
    }

    /// Answers those who have waited for a save that is on disk now, or is not.
    pub(super) fn release_saved(&mut self) {
        let (saved, problem) = self.saving.last();
        let problem = problem.map(ToOwned::to_owned);
        let (released, waiting) =
            std::mem::take(&mut self.unsaved).into_iter().partition(|it: &Unsaved| it.serial <= saved);
        self.unsaved = waiting;
        for unsaved in released {
            let id = unsaved.parked.id;
            self.finish_unsaved(unsaved, problem.as_deref());
            if let Some(conn) = self.conns.get_mut(id) {
                conn.parked = false;
                self.enqueue(id);
            }
        }
    }

    fn finish_unsaved(&mut self, unsaved: Unsaved, problem: Option<&str>) {
        let Unsaved { parked: Parked { id, caller, calls }, outcomes, .. } = unsaved;
        let mut outcomes = outcomes.into_iter();
        let reply = calls.answer(|request| {
            // When the reply is full, some are not asked for.
            let found = outcomes.find(|(its, ..)| its == request);
            let (_, outcome, saves) = found.expect("every request has been carried out");
            let outcome = match (problem, saves) {
                (Some(problem), true) => Err(RpcError::new(
                    NOT_DONE,
                    format!("done, but not saved, so that a restart undoes it: {problem}"),
                )),
                _ => outcome,
            };
            audit::record(id, caller, request, &outcome);
            outcome
        });
        self.answered(id, reply);
    }

    /// Carries out the requests of a line, `read` being what has come of reading the configuration.
    fn carry_out(&mut self, id: ClientId, caller: Caller, calls: Calls, read: &Read) {
        if calls.requests().any(Request::is_saved) {
            self.carry_out_saved(id, caller, calls, read);
            return;
        }
        let reply = calls.answer(|request| {
            let outcome = self.answer(id, caller, request, read);
            audit::record(id, caller, request, &outcome);
            outcome
        });
        self.answered(id, reply);
    }

    /// Answers a line that was too long and has been dropped.
    pub(super) fn admin_oversized(&mut self, id: ClientId, caller: Caller) {
        log::warn!("admin client={id} {caller} error=line_too_long");
        self.reply(id, &admin::error_line(RpcError::line_too_long()));
    }

    /// Ends a line of requests with its answer, if it has one. What it has asked to be told of comes after that.
    fn answered(&mut self, id: ClientId, reply: Option<Vec<u8>>) {
        if let Some(reply) = reply {
            self.reply(id, &reply);
        }
        self.begin_watch(id);
    }

    /// Replies go the way of all output, through the outbox.
    fn reply(&mut self, id: ClientId, line: &[u8]) {
        if self.conns.get(id).is_none() {
            return;
        }
        let span = self.out.encode(Shelf::Own, |arena| arena.extend_from_slice(line));
        self.out.send(id.slot, span);
        self.counters.replies += 1;
    }

    fn answer(
        &mut self,
        id: ClientId,
        caller: Caller,
        request: &Request,
        read: &Read,
    ) -> Result<Json, RpcError> {
        if caller.power == Power::Monitor && request.changes() {
            return Err(self.not_allowed(request));
        }
        Ok(match request {
            Request::Announce { text } => {
                uncut("notice", text, self.server.announcement_room(), "it must fit into a line")?;
                if !self.server.may_announce() {
                    let message = "not sent: users are still being sent earlier announcements; try again";
                    return Err(RpcError::new(NOT_DONE, message));
                }
                let users = self.server.stats().users;
                self.tell(Input::Announce { text });
                Json::of(&Announced { users })
            }
            Request::BanAdd { .. } => Json::of(&self.ban_add(request, caller.peer)?),
            Request::BanDel { mask, kind } => Json::of(&self.ban_del(mask, kind.as_deref(), caller.peer)?),
            Request::BanList { mask, limit, after } => self.ban_list(mask.as_deref(), *limit, *after),
            Request::Busiest { what, limit, after } => self.busiest(*what, *limit, *after),
            Request::ChannelInfo { channel } => Json::of(&self.channel_info(channel, caller.power)?),
            Request::ChannelMode { channel, modes } => Json::of(&self.channel_mode(channel, modes)?),
            Request::ChannelTopic { channel, change } => Json::of(&self.channel_topic(channel, change)?),
            Request::ConfigApply { .. } => Json::of(&self.applied(&read.reloaded)?),
            Request::ConfigConfirm => Json::of(&self.confirm()?),
            Request::ConfigDiff => Json::of(read.difference.as_ref().map_err(Clone::clone)?),
            Request::ConfigStatus => Json::of(&self.config_status()),
            Request::Drain { undo } => Json::of(&self.set_draining(!undo)?),
            Request::FilterAdd { .. } => Json::of(&self.filter_add(request)?),
            Request::FilterDel { name } => Json::of(&self.filter_del(name)?),
            Request::FilterList => Json::of(&self.filter_list()),
            Request::FilterTest { text, on } => Json::of(&self.filter_test(text, on.as_deref())),
            Request::Lockdown { on } => Json::of(&self.lockdown(*on)),
            Request::Help => Json::of(&Help {
                methods: METHODS.iter().filter(|it| caller.power == Power::Admin || it.can_look()).collect(),
            }),
            Request::Kick { target, channel, reason } => {
                Json::of(&self.kick(target, channel.as_deref(), reason.as_deref())?)
            }
            Request::List(list) => self.list(list)?,
            Request::LogLevel { level } => {
                let before = log::max_level();
                if let Some(level) = *level {
                    log::set_max_level(level);
                }
                let name = |level: log::LevelFilter| level.as_str().to_lowercase();
                Json::of(&LogLevel { level: name(log::max_level()), before: level.map(|_| name(before)) })
            }
            Request::OperList { limit, after } => self.oper_list(*limit, *after),
            Request::Reload => Json::of(read.reloaded.as_ref().map_err(Clone::clone)?),
            Request::Shutdown { reason } => {
                let connections = self.server.stats().connections;
                self.stop(reason.as_deref().unwrap_or(STOPPED));
                let timeout_seconds = u64::from(self.server.config().timeouts.shutdown);
                Json::of(&ShuttingDown { connections, timeout_seconds })
            }
            Request::Stats => Json::of(&self.stats()),
            Request::Unwatch => Json::of(&Unwatched { ended: self.end_watch(id) }),
            Request::UserInfo { target } => Json::of(&self.user_info(target)?),
            Request::Version => Json::of(&Version {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                pid: self.driver.process().id,
            }),
            Request::Watch { events, masks } => Json::of(&self.watch(id, caller.power, events, masks)?),
        })
    }

    /// The answer to a request that changes something, where nothing may be.
    fn not_allowed(&self, request: &Request) -> RpcError {
        let admin = self.gates.iter().find_map(|gate| match &gate.kind {
            GateKind::Admin { path, power: Power::Admin } => Some(path.as_str()),
            _ => None,
        });
        let method = request.method().name;
        let way = admin.map_or_else(String::new, |path| format!("; the admin socket is {path}"));
        let message = format!("{method} changes something, and the monitor socket is for looking only{way}");
        RpcError::new(admin::NOT_ALLOWED, message)
    }

    /// The client of a nick or an id, registered or not in the case of an id.
    pub(super) fn find(&self, target: &Target) -> Result<ClientId, RpcError> {
        let missing = |what: String| RpcError::new(NOT_FOUND, what);
        match target {
            Target::Nick(nick) => {
                let found = self.server.find_nick(nick);
                found.ok_or_else(|| missing(format!("there is no user {nick}; `chatctl list` shows all")))
            }
            Target::Id(raw) => ClientId::from_u64(*raw)
                .filter(|&id| self.conns.get(id).is_some_and(|it| it.is_chat() && it.state == State::Open))
                .ok_or_else(|| {
                    let all = "`chatctl list connections` shows all";
                    missing(format!("there is no client with the id {raw}; {all}"))
                }),
        }
    }

    fn kick(
        &mut self,
        target: &Target,
        channel: Option<&str>,
        reason: Option<&str>,
    ) -> Result<Kicked, RpcError> {
        let missing = |what: String| RpcError::new(NOT_FOUND, what);
        let most = self.server.config().limits.kick_length as usize;
        uncut("reason", reason.unwrap_or_default(), most, "limits.kick_length")?;
        let client = self.find(target)?;
        let nick = self.server.describe(client).map(|mask| match mask.split_once('!') {
            Some((nick, _)) => nick.to_owned(),
            None => mask,
        });
        let Some(channel) = channel else {
            self.tell(Input::Kill { client, reason: reason.unwrap_or("Disconnected by an operator") });
            return Ok(Kicked { id: client.to_u64(), nick, channel: None });
        };
        let Some(channel) = self.server.find_channel(channel).map(ToOwned::to_owned) else {
            return Err(no_channel(channel));
        };
        if !self.server.is_member(client, &channel) {
            let who = nick.unwrap_or_else(|| format!("client {client}"));
            return Err(missing(format!(
                "{who} is not in {channel}; `chatctl list --channel '{channel}'` shows who is"
            )));
        }
        let reason = reason.unwrap_or("Removed by an operator");
        self.tell(Input::Kick { client, channel: &channel, reason });
        Ok(Kicked { id: client.to_u64(), nick, channel: Some(channel) })
    }

    fn stats(&mut self) -> Stats {
        let memory = self.watch_memory();
        let server = self.server.stats();
        let process = self.driver.process();
        let turns = self.times.summary(self.now.mono_ms);
        let named = |counts: &mut dyn Iterator<Item = (&'static str, u64)>| {
            counts.map(|(name, count)| (name.to_owned(), count)).collect()
        };
        Stats {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            uptime_seconds: (self.now.mono_ms - self.started_ms) / 1_000,
            connections_now: server.connections,
            connections_peak: server.connections_peak,
            connections_total: server.connections_total,
            users: server.users,
            channels: server.channels,
            lockdown: self.server.lockdown(),
            draining: self.draining,
            watchers: self.watchers.count(),
            messages_in: server.messages_in,
            messages_out: self.out.encoded() - self.counters.replies,
            deliveries: self.counters.deliveries,
            bytes_in: self.counters.bytes_in,
            bytes_out: self.counters.bytes_out,
            send_queue_bytes: self.counters.waiting,
            kernel_queue_bytes: self.kernel_queues(),
            refused: named(&mut self.counters.refused()),
            disconnects: named(&mut Cause::ALL.iter().map(|cause| cause.name()).zip(server.disconnects)),
            log_lines_dropped: (self.log_dropped)(),
            loop_turns: self.counters.turns,
            turn_p50_us: turns.p50,
            turn_p99_us: turns.p99,
            turn_max_us: turns.max,
            rss_bytes: process.rss,
            memory_used_bytes: memory.used,
            memory_limit_bytes: memory.limit,
            descriptors_open: process.descriptors,
            descriptors_limit: process.descriptors_limit,
            confirm_seconds: self.confirm_seconds(),
        }
    }
}
