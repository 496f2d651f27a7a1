//! What users do, and what must come of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::truth::{Channel, HALF, OP, PREFIXES, Truth, Wish};
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
        match self.rng.below(41) {
            0..=7 => self.join(user, name),
            8 => self.part(user, name),
            9..=14 => self.say_to_channel(user, name),
            15 | 16 => self.say_to_user(user, other),
            17..=19 => self.mode(user, name, other),
            20..=23 => self.mode(ruler, name, other),
            24 => self.kick(user, name, other),
            25 => self.kick(ruler, name, other),
            26 => self.invite(ruler, name, other),
            27 => self.invite(user, name, other),
            28 => self.nick(user),
            29 => self.topic(user, name),
            30 => self.knock(user, name),
            31 => self.user_mode(user),
            32 => self.accept(user, other),
            33 => self.silence(user, other),
            34 => self.away(user),
            35 | 36 => self.ask_names(user, name),
            37 => self.ask_list(user),
            38 => self.ask_whois(user, other),
            39 => self.bestow(name),
            _ => self.ask_who(user, name),
        }
    }

    /// Somebody who may do something in the channel: chance alone would hardly ever find them.
    fn ruler(&mut self, name: &str) -> Option<usize> {
        let channel = self.truth.channels.get(&fold(name))?;
        let rulers: Vec<_> =
            channel.members.iter().filter(|(_, rank)| **rank >= HALF).map(|(&it, _)| it).collect();
        (!rulers.is_empty()).then(|| self.rng.pick(&rulers))
    }

    /// The channel, or the numeric for one that is not there.
    fn channel(&mut self, user: usize, name: &str) -> Option<Channel> {
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
            self.truth.serial += 1;
            let channel = Channel {
                name: name.to_owned(),
                serial: self.truth.serial,
                members: BTreeMap::new(),
                flags: BTreeSet::from(['n', 't']),
                key: None,
                limit: None,
                forward: None,
                lists: BTreeMap::new(),
                topic: String::new(),
            };
            self.truth.channels.insert(folded.clone(), channel);
            return self.enter(user, &folded, OP, &line, None);
        };
        if channel.members.contains_key(&user) {
            return self.check(user, &line);
        }
        let Err(code) = self.truth.may_join(user, &channel, key) else {
            return self.enter(user, &folded, 0, &line, None);
        };
        let other = channel.forward.as_ref().and_then(|other| self.truth.channels.get(&fold(other))).cloned();
        match other {
            Some(other)
                if !matches!(code, 475 | 489)
                    && !other.members.contains_key(&user)
                    && self.truth.may_join(user, &other, None).is_ok() =>
            {
                let told = format!("470 {} {}", channel.name, other.name);
                self.enter(user, &fold(&other.name), 0, &line, Some(told))
            }
            _ => {
                self.expect(user, format!("{code} {}", channel.name));
                self.check(user, &line)
            }
        }
    }

    /// A user becomes a member: those who see them are told, and they are told who is there.
    fn enter(&mut self, user: usize, folded: &str, rank: u8, line: &str, first: Option<String>) -> Checked {
        let channel = self.truth.channels.get_mut(folded).expect("it was found");
        channel.members.insert(user, rank);
        let channel = channel.clone();
        let me = &mut self.truth.users[user];
        me.channels.push(folded.to_owned());
        me.invited.remove(&channel.serial);
        let told = format!(":{} JOIN {}", self.truth.mask(user), channel.name);
        self.expect_all(Truth::audience(&channel, user).into_iter().filter(|&other| other != user), &told);
        let mut mine = first.into_iter().chain([told]).collect::<Vec<_>>();
        if !channel.topic.is_empty() {
            mine.push(format!("332 {} :{}", channel.name, channel.topic));
        }
        let heard = self.say(user, line);
        self.compare_listing(user, &channel, heard, mine)
    }

    fn part(&mut self, user: usize, name: &str) -> Checked {
        if let Some(channel) = self.channel(user, name) {
            if channel.members.contains_key(&user) {
                let told = format!(":{} PART {} :bye", self.truth.mask(user), channel.name);
                self.expect_all(Truth::audience(&channel, user), &told);
                self.truth.leave(user, &fold(name));
            } else {
                self.expect(user, format!("442 {}", channel.name));
            }
        }
        self.check(user, &format!("PART {name} :bye"))
    }

    fn say_to_channel(&mut self, user: usize, name: &str) -> Checked {
        let verb = self.rng.pick(&["PRIVMSG", "NOTICE"]);
        let text = self.rng.pick(&["hello", "hello", "\u{1}ACTION waves\u{1}", "\u{1}VERSION\u{1}"]);
        let symbols: Vec<_> = self.truth.prefixes.chars().collect();
        let to = if self.rng.one_in(4) { Some(self.rng.pick(&symbols)) } else { None };
        let row = to.and_then(|letter| PREFIXES.iter().find(|row| row.0 == letter));
        let symbol = row.map_or(String::new(), |row| row.1.to_string());
        let found = self.truth.channels.get(&fold(name)).cloned();
        match found {
            None if verb == "PRIVMSG" => self.expect(user, format!("403 {name}")),
            None => {}
            Some(channel) if !self.truth.may_say(user, &channel, verb, text) => {
                let refusal = format!("404 {}", channel.name);
                let answered = verb == "PRIVMSG";
                self.expect_all(answered.then_some(user), &refusal);
            }
            Some(channel) => {
                let told = format!(":{} {verb} {symbol}{} :{text}", self.truth.mask(user), channel.name);
                let least = row.map_or(0, |row| row.2);
                let deaf = |other: usize| self.truth.users[other].modes.contains(&'D');
                let to: Vec<_> = (channel.members.iter())
                    .filter(|&(&other, &rank)| other != user && rank >= least && !deaf(other))
                    .map(|(&other, _)| other)
                    .collect();
                self.expect_all(to, &told);
            }
        }
        self.check(user, &format!("{verb} {symbol}{name} :{text}"))
    }

    fn say_to_user(&mut self, user: usize, other: usize) -> Checked {
        let nick = self.truth.users[other].nick.clone();
        let line = format!("PRIVMSG {nick} :psst");
        let mask = self.truth.mask(user);
        let silenced = self.truth.is_silenced(user, other);
        let away = self.truth.users[other].away;
        if !silenced && !self.truth.accepts(other, user) {
            return self.kept_away(user, other, &line);
        }
        if self.truth.users[user].modes.contains(&'g') && user != other {
            let entry = (other, nick.clone());
            self.truth.users[user].accepted.insert(entry);
        }
        if !silenced {
            self.expect(other, format!(":{mask} PRIVMSG {nick} :psst"));
        }
        if away {
            self.expect(user, format!("301 {nick}"));
        }
        self.check(user, &line)
    }

    /// Says a line that mode `g` of the other keeps away.
    fn kept_away(&mut self, user: usize, other: usize, line: &str) -> Checked {
        // Whether 718 comes, and 717 with it, depends on when it last came.
        let heard = self.say(user, line);
        let mine = heard.get(&user).cloned().unwrap_or_default();
        let theirs = heard.get(&other).cloned().unwrap_or_default();
        let refusal = format!("716 {}", self.truth.users[other].nick);
        let fine = mine.first() == Some(&refusal)
            && theirs.iter().all(|line| line.starts_with("718 "))
            && heard.keys().all(|number| [user, other].contains(number));
        if fine { Ok(()) } else { Err(format!("caller-id: {heard:?}")) }
    }

    fn kick(&mut self, user: usize, name: &str, other: usize) -> Checked {
        let nick = self.truth.users[other].nick.clone();
        if let Some(channel) = self.channel(user, name) {
            let (mine, theirs) = (channel.members.get(&user), channel.members.get(&other));
            let told = match (mine, theirs) {
                (None, _) => Err(format!("442 {}", channel.name)),
                (Some(&mine), _) if mine < HALF => Err(format!("482 {}", channel.name)),
                (_, None) => Err(format!("441 {nick} {}", channel.name)),
                (Some(&mine), Some(&theirs))
                    if user != other && (top(theirs) > top(mine) || (mine < OP && theirs >= HALF)) =>
                {
                    Err(format!("482 {}", channel.name))
                }
                _ => Ok(format!(":{} KICK {} {nick} :out", self.truth.mask(user), channel.name)),
            };
            match told {
                Ok(told) => {
                    self.expect_all(Truth::audience(&channel, other), &told);
                    self.truth.leave(other, &fold(name));
                }
                Err(refusal) => self.expect(user, refusal),
            }
        }
        self.check(user, &format!("KICK {name} {nick} :out"))
    }

    fn invite(&mut self, user: usize, name: &str, other: usize) -> Checked {
        let nick = self.truth.users[other].nick.clone();
        if let Some(channel) = self.channel(user, name) {
            let mine = channel.members.get(&user).copied();
            let refusal = match mine {
                None => Some(format!("442 {}", channel.name)),
                Some(mine) if channel.flags.contains(&'i') && mine < HALF => {
                    Some(format!("482 {}", channel.name))
                }
                _ if channel.members.contains_key(&other) => Some(format!("443 {nick} {}", channel.name)),
                _ => None,
            };
            let silenced = self.truth.is_silenced(user, other);
            if let Some(refusal) = refusal {
                self.expect(user, refusal);
            } else if !silenced && !self.truth.accepts(other, user) {
                return self.kept_away(user, other, &format!("INVITE {nick} {name}"));
            } else {
                if !silenced {
                    self.truth.users[other].invited.insert(channel.serial);
                }
                self.expect(user, format!("341 {nick} {}", channel.name));
                if self.truth.users[other].away {
                    self.expect(user, format!("301 {nick}"));
                }
                if !silenced {
                    self.expect(other, format!(":{} INVITE {nick} {}", self.truth.mask(user), channel.name));
                }
            }
        }
        self.check(user, &format!("INVITE {nick} {name}"))
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
                Ok(()) => {
                    let told = format!(":{} NICK {wanted}", self.truth.mask(user));
                    let mut all = self.truth.neighbours(user);
                    all.insert(user);
                    self.expect_all(all, &told);
                    if !before.eq_ignore_ascii_case(&wanted) {
                        self.truth.forget(user);
                    }
                    self.truth.users[user].nick = wanted;
                }
            },
        }
        self.check(user, &line)
    }

    fn topic(&mut self, user: usize, name: &str) -> Checked {
        let text = format!("topic {}", self.rng.below(100));
        if self.rng.one_in(2) {
            return self.look_at_topic(user, name);
        }
        if let Some(channel) = self.channel(user, name) {
            match channel.members.get(&user) {
                None => self.expect(user, format!("442 {}", channel.name)),
                Some(&rank) if channel.flags.contains(&'t') && rank < HALF => {
                    self.expect(user, format!("482 {}", channel.name));
                }
                Some(_) => {
                    let told = format!(":{} TOPIC {} :{text}", self.truth.mask(user), channel.name);
                    self.expect_all(channel.members.keys().copied(), &told);
                    self.truth.channels.get_mut(&fold(name)).expect("found").topic.clone_from(&text);
                }
            }
        }
        self.check(user, &format!("TOPIC {name} :{text}"))
    }

    fn look_at_topic(&mut self, user: usize, name: &str) -> Checked {
        if let Some(channel) = self.channel(user, name) {
            let heard = self.say(user, &format!("TOPIC {name}"));
            let mine = heard.get(&user).cloned().unwrap_or_default();
            let expected = match () {
                () if !Truth::sees(user, &channel) => format!("442 {}", channel.name),
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
                () if !Truth::sees(user, &channel) => Some(format!("403 {name}")),
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

    fn user_mode(&mut self, user: usize) -> Checked {
        let letter = self.rng.pick(&['i', 'g', 'D', 'B']);
        let add = self.rng.one_in(2);
        let nick = self.truth.users[user].nick.clone();
        let modes = &mut self.truth.users[user].modes;
        let changed = if add { modes.insert(letter) } else { modes.remove(&letter) };
        let sign = if add { '+' } else { '-' };
        if changed {
            let told = format!(":{} MODE {nick} :{sign}{letter}", self.truth.mask(user));
            self.expect(user, told);
        }
        self.check(user, &format!("MODE {nick} {sign}{letter}"))
    }

    fn accept(&mut self, user: usize, other: usize) -> Checked {
        let nick = self.truth.users[other].nick.clone();
        let entry = (other, nick.clone());
        let accepted = &mut self.truth.users[user].accepted;
        if self.rng.one_in(2) {
            if !accepted.remove(&entry) {
                self.expect(user, format!("458 {nick}"));
            }
            return self.check(user, &format!("ACCEPT -{nick}"));
        }
        if !accepted.insert(entry) {
            self.expect(user, format!("457 {nick}"));
        }
        self.check(user, &format!("ACCEPT {nick}"))
    }

    fn silence(&mut self, user: usize, other: usize) -> Checked {
        let mask = format!("*!~u{other}@*");
        let add = self.rng.one_in(2);
        let silenced = &mut self.truth.users[user].silenced;
        let changed = if add { silenced.insert(mask.clone()) } else { silenced.remove(&mask) };
        let sign = if add { '+' } else { '-' };
        if changed {
            let told = format!(":{} SILENCE {sign}{mask}", self.truth.mask(user));
            self.expect(user, told);
        }
        self.check(user, &format!("SILENCE {sign}{mask}"))
    }

    fn away(&mut self, user: usize) -> Checked {
        let away = self.rng.one_in(2);
        self.truth.users[user].away = away;
        self.expect(user, if away { "306" } else { "305" });
        self.check(user, if away { "AWAY :out" } else { "AWAY" })
    }
}

/// The highest prefix alone.
pub(crate) fn top(rank: u8) -> u32 {
    u8::BITS - rank.leading_zeros()
}
