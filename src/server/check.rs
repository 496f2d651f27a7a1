//! The invariants: what must hold after every input. Run by the simulation and the fuzzers, not in service.

use std::collections::BTreeSet;

use super::Server;
use super::jobs::Parked;
use super::timers::Kind;
use crate::outbox::Outbox;
use crate::proto::modes::{DEAF, INVISIBLE, OPERATOR, SERVER_NOTICES, WALLOPS};

impl Server {
    /// Checks every invariant.
    ///
    /// # Panics
    /// When one does not hold.
    pub fn check(&self, out: &Outbox) {
        let (mut invisible, mut memberships) = (0, 0_i64);
        let (mut operators, mut wallops) = (BTreeSet::new(), BTreeSet::new());
        let (mut connections, mut users, mut nicks, mut deadlines) = (0, 0, 0, 0);
        for (slot, client) in self.clients.iter().enumerate() {
            let slot = slot as u32;
            let modes = self.user(slot).map_or(0, |user| user.modes);
            assert_eq!(self.deaf.has(slot), modes & DEAF != 0, "{slot}: the deaf are known");
            let Some(client) = client else { continue };
            assert_eq!(client.id.slot, slot, "a client is in its own slot");
            assert_eq!(out.caps(slot), client.caps, "{slot}: the outbox knows the capabilities");
            assert!(
                client.parked.is_none() || client.work.is_none(),
                "{slot}: waits for one thing at a time"
            );
            if let Some(Parked::Save { serial, .. }) = client.parked.as_deref() {
                assert!(self.saves.waits_for(*serial), "{slot}: waits for a save that is under way");
                assert!(self.saves.knows(*serial, client.id), "{slot}: is told when it is done");
            }
            connections += 1;
            deadlines += client.armed.count();
            if let Some(nick) = client.nick() {
                nicks += 1;
                assert_eq!(self.slot_of(nick), Some(slot), "{nick} is in the table of nicks");
            }
            let resolving = client.stage.resolving();
            assert_eq!(resolving, client.armed.is_armed(Kind::Resolve), "{slot}: a look-up has its deadline");
            let Some(user) = client.user() else {
                assert!(client.work.is_none(), "{slot}: only users ask for long replies");
                continue;
            };
            users += 1;
            invisible += u64::from(user.modes & INVISIBLE != 0);
            operators.extend((user.modes & OPERATOR != 0).then_some(slot));
            wallops.extend((user.modes & WALLOPS != 0).then_some(slot));
            let operator = self.operator(slot);
            assert_eq!(operator.is_some(), user.modes & OPERATOR != 0, "{}: an operator or not", user.nick);
            let notified = operator.is_some_and(|operator| operator.notices != 0);
            assert_eq!(notified, user.modes & SERVER_NOTICES != 0, "{}: notices with mode s", user.nick);
            assert_eq!(*user.mask, format!("{}!{}@{}", user.nick, user.user_name(), client.host()));
            let mut channels = user.channels.clone();
            channels.sort_unstable();
            assert!(channels.is_sorted_by(|a, b| a < b), "{}: each channel once", user.nick);
            for index in channels {
                memberships += 1;
                assert!(self.channel(index).has(slot), "{}: a member where they think", user.nick);
            }
        }
        assert_eq!(self.stats.connections, connections);
        assert_eq!(self.stats.users, users);
        assert_eq!(self.invisible, invisible, "users by mode");
        assert_eq!((&self.operators, &self.wallops), (&operators, &wallops), "users by mode");
        assert_eq!(self.nicks.len(), nicks, "no nick without a client");
        assert_eq!(self.timers.len(), deadlines, "no deadline without a client");
        let everybody = || self.clients.iter().flatten();
        self.networks.check(everybody().map(|client| client.peer.address), &self.config.throttle);
        for (index, class) in self.classes.iter().enumerate() {
            let members = everybody().filter(|client| client.class == index).count();
            assert_eq!(class.members as usize, members, "connections of the class {}", class.name);
        }
        assert!(connections == 0 || deadlines > 0, "somebody watches every client");

        self.check_watchers();
        self.whowas.check();
        self.bans.check();

        let mut channels = 0;
        // Every user is a member where they think, so equal counts mean that no channel has a stranger.
        for (index, channel) in self.channels.iter().enumerate() {
            let Some(channel) = channel else { continue };
            let index = index as u32;
            channels += 1;
            assert_eq!(self.index_of(&channel.name), Some(index));
            assert!(!channel.members().is_empty(), "{}: a channel has members", channel.name);
            channel.members().check();
            for member in channel.members().iter() {
                memberships -= 1;
                assert!(self.user(member.slot).is_some(), "{}: a member is a user", channel.name);
            }
        }
        assert_eq!(memberships, 0, "every member knows of it");
        assert_eq!(self.stats.channels, channels);
        assert_eq!(self.names.len() as u64, channels, "no name without a channel");
        assert!(self.channels.last().is_none_or(Option::is_some), "the table ends with a channel");
    }
}
