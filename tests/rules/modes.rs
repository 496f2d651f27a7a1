//! MODE of a channel, one change at a time: who may make it, and what it shows.

use crate::commands::{fold, top};
use crate::truth::{Channel, HALF, OP, PREFIXES, Throttle, Truth};
use crate::world::World;

type Checked = Result<(), String>;

/// How many entries a list may have here.
const ENTRIES: usize = 2;

impl World {
    pub(crate) fn mode(&mut self, user: usize, name: &str, other: usize) -> Checked {
        let add = !self.rng.one_in(3);
        match self.rng.below(10) {
            0..=2 => self.flag(user, name, add),
            3 | 4 => self.entry(user, name, other, add),
            5..=7 => self.prefix(user, name, other, add),
            _ => self.setting(user, name, add),
        }
    }

    /// An operator of the machine makes somebody an owner, or protects them.
    pub(crate) fn bestow(&mut self, name: &str) -> Checked {
        let Some(channel) = self.truth.channels.get(&fold(name)).cloned() else { return Ok(()) };
        let members: Vec<_> = channel.members.keys().copied().collect();
        let other = self.rng.pick(&members);
        let letters: Vec<_> = self.truth.prefixes.chars().collect();
        let letter = self.rng.pick(&letters);
        let &(_, _, bit, _) = PREFIXES.iter().find(|row| row.0 == letter).expect("a known letter");
        let before = channel.members[&other];
        if before & bit != 0 {
            return Ok(());
        }
        self.change(name).members.insert(other, before | bit);
        if before == 0 {
            let after = self.truth.channels[&fold(name)].clone();
            self.appear(other, &channel, &after);
        }
        let change = format!("+{letter} {}", self.truth.users[other].nick);
        self.expect_all(members, &format!(":irc.test MODE {} {change}", channel.name));
        let heard = self.set_modes(name, &change);
        self.compare(heard)
    }

    /// The channel, if the user may change its modes; otherwise what refuses it is expected.
    fn moderated(&mut self, user: usize, name: &str) -> Option<Channel> {
        let channel = self.channel(user, name)?;
        match channel.members.get(&user) {
            _ if self.truth.has(user, "override") => return Some(channel),
            None => self.expect(user, format!("442 {}", channel.name)),
            Some(&rank) if rank < HALF => self.expect(user, format!("482 {}", channel.name)),
            Some(_) => return Some(channel),
        }
        None
    }

    /// All members are told of a change, and of what was asked for those who watch over what goes past the rules.
    fn told(&mut self, user: usize, channel: &Channel, change: &str, asked: &str) {
        if channel.members.get(&user).is_none_or(|&rank| rank < HALF) {
            self.acted(user, &format!("override: {}", spelled(asked, channel)));
        }
        self.tell(user, channel, change);
    }

    fn tell(&mut self, user: usize, channel: &Channel, change: &str) {
        let told = format!(":{} MODE {} {change}", self.truth.mask(user), channel.name);
        self.expect_all(channel.members.keys().copied(), &told);
    }

    /// Those who begin to see a member of an auditorium are told so, and that they are away.
    fn appear(&mut self, other: usize, before: &Channel, after: &Channel) {
        let (saw, see) = (Truth::audience(before, other), Truth::audience(after, other));
        let new: Vec<_> = see.difference(&saw).copied().collect();
        let mask = self.truth.mask(other);
        self.expect_all(new.iter().copied(), &format!(":{mask} JOIN {}", before.name));
        if let Some(away) = self.truth.users[other].away.clone() {
            self.expect_able(new, "away-notify", &format!(":{mask} AWAY :{away}"));
        }
    }

    fn change(&mut self, name: &str) -> &mut Channel {
        self.truth.channels.get_mut(&fold(name)).expect("it was found")
    }

    fn flag(&mut self, user: usize, name: &str, add: bool) -> Checked {
        let letter = self.rng.pick(&['i', 'm', 'n', 's', 't', 'p', 'N', 'u', 'C', 'T', 'S']);
        // Nobody can join any more, and nobody sees anybody: not for long.
        let add = add && (!matches!(letter, 'S' | 's') || self.rng.one_in(2));
        let change = format!("{}{letter}", sign(add));
        let line = format!("MODE {name} {change}");
        if let Some(channel) = self.moderated(user, name)
            && self.change(name).set_flag(letter, add)
        {
            self.told(user, &channel, &change, &line);
        }
        self.check(user, &line)
    }

    fn entry(&mut self, user: usize, name: &str, other: usize, add: bool) -> Checked {
        let lists: &[char] =
            if self.truth.prefixes.contains('q') { &['b', 'e', 'I'] } else { &['b', 'e', 'I', 'q'] };
        let letter = self.rng.pick(lists);
        let mask = match self.rng.below(7) {
            0 => "*!*@*".to_owned(),
            1 => format!("$m:*!~u{other}@*"),
            2 => format!("$r:real?{other}"),
            3 => "$~j:#a".to_owned(),
            4 => format!("n{other}*!*@10.0.0.?"),
            // Who hides it has told nobody.
            5 if !self.truth.users[other].hides => format!("*!~u{other}@10.0.0.{other}"),
            _ => format!("*!~u{other}@10.*"),
        };
        let change = format!("{}{letter} {mask}", sign(add));
        let line = format!("MODE {name} {change}");
        if let Some(channel) = self.moderated(user, name) {
            let full = channel.lists.values().map(Vec::len).sum::<usize>() >= ENTRIES;
            let list = self.change(name).lists.entry(letter).or_default();
            let place = list.iter().position(|entry| *entry == mask);
            match (add, place) {
                (true, None) if full => {
                    self.expect(
                        user,
                        format!("478 {} {mask}", channel.name).split(" :").next().unwrap_or_default(),
                    );
                }
                (true, None) => {
                    list.push(mask.clone());
                    self.told(user, &channel, &change, &line);
                }
                (false, Some(place)) => {
                    list.remove(place);
                    self.told(user, &channel, &change, &line);
                }
                _ => {}
            }
        }
        self.check(user, &line)
    }

    fn setting(&mut self, user: usize, name: &str, add: bool) -> Checked {
        let letter = self.rng.pick(&['k', 'l', 'f', 'f', 'j']);
        let value = match letter {
            'k' => "sesame".to_owned(),
            'j' => self.rng.pick(&["1:60", "2:30", "3:200"]).to_owned(),
            'l' => self.rng.between(1, 5).to_string(),
            _ => {
                // Most often one that the user may send others to: there are few.
                let channels = self.truth.users[user].channels.iter().map(|name| &self.truth.channels[name]);
                let good = channels.filter(|it| it.members[&user] >= OP && fold(&it.name) != fold(name));
                let mut own: Vec<_> = good.map(|it| it.name.clone()).collect();
                if own.is_empty() || self.rng.one_in(3) {
                    own.push(self.rng.pick(&crate::commands::CHANNELS).to_owned());
                }
                own[self.rng.below(own.len() as u64) as usize].clone()
            }
        };
        let line = match (add, letter) {
            (true, _) | (false, 'k') => format!("MODE {name} {}{letter} {value}", sign(add)),
            _ => format!("MODE {name} -{letter}"),
        };
        let Some(channel) = self.moderated(user, name) else { return self.check(user, &line) };
        let forwards = self.truth.forward(&channel).is_some();
        if !add {
            let it = self.change(name);
            let gone = match letter {
                'k' => it.key.take().is_some(),
                'l' => it.limit.take().is_some(),
                'j' => it.throttle.take().is_some(),
                _ => {
                    it.forward = None;
                    forwards
                }
            };
            if gone {
                let change = if letter == 'k' { "-k *".to_owned() } else { format!("-{letter}") };
                self.told(user, &channel, &change, &line);
            }
            return self.check(user, &line);
        }
        let shown = match letter {
            'k' | 'l' | 'j' => Ok(value.clone()),
            _ => self.may_forward(user, &channel, &value),
        };
        match shown {
            Err(refusal) => self.expect(user, refusal),
            Ok(shown) => {
                let target = self.truth.channels.get(&fold(&shown)).map(|other| other.serial);
                let it = self.change(name);
                let before = match letter {
                    'j' => set_throttle(it, &shown),
                    'k' => it.key.replace(shown.clone()),
                    'l' => it.limit.replace(shown.parse().expect("a number")).map(|limit| limit.to_string()),
                    _ => {
                        let same = it.forward == target;
                        it.forward = target;
                        same.then(|| shown.clone())
                    }
                };
                if before.as_ref() != Some(&shown) {
                    self.told(user, &channel, &format!("+{letter} {shown}"), &line);
                }
            }
        }
        self.check(user, &line)
    }

    /// The name of the other channel, which must be the user's own.
    fn may_forward(&self, user: usize, channel: &Channel, to: &str) -> Result<String, String> {
        if fold(to) == fold(&channel.name) {
            return Err(format!("696 {} f {to}", channel.name));
        }
        let Some(other) = self.truth.known(user, to) else { return Err(format!("403 {to}")) };
        match other.members.get(&user) {
            None => Err(format!("442 {}", other.name)),
            Some(&rank) if rank < OP => Err(format!("482 {}", other.name)),
            Some(_) => Ok(other.name.clone()),
        }
    }

    fn prefix(&mut self, user: usize, name: &str, other: usize, add: bool) -> Checked {
        let letters: Vec<_> = self.truth.prefixes.chars().collect();
        let letter = self.rng.pick(&letters);
        let nick = self.truth.users[other].nick.clone();
        let change = format!("{}{letter} {nick}", sign(add));
        let line = format!("MODE {name} {change}");
        let Some(channel) = self.channel(user, name) else { return self.check(user, &line) };
        let &(_, _, bit, given_by) = PREFIXES.iter().find(|row| row.0 == letter).expect("a known letter");
        let (mine, theirs) = (channel.members.get(&user).copied(), channel.members.get(&other).copied());
        let own = user == other;
        let overrides = self.truth.has(user, "override");
        let refusal = match (mine, theirs) {
            (None, _) => Some(format!("442 {}", channel.name)),
            (Some(mine), _) if mine < HALF && !own => Some(format!("482 {}", channel.name)),
            (_, None) => Some(format!("441 {nick} {}", channel.name)),
            _ if own && !add => None,
            (Some(mine), Some(theirs)) if mine < given_by || (!add && top(theirs) > top(mine)) => {
                Some(format!("482 {}", channel.name))
            }
            _ => None,
        };
        let Some(before) = theirs.filter(|_| overrides || refusal.is_none()) else {
            let absent = format!("441 {nick} {}", channel.name);
            self.expect(user, refusal.filter(|_| !overrides).unwrap_or(absent));
            return self.check(user, &line);
        };
        let after = if add { before | bit } else { before & !bit };
        if after != before {
            self.change(name).members.insert(other, after);
            let after_channel = self.truth.channels[&fold(name)].clone();
            let (saw, see) = (Truth::audience(&channel, other), Truth::audience(&after_channel, other));
            // Ranks of viewers are those after the change, as a member sees themselves anyway.
            let appears = before == 0 && after != 0;
            let vanishes = before != 0 && after == 0;
            if appears {
                self.appear(other, &channel, &after_channel);
            }
            if refusal.is_some() {
                self.acted(user, &format!("override: {}", spelled(&line, &channel)));
            }
            self.tell(user, &channel, &change);
            if vanishes {
                let told = format!(":{} PART {}", self.truth.mask(other), channel.name);
                self.expect_all(saw.difference(&see).copied(), &told);
            }
        }
        self.check(user, &line)
    }
}

/// Sets mode j; as it was, if it was set. Under a new one nobody has joined yet.
fn set_throttle(channel: &mut Channel, value: &str) -> Option<String> {
    let (joins, seconds) = value.split_once(':').expect("two numbers");
    let [joins, seconds] = [joins, seconds].map(|number| number.parse::<u64>().expect("a number"));
    let before = channel.throttle.filter(|it| (it.joins, it.ms) == (joins, seconds * 1_000));
    if before.is_none() {
        channel.throttle = Some(Throttle { joins, ms: seconds * 1_000, since: 0, count: 0 });
    }
    before.map(|_| value.to_owned())
}

/// A MODE with the name of the channel as the channel spells it, and without a key.
fn spelled(line: &str, channel: &Channel) -> String {
    let change = line.splitn(3, ' ').nth(2).unwrap_or_default();
    let change = if change.contains("k ") { &change[..2] } else { change };
    format!("MODE {} {change}", channel.name)
}

fn sign(add: bool) -> char {
    if add { '+' } else { '-' }
}
