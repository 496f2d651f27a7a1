//! The model: what is true of users and channels, and what the rules say about it. Written from the manual, not from the
//! code of the server.

use std::collections::{BTreeMap, BTreeSet};

pub(crate) const VOICE: u8 = 1;
pub(crate) const HALF: u8 = 2;
pub(crate) const OP: u8 = 4;
pub(crate) const PROTECTED: u8 = 8;
pub(crate) const OWNER: u8 = 16;

/// Letter, symbol, bit and who may give it.
pub(crate) const PREFIXES: [(char, char, u8, u8); 5] = [
    ('q', '~', OWNER, OWNER),
    ('a', '&', PROTECTED, OWNER),
    ('o', '@', OP, OP),
    ('h', '%', HALF, OP),
    ('v', '+', VOICE, HALF),
];

/// A user: number 3 connects from 10.0.0.3 with the user name u3.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    pub(crate) nick: String,
    pub(crate) modes: BTreeSet<char>,
    /// Folded names of channels, in the order of joining.
    pub(crate) channels: Vec<String>,
    /// Serial numbers of channels, where somebody invited them who may let them in.
    pub(crate) invited: BTreeSet<u64>,
    /// Numbers of users and the nicks they had.
    pub(crate) accepted: BTreeSet<(usize, String)>,
    pub(crate) silenced: BTreeSet<String>,
    /// When they were last told that mode g kept somebody away.
    pub(crate) informed_ms: Option<u64>,
    /// When others last believed so.
    pub(crate) seemed_ms: Option<u64>,
    pub(crate) away: Option<String>,
    pub(crate) caps: BTreeSet<&'static str>,
    pub(crate) realname: String,
    /// The host that others see.
    pub(crate) host: String,
    /// The host that hides where they are, if there is one.
    pub(crate) cloak: Option<String>,
    /// Whether they never show where they are.
    pub(crate) hides: bool,
    /// Folded nicks.
    pub(crate) watched: BTreeSet<String>,
    /// The number of the server operator that they are, if they are one.
    pub(crate) operator: usize,
    /// What they may do as a server operator.
    pub(crate) privileges: BTreeSet<&'static str>,
    /// The kinds of notices of the server that they get.
    pub(crate) notices: BTreeSet<char>,
}

/// Somebody who had a nick.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    pub(crate) user: usize,
    pub(crate) nick: String,
    pub(crate) host: String,
}

/// Mode j: how many may join in how many milliseconds, when the time being counted began, and how many have joined.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throttle {
    pub(crate) joins: u64,
    pub(crate) ms: u64,
    pub(crate) since: u64,
    pub(crate) count: u64,
}

impl Throttle {
    fn is_over(&self, now: u64) -> bool {
        self.count == 0 || now >= self.since + self.ms
    }

    pub(crate) fn joined(&mut self, now: u64) {
        if self.is_over(now) {
            (self.since, self.count) = (now, 0);
        }
        self.count += 1;
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) serial: u64,
    pub(crate) members: BTreeMap<usize, u8>,
    pub(crate) flags: BTreeSet<char>,
    /// Members who were there when mode u was set.
    pub(crate) was_here: BTreeSet<usize>,
    pub(crate) key: Option<String>,
    pub(crate) limit: Option<usize>,
    /// The serial number of another channel.
    pub(crate) forward: Option<u64>,
    pub(crate) lists: BTreeMap<char, Vec<String>>,
    pub(crate) topic: String,
    pub(crate) throttle: Option<Throttle>,
    pub(crate) renamed_ms: Option<u64>,
}

/// What a user wants to do who may be on a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Join,
    Speak,
}

#[derive(Debug, Default)]
pub(crate) struct Truth {
    pub(crate) users: Vec<User>,
    pub(crate) channels: BTreeMap<String, Channel>,
    pub(crate) serial: u64,
    /// The letters of the prefixes in use.
    pub(crate) prefixes: &'static str,
    /// Whether hosts can be hidden.
    pub(crate) cloaks: bool,
    /// Who has been here, the oldest first.
    pub(crate) past: Vec<Past>,
    /// What server operators may do, by the number of their class.
    pub(crate) classes: Vec<BTreeSet<&'static str>>,
}

/// Whether a mask matches: by trying everything.
pub(crate) fn glob(mask: &str, text: &str) -> bool {
    let mut mask_chars = mask.chars();
    match mask_chars.next() {
        None => text.is_empty(),
        Some('*') => {
            (0..=text.len()).any(|at| text.is_char_boundary(at) && glob(mask_chars.as_str(), &text[at..]))
        }
        Some(first) => text.chars().next().is_some_and(|head| {
            (first == '?' || first.eq_ignore_ascii_case(&head))
                && glob(mask_chars.as_str(), &text[head.len_utf8()..])
        }),
    }
}

impl Channel {
    /// Sets a flag or takes it away; whether that changes anything.
    pub(crate) fn set_flag(&mut self, letter: char, on: bool) -> bool {
        let changed = if on { self.flags.insert(letter) } else { self.flags.remove(&letter) };
        if changed && on && letter == 'u' {
            self.was_here = self.members.keys().copied().collect();
        }
        changed
    }
}

impl Truth {
    pub(crate) fn mask(&self, user: usize) -> String {
        format!("{}!~u{user}@{}", self.users[user].nick, self.users[user].host)
    }

    /// Whether a mask is about a user: by the host that others see, or by the cloak, shown or not. What the cloak hides is
    /// found by masks that name all of it, and by no others.
    fn is_like(&self, mask: &str, user: usize) -> bool {
        let them = &self.users[user];
        let whole = !mask.rsplit('@').next().unwrap_or_default().contains(['*', '?']);
        let hosts = [Some(them.host.clone()), them.cloak.clone(), whole.then(|| format!("10.0.0.{user}"))];
        hosts.iter().flatten().any(|host| glob(mask, &format!("{}!~u{user}@{host}", them.nick)))
    }

    /// Those who watch a nick.
    pub(crate) fn watchers(&self, nick: &str) -> Vec<usize> {
        let nick = nick.to_ascii_lowercase();
        (0..self.users.len()).filter(|&user| self.users[user].watched.contains(&nick)).collect()
    }

    pub(crate) fn by_nick(&self, nick: &str) -> Option<usize> {
        self.users.iter().position(|user| user.nick.eq_ignore_ascii_case(nick))
    }

    /// Whether one of the entries is about the user.
    pub(crate) fn is_on(&self, user: usize, channel: &Channel, list: char, wish: Wish) -> bool {
        let entries = channel.lists.get(&list).map_or(&[][..], Vec::as_slice);
        entries.iter().any(|entry| self.is_meant(user, channel, entry, wish))
    }

    fn is_meant(&self, user: usize, channel: &Channel, entry: &str, wish: Wish) -> bool {
        let Some(rest) = entry.strip_prefix('$') else { return self.is_like(entry, user) };
        let (negated, rest) = rest.strip_prefix('~').map_or((false, rest), |rest| (true, rest));
        let argument = rest.get(2..).unwrap_or("");
        let meant = match &rest[..1] {
            "m" if wish == Wish::Join => return false,
            "m" => self.is_meant(user, channel, argument, wish),
            "r" => glob(argument, &self.users[user].realname),
            "j" => self.channels.get(&argument.to_ascii_lowercase()).is_some_and(|other| {
                let Some(prefixes) = other.members.get(&user) else { return false };
                let hidden = ['s', 'p'].iter().any(|flag| other.flags.contains(flag));
                let audience = other.flags.contains(&'u') && *prefixes == 0;
                let invisible = self.users[user].modes.contains(&'i');
                !(hidden || audience || invisible) || other.serial == channel.serial
            }),
            // Nobody is logged in.
            _ => false,
        };
        meant != negated
    }

    pub(crate) fn is_banned(&self, user: usize, channel: &Channel, wish: Wish) -> bool {
        let quiet = wish == Wish::Speak && self.is_on(user, channel, 'q', wish);
        (self.is_on(user, channel, 'b', wish) || quiet) && !self.is_on(user, channel, 'e', wish)
    }

    /// Why the user may not join, as a numeric.
    pub(crate) fn may_join(
        &self,
        user: usize,
        channel: &Channel,
        key: Option<&str>,
        now: u64,
    ) -> Result<(), u16> {
        let invited = self.users[user].invited.contains(&channel.serial);
        if channel.flags.contains(&'S') {
            return Err(489);
        }
        if channel.key.is_some() && channel.key.as_deref() != key {
            return Err(475);
        }
        if channel.flags.contains(&'i') && !invited && !self.is_on(user, channel, 'I', Wish::Join) {
            return Err(473);
        }
        if self.is_banned(user, channel, Wish::Join) && !invited {
            return Err(474);
        }
        if channel.limit.is_some_and(|limit| channel.members.len() >= limit) && !invited {
            return Err(471);
        }
        if channel.throttle.is_some_and(|it| it.count >= it.joins && !it.is_over(now)) && !invited {
            return Err(480);
        }
        Ok(())
    }

    /// Whether the user may say this to the channel.
    pub(crate) fn may_speak(&self, user: usize, channel: &Channel) -> bool {
        match channel.members.get(&user) {
            Some(&rank) if rank >= VOICE => true,
            None if channel.flags.contains(&'n') => false,
            _ => !channel.flags.contains(&'m') && !self.is_banned(user, channel, Wish::Speak),
        }
    }

    /// Whether the channel takes such words, whoever says them.
    pub(crate) fn takes(channel: &Channel, verb: &str, text: &str) -> bool {
        let ctcp = text.starts_with('\u{1}') && !text.starts_with("\u{1}ACTION");
        let (no_ctcp, no_notices) = (channel.flags.contains(&'C'), channel.flags.contains(&'T'));
        !(no_ctcp && ctcp || no_notices && verb == "NOTICE")
    }

    /// Whether the user is a server operator with this privilege.
    pub(crate) fn has(&self, user: usize, privilege: &str) -> bool {
        self.users[user].modes.contains(&'o') && self.users[user].privileges.contains(privilege)
    }

    /// Whether `other` does not want to hear from the user.
    pub(crate) fn is_silenced(&self, user: usize, other: usize) -> bool {
        let them = &self.users[user];
        let cloaked = them.cloak.as_ref().map(|cloak| format!("{}!~u{user}@{cloak}", them.nick));
        let masks: Vec<_> = cloaked.into_iter().chain([self.mask(user)]).collect();
        self.users[other].silenced.iter().any(|entry| masks.iter().any(|mask| glob(entry, mask)))
    }

    /// Whether mode g of `other` lets the user through.
    pub(crate) fn accepts(&self, other: usize, user: usize) -> bool {
        let them = &self.users[other];
        let accepted = || them.accepted.contains(&(user, self.users[user].nick.clone()));
        user == other || !them.modes.contains(&'g') || accepted()
    }

    /// Whoever takes another nick, or leaves, is no longer accepted.
    pub(crate) fn forget(&mut self, user: usize) {
        for other in &mut self.users {
            other.accepted.retain(|(number, _)| *number != user);
        }
    }

    /// Why the user may not take another nick, as a numeric.
    pub(crate) fn may_change_nick(&self, user: usize) -> Result<(), u16> {
        for name in &self.users[user].channels {
            let channel = &self.channels[name];
            if channel.members[&user] >= VOICE {
                continue;
            }
            if channel.flags.contains(&'N') {
                return Err(447);
            }
            if self.is_banned(user, channel, Wish::Speak) {
                return Err(435);
            }
        }
        Ok(())
    }

    /// Whether a member sees another: not everybody does in an auditorium.
    pub(crate) fn member_sees(channel: &Channel, viewer: usize, other: usize) -> bool {
        !channel.flags.contains(&'u')
            || viewer == other
            || channel.members[&other] > 0
            || channel.members[&viewer] >= HALF
            || [viewer, other].iter().all(|it| channel.was_here.contains(it))
    }

    /// Whether somebody who asks may see that another is in a channel.
    pub(crate) fn sees_member(&self, viewer: usize, channel: &Channel, other: usize) -> bool {
        if self.has(viewer, "see-all") {
            return true;
        }
        if channel.members.contains_key(&viewer) {
            return Self::member_sees(channel, viewer, other);
        }
        let hidden = ['s', 'p'].iter().any(|flag| channel.flags.contains(flag));
        let audience = channel.flags.contains(&'u') && channel.members[&other] == 0;
        !hidden && !audience && !self.users[other].modes.contains(&'i')
    }

    /// Where somebody is sent who may not join, as long as it is there.
    pub(crate) fn forward(&self, channel: &Channel) -> Option<&Channel> {
        self.channels.values().find(|other| Some(other.serial) == channel.forward)
    }

    /// The channel of that name, if it is there for the user.
    pub(crate) fn known(&self, user: usize, name: &str) -> Option<&Channel> {
        self.channels.get(&name.to_ascii_lowercase()).filter(|channel| self.knows(user, channel))
    }

    /// Whether the channel is shown to somebody who has not named it.
    pub(crate) fn lists(&self, viewer: usize, channel: &Channel) -> bool {
        let hidden = ['s', 'p'].iter().any(|flag| channel.flags.contains(flag));
        !hidden || channel.members.contains_key(&viewer) || self.has(viewer, "see-all")
    }

    /// Whether the channel is there for somebody who has named it.
    pub(crate) fn sees(&self, viewer: usize, channel: &Channel) -> bool {
        let hidden = channel.flags.contains(&'s');
        !hidden || channel.members.contains_key(&viewer) || self.has(viewer, "see-all")
    }

    /// Whether the channel answers to somebody who has named it: also to those who may act there, though they see nothing.
    fn knows(&self, viewer: usize, channel: &Channel) -> bool {
        let acts = ["override", "rename"].iter().any(|privilege| self.has(viewer, privilege));
        acts || self.sees(viewer, channel)
    }

    /// Whether somebody is told where another connects from.
    pub(crate) fn sees_address(&self, viewer: usize, other: usize) -> bool {
        let shown = self.users[other].host == crate::world::address(other);
        shown || viewer == other || self.has(viewer, "see-all")
    }

    /// What is said to somebody who may not speak in a channel: nothing of one that is not there for them.
    pub(crate) fn unheard(&self, user: usize, channel: &Channel, name: &str) -> String {
        if self.knows(user, channel) { format!("404 {}", channel.name) } else { format!("403 {name}") }
    }

    /// Those who see a member of a channel, themselves included.
    pub(crate) fn audience(channel: &Channel, about: usize) -> BTreeSet<usize> {
        channel.members.keys().copied().filter(|&viewer| Self::member_sees(channel, viewer, about)).collect()
    }

    /// Those who share a channel with somebody and see them there.
    pub(crate) fn neighbours(&self, user: usize) -> BTreeSet<usize> {
        let channels = self.users[user].channels.iter().map(|name| &self.channels[name]);
        channels.flat_map(|channel| Self::audience(channel, user)).filter(|&other| other != user).collect()
    }

    /// The symbols of a member, as the viewer is shown them.
    pub(crate) fn symbols(&self, viewer: usize, rank: u8) -> String {
        let all = PREFIXES.iter().filter(|(_, _, bit, _)| rank & bit != 0).map(|(_, symbol, ..)| *symbol);
        all.take(if self.users[viewer].caps.contains("multi-prefix") { 5 } else { 1 }).collect()
    }

    /// Remembers who has a nick now.
    pub(crate) fn remember(&mut self, user: usize) {
        let them = &self.users[user];
        self.past.push(Past { user, nick: them.nick.clone(), host: them.host.clone() });
    }

    pub(crate) fn leave(&mut self, user: usize, name: &str) {
        self.users[user].channels.retain(|other| other != name);
        if let Some(channel) = self.channels.get_mut(name) {
            channel.members.remove(&user);
            channel.was_here.remove(&user);
            if channel.members.is_empty() {
                self.channels.remove(name);
            }
        }
    }
}

#[test]
fn globs_match_what_they_should() {
    assert!(glob("*a?c*", "xxabcx") && glob("*", "") && glob("A", "a") && glob("?", "é"));
    assert!(!glob("a", "ab") && !glob("?", "") && !glob("*b", "abc"));
}
