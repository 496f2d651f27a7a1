//! What users do, and what must come of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::truth::{Channel, HALF, OP, Truth, Wish};
use crate::world::{USERS, World};

type Checked = Result<(), String>;

/// Where users meet.
pub(crate) const CHANNELS: [&str; 4] = ["#a", "#B", "#c", "#Dé"];

pub(crate) fn fold(name: &str) -> String {
    name.to_ascii_lowercase()
}

impl World {
    /// Somebody does something.
    pub(crate) fn step(&mut self) -> Checked {
        let user = self.rng.below(USERS as u64) as usize;
        let name = self.rng.pick(&CHANNELS);
        let other = self.rng.below(USERS as u64) as usize;
        let ruler = self.ruler(name).unwrap_or(user);
        match self.rng.below(64) {
            0..=9 => self.join(user, name),
            10 => self.part(user, name),
            11..=16 => self.say_to_channel(user, name),
            17..=19 => self.say_to_user(user, other),
            20 => self.say_much(user, name, other),
            21..=23 => self.mode(user, name, other),
            24..=28 => self.mode(ruler, name, other),
            29 => self.kick(user, name, other),
            30 => self.kick(ruler, name, other),
            31 => self.invite(ruler, name, other),
            32 => self.invite(user, name, other),
            33 | 34 => self.nick(user),
            35 => self.topic(user, name),
            36 => self.knock(user, name),
            37 | 38 => self.user_mode(user),
            39 => self.accept(user, other),
            40 => self.silence(user, other),
            41 | 42 => self.away(user),
            43 | 44 => self.ask_names(user, name),
            45 if self.rng.one_in(2) => self.ask_modes(user, name),
            45 => self.ask_list(user),
            50 if self.rng.one_in(2) => self.ask_entries(user, name),
            46 => self.ask_whois(user, other),
            47 | 48 => self.ask_who(user, name),
            49 => self.ask_whowas(user, other),
            50 => self.ask_where(user, other),
            51 => self.bestow(name),
            52 => self.set_name(user),
            53 | 54 => self.watch(user, other),
            55 => self.cloak(user),
            56 => self.negotiate(user),
            57 => self.rename(ruler, name),
            58 if self.rng.one_in(2) => self.quit(user),
            58..=61 => self.oper(user, name, other),
            62 => self.wallops(user),
            _ => self.topic(ruler, name),
        }
    }

    /// Somebody who may do something in the channel: chance alone would hardly ever find them.
    fn ruler(&mut self, name: &str) -> Option<usize> {
        let channel = self.truth.channels.get(&fold(name))?;
        let rulers: Vec<_> =
            channel.members.iter().filter(|(_, rank)| **rank >= HALF).map(|(&it, _)| it).collect();
        (!rulers.is_empty()).then(|| self.rng.pick(&rulers))
    }

    /// The channel, or the numeric for one that is not there for the user.
    pub(crate) fn channel(&mut self, user: usize, name: &str) -> Option<Channel> {
        let found = self.truth.known(user, name).cloned();
        if found.is_none() {
            self.expect(user, format!("403 {name}"));
        }
        found
    }

    /// The same of all that there are.
    pub(crate) fn any_channel(&mut self, user: usize, name: &str) -> Option<Channel> {
        let found = self.truth.channels.get(&fold(name)).cloned();
        if found.is_none() {
            self.expect(user, format!("403 {name}"));
        }
        found
    }

    fn join(&mut self, user: usize, name: &str) -> Checked {
        let key = self.rng.one_in(3).then_some("sesame");
        let line = key.map_or_else(|| format!("JOIN {name}"), |key| format!("JOIN {name} {key}"));
        let folded = fold(name);
        let Some(channel) = self.truth.channels.get(&folded).cloned() else {
            self.create(name);
            self.enter(user, &folded, OP, None);
            return self.check(user, &line);
        };
        if channel.members.contains_key(&user) {
            return self.check(user, &line);
        }
        // A command is sent a second after the last one.
        let now = self.now() + 1_000;
        let Err(code) = self.truth.may_join(user, &channel, key, now) else {
            self.enter(user, &folded, 0, None);
            return self.check(user, &line);
        };
        // Encrypted connections are promised to those who are there.
        if code != 489 && self.truth.has(user, "override") {
            self.acted(user, &format!("override: JOIN {}", channel.name));
            self.enter(user, &folded, 0, None);
            return self.check(user, &line);
        }
        let other = self.truth.forward(&channel).cloned();
        match other {
            Some(other)
                if !matches!(code, 475 | 489)
                    && !other.members.contains_key(&user)
                    && self.truth.may_join(user, &other, None, now).is_ok() =>
            {
                let told = format!("470 {} {}", channel.name, other.name);
                self.enter(user, &fold(&other.name), 0, Some(told));
            }
            _ => {
                self.expect(user, format!("{code} {}", channel.name));
            }
        }
        self.check(user, &line)
    }

    /// A user becomes a member: those who see them are told, and they are told who is there.
    pub(crate) fn enter(&mut self, user: usize, folded: &str, rank: u8, first: Option<String>) {
        self.admit(user, folded, rank, first);
        if !self.truth.users[user].caps.contains("no-implicit-names") {
            self.expect_names(user, folded);
        }
    }

    /// The same without the list of who is there.
    fn admit(&mut self, user: usize, folded: &str, rank: u8, first: Option<String>) {
        let now = self.now() + 1_000;
        let channel = self.truth.channels.get_mut(folded).expect("it was found");
        channel.members.insert(user, rank);
        if let Some(throttle) = &mut channel.throttle {
            throttle.joined(now);
        }
        let channel = channel.clone();
        let me = &mut self.truth.users[user];
        me.channels.push(folded.to_owned());
        me.invited.remove(&channel.serial);
        let away = me.away.clone();
        let mask = self.truth.mask(user);
        let told = format!(":{mask} JOIN {}", channel.name);
        let others = Truth::audience(&channel, user).into_iter().filter(|&other| other != user);
        let others: Vec<_> = others.collect();
        self.expect_all(others.iter().copied(), &told);
        for line in first.into_iter().chain([told]) {
            self.expect(user, line);
        }
        if let Some(away) = away {
            self.expect_able(others, "away-notify", &format!(":{mask} AWAY :{away}"));
        }
        if !channel.topic.is_empty() {
            self.expect(user, format!("332 {} :{}", channel.name, channel.topic));
        }
    }

    /// A new channel, with nobody in it yet.
    pub(crate) fn create(&mut self, name: &str) {
        self.truth.serial += 1;
        let channel = Channel {
            name: name.to_owned(),
            serial: self.truth.serial,
            members: BTreeMap::new(),
            flags: BTreeSet::from(['n', 't']),
            was_here: BTreeSet::new(),
            key: None,
            limit: None,
            forward: None,
            lists: BTreeMap::new(),
            topic: String::new(),
            throttle: None,
            renamed_ms: None,
        };
        self.truth.channels.insert(fold(name), channel);
    }

    fn part(&mut self, user: usize, name: &str) -> Checked {
        if let Some(channel) = self.channel(user, name) {
            if channel.members.contains_key(&user) {
                let words = if self.truth.may_speak(user, &channel) { " :bye" } else { "" };
                let told = format!(":{} PART {}{words}", self.truth.mask(user), channel.name);
                self.expect_all(Truth::audience(&channel, user), &told);
                self.truth.leave(user, &fold(name));
            } else {
                self.expect(user, format!("442 {}", channel.name));
            }
        }
        self.check(user, &format!("PART {name} :bye"))
    }

    fn kick(&mut self, user: usize, name: &str, other: usize) -> Checked {
        let nick = self.truth.users[other].nick.clone();
        if let Some(channel) = self.channel(user, name) {
            let (mine, theirs) = (channel.members.get(&user), channel.members.get(&other));
            let refusal = match (mine, theirs) {
                (None, _) => Some(format!("442 {}", channel.name)),
                (Some(&mine), _) if mine < HALF => Some(format!("482 {}", channel.name)),
                (Some(&mine), Some(&theirs))
                    if user != other && (top(theirs) > top(mine) || (mine < OP && theirs >= HALF)) =>
                {
                    Some(format!("482 {}", channel.name))
                }
                _ => None,
            };
            if let Some(refusal) = refusal.as_ref().filter(|_| !self.truth.has(user, "override")) {
                self.expect(user, refusal);
            } else if theirs.is_none() {
                self.expect(user, format!("441 {nick} {}", channel.name));
            } else {
                if refusal.is_some() {
                    self.acted(user, &format!("override: KICK {} {nick}", channel.name));
                }
                let told = format!(":{} KICK {} {nick} :out", self.truth.mask(user), channel.name);
                self.expect_all(Truth::audience(&channel, other), &told);
                self.truth.leave(other, &fold(name));
            }
        }
        self.check(user, &format!("KICK {name} {nick} :out"))
    }

    fn invite(&mut self, user: usize, name: &str, other: usize) -> Checked {
        let nick = self.truth.users[other].nick.clone();
        if let Some(channel) = self.channel(user, name) {
            let (mine, there) = (channel.members.get(&user).copied(), channel.members.contains_key(&other));
            let refusal = match mine {
                None => Some(format!("442 {}", channel.name)),
                Some(mine) if channel.flags.contains(&'i') && mine < HALF => {
                    Some(format!("482 {}", channel.name))
                }
                _ => None,
            };
            let overrides = refusal.is_some() && self.truth.has(user, "override");
            let seen = there && self.truth.sees_member(user, &channel, other);
            let refusal = refusal
                .filter(|_| !overrides)
                .or_else(|| seen.then(|| format!("443 {nick} {}", channel.name)));
            let silenced = self.truth.is_silenced(user, other);
            // Who is hidden in an auditorium is not told of by being there.
            let heard = !silenced && !there;
            if let Some(refusal) = refusal {
                self.expect(user, refusal);
            } else if !self.truth.accepts(other, user) {
                return self.knock_at(user, other, &format!("INVITE {nick} {name}"), true);
            } else {
                if overrides {
                    self.acted(user, &format!("override: INVITE {nick} {}", channel.name));
                }
                if heard && (overrides || mine >= Some(HALF)) {
                    self.truth.users[other].invited.insert(channel.serial);
                }
                self.expect(user, format!("341 {nick} {}", channel.name));
                if self.truth.users[other].away.is_some() {
                    self.expect(user, format!("301 {nick}"));
                }
                if heard {
                    self.expect(other, format!(":{} INVITE {nick} {}", self.truth.mask(user), channel.name));
                }
                let hear = channel.members.iter().filter(|&(&it, &rank)| {
                    it != user
                        && (mine.is_none() || Truth::member_sees(&channel, it, user))
                        && (rank >= HALF || !channel.flags.contains(&'i'))
                });
                let told = format!(":{} INVITE {nick} {}", self.truth.mask(user), channel.name);
                self.expect_able(hear.map(|(&it, _)| it), "invite-notify", &told);
            }
        }
        let mut heard = self.say(user, &format!("INVITE {nick} {name}"));
        if user == other {
            // What one sends oneself is no part of the response, which comes as a whole if there is a label.
            let both = [&mut heard, &mut self.expected].map(|lines| lines.get_mut(&user));
            both.into_iter().flatten().for_each(|lines| lines.sort());
        }
        self.compare(heard)
    }

    fn nick(&mut self, user: usize) -> Checked {
        let letter = self.rng.pick(&["", "x", "Y"]);
        let wanted = if self.rng.one_in(5) { "shared".to_owned() } else { format!("n{user}{letter}") };
        let (line, before) = (format!("NICK {wanted}"), self.truth.users[user].nick.clone());
        match self.truth.by_nick(&wanted) {
            Some(other) if other != user => self.expect(user, format!("433 {wanted}")),
            _ if wanted == before => {}
            _ => match self.truth.may_change_nick(user) {
                Err(code) => {
                    // The first channel that forbids it is named.
                    let heard = self.say(user, &line);
                    let mine = heard.get(&user).cloned().unwrap_or_default();
                    let fine =
                        heard.len() == 1 && mine.len() == 1 && mine[0].starts_with(&format!("{code} #"));
                    return if fine { Ok(()) } else { Err(format!("expected {code}, heard {heard:?}")) };
                }
                Ok(()) => self.take_nick(user, &wanted),
            },
        }
        self.check(user, &line)
    }

    /// A user has another nick from now on: who is told of it.
    pub(crate) fn take_nick(&mut self, user: usize, wanted: &str) {
        let before = self.truth.users[user].nick.clone();
        let told = format!(":{} NICK {wanted}", self.truth.mask(user));
        let mut all = self.truth.neighbours(user);
        all.insert(user);
        self.expect_all(all, &told);
        let moved = !before.eq_ignore_ascii_case(wanted);
        if moved {
            self.truth.forget(user);
            self.truth.remember(user);
            self.expect_all(self.truth.watchers(&before), &format!("731 :{before}"));
        }
        wanted.clone_into(&mut self.truth.users[user].nick);
        if moved {
            let told = format!("730 :{}", self.truth.mask(user));
            self.expect_all(self.truth.watchers(wanted), &told);
        }
    }

    fn topic(&mut self, user: usize, name: &str) -> Checked {
        let text = format!("topic {}", self.rng.below(100));
        if self.rng.one_in(2) {
            return self.look_at_topic(user, name);
        }
        if let Some(channel) = self.channel(user, name) {
            let refusal = match channel.members.get(&user) {
                None => Some(442),
                Some(&rank) if channel.flags.contains(&'t') && rank < HALF => Some(482),
                Some(_) if !channel.flags.contains(&'t') && !self.truth.may_speak(user, &channel) => {
                    Some(404)
                }
                Some(_) => None,
            };
            if let Some(code) = refusal.filter(|_| !self.truth.has(user, "override")) {
                self.expect(user, format!("{code} {}", channel.name));
            } else {
                if refusal.is_some() {
                    self.acted(user, &format!("override: TOPIC {}", channel.name));
                }
                let told = format!(":{} TOPIC {} :{text}", self.truth.mask(user), channel.name);
                self.expect_all(channel.members.keys().copied(), &told);
                self.truth.channels.get_mut(&fold(name)).expect("found").topic.clone_from(&text);
            }
        }
        self.check(user, &format!("TOPIC {name} :{text}"))
    }

    fn look_at_topic(&mut self, user: usize, name: &str) -> Checked {
        if let Some(channel) = self.channel(user, name) {
            let heard = self.say(user, &format!("TOPIC {name}"));
            let mine = heard.get(&user).cloned().unwrap_or_default();
            let expected = match () {
                () if !self.truth.sees(user, &channel) => format!("442 {}", channel.name),
                () if channel.topic.is_empty() => format!("331 {}", channel.name),
                () => format!("332 {} :{}", channel.name, channel.topic),
            };
            let fine = mine.first() == Some(&expected) && heard.len() == 1;
            return if fine { Ok(()) } else { Err(format!("expected {expected}, heard {heard:?}")) };
        }
        self.check(user, &format!("TOPIC {name}"))
    }

    fn knock(&mut self, user: usize, name: &str) -> Checked {
        if let Some(channel) = self.channel(user, name) {
            let full = channel.limit.is_some_and(|limit| channel.members.len() >= limit);
            let closed = channel.flags.contains(&'i') || channel.key.is_some() || full;
            let refusal = match () {
                () if channel.members.contains_key(&user) => Some(format!("714 {}", channel.name)),
                () if !closed => Some(format!("713 {}", channel.name)),
                () if channel.flags.contains(&'p') || self.truth.is_banned(user, &channel, Wish::Speak) => {
                    Some(format!("404 {}", channel.name))
                }
                () => None,
            };
            if let Some(refusal) = refusal {
                self.expect(user, refusal);
            } else {
                let told = format!("710 {0} {0} {1}", channel.name, self.truth.mask(user));
                let moderators = channel.members.iter().filter(|(_, rank)| **rank >= HALF);
                self.expect_all(moderators.map(|(&other, _)| other), &told);
                self.expect(user, format!("711 {}", channel.name));
            }
        }
        self.check(user, &format!("KNOCK {name} :please"))
    }
}

/// The highest prefix alone.
pub(crate) fn top(rank: u8) -> u32 {
    u8::BITS - rank.leading_zeros()
}
