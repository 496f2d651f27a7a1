//! RENAME: who may, and what each member is told.

use crate::commands::{CHANNELS, fold, top};
use crate::truth::OP;
use crate::world::World;

type Checked = Result<(), String>;

/// Milliseconds between two new names of a channel.
const PAUSE: u64 = 60_000;

impl World {
    pub(crate) fn rename(&mut self, user: usize, name: &str) -> Checked {
        let (new, now) = (self.rng.pick(&CHANNELS), self.now() + 1_000);
        let new = if self.rng.one_in(3) { new.to_ascii_uppercase() } else { new.to_owned() };
        let line = format!("RENAME {name} {new} :so");
        let Some(channel) = self.channel(user, name) else { return self.check(user, &line) };
        let mine = channel.members.get(&user).copied();
        let highest = channel.members.values().map(|&rank| top(rank)).max().unwrap_or(0);
        let taken = self.truth.channels.get(&fold(&new)).is_some_and(|other| other.serial != channel.serial);
        let by_rank = match mine {
            None => Some(format!("442 {}", channel.name)),
            Some(mine) if mine < OP || top(mine) < highest => Some(format!("482 {}", channel.name)),
            Some(_) => None,
        };
        let privileged = self.truth.has(user, "rename");
        let refusal = match () {
            () if by_rank.is_some() && !privileged => by_rank.clone(),
            () if taken || new == channel.name => {
                Some(format!(":irc.test FAIL RENAME CHANNEL_NAME_IN_USE {} {new}", channel.name))
            }
            () if channel.renamed_ms.is_some_and(|at| now < at + PAUSE) => {
                Some(format!(":irc.test FAIL RENAME CANNOT_RENAME {} {new}", channel.name))
            }
            () => None,
        };
        if let Some(refusal) = refusal {
            self.expect(user, refusal);
            return self.check(user, &line);
        }
        if by_rank.is_some() {
            self.acted(user, &format!("RENAME {} {new}", channel.name));
        }
        let mut it = self.truth.channels.remove(&fold(name)).expect("it was found");
        it.name.clone_from(&new);
        it.renamed_ms = Some(now);
        self.truth.channels.insert(fold(&new), it);
        for &member in channel.members.keys() {
            for place in &mut self.truth.users[member].channels {
                if *place == fold(name) {
                    *place = fold(&new);
                }
            }
        }
        let told = format!(":{} RENAME {} {new} :so", self.truth.mask(user), channel.name);
        self.expect_able(channel.members.keys().copied(), "draft/channel-rename", &told);
        for &member in channel.members.keys() {
            let caps = &self.truth.users[member].caps;
            let (knows, names) = (caps.contains("draft/channel-rename"), !caps.contains("no-implicit-names"));
            if knows || fold(&new) == fold(name) {
                continue;
            }
            let mask = self.truth.mask(member);
            self.expect(member, format!(":{mask} PART {} :so", channel.name));
            self.expect(member, format!(":{mask} JOIN {new}"));
            if !channel.topic.is_empty() {
                self.expect(member, format!("332 {new} :{}", channel.topic));
            }
            if names {
                self.expect_names(member, &fold(&new));
            }
        }
        self.check(user, &line)
    }
}
