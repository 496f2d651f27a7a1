//! Server operators: what their privileges allow, and what the same commands do without.

use std::collections::BTreeSet;

use chatd::config::{Config, Oper, OperClass, Privileges};

use crate::commands::fold;
use crate::rng::Rng;
use crate::truth::Truth;
use crate::world::World;

type Checked = Result<(), String>;

/// How many classes of operators there are.
const CLASSES: usize = 4;

/// What notices of the server say, by their kinds.
const NOTICES: [(char, &str); 8] = [
    ('o', " uses "),
    ('o', " is now the server operator "),
    ('o', " is no longer the server operator "),
    ('o', " is not let be the server operator "),
    ('c', " has connected"),
    ('c', " has disconnected: "),
    ('k', " kills "),
    ('n', " is now known as "),
];

/// The kind of a notice of the server, if it is one that can come here.
pub(crate) fn kind(text: &str) -> Option<char> {
    NOTICES.iter().find(|(_, words)| text.contains(words)).map(|(kind, _)| *kind)
}

/// Classes of operators, and an operator of each. The first has commands, but neither sees nor may what users cannot;
/// what the others may is drawn.
pub(crate) fn classes(rng: &mut Rng, config: &mut Config) -> Vec<BTreeSet<&'static str>> {
    let mut classes = Vec::new();
    for number in 0..CLASSES {
        let beyond = |name| matches!(name, "see-all" | "override" | "rename");
        let words = Privileges::TABLE.iter();
        let words = words.filter(|word| if number == 0 { !beyond(word.name) } else { rng.one_in(2) });
        let words: Vec<_> = words.collect();
        let privileges = words.iter().fold(Privileges::NONE, |all, word| all.with(word.bit.into()));
        let (name, title) = (format!("class{number}"), "an operator".to_owned());
        config.oper_class.push(OperClass { name: name.clone(), title, privileges });
        config.oper.push(Oper { name: format!("root{number}"), class: name, ..Oper::default() });
        classes.push(words.iter().map(|word| word.name).collect());
    }
    classes
}

impl World {
    /// A command of operators. Who is none becomes one, sometimes, or is refused.
    pub(crate) fn oper(&mut self, user: usize, name: &str, other: usize) -> Checked {
        let nick = self.truth.users[user].nick.clone();
        if !self.is_operator(user) && !self.rng.one_in(3) {
            return self.become_operator(user, &nick);
        }
        match self.rng.below(15) {
            0 => self.give_up(user, &nick),
            1 => self.kill(user, other),
            2..=4 => self.sajoin(user, name, other),
            5 => self.sapart(user, name, other),
            6 | 7 => self.sanick(user, other),
            8 | 9 => self.samode(user, name),
            10 => self.rename(user, name),
            11 => self.become_operator(user, &nick),
            _ => self.choose_notices(user, &nick),
        }
    }

    fn is_operator(&self, user: usize) -> bool {
        self.truth.users[user].modes.contains(&'o')
    }

    /// Whether a user may use a command that takes a privilege; if not, the refusal is expected.
    fn may(&mut self, user: usize, privilege: &str) -> bool {
        let may = self.truth.has(user, privilege);
        if !may {
            self.expect(user, "481");
        }
        may
    }

    /// Operators who want to know are told what somebody has done that users may not.
    pub(crate) fn acted(&mut self, user: usize, what: &str) {
        self.announce(&format!("{} uses {what}", self.truth.mask(user)));
    }

    /// The operators who want to know such things of each other are told this.
    fn announce(&mut self, text: &str) {
        for (number, user) in self.truth.users.iter().enumerate() {
            if user.notices.contains(&'o') {
                self.notices.entry(number).or_default().push(text.to_owned());
            }
        }
    }

    /// OPER. Whoever is an operator already has the privileges of the other class from then on, and no others.
    fn become_operator(&mut self, user: usize, nick: &str) -> Checked {
        let number = self.rng.below(CLASSES as u64) as usize;
        let mask = self.truth.mask(user);
        if self.rng.one_in(3) {
            self.expect(user, "464");
            self.announce(&format!("{mask} is not let be the server operator root{number}: wrong password"));
            return self.check(user, &format!("OPER root{number} guess"));
        }
        self.expect(user, "381");
        let privileges = self.truth.classes[number].clone();
        let me = &mut self.truth.users[user];
        let notices = privileges.contains("notices");
        me.privileges = privileges;
        let told = |change: &str| format!(":{mask} MODE {nick} :{change}");
        let mut changes = Vec::new();
        if !notices && me.modes.remove(&'s') {
            me.notices.clear();
            changes.push(told("-s"));
        }
        if me.modes.insert('o') {
            changes.push(told("+o"));
        }
        for change in changes {
            self.expect(user, change);
        }
        self.announce(&format!("{mask} is now the server operator root{number} of the class class{number}"));
        self.truth.users[user].operator = number;
        self.check(user, &format!("OPER root{number} good"))
    }

    fn give_up(&mut self, user: usize, nick: &str) -> Checked {
        let me = &mut self.truth.users[user];
        if me.modes.remove(&'o') {
            let gone = if me.modes.remove(&'s') { "-os" } else { "-o" };
            me.privileges.clear();
            me.notices.clear();
            let number = me.operator;
            let mask = self.truth.mask(user);
            self.expect(user, format!(":{mask} MODE {nick} :{gone}"));
            self.announce(&format!("{mask} is no longer the server operator root{number}"));
        }
        self.check(user, &format!("MODE {nick} -o"))
    }

    /// Mode s.
    fn choose_notices(&mut self, user: usize, nick: &str) -> Checked {
        let change = self.rng.pick(&["+o", "+cko", "-bfnr+cko", "+n", "-o", "-ckno"]);
        if self.may(user, "notices") {
            let me = &mut self.truth.users[user];
            let mut add = true;
            for letter in change.chars() {
                match letter {
                    '+' | '-' => add = letter == '+',
                    _ if add => _ = me.notices.insert(letter),
                    _ => _ = me.notices.remove(&letter),
                }
            }
            let on = !me.notices.is_empty();
            let kinds: String = me.notices.iter().collect();
            if if on { me.modes.insert('s') } else { me.modes.remove(&'s') } {
                let sign = if on { '+' } else { '-' };
                self.expect(user, format!(":{} MODE {nick} :{sign}s", self.truth.mask(user)));
            }
            self.expect(user, format!("008 +{kinds}"));
        }
        self.check(user, &format!("MODE {nick} +s {change}"))
    }

    fn kill(&mut self, user: usize, other: usize) -> Checked {
        let (by, nick) = (self.truth.users[user].nick.clone(), self.truth.users[other].nick.clone());
        let line = format!("KILL {nick} :spam");
        if !self.may(user, "kill") {
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
        if self.may(user, "join") {
            let known = self.truth.channels.get(&folded);
            if known.is_some_and(|channel| channel.members.contains_key(&other)) {
                self.expect(user, format!("443 {nick} {name}"));
            } else if known.is_some_and(|channel| channel.flags.contains(&'S')) {
                // No connection here is encrypted.
                self.expect(user, format!(":irc.test FAIL SAJOIN NOT_SECURE {nick} {name}"));
            } else {
                let rank = if known.is_some() { 0 } else { crate::truth::OP };
                self.acted(user, &format!("SAJOIN {nick} {name}"));
                if rank != 0 {
                    self.create(name);
                }
                self.enter(other, &folded, rank, None);
            }
        }
        self.check(user, &format!("SAJOIN {nick} {name}"))
    }

    fn sapart(&mut self, user: usize, name: &str, other: usize) -> Checked {
        let nick = self.truth.users[other].nick.clone();
        if self.may(user, "join")
            && let Some(channel) = self.any_channel(user, name)
        {
            if channel.members.contains_key(&other) {
                self.acted(user, &format!("SAPART {nick} {}", channel.name));
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
        if self.may(user, "nick") {
            if self.truth.by_nick(&wanted).is_some_and(|holder| holder != other) {
                self.expect(user, format!("433 {wanted}"));
            } else {
                self.acted(user, &format!("SANICK {nick} {wanted}"));
                if wanted != nick {
                    self.take_nick(other, &wanted);
                }
            }
        }
        self.check(user, &format!("SANICK {nick} {wanted}"))
    }

    fn samode(&mut self, user: usize, name: &str) -> Checked {
        let change = self.rng.pick(&["-s", "-i", "-S", "-m", "+u", "-u", "+p"]);
        if self.may(user, "channel-modes")
            && let Some(channel) = self.any_channel(user, name)
        {
            self.acted(user, &format!("SAMODE {} {change}", channel.name));
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
        if self.may(user, "wallops") {
            let told = format!(":{} WALLOPS :hear", self.truth.mask(user));
            let all = (0..self.truth.users.len()).filter(|&it| self.truth.users[it].modes.contains(&'w'));
            self.expect_all(all.collect::<Vec<_>>(), &told);
        }
        self.check(user, "WALLOPS :hear")
    }
}
