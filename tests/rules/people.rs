//! What users say of themselves, whom they want to hear from, and how they leave.

use std::collections::BTreeSet;

use crate::commands::fold;
use crate::truth::{PREFIXES, Truth};
use crate::world::{CAPS, SERVER, World};

type Checked = Result<(), String>;

impl World {
    pub(crate) fn user_mode(&mut self, user: usize) -> Checked {
        let letter = self.rng.pick(&['i', 'g', 'D', 'B', 'w']);
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

    pub(crate) fn accept(&mut self, user: usize, other: usize) -> Checked {
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

    pub(crate) fn silence(&mut self, user: usize, other: usize) -> Checked {
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

    /// Those who hear of a change to a user by a capability: neighbours, and those who watch and want to know of such things.
    fn expect_change(&mut self, user: usize, cap: &str, told: &str) {
        let mut all = self.truth.neighbours(user);
        let watching = self.truth.watchers(&self.truth.users[user].nick).into_iter();
        all.extend(
            watching.filter(|&it| it != user && self.truth.users[it].caps.contains("extended-monitor")),
        );
        self.expect_able(all, cap, told);
    }

    pub(crate) fn away(&mut self, user: usize) -> Checked {
        let away = self.rng.one_in(2).then(|| self.rng.pick(&["out", "lunch"]).to_owned());
        let line = away.as_ref().map_or("AWAY".to_owned(), |away| format!("AWAY :{away}"));
        if away != self.truth.users[user].away {
            let told = format!(":{} {line}", self.truth.mask(user));
            self.expect_change(user, "away-notify", &told);
        }
        self.expect(user, if away.is_some() { "306" } else { "305" });
        self.truth.users[user].away = away;
        self.check(user, &line)
    }

    pub(crate) fn set_name(&mut self, user: usize) -> Checked {
        let realname = format!("real{}{user}", self.rng.pick(&[" ", "-"]));
        let line = format!("SETNAME :{realname}");
        let told = format!(":{} {line}", self.truth.mask(user));
        self.truth.users[user].realname = realname;
        self.expect_able([user], "setname", &told);
        self.expect_change(user, "setname", &told);
        self.check(user, &line)
    }

    /// MONITOR.
    pub(crate) fn watch(&mut self, user: usize, other: usize) -> Checked {
        let nick =
            if self.rng.one_in(3) { "shared".to_owned() } else { self.truth.users[other].nick.clone() };
        let folded = fold(&nick);
        let there = |truth: &Truth, nick: &str| truth.by_nick(nick).map(|it| truth.mask(it));
        let change = self.rng.below(6);
        match change {
            0..=2 => {
                self.truth.users[user].watched.insert(folded);
                match there(&self.truth, &nick) {
                    Some(mask) => self.expect(user, format!("730 :{mask}")),
                    None => self.expect(user, format!("731 :{nick}")),
                }
                self.check(user, &format!("MONITOR + {nick}"))
            }
            3 => {
                self.truth.users[user].watched.remove(&folded);
                self.check(user, &format!("MONITOR - {nick}"))
            }
            4 => {
                self.truth.users[user].watched.clear();
                self.check(user, "MONITOR C")
            }
            _ => {
                let heard = self.say(user, "MONITOR S");
                let lines = heard.get(&user).map_or(&[][..], Vec::as_slice);
                let of = |code: &str| -> BTreeSet<String> {
                    let lines = lines.iter().filter_map(|line| line.strip_prefix(code)?.strip_prefix(" :"));
                    lines.flat_map(|line| line.split(',')).map(fold).collect()
                };
                let watched = &self.truth.users[user].watched;
                let (on, off): (Vec<_>, Vec<_>) =
                    watched.iter().partition(|nick| there(&self.truth, nick).is_some());
                let on: BTreeSet<_> = on.into_iter().filter_map(|nick| there(&self.truth, nick)).collect();
                let on: BTreeSet<_> = on.iter().map(|mask| fold(mask)).collect();
                let off: BTreeSet<_> = off.into_iter().cloned().collect();
                let fine = of("730") == on && of("731") == off && heard.keys().all(|it| *it == user);
                if fine { Ok(()) } else { Err(format!("there {on:?}, not there {off:?}, heard {heard:?}")) }
            }
        }
    }

    /// Mode x: another host, of which those hear by CHGHOST or by seeing the user leave and come back.
    pub(crate) fn cloak(&mut self, user: usize) -> Checked {
        let me = &self.truth.users[user];
        let Some(cloak) = me.cloak.clone().filter(|_| !me.hides) else { return Ok(()) };
        let (nick, before) = (me.nick.clone(), self.truth.mask(user));
        let add = !me.modes.contains(&'x');
        let host = if add { cloak } else { crate::world::address(user) };
        let change = if add { "+x" } else { "-x" };
        self.expect(user, format!(":{before} MODE {nick} :{change}"));
        let told = format!(":{before} CHGHOST ~u{user} {host}");
        let neighbours = self.truth.neighbours(user);
        let blind: BTreeSet<_> =
            neighbours.iter().copied().filter(|&it| !self.truth.users[it].caps.contains("chghost")).collect();
        self.expect_all(blind.iter().copied(), &format!(":{before} QUIT :Changing host"));
        self.expect_change(user, "chghost", &told);
        self.expect_able([user], "chghost", &told);
        let me = &mut self.truth.users[user];
        if add {
            me.modes.insert('x')
        } else {
            me.modes.remove(&'x')
        };
        me.host.clone_from(&host);
        self.come_back(user, &blind);
        self.expect(user, format!("396 {host} :is now your visible host"));
        self.check(user, &format!("MODE {nick} {change}"))
    }

    /// Those who saw a user leave see them in their channels again.
    fn come_back(&mut self, user: usize, blind: &BTreeSet<usize>) {
        let mask = self.truth.mask(user);
        let me = self.truth.users[user].clone();
        for name in &me.channels {
            let channel = self.truth.channels[name].clone();
            let sees: Vec<_> =
                Truth::audience(&channel, user).into_iter().filter(|it| blind.contains(it)).collect();
            self.expect_all(sees.iter().copied(), &format!(":{mask} JOIN {}", channel.name));
            let rank = channel.members[&user];
            let letters: Vec<_> = PREFIXES.iter().filter(|row| rank & row.2 != 0).collect();
            if !letters.is_empty() {
                let nicks = vec![me.nick.as_str(); letters.len()].join(" ");
                let letters: String = letters.iter().map(|row| row.0).collect();
                self.expect_all(sees, &format!(":{SERVER} MODE {} +{letters} {nicks}", channel.name));
            }
        }
        if let Some(away) = &me.away {
            self.expect_able(blind.iter().copied(), "away-notify", &format!(":{mask} AWAY :{away}"));
        }
    }

    /// CAP: what a user is told from now on has another form.
    pub(crate) fn negotiate(&mut self, user: usize) -> Checked {
        let cap = self.rng.pick(&CAPS);
        let nick = self.truth.users[user].nick.clone();
        let caps = &self.truth.users[user].caps;
        let change = if caps.contains(cap) { format!("-{cap}") } else { cap.to_owned() };
        self.expect(user, format!(":{SERVER} CAP {nick} ACK :{change}"));
        let result = self.check(user, &format!("CAP REQ :{change}"));
        let caps = &mut self.truth.users[user].caps;
        if !caps.remove(cap) {
            caps.insert(cap);
        }
        result
    }

    /// A user is no longer there: who is told of it.
    pub(crate) fn go(&mut self, user: usize, reason: &str) {
        let told = format!(":{} QUIT :{reason}", self.truth.mask(user));
        self.expect_all(self.truth.neighbours(user), &told);
        self.truth.remember(user);
        let (nick, host) = (self.truth.users[user].nick.clone(), self.truth.users[user].host.clone());
        self.expect(user, format!("ERROR :Closing Link: {host} ({reason})"));
        self.truth.users[user].watched.clear();
        self.expect_all(self.truth.watchers(&nick), &format!("731 :{nick}"));
        for name in self.truth.users[user].channels.clone() {
            self.truth.leave(user, &name);
        }
        self.truth.forget(user);
    }

    /// A user leaves, and comes back as somebody new.
    pub(crate) fn quit(&mut self, user: usize) -> Checked {
        self.go(user, "Quit: bye");
        let result = self.check(user, "QUIT :bye");
        self.come_again(user);
        result
    }

    /// A user whose connection has ended connects again.
    pub(crate) fn come_again(&mut self, user: usize) {
        assert!(self.is_gone(user), "user {user} is still there");
        self.truth.users[user].nick.clear();
        let nick = if self.truth.by_nick("shared").is_none() && self.rng.one_in(3) {
            "shared".to_owned()
        } else {
            format!("n{user}")
        };
        self.connect(user, nick);
    }
}
