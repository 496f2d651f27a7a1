//! The host that others see of a user: where they really are, or a cloak.

use super::class;
use super::ctx::Ctx;
use super::effort::{self, Effort};
use super::outgoing::{Draft, Forms, Source};
use super::slot_set::SlotSet;
use super::timers::Kind;
use super::{Peer, Refusal, Server};
use crate::config::Config;
use crate::proto::caps::Caps;
use crate::proto::modes::{self, AUDITORIUM, CLOAKED};
use crate::proto::names;
use crate::proto::numeric;
use crate::server::cloak::Cloak;

/// Neighbours who are shown another host in a step: with a hundred channels in common, and a rank in each, each is told 200 lines.
const STEP: usize = 128;

/// What makes cloaks.
pub(super) struct Cloaks {
    /// None if the configuration has no key.
    maker: Option<Cloak>,
    /// Whether there has been another key, or suffix: then some may have a cloak that would not be made today.
    changed: bool,
}

impl Cloaks {
    pub(super) fn new(config: &Config) -> Self {
        let key = config.cloak.key.as_deref();
        Self { maker: key.map(|key| Cloak::new(key, &config.cloak.suffix)), changed: false }
    }

    /// Those of another configuration, after a reload.
    pub(super) fn reconfigure(&mut self, before: &Config, config: &Config) {
        *self = Self { changed: self.changed || before.cloak != config.cloak, ..Self::new(config) };
    }

    /// The cloak that would be made today of this host, unless it is the one that the client `has`.
    pub(super) fn other(&self, host: &str, has: Option<&str>, effort: &Effort) -> Option<String> {
        if has.is_some() && !self.changed { None } else { self.make(host, effort) }
    }

    fn make(&self, host: &str, effort: &Effort) -> Option<String> {
        let maker = self.maker.as_ref()?;
        effort.add(effort::CLOAK);
        Some(maker.name(host))
    }
}

/// Whether a name can be a host that others see. What looks like an address is none.
pub(super) fn is_host(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    names::is_server(name) && !name.ends_with('.') && !last.bytes().all(|byte| byte.is_ascii_digit())
}

impl Server {
    /// The modes of a new user.
    pub(super) fn default_user_modes(&self) -> u16 {
        let letters = &self.config.users.default_modes;
        let rows = modes::USER.iter().filter(|mode| letters.contains(mode.letter));
        rows.fold(0, |modes, mode| modes | mode.bit)
    }
}

impl Ctx<'_> {
    /// Takes a gateway's word that the client is somewhere else: from now on that is where it comes from. With a host, that
    /// is its host, and its address is not looked up.
    ///
    /// # Errors
    /// Why it would not have been let in from there.
    pub(super) fn move_from_gateway(&mut self, peer: Peer, host: Option<&str>) -> Result<(), Refusal> {
        let (me, id) = (self.me, self.client().id);
        let config = self.config();
        let index = class::choose(&config, &peer, None);
        let verdict = self.server.enter_from(me, index, &peer);
        self.out.set_limit(me, self.server.class_of(me).send_queue);
        let Server { clients, timers, .. } = &mut *self.server;
        let client = clients[me as usize].as_mut().expect("it is there");
        client.real_host = host.map_or_else(|| names::host(peer.address), str::to_owned).into();
        timers.disarm(me, &mut client.armed, Kind::Resolve);
        if let Some(registration) = client.registration() {
            registration.resolving = false;
            registration.admission = verdict?;
        }
        if host.is_none() {
            self.server.look_up(id);
        }
        Ok(())
    }

    /// Finds the client's cloak, which it keeps as long as it is there. False if there are no cloaks.
    pub(super) fn find_cloak(&mut self) -> bool {
        let Server { cloaks, effort, .. } = &*self.server;
        if self.client().cloak.is_none()
            && let Some(cloak) = cloaks.make(&self.client().real_host, effort)
        {
            self.client_mut().cloak = Some(cloak.into());
        }
        self.client().cloak.is_some()
    }

    /// The host that a client with these modes shows: its cloak, or where it is.
    pub(super) fn host_under(&self, modes: u16) -> &str {
        let client = self.client();
        client.cloak.as_deref().filter(|_| modes & CLOAKED != 0).unwrap_or(&client.real_host)
    }

    /// Shows the host that mode x asks for.
    pub(super) fn follow_cloak_mode(&mut self) {
        let host = self.host_under(self.user().modes).to_owned();
        self.change_host(&host);
    }

    /// Shows another host of the user. Those who do not understand CHGHOST see them leave and come back (IRCv3 chghost,
    /// "Fallback").
    fn change_host(&mut self, host: &str) {
        if self.client().host() == host {
            return;
        }
        let user = self.user().user_name().to_owned();
        let change = format_args!("CHGHOST {user} {host}");
        let source = self.source();
        self.tell_change(Caps::CHGHOST, Draft::event(&source, change));
        self.tell_me(Draft::event(&source, change).needing(Caps::CHGHOST));
        let before = format!("{user}@{}", self.client().host());
        self.user_mut().move_to(host);
        let (mut rest, host) = (self.neighbours_lacking(Caps::CHGHOST), host.to_owned());
        self.in_steps(move |c| {
            if rest.is_empty() {
                c.reply(numeric::rpl_visiblehost(&host));
                return false;
            }
            let some = rest.split_off(rest.len().saturating_sub(STEP));
            c.come_back(&some, &before);
            true
        });
    }

    /// Slots of those who share a channel with the client and have not this capability, in order.
    fn neighbours_lacking(&mut self, cap: Caps) -> Vec<u32> {
        let me = self.me;
        let mut all = SlotSet::default();
        for &index in &self.user().channels {
            let members = self.channel(index).members();
            if let Some(set) = members.set() {
                self.server.effort.add(all.unite(set) / effort::WORDS + 1);
            } else {
                self.server.effort.add(members.len() / effort::LOOKS);
                members.iter().for_each(|member| all.set(member.slot, true));
            }
        }
        let slots: Vec<u32> =
            all.iter().filter(|&slot| slot != me && !self.out.caps(slot).has(cap)).collect();
        self.server.effort.add(slots.len() / effort::LOOKS);
        slots
    }

    /// Shows some others that the user leaves, as whom they know as `nick!` and what they were `before`, and comes back to all
    /// channels in which they see them. Each is told all of it at once, so that nothing that happens before others are told
    /// finds anybody who has seen the one and not the other. Who has come after the change sees a change of nothing.
    fn come_back(&mut self, some: &[u32], before: &str) {
        let me = self.me;
        let channels = self.user().channels.clone();
        let seen_in = |c: &Self, index: u32| -> Vec<u32> {
            let channel = c.channel(index);
            c.server.effort.add(some.len() / effort::LOOKS + 1);
            // Only in an auditorium there are members who do not see each other.
            let hidden = channel.is(AUDITORIUM).then(|| channel.member(me)).flatten();
            let sees = |slot| match hidden {
                Some(me) => channel.member(slot).is_some_and(|member| channel.shows(member, me)),
                None => channel.has(slot),
            };
            some.iter().copied().filter(|&slot| sees(slot)).collect()
        };
        let seen: Vec<(u32, Vec<u32>)> =
            channels.iter().map(|&index| (index, seen_in(self, index))).collect();
        let mut everybody = SlotSet::default();
        seen.iter().flat_map(|(_, slots)| slots).for_each(|&slot| everybody.set(slot, true));
        let everybody: Vec<u32> = everybody.iter().collect();

        let mut source = self.source();
        let now = std::mem::replace(&mut source.mask, format!("{}!{before}", self.user().nick).into());
        self.tell_those(&everybody, Draft::event(&source, format_args!("QUIT :Changing host")));
        source.mask = now;
        for (index, slots) in &seen {
            source.id = self.event_id();
            self.show_return(*index, slots, &source);
        }
        if let Some(message) = self.user().away.clone() {
            source.id = self.event_id();
            let away = format_args!("AWAY :{message}");
            self.tell_those(&everybody, Draft::event(&source, away).needing(Caps::AWAY_NOTIFY));
        }
    }

    /// Shows some members of a channel that the user comes back to it.
    fn show_return(&mut self, index: u32, slots: &[u32], source: &Source) {
        let (nick, realname) = (self.user().nick.clone(), self.user().realname.clone());
        let name = self.channel(index).name.clone();
        let account = source.account.as_deref().unwrap_or("*");
        let (body, richer) = (format_args!("JOIN {name}"), format_args!("JOIN {name} {account} :{realname}"));
        self.tell_those(slots, Draft::event(source, body).or(Caps::EXTENDED_JOIN, richer));
        let prefixes = self.channel(index).prefixes(self.me).unwrap_or(0);
        let letters: String =
            modes::PREFIXES.iter().filter(|row| prefixes & row.bit != 0).map(|row| row.letter).collect();
        if !letters.is_empty() {
            let nicks = vec![&*nick; letters.len()].join(" ");
            let server = self.server_source();
            self.tell_those(slots, Draft::event(&server, format_args!("MODE {name} +{letters} {nicks}")));
        }
    }

    /// Sends a draft to those in these slots.
    fn tell_those(&mut self, slots: &[u32], draft: Draft<'_>) {
        let Server { stamp, now, .. } = &mut *self.server;
        let mut forms = Forms::new(draft);
        for &slot in slots {
            forms.send(slot, self.out, stamp, now.unix_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_host;

    #[test]
    fn hosts_are_names_and_no_addresses() {
        for good in ["client.example.org", "a-1.b2.example", "xn--a.example"] {
            assert!(is_host(good), "{good}");
        }
        for bad in
            ["", "localhost", "192.0.2.7", "a.7", "a..b", "a b.c", "a!b.c", "-a.b", "a.b.", ":a.b", "::1"]
        {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
