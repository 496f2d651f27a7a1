//! How connections begin and end, and the deadlines between.

use std::rc::Rc;

use super::class::same_secret;
use super::client::{Client, Registration, Stage, User};
use super::ctx::Ctx;
use super::outgoing::{Draft, Source};
use super::recent::Recent;
use super::throttle::Throttle;
use super::timers::{Armed, Kind};
use super::whowas::Past;
use super::{Cause, Effect, Event, Gone, Peer, Server, work};
use crate::id::ClientId;
use crate::outbox::Outbox;
use crate::proto::caps::Caps;
use crate::proto::limits::{EXPIRIES_PER_TURN, PAUSE_MS};
use crate::proto::names;
use crate::proto::numeric;

impl Server {
    /// A connection begins.
    pub(super) fn open(&mut self, id: ClientId, peer: Peer, out: &mut Outbox) {
        let slot = id.slot as usize;
        if self.clients.len() <= slot {
            self.clients.resize_with(slot + 1, || None);
        }
        let (class, admission) = self.enter(&peer);
        out.set_limit(id.slot, self.classes.at(class).send_queue);
        self.newest = id.generation;
        self.stats.connections += 1;
        self.stats.connections_total += 1;
        self.stats.connections_peak = self.stats.connections_peak.max(self.stats.connections);
        let mut client = Client {
            id,
            real_host: names::host(peer.address).into(),
            cloak: None,
            gateway: None,
            peer,
            secure: false,
            stage: Stage::Registering(Registration { admission, ..Registration::default() }),
            class,
            caps: Caps::NONE,
            cap_version: 0,
            connected_unix_ms: self.now.unix_ms,
            heard_ms: self.now.mono_ms,
            pinged: false,
            messages_in: 0,
            lines: Recent::default(),
            throttle: Throttle::default(),
            flooded_ms: None,
            work: None,
            response: None,
            parked: None,
            armed: Armed::default(),
        };
        let deadline = self.now.mono_ms + u64::from(self.config.timeouts.registration) * 1000;
        self.timers.arm(id.slot, &mut client.armed, Kind::Liveness, deadline);
        self.clients[slot] = Some(Box::new(client));
        self.look_up(id);
    }

    /// The shell has lost a connection.
    pub(super) fn gone(&mut self, id: ClientId, why: Gone, out: &mut Outbox) {
        let Some(mut ctx) = self.ctx(id, out) else { return };
        let (cause, reason) = match why {
            Gone::Eof => (Cause::Eof, "Connection closed".to_owned()),
            Gone::Error(kind) => (Cause::Error, format!("Connection error: {kind}")),
            Gone::SendQueue => (Cause::SendQueue, "Send queue exceeded".to_owned()),
            Gone::Stalled => (Cause::Stalled, "Send queue not read in time".to_owned()),
        };
        ctx.leave(cause, &reason);
    }

    /// Deadlines that have come, as many as a turn has time for, then a slice of every long reply that waits for one.
    pub(super) fn tick(&mut self, out: &mut Outbox) {
        if self.timers.next().is_some_and(|due| self.now.mono_ms > due + PAUSE_MS) {
            self.resumed_ms = Some(self.now.mono_ms);
        }
        let end = self.part_of_turn(out);
        for _ in 0..EXPIRIES_PER_TURN {
            if self.work_charged(out) >= end {
                break;
            }
            let Some((slot, kind)) = self.timers.pop(self.now.mono_ms) else { break };
            let Some(client) = self.client_mut(slot) else { continue };
            client.armed.fired(kind);
            let id = client.id;
            match kind {
                Kind::Liveness => self.check_liveness(slot, out),
                Kind::Throttle => self.resume(id),
                Kind::Work => self.working.push_back(id),
                Kind::Resolve => self.settle_host(id, None, out),
                Kind::Batch => {
                    if let Some(mut ctx) = self.ctx(id, out) {
                        super::commands::check_batch(&mut ctx);
                    }
                }
            }
        }
        self.tick_bans(out);
        self.make_rounds(out);
        work::continue_all(self, out);
    }

    /// Tells the shell that a client is ready again, if it is.
    pub(super) fn resume(&mut self, id: ClientId) {
        if self.ready(id) {
            self.effects.push(Effect::Resume(id));
        }
    }

    /// Called lazily, when a deadline has come that was set without knowing what the client would send meanwhile.
    fn check_liveness(&mut self, slot: u32, out: &mut Outbox) {
        let now = self.now.mono_ms;
        let Some(client) = self.client(slot) else { return };
        let class = self.classes.at(client.class);
        let (interval, timeout) = (class.ping_interval_ms, class.ping_timeout_ms);
        let (id, quiet_since, pinged) = (client.id, client.heard_ms, client.pinged);
        let (registered, waits) = (client.user().is_some(), client.parked.is_some());
        // The time in which this process could not hear what was said to it counts for nothing.
        let resumed = self.resumed_ms;
        let anew = |patience| resumed.map(|at| at + patience).filter(|&at| at > now);
        let registration = u64::from(self.config.timeouts.registration) * 1000;
        let Some(mut ctx) = self.ctx(id, out) else { return };
        if !registered {
            if let Some(later) = anew(registration) {
                return ctx.arm(Kind::Liveness, later);
            }
            ctx.dismiss(Cause::RegistrationTimeout, "Registration timed out");
            return;
        }
        let next = if waits {
            // What it says is not read meanwhile: that is not its fault.
            now + timeout
        } else if pinged && let Some(later) = anew(timeout) {
            later
        } else if pinged {
            let silence = format!("Ping timeout: {} seconds", (now - quiet_since) / 1000);
            ctx.dismiss(Cause::PingTimeout, &silence);
            return;
        } else if now < quiet_since + interval {
            quiet_since + interval
        } else {
            ctx.client_mut().pinged = true;
            let config = ctx.config();
            // Without a source: many a small program looks for lines that begin with PING.
            ctx.say_bare(format_args!("PING :{}", config.server.name));
            now + timeout
        };
        ctx.arm(Kind::Liveness, next);
    }
}

impl Ctx<'_> {
    /// Sets a deadline for the client.
    pub(super) fn arm(&mut self, kind: Kind, at_ms: u64) {
        let Server { clients, timers, .. } = &mut *self.server;
        if let Some(client) = &mut clients[self.me as usize] {
            timers.arm(self.me, &mut client.armed, kind, at_ms);
        }
    }

    /// The client has given a sign of life.
    pub(super) fn heard(&mut self) {
        let now = self.server.now.mono_ms;
        self.client_mut().heard(now);
    }

    /// Makes the client a user, who has been greeted by nobody yet.
    pub(super) fn become_user(&mut self, nick: Rc<str>, user: String, realname: String) {
        let now = self.server.now.mono_ms;
        let modes = self.server.default_user_modes();
        self.find_cloak();
        let mut user = User::new(nick, &user, realname.into(), self.host_under(modes), now);
        user.modes = modes;
        let client = self.client_mut();
        let (id, mask) = (client.id, user.mask.to_string());
        client.stage = Stage::Registered(user);
        self.server.count_modes(self.me, 0, modes);
        self.server.stats.users += 1;
        self.server.most_users = self.server.most_users.max(self.server.stats.users);
        let interval = self.server.class_of(self.me).ping_interval_ms;
        self.arm(Kind::Liveness, now + interval);
        self.event(Event::Registered { client: id, mask });
        self.announce_online();
    }

    /// The server ends the connection: the client is told, then everybody who shares a channel with it.
    pub(super) fn dismiss(&mut self, cause: Cause, reason: &str) {
        self.dismiss_as(cause, reason, reason);
    }

    /// As [`Ctx::dismiss`], with one reason for the client and another for the others.
    pub(super) fn dismiss_as(&mut self, cause: Cause, to_client: &str, to_others: &str) {
        let host = self.client().host().to_owned();
        let id = self.client().id;
        // ERROR has no source (RFC 1459 section 4.6.4).
        self.say_bare(format_args!("ERROR :Closing Link: {host} ({to_client})"));
        self.leave(cause, to_others);
        self.server.effects.push(Effect::Close(id));
    }

    /// Forgets the client, and tells everybody who shares a channel with it.
    pub(super) fn leave(&mut self, cause: Cause, reason: &str) {
        self.client_mut().work = None;
        self.end_response();
        self.out.close(self.me);
        let mut mask = None;
        if let Some(user) = self.client().user() {
            let modes = user.modes;
            let source = self.source();
            if !self.server.stopping {
                self.tell_neighbours(Draft::event(&source, format_args!("QUIT :{reason}")));
            }
            self.remember();
            self.unwatch_all();
            if !self.server.stopping {
                let nick = self.user().nick.clone();
                self.announce_offline(&nick);
            }
            // Taken out first: to look each of them up in the list again would take the square of their number.
            for index in std::mem::take(&mut self.user_mut().channels) {
                self.server.part(self.me, index);
            }
            self.server.count_modes(self.me, modes, 0);
            self.server.stats.users -= 1;
            mask = Some(source.mask.to_string());
        }
        let server = &mut *self.server;
        let mut client = server.clients[self.me as usize].take().expect("checked above");
        if let Some(nick) = client.nick() {
            server.nicks.remove(nick, self.me);
        }
        while server.clients.pop_if(|slot| slot.is_none()).is_some() {}
        server.timers.disarm_all(self.me, &mut client.armed);
        server.stats.connections -= 1;
        server.stats.disconnects[cause as usize] += 1;
        server.count_out(client.class, client.peer.address);
        self.event(Event::Disconnected { client: client.id, mask, cause, reason: reason.to_owned() });
    }

    /// Keeps for WHOWAS who has the client's nick.
    pub(super) fn remember(&mut self) {
        let Server { clients, whowas, now, config, .. } = &mut *self.server;
        if let Some(past) = clients[self.me as usize].as_ref().and_then(|it| Past::of(it, now.unix_ms)) {
            whowas.push(&past, config.limits.whowas_entries as usize);
        }
    }

    /// An operator disconnects the client, whom it hears of as `source` and others as `by`.
    pub(super) fn kill(&mut self, source: &Source, by: &str, reason: &str) {
        let quit = format!("Killed ({by} ({reason}))");
        if let Some(nick) = self.client().user().map(|user| user.nick.clone()) {
            self.tell_me(Draft::event(source, format_args!("KILL {nick} :{reason}")));
            let (client, mask) = (self.client().id, self.mask().to_string());
            self.event(Event::Killed { client, mask, by: by.to_owned(), reason: reason.to_owned() });
        }
        self.dismiss(Cause::Kill, &quit);
    }

    /// The server stops: the client is told in words first.
    pub(super) fn shut_down(&mut self, reason: &str) {
        self.notice(format_args!("*** The server is shutting down: {reason}"));
        self.dismiss(Cause::Shutdown, &format!("Server shutting down: {reason}"));
    }

    /// Registers the client once it has said all that is needed (Modern IRC, "Connection Registration").
    pub(super) fn try_register(&mut self) {
        let config = self.config();
        let Some(registration) = self.client_mut().registration() else { return };
        let waits = registration.negotiating || registration.resolving;
        if waits || registration.nick.is_none() || registration.user.is_none() {
            return;
        }
        let given = registration.password.clone();
        let trusted = match self.settle_class() {
            Ok(trusted) => trusted,
            Err(why) => return self.turn_away(why),
        };
        // The password of a class stands for that of the server.
        if let Some(password) = &config.server.password
            && !trusted
            && !given.is_some_and(|given| same_secret(&given, password))
        {
            self.reply(numeric::err_passwdmismatch());
            self.dismiss(Cause::Password, "Bad password");
            return;
        }
        if self.refuse_if_banned() {
            return;
        }
        let Some(registration) = self.client_mut().registration().map(std::mem::take) else { return };
        if let (Some(nick), Some(user)) = (registration.nick, registration.user) {
            self.become_user(nick, user, registration.realname);
            super::commands::change_away(self, registration.away);
            super::commands::greet(self);
        }
    }
}
