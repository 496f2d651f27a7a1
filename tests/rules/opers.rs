//! Server operators: what their privileges allow, and what the same commands do without.

use crate::commands::fold;
use crate::truth::Truth;
use crate::world::World;

type Checked = Result<(), String>;

impl World {
    /// A command of operators. Who is none becomes one, sometimes, or is refused.
    pub(crate) fn oper(&mut self, user: usize, name: &str, other: usize) -> Checked {
        let nick = self.truth.users[user].nick.clone();
        if !self.is_operator(user) && !self.rng.one_in(3) {
            return self.become_operator(user, &nick);
        }
        match self.rng.below(12) {
            0 => self.give_up(user, &nick),
            1 => self.kill(user, other),
            2..=4 => self.sajoin(user, name, other),
            5 => self.sapart(user, name, other),
            6 | 7 => self.sanick(user, other),
            8 | 9 => self.samode(user, name),
            _ => self.choose_notices(user, &nick),
        }
    }

    fn is_operator(&self, user: usize) -> bool {
        self.truth.users[user].modes.contains(&'o')
    }

    /// Whether a user may use a command for operators; if not, the refusal is expected.
    fn may(&mut self, user: usize) -> bool {
        let may = self.is_operator(user);
        if !may {
            self.expect(user, "481");
        }
        may
    }

    fn become_operator(&mut self, user: usize, nick: &str) -> Checked {
        let good = self.rng.one_in(2);
        if good {
            self.expect(user, "381");
            self.expect(user, format!(":{} MODE {nick} :+o", self.truth.mask(user)));
            self.truth.users[user].modes.insert('o');
        } else {
            self.expect(user, "464");
        }
        self.check(user, if good { "OPER root good" } else { "OPER root guess" })
    }

    fn give_up(&mut self, user: usize, nick: &str) -> Checked {
        let modes = &mut self.truth.users[user].modes;
        if modes.remove(&'o') {
            let gone = if modes.remove(&'s') { "-os" } else { "-o" };
            self.expect(user, format!(":{} MODE {nick} :{gone}", self.truth.mask(user)));
        }
        self.check(user, &format!("MODE {nick} -o"))
    }

    /// Mode s: what the notices say is not for the model, but who gets them.
    fn choose_notices(&mut self, user: usize, nick: &str) -> Checked {
        if self.may(user) {
            if self.truth.users[user].modes.insert('s') {
                self.expect(user, format!(":{} MODE {nick} :+s", self.truth.mask(user)));
            }
            self.expect(user, "008 +cko");
        }
        self.check(user, &format!("MODE {nick} +s -bfnr+cko"))
    }

    fn kill(&mut self, user: usize, other: usize) -> Checked {
        let (by, nick) = (self.truth.users[user].nick.clone(), self.truth.users[other].nick.clone());
        let line = format!("KILL {nick} :spam");
        if !self.may(user) {
            return self.check(user, &line);
        }
        self.expect(other, format!(":{} {line}", self.truth.mask(user)));
        self.go(other, &format!("Killed ({by} (spam))"));
        let result = self.check(user, &line);
        self.come_again(other);
        result
    }

    fn sajoin(&mut self, user: usize, name: &str, other: usize) -> Checked {
        let (nick, folded) = (self.truth.users[other].nick.clone(), fold(name));
        if self.may(user) {
            let known = self.truth.channels.get(&folded);
            if known.is_some_and(|channel| channel.members.contains_key(&other)) {
                self.expect(user, format!("443 {nick} {name}"));
            } else if known.is_some_and(|channel| channel.flags.contains(&'S')) {
                // No connection here is encrypted.
                self.expect(user, format!(":irc.test FAIL SAJOIN NOT_SECURE {nick} {name}"));
            } else {
                let rank = if known.is_some() { 0 } else { crate::truth::OP };
                if known.is_none() {
                    self.create(name);
                }
                self.enter(other, &folded, rank, None);
            }
        }
        self.check(user, &format!("SAJOIN {nick} {name}"))
    }

    fn sapart(&mut self, user: usize, name: &str, other: usize) -> Checked {
        let nick = self.truth.users[other].nick.clone();
        if self.may(user)
            && let Some(channel) = self.any_channel(user, name)
        {
            if channel.members.contains_key(&other) {
                let told = format!(":{} PART {} :go", self.truth.mask(other), channel.name);
                self.expect_all(Truth::audience(&channel, other), &told);
                self.truth.leave(other, &fold(name));
            } else {
                self.expect(user, format!("441 {nick} {}", channel.name));
            }
        }
        self.check(user, &format!("SAPART {nick} {name} :go"))
    }

    fn sanick(&mut self, user: usize, other: usize) -> Checked {
        let nick = self.truth.users[other].nick.clone();
        let wanted = if self.rng.one_in(2) { "shared".to_owned() } else { format!("n{other}z") };
        if self.may(user) {
            match self.truth.by_nick(&wanted) {
                Some(holder) if holder != other => self.expect(user, format!("433 {wanted}")),
                _ if wanted == nick => {}
                _ => self.take_nick(other, &wanted),
            }
        }
        self.check(user, &format!("SANICK {nick} {wanted}"))
    }

    fn samode(&mut self, user: usize, name: &str) -> Checked {
        let change = self.rng.pick(&["-s", "-i", "-S", "-m", "+u", "-u", "+p"]);
        if self.may(user)
            && let Some(channel) = self.any_channel(user, name)
        {
            let letter = change.chars().nth(1).expect("a letter");
            let it = self.truth.channels.get_mut(&fold(name)).expect("found");
            if it.set_flag(letter, change.starts_with('+')) {
                let told = format!(":{} MODE {} {change}", crate::world::SERVER, channel.name);
                self.expect_all(channel.members.keys().copied(), &told);
            }
        }
        self.check(user, &format!("SAMODE {name} {change}"))
    }

    pub(crate) fn wallops(&mut self, user: usize) -> Checked {
        if self.may(user) {
            let told = format!(":{} WALLOPS :hear", self.truth.mask(user));
            let all = (0..self.truth.users.len()).filter(|&it| self.truth.users[it].modes.contains(&'w'));
            self.expect_all(all.collect::<Vec<_>>(), &told);
        }
        self.check(user, "WALLOPS :hear")
    }
}
