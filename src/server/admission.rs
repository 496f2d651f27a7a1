//! Who may come in, and who may stay once it is known who they are.
//!
//! It is asked three times: before a connection is accepted ([`Server::admit`]), when a gateway says whom it speaks for,
//! and at registration. A password comes late, so a client may come in if a class that it may yet be in lets it in;
//! then registration asks again what speaks against it.

use std::net::IpAddr;

use super::class::{self, Class, Classes};
use super::ctx::Ctx;
use super::{Cause, Effect, Peer, Refusal, Server, Time};
use crate::config::{Exempt, Webirc};
use crate::id::ClientId;
use crate::outbox::Outbox;
use crate::proto::limits::WEBIRC_WAITING;

/// What is still to be asked of a connection when it registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Admission {
    /// Nothing but what may have changed.
    #[default]
    Settled,
    /// The class that it is in would not let it in for this reason, but it may be in another.
    Doubtful(Refusal),
    /// Everything: it comes from a gateway, which may speak for somebody.
    Gateway,
}

impl Server {
    /// Whether one more connection is welcome. Cheap: asked before anything is allocated.
    ///
    /// # Errors
    /// Why it is not.
    pub fn admit(&self, now: Time, peer: &Peer) -> Result<(), Refusal> {
        if self.stopping {
            return Err(Refusal::Stopping);
        }
        if self.stats.connections >= u64::from(self.config.limits.connections) {
            return Err(Refusal::Full);
        }
        if self.gateways(peer.address).next().is_some() {
            let waiting = self.networks.count(peer.address, &self.config.throttle);
            return if waiting < WEBIRC_WAITING { Ok(()) } else { Err(Refusal::Address) };
        }
        self.weigh(now, peer).map(drop)
    }

    /// The sentence for the one who is refused. Of a ban it has the reason.
    pub fn refusal(&self, why: Refusal, address: IpAddr) -> String {
        let reason = Some(why).filter(|why| *why == Refusal::Banned).and(self.bans.address_reason(address));
        reason.map_or_else(|| why.to_string(), |reason| format!("{why}: {reason}"))
    }

    /// The gateways of the configuration that connect from an address.
    pub(super) fn gateways(&self, address: IpAddr) -> impl Iterator<Item = &Webirc> {
        let from_there = move |it: &&Webirc| it.networks.iter().any(|network| network.contains(address));
        self.config.webirc.iter().filter(from_there)
    }

    /// Whether one of the classes lets a connection in that it may be in; if not the one that it is in without giving a
    /// password, why that one does not.
    fn weigh(&self, now: Time, peer: &Peer) -> Result<Admission, Refusal> {
        let (mut any, mut last) = (false, Ok(()));
        let banned = self.bans.address_reason(peer.address).is_some();
        for index in class::open_to(&self.config, peer) {
            let class = self.classes.at(index);
            let hurried = self.networks.is_hurried(now.mono_ms, peer.address, &self.config.throttle);
            last = if banned && !class.exempt.has(Exempt::BANS) {
                Err(Refusal::Banned)
            } else if hurried && !class.exempt.has(Exempt::THROTTLE) {
                Err(Refusal::Throttle)
            } else {
                self.is_open(class, peer.address, 0)
            };
            any |= last.is_ok();
        }
        match last {
            Ok(()) => Ok(Admission::Settled),
            Err(refusal) if any => Ok(Admission::Doubtful(refusal)),
            Err(refusal) => Err(refusal),
        }
    }

    /// Whether a class has room for a connection from there and is not locked. `itself` is 1 if the connection is
    /// counted in it already.
    fn is_open(&self, class: &Class, address: IpAddr, itself: u32) -> Result<(), Refusal> {
        let listed = || self.config.lockdown.networks.iter().any(|it| it.contains(address));
        if self.lockdown() && !class.exempt.has(Exempt::LOCKDOWN) && !listed() {
            return Err(Refusal::Lockdown);
        }
        if class.connections.is_some_and(|most| class.members - itself >= most) {
            return Err(Refusal::Class);
        }
        let from_there = self.networks.count(address, &self.config.throttle) - itself;
        if from_there >= class.connections_per_address { Err(Refusal::Address) } else { Ok(()) }
    }

    /// Counts a connection that begins: the class that it is in until it gives a password, and what is still to be asked.
    pub(super) fn enter(&mut self, peer: &Peer) -> (usize, Admission) {
        let index = class::choose(&self.config, peer, None);
        let admission = if self.gateways(peer.address).next().is_some() {
            Admission::Gateway
        } else {
            // Whoever feeds a connection that was not admitted has it looked at again when it registers.
            let admission = self.weigh(self.now, peer).unwrap_or_else(Admission::Doubtful);
            self.hurry(index, peer.address);
            admission
        };
        self.count_in(index, peer.address);
        (index, admission)
    }

    /// Counts the connection in `slot` anew, as one that comes from elsewhere and is in that class. Returns what is still to
    /// be asked of it.
    ///
    /// # Errors
    /// Why it is not welcome from there; it is counted all the same, until it is gone.
    pub(super) fn enter_from(&mut self, slot: u32, index: usize, peer: &Peer) -> Result<Admission, Refusal> {
        let client = self.client_mut(slot).expect("asked for a client that is there");
        let (before, from) = (client.class, client.peer.address);
        client.class = index;
        client.peer = peer.clone();
        self.count_out(before, from);
        let admission = self.weigh(self.now, peer);
        if admission.is_ok() {
            self.hurry(index, peer.address);
        }
        self.count_in(index, peer.address);
        admission
    }

    /// Counts a connection in a class and in its network.
    fn count_in(&mut self, index: usize, address: IpAddr) {
        self.classes.at_mut(index).members += 1;
        self.networks.add(address, &self.config.throttle);
    }

    /// Takes a connection out of these counts.
    pub(super) fn count_out(&mut self, index: usize, address: IpAddr) {
        self.classes.at_mut(index).members -= 1;
        self.networks.remove(address, &self.config.throttle);
    }

    /// Charges a network for a connection that it has begun.
    fn hurry(&mut self, index: usize, address: IpAddr) {
        if !self.classes.at(index).exempt.has(Exempt::THROTTLE) {
            self.networks.hurry(self.now.mono_ms, address, &self.config.throttle);
        }
    }

    /// The class of whoever is in `slot`.
    pub(super) fn class_of(&self, slot: u32) -> &Class {
        let index = self.client(slot).map(|client| client.class);
        self.classes.at(index.expect("asked for a client that is there"))
    }

    /// The name of a client's class.
    pub fn class_name(&self, client: ClientId) -> Option<&str> {
        let it = self.client(client.slot).filter(|it| it.id == client)?;
        Some(&self.classes.at(it.class).name)
    }

    /// How long a client may take for what waits in its send queue: as long as it may be silent, in milliseconds. None for one
    /// that is gone.
    pub fn patience(&self, client: ClientId) -> Option<u64> {
        let it = self.client(client.slot).filter(|it| it.id == client)?;
        let class = self.classes.at(it.class);
        Some(class.ping_interval_ms + class.ping_timeout_ms)
    }

    /// The least that a send queue holds, in bytes.
    pub fn least_send_queue(&self) -> u32 {
        self.classes.iter().map(|class| class.send_queue).min().unwrap_or(0)
    }

    /// Makes the classes of a new configuration. Clients stay in the class of the same name; who has none is in the one that
    /// fits now.
    pub(super) fn reclassify(&mut self, out: &mut Outbox) {
        let before = std::mem::replace(&mut self.classes, Classes::new(&self.config));
        for client in self.clients.iter_mut().flatten() {
            let kept = self.classes.named(&before.at(client.class).name);
            client.class = kept.unwrap_or_else(|| class::choose(&self.config, &client.peer, None));
            let class = self.classes.at_mut(client.class);
            class.members += 1;
            out.set_limit(client.id.slot, class.send_queue);
        }
        let addresses = self.clients.iter().flatten().map(|client| client.peer.address);
        self.networks.recount(addresses, &self.config.throttle);
    }
}

impl Ctx<'_> {
    /// Whether something does not apply to the client.
    pub(super) fn exempt(&self, what: Exempt) -> bool {
        self.server.class_of(self.me).exempt.has(what)
    }

    /// Puts a client that registers into its class, for which it may have given a password. Returns whether it has.
    ///
    /// # Errors
    /// Why it cannot be there, or not be in that class.
    pub(super) fn settle_class(&mut self) -> Result<bool, Refusal> {
        let config = self.config();
        let client = self.client_mut();
        let (peer, before) = (client.peer.clone(), client.class);
        let Some(registration) = client.registration() else { return Ok(false) };
        let admission = std::mem::take(&mut registration.admission);
        let index = class::choose(&config, &peer, registration.password.as_deref());
        self.move_to(index, &peer);
        let server = &mut *self.server;
        let hurried = match admission {
            Admission::Gateway => {
                let hurried = server.networks.is_hurried(server.now.mono_ms, peer.address, &config.throttle);
                server.hurry(index, peer.address);
                hurried
            }
            other => other == Admission::Doubtful(Refusal::Throttle),
        };
        if hurried && !self.exempt(Exempt::THROTTLE) {
            return Err(Refusal::Throttle);
        }
        let open = self.server.is_open(self.server.classes.at(index), peer.address, 1);
        match open {
            // Room that there was when it came is still its own.
            Err(Refusal::Class | Refusal::Address) if index == before && admission == Admission::Settled => {}
            other => other?,
        }
        Ok(class::password(&config, index).is_some())
    }

    /// Counts the client as one of a class who comes from there.
    fn move_to(&mut self, index: usize, peer: &Peer) {
        let client = self.client_mut();
        let from = client.peer.address;
        client.peer = peer.clone();
        let before = std::mem::replace(&mut client.class, index);
        self.server.count_out(before, from);
        self.server.count_in(index, peer.address);
        self.out.set_limit(self.me, self.server.classes.at(index).send_queue);
    }

    /// Lets a client go that is not welcome after all, and counts it with those who were not let in.
    pub(super) fn turn_away(&mut self, why: Refusal) {
        let (client, address) = (self.client().id, self.client().peer.address);
        self.server.effects.push(Effect::Refused { client, why });
        self.dismiss(Cause::Refused, &self.server.refusal(why, address));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Bench;
    use super::super::{Event, Input, State};
    use super::*;
    use crate::config::{Class, Config};

    fn class(name: &str) -> Class {
        Class { name: name.to_owned(), ..Class::default() }
    }

    #[test]
    fn an_address_is_a_network_of_its_own_by_default_and_a_64_is_one() {
        let mut bench = Bench::new(|config| config.limits.connections_per_address = 1);
        bench.open_from(0, "192.0.2.1").unwrap();
        bench.open_from(1, "192.0.2.2").unwrap();
        bench.open_from(2, "2001:db8::1").unwrap();
        bench.open_from(3, "2001:db8:0:1::1").unwrap();
        for (slot, again) in (4..).zip(["192.0.2.1", "2001:db8::2", "2001:db8:0:1:ffff::"]) {
            assert_eq!(bench.open_from(slot, again), Err(Refusal::Address), "{again}");
        }
    }

    #[test]
    fn a_reload_keeps_classes_by_name_and_counts_anew() {
        let mut bench = Bench::new(|config| config.class = vec![class("a"), class("b")]);
        let client = bench.open(0);
        assert_eq!(bench.server.class_name(client), Some("a"));
        bench.out.clear();
        for (classes, prefix, name) in [
            (vec!["b", "a"], 32, "a"),
            (vec!["b"], 24, "b"),
            (vec![], 8, "default"),
            (vec!["c"], 32, "default"),
        ] {
            let mut config = Config { class: classes.into_iter().map(class).collect(), ..Config::default() };
            config.throttle.ipv4_prefix = prefix;
            bench.input(Input::Reload(config.into()));
            assert_eq!(bench.server.class_name(client), Some(name));
        }
    }

    #[test]
    fn the_send_queue_is_that_of_the_class_also_when_it_is_found_within_a_labelled_command() {
        let mut bench = Bench::new(|config| {
            config.limits.send_queue = 10_000;
            let large =
                Class { password: Some("sesame".to_owned()), send_queue: Some(1 << 20), ..class("l") };
            config.class = vec![large];
            config.server.motd = vec!["x".repeat(300); 100];
        });
        assert_eq!(bench.server.least_send_queue(), 10_000);
        for (slot, password, fits) in [(0, "sesame", true), (1, "guess", false)] {
            let client = bench.open(slot);
            bench.say(client, "CAP REQ :labeled-response batch");
            bench.say(client, &format!("PASS {password}"));
            bench.say(client, &format!("NICK n{slot}"));
            bench.say(client, "USER u 0 * :r");
            bench.say(client, "@label=1 CAP END");
            assert_eq!(bench.out.take_overflowed().is_empty(), fits);
            bench.out.clear();
        }
    }

    #[test]
    fn the_panic_switch_outlives_a_restart_and_is_told_of_once() {
        let mut bench = Bench::new(|_| {});
        let turn = |bench: &mut Bench, on| bench.server.set_lockdown(Time::default(), on, &mut bench.out);
        assert!(turn(&mut bench, true));
        let effects: Vec<_> = bench.server.effects().collect();
        let [Effect::Event(Event::Lockdown { on: true }), Effect::Save { state, .. }] = &effects[..] else {
            panic!("{effects:?}")
        };
        assert!(!turn(&mut bench, true));
        let again: Vec<_> = bench.server.effects().collect();
        assert!(matches!(&again[..], [Effect::Save { .. }]), "it may not be on disk yet: {again:?}");
        let mut bench = Bench::new(|_| {});
        bench.server.restore(State::parse(&state.text()).unwrap());
        assert!(bench.server.lockdown());
        assert_eq!(bench.open_from(0, "192.0.2.1"), Err(Refusal::Lockdown));
        assert!(turn(&mut bench, false));
        assert!(bench.open_from(0, "192.0.2.1").is_ok());
    }

    #[test]
    fn who_is_turned_away_late_is_counted_with_those_who_were_not_let_in() {
        let mut bench = Bench::new(|config| {
            let staff = Class { password: Some("sesame".to_owned()), ..class("staff") };
            config.class = vec![staff, Class { connections: Some(1), ..class("others") }];
        });
        bench.open_from(0, "192.0.2.1").unwrap();
        let client = bench.open_from(1, "192.0.2.2").unwrap();
        bench.server.effects().for_each(drop);
        bench.say(client, "NICK n");
        bench.say(client, "USER u 0 * :r");
        let effects: Vec<_> = bench.server.effects().collect();
        assert_eq!(effects[0], Effect::Refused { client, why: Refusal::Class });
        assert_eq!(effects.last(), Some(&Effect::Close(client)));
        assert_eq!(bench.server.stats().disconnects[Cause::Refused as usize], 1);
    }
}
