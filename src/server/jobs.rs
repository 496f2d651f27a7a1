//! Commands that wait for another thread: for a password to be checked, for state to be on disk.
//!
//! Such a command asks for an effect and parks its client with what is to be done when the answer comes: [`Server::ready`]
//! is false until then, so a client waits for one thing at a time and its answers keep their order. The answer finds it
//! by its id, or nobody if it has left.

use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;

use super::ctx::Ctx;
use super::host::is_host;
use super::timers::Kind;
use super::{Effect, Server, Verdict};
use crate::id::ClientId;
use crate::outbox::Outbox;

/// What a command that waits does when it is on disk, or with the reason why it is not.
pub(super) type AfterSave = Box<dyn FnOnce(&mut Ctx<'_>, Result<(), &str>)>;
/// What a command that waits does with the verdict.
pub(super) type AfterVerify = Box<dyn FnOnce(&mut Ctx<'_>, Verdict)>;

/// What a command that waits does when the configuration has been read: with what changed, or why nothing did.
pub(super) type AfterRehash = Box<dyn FnOnce(&mut Ctx<'_>, Result<String, String>)>;

/// A command that waits.
pub(super) enum Parked {
    /// For [`super::Input::Verified`].
    Verify(AfterVerify),
    /// For [`super::Input::Rehashed`].
    Rehash(AfterRehash),
    /// For [`super::Input::Saved`] of this serial number or a later one.
    Save {
        /// Which.
        serial: u64,
        /// The rest of the command.
        then: AfterSave,
    },
}

impl fmt::Debug for Parked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verify(_) => f.write_str("Verify"),
            Self::Rehash(_) => f.write_str("Rehash"),
            Self::Save { serial, .. } => write!(f, "Save {serial}"),
        }
    }
}

/// Which saves were asked for, and which have had their answer.
#[derive(Debug, Default)]
pub(super) struct Saves {
    asked: u64,
    /// The newest that is on its way.
    begun: u64,
    answered: u64,
    /// Who waits for which, in the order of asking. Each command that waits is here once; so is, until the answer, that of a
    /// client that has left.
    waiting: VecDeque<(u64, ClientId)>,
}

impl Saves {
    /// Whether the answer to this one is still to come.
    pub(super) fn waits_for(&self, serial: u64) -> bool {
        (self.answered + 1..=self.asked).contains(&serial)
    }

    /// Whether this client will hear of the answer.
    pub(super) fn knows(&self, serial: u64, client: ClientId) -> bool {
        self.waiting.contains(&(serial, client))
    }
}

impl Server {
    /// The serial number of the newest save that was asked for.
    pub fn newest_save(&self) -> u64 {
        self.saves.asked
    }

    /// Has the state written as it is at the next look at [`Server::effects`]. Returns the serial number of the save.
    pub(super) fn save(&mut self) -> u64 {
        self.saves.asked += 1;
        self.saves.asked
    }

    /// Whether something is to be saved that is not on its way yet.
    pub(super) fn wants_save(&self) -> bool {
        self.saves.asked > self.saves.begun
    }

    /// Asks for the newest save. Only now, as the state may be large, and be changed many times by one line of requests; to put
    /// it into words is left to the thread that writes it.
    pub(super) fn begin_save(&mut self) {
        if self.wants_save() {
            let serial = self.saves.asked;
            self.saves.begun = serial;
            let state = Box::new(self.state());
            self.effects.push(Effect::Save { serial, state });
        }
    }

    /// A password has been checked.
    pub(super) fn verified(&mut self, client: ClientId, verdict: Verdict, out: &mut Outbox) {
        let Some(mut ctx) = self.ctx(client, out) else { return };
        // Otherwise only a shell that answers twice makes this happen.
        let parked = ctx.client_mut().parked.take_if(|it| matches!(**it, Parked::Verify(_)));
        if let Some(Parked::Verify(then)) = parked.map(|it| *it) {
            ctx.unpark(client, |ctx| then(ctx, verdict));
        }
    }

    /// The configuration has been read for somebody.
    pub(super) fn rehashed(&mut self, client: ClientId, outcome: Result<String, String>, out: &mut Outbox) {
        let Some(mut ctx) = self.ctx(client, out) else { return };
        // Otherwise only a shell that answers twice makes this happen.
        let parked = ctx.client_mut().parked.take_if(|it| matches!(**it, Parked::Rehash(_)));
        if let Some(Parked::Rehash(then)) = parked.map(|it| *it) {
            ctx.unpark(client, |ctx| then(ctx, outcome));
        }
    }

    /// An address has been looked up: its name becomes the host of a client that still waits for it.
    pub(super) fn resolved(
        &mut self,
        client: ClientId,
        address: IpAddr,
        name: Option<String>,
        out: &mut Outbox,
    ) {
        // A gateway may have said meanwhile that the client is somewhere else.
        if self.client(client.slot).is_some_and(|it| it.id == client && it.peer.address == address) {
            self.settle_host(client, name, out);
        }
    }

    /// Has the address of a client looked up that has just connected, if that is wanted: its registration waits for it, but
    /// not for ever. To be called again if the address turns out to be another.
    pub(super) fn look_up(&mut self, id: ClientId) {
        let dns = &self.config.dns;
        let deadline = self.now.mono_ms + u64::from(dns.timeout) * 1000;
        let Self { clients, timers, effects, .. } = self;
        if let (true, Some(client)) = (dns.reverse, &mut clients[id.slot as usize])
            && let Some(registration) = client.registration()
        {
            registration.resolving = true;
            timers.arm(id.slot, &mut client.armed, Kind::Resolve, deadline);
            effects.push(Effect::Resolve { client: id, address: client.peer.address });
        }
    }

    /// Ends the wait for the name of an address, with a name or without one.
    pub(super) fn settle_host(&mut self, id: ClientId, name: Option<String>, out: &mut Outbox) {
        let Self { clients, timers, .. } = self;
        let Some(Some(client)) = clients.get_mut(id.slot as usize) else { return };
        let registration = client.registration().filter(|registration| registration.resolving);
        let Some(registration) = registration else { return };
        registration.resolving = false;
        timers.disarm(id.slot, &mut client.armed, Kind::Resolve);
        if let Some(name) = name.filter(|name| is_host(name)) {
            client.real_host = name.into();
        }
        if let Some(mut ctx) = self.ctx(id, out) {
            ctx.try_register();
        }
    }

    /// The state as it was then is on disk, or it is not.
    pub(super) fn saved(&mut self, serial: u64, problem: Option<&str>, out: &mut Outbox) {
        self.saves.answered = self.saves.answered.max(serial.min(self.saves.asked));
        while self.saves.waiting.front().is_some_and(|(asked, _)| *asked <= serial)
            && let Some((_, id)) = self.saves.waiting.pop_front()
        {
            let Some(mut ctx) = self.ctx(id, out) else { continue };
            // Otherwise only a shell that answers twice makes this happen.
            let parked = ctx.client_mut().parked.take_if(|it| matches!(**it, Parked::Save { .. }));
            let Some(Parked::Save { then, .. }) = parked.map(|it| *it) else { continue };
            let outcome = problem.map_or(Ok(()), Err);
            ctx.unpark(id, |ctx| then(ctx, outcome));
        }
    }
}

impl Ctx<'_> {
    /// Has `password` checked against the PHC string `hash`; the command goes on with the verdict.
    pub(super) fn verify(
        &mut self,
        hash: &str,
        password: &str,
        then: impl FnOnce(&mut Ctx<'_>, Verdict) + 'static,
    ) {
        let (client, hash, password) = (self.client().id, hash.to_owned(), password.to_owned());
        self.server.effects.push(Effect::Verify { client, hash, password });
        self.park(Parked::Verify(Box::new(then)));
    }

    /// Has the state written as it is now; the command goes on when it is on disk, or with the reason why it is not.
    pub(super) fn save(&mut self, then: impl FnOnce(&mut Ctx<'_>, Result<(), &str>) + 'static) {
        let serial = self.server.save();
        let id = self.client().id;
        self.server.saves.waiting.push_back((serial, id));
        self.park(Parked::Save { serial, then: Box::new(then) });
    }

    /// Has the configuration read again; the command goes on when that is done.
    pub(super) fn rehash(&mut self, then: impl FnOnce(&mut Ctx<'_>, Result<String, String>) + 'static) {
        let client = self.client().id;
        self.server.effects.push(Effect::Rehash(client));
        self.park(Parked::Rehash(Box::new(then)));
    }

    fn park(&mut self, parked: Parked) {
        debug_assert!(self.client().parked.is_none(), "a client that waits is not fed");
        self.client_mut().parked = Some(Box::new(parked));
    }

    /// Does the rest of a command that has waited. The client is read again, unless there is another reason to wait or it
    /// is gone now.
    fn unpark(mut self, id: ClientId, then: impl FnOnce(&mut Ctx<'_>)) {
        // Its lines were not read meanwhile, so it could not give another sign of life.
        self.heard();
        let response = self.client_mut().response.take().map(|response| *response);
        self.respond(response, then);
        self.server.resume(id);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Bench;
    use super::super::{Gone, Input};
    use super::*;

    /// A user who waits for a password to be checked, and will be told what came of it.
    fn verifying(bench: &mut Bench, slot: u32) -> ClientId {
        let client = bench.user(slot);
        bench.out.clear();
        bench.server.effects().for_each(drop);
        let mut ctx = bench.server.ctx(client, &mut bench.out).unwrap();
        ctx.verify("hash", "sesame", |c, verdict| c.say(format_args!("NOTE {verdict:?}")));
        let (hash, password) = ("hash".to_owned(), "sesame".to_owned());
        assert_eq!(effects(bench), [Effect::Verify { client, hash, password }]);
        client
    }

    fn effects(bench: &mut Bench) -> Vec<Effect> {
        bench.server.check(&bench.out);
        bench.server.effects().filter(|effect| !matches!(effect, Effect::Event(_))).collect()
    }

    /// A user who waits for a save; its serial number.
    fn saving(bench: &mut Bench, slot: u32) -> (ClientId, u64) {
        let client = bench.user(slot);
        bench.out.clear();
        bench.server.effects().for_each(drop);
        let mut ctx = bench.server.ctx(client, &mut bench.out).unwrap();
        ctx.save(|c, outcome| c.say(format_args!("NOTE {outcome:?}")));
        let effects = effects(bench);
        let [Effect::Save { serial, state }] = &effects[..] else { panic!("{effects:?}") };
        assert_eq!(super::super::State::parse(&state.text()).as_ref(), Ok(&**state));
        (client, *serial)
    }

    #[test]
    fn a_client_that_waits_is_not_fed_and_goes_on_with_the_answer() {
        for verdict in [Verdict::Good, Verdict::Wrong, Verdict::Busy] {
            let mut bench = Bench::new(|_| {});
            let client = verifying(&mut bench, 0);
            assert!(!bench.server.ready(client));
            bench.input(Input::Verified { client, verdict });
            assert_eq!(bench.got(0), [format!(":chat.localhost NOTE {verdict:?}")]);
            assert!(bench.server.ready(client));
            assert_eq!(effects(&mut bench), [Effect::Resume(client)]);
            // What comes without being asked for finds nobody waiting.
            bench.input(Input::Verified { client, verdict });
            assert!(bench.got(0).is_empty() && effects(&mut bench).is_empty());
        }
    }

    #[test]
    fn an_answer_for_somebody_who_has_left_finds_nobody() {
        let mut bench = Bench::new(|_| {});
        let client = verifying(&mut bench, 0);
        bench.input(Input::Closed { client, why: Gone::Eof });
        bench.input(Input::Verified { client, verdict: Verdict::Good });
        assert!(bench.out.dirty().is_empty());
        let (client, serial) = saving(&mut bench, 1);
        bench.input(Input::Closed { client, why: Gone::Eof });
        bench.input(Input::Saved { serial, problem: None });
        assert!(bench.out.dirty().is_empty());
    }

    #[test]
    fn a_newer_save_is_the_answer_to_all_before_it_and_to_none_after_it() {
        let mut bench = Bench::new(|_| {});
        let waiting: Vec<_> = (0..3).map(|slot| saving(&mut bench, slot)).collect();
        assert!(waiting.is_sorted_by_key(|(_, serial)| *serial));
        bench.input(Input::Saved { serial: waiting[1].1, problem: None });
        assert_eq!(effects(&mut bench), [Effect::Resume(waiting[0].0), Effect::Resume(waiting[1].0)]);
        let heard =
            |bench: &Bench, slot| String::from_utf8(bench.out.spans(slot).flatten().copied().collect());
        let note = |what: &str| Ok(format!(":chat.localhost NOTE {what}\r\n"));
        assert_eq!((heard(&bench, 0), heard(&bench, 1)), (note("Ok(())"), note("Ok(())")));
        bench.out.clear();
        assert!(!bench.server.ready(waiting[2].0));
        bench.input(Input::Saved { serial: waiting[2].1, problem: Some("full".to_owned()) });
        assert_eq!(bench.got(2), [":chat.localhost NOTE Err(\"full\")"]);
        assert!(bench.server.ready(waiting[2].0));
    }

    #[test]
    fn changes_in_one_go_are_one_save() {
        let mut bench = Bench::new(|_| {});
        for on in [true, false, true] {
            bench.server.set_lockdown(bench.now, on, &mut bench.out);
        }
        let serial = bench.server.newest_save();
        let effects = effects(&mut bench);
        assert!(
            matches!(&effects[..], [Effect::Save { serial: its, state }] if *its == serial && state.lockdown),
            "{effects:?}"
        );
        assert_eq!(serial, 3);
    }

    #[test]
    fn who_is_also_slowed_down_is_told_to_go_on_once() {
        let mut bench = Bench::new(|config| {
            (config.limits.flood_burst, config.limits.flood_rate) = (5, 1);
        });
        let client = verifying(&mut bench, 0);
        for _ in 0..6 {
            bench.say(client, "PING x");
        }
        bench.input(Input::Verified { client, verdict: Verdict::Wrong });
        assert_eq!(effects(&mut bench), [], "it is still slowed down");
        bench.pass(10_000);
        assert_eq!(effects(&mut bench), [Effect::Resume(client)]);
    }

    #[test]
    fn who_waits_for_long_is_not_taken_for_silent() {
        let mut bench = Bench::new(|_| {});
        let (client, serial) = saving(&mut bench, 0);
        bench.pass(600_000);
        assert!(bench.got(0).is_empty() && effects(&mut bench).is_empty());
        bench.input(Input::Saved { serial, problem: None });
        assert!(bench.server.ready(client));
        bench.out.clear();
        bench.pass(600_000);
        assert!(bench.got(0).iter().any(|line| line.starts_with("PING")), "from now on it has to answer");
    }

    fn with_dns() -> Bench {
        Bench::new(|config| (config.dns.reverse, config.dns.timeout) = (true, 3))
    }

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// A client who has said all that registration takes, and whose address is being looked up.
    fn resolving(bench: &mut Bench) -> ClientId {
        let client = bench.user(0);
        assert_eq!(effects(bench), [Effect::Resolve { client, address: HERE }]);
        assert!(bench.out.dirty().is_empty(), "nothing is said while the name is looked up");
        assert!(bench.server.ready(client), "what it says meanwhile counts");
        client
    }

    #[test]
    fn registration_waits_for_the_name_of_the_address() {
        let mut bench = with_dns();
        let client = resolving(&mut bench);
        let name = Some("client.example.org".to_owned());
        bench.input(Input::Resolved { client, address: HERE, name });
        let lines = bench.got(0);
        assert!(
            lines[0].ends_with(" 001 n0 :Welcome to the chatd network, n0!~u@client.example.org"),
            "{lines:?}"
        );
        bench.input(Input::Resolved { client, address: HERE, name: Some("late.example.org".to_owned()) });
        bench.say(client, "USERHOST n0");
        assert!(bench.got(0)[0].ends_with("~u@client.example.org"));
    }

    #[test]
    fn without_a_good_name_in_time_the_address_is_the_host() {
        let long = format!("{}.example.org", "a".repeat(52));
        for name in [
            None,
            Some("localhost"),
            Some("a b.example"),
            Some("a!b@example.org"),
            Some(":a.org"),
            Some(&*long),
        ] {
            let mut bench = with_dns();
            let client = resolving(&mut bench);
            bench.input(Input::Resolved { client, address: HERE, name: name.map(str::to_owned) });
            assert!(bench.got(0)[0].ends_with("n0!~u@127.0.0.1"), "{name:?}");
        }
        let mut bench = with_dns();
        let client = resolving(&mut bench);
        bench.pass(2_999);
        assert!(bench.out.dirty().is_empty());
        bench.pass(1);
        assert!(bench.got(0)[0].ends_with("n0!~u@127.0.0.1"));
        bench.input(Input::Resolved { client, address: HERE, name: Some("late.example.org".to_owned()) });
        bench.say(client, "USERHOST n0");
        assert!(bench.got(0)[0].ends_with("~u@127.0.0.1"));
    }

    #[test]
    fn a_name_for_another_address_or_for_nobody_changes_nothing() {
        let mut bench = with_dns();
        let client = resolving(&mut bench);
        let name = || Some("gateway.example.org".to_owned());
        let gateway = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
        bench.input(Input::Resolved { client, address: gateway, name: name() });
        assert!(bench.out.dirty().is_empty(), "it still waits");
        bench.input(Input::Closed { client, why: Gone::Eof });
        bench.input(Input::Resolved { client, address: HERE, name: name() });
        assert!(bench.out.dirty().is_empty());
    }
}
