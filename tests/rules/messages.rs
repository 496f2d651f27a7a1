//! Messages: who may say something, and who gets it.

use std::collections::BTreeSet;

use crate::commands::fold;
use crate::truth::{Channel, PREFIXES, Truth};
use crate::world::World;

type Checked = Result<(), String>;

impl World {
    /// Those who may hear what a user says to a channel, as far as they have been told that they are in it.
    fn listeners(&mut self, user: usize, name: &str) -> String {
        let inside = self.wire.witnesses.iter().enumerate();
        let inside =
            inside.filter(|(number, it)| *number == user || it.is_in(name)).map(|(number, _)| number);
        let inside: BTreeSet<usize> = inside.collect();
        self.secret(inside)
    }

    /// A message is on its way to the members who are not deaf and have at least that rank, and back to its sender.
    fn deliver(&mut self, user: usize, channel: &Channel, least: u8, told: &[String], cap: Option<&str>) {
        let deaf = |other: usize| self.truth.users[other].modes.contains(&'D');
        let to =
            channel.members.iter().filter(|&(&other, &rank)| other != user && rank >= least && !deaf(other));
        let to: Vec<_> = to.map(|(&other, _)| other).collect();
        self.pass_on(user, to, told, cap);
    }

    /// These get a message, and its sender who has asked for that.
    fn pass_on(&mut self, user: usize, to: Vec<usize>, told: &[String], cap: Option<&str>) {
        let echo = self.truth.users[user].caps.contains("echo-message").then_some(user);
        for other in to.into_iter().chain(echo) {
            if cap.is_none_or(|cap| self.truth.users[other].caps.contains(cap)) {
                for line in told {
                    self.expect(other, line);
                }
            }
        }
    }

    pub(crate) fn say_to_channel(&mut self, user: usize, name: &str) -> Checked {
        let verb = self.rng.pick(&["PRIVMSG", "PRIVMSG", "NOTICE", "TAGMSG"]);
        let text = match (verb, self.rng.below(4)) {
            ("TAGMSG", _) => String::new(),
            (_, 0) => format!(" :\u{1}ACTION {}\u{1}", self.listeners(user, name)),
            (_, 1) => format!(" :\u{1}VERSION {}\u{1}", self.listeners(user, name)),
            _ => format!(" :hello {}", self.listeners(user, name)),
        };
        let symbols: Vec<_> = self.truth.prefixes.chars().collect();
        let to = if self.rng.one_in(4) { Some(self.rng.pick(&symbols)) } else { None };
        let row = to.and_then(|letter| PREFIXES.iter().find(|row| row.0 == letter));
        let symbol = row.map_or(String::new(), |row| row.1.to_string());
        let line = match verb {
            "TAGMSG" => format!("@+typing=active TAGMSG {symbol}{name}"),
            _ => format!("{verb} {symbol}{name}{text}"),
        };
        let answered = verb != "NOTICE";
        match self.truth.channels.get(&fold(name)).cloned() {
            // Who has not negotiated tags says nothing by them.
            _ if verb == "TAGMSG" && !self.truth.users[user].caps.contains("message-tags") => {}
            None => self.expect_all(answered.then_some(user), &format!("403 {name}")),
            // Nobody overrides anything by typing.
            Some(channel)
                if !Truth::takes(&channel, verb, text.trim_start_matches(" :"))
                    || !(self.truth.may_speak(user, &channel)
                        || verb != "TAGMSG" && self.truth.has(user, "override")) =>
            {
                let refusal = self.truth.unheard(user, &channel, name);
                self.expect_all(answered.then_some(user), &refusal);
            }
            Some(channel) => {
                if !self.truth.may_speak(user, &channel) {
                    self.acted(user, &format!("override: {verb} {symbol}{}", channel.name));
                }
                let told = format!(":{} {verb} {symbol}{}{text}", self.truth.mask(user), channel.name);
                let cap = (verb == "TAGMSG").then_some("message-tags");
                self.deliver(user, &channel, row.map_or(0, |row| row.2), &[told], cap);
            }
        }
        self.check(user, &line)
    }

    pub(crate) fn say_to_user(&mut self, user: usize, other: usize) -> Checked {
        let nick = self.truth.users[other].nick.clone();
        let verb = self.rng.pick(&["PRIVMSG", "PRIVMSG", "NOTICE"]);
        let silenced = self.truth.is_silenced(user, other);
        let overrides = !self.truth.accepts(other, user) && self.truth.has(user, "override");
        let accepted = overrides || self.truth.accepts(other, user);
        // Nobody but the two, and if it is kept away nobody at all.
        let kept_away = silenced || !accepted;
        let for_whom = if kept_away { BTreeSet::from([user]) } else { BTreeSet::from([user, other]) };
        let word = self.secret(for_whom);
        let line = format!("{verb} {nick} :psst {word}");
        let mask = self.truth.mask(user);
        if !accepted {
            return self.knock_at(user, other, &line, verb == "PRIVMSG");
        }
        if verb == "PRIVMSG" && self.truth.users[user].modes.contains(&'g') && user != other {
            let entry = (other, nick.clone());
            self.truth.users[user].accepted.insert(entry);
        }
        if overrides && !silenced {
            self.acted(user, &format!("override: {verb} {nick}"));
        }
        let told = format!(":{mask} {line}");
        self.pass_on(user, (!silenced).then_some(other).into_iter().collect(), &[told], None);
        if verb == "PRIVMSG" && self.truth.users[other].away.is_some() {
            self.expect(user, format!("301 {nick}"));
        }
        self.check(user, &line)
    }

    /// Mode g keeps a message or an invitation away: so both are told, but not more than once a minute, and not of those who
    /// are silenced. These must not find that out.
    pub(crate) fn knock_at(&mut self, user: usize, other: usize, line: &str, answered: bool) -> Checked {
        let (now, mask) = (self.now() + 1_000, self.truth.mask(user));
        let silenced = self.truth.is_silenced(user, other);
        let them = &mut self.truth.users[other];
        let nick = them.nick.clone();
        let over = |since: Option<u64>| since.is_none_or(|since| now >= since + 60_000);
        let (informed, seemed) = (!silenced && over(them.informed_ms), over(them.seemed_ms));
        if informed {
            them.informed_ms = Some(now);
        }
        if seemed {
            them.seemed_ms = Some(now);
        }
        if answered {
            self.expect(user, format!("716 {nick}"));
        }
        if answered && seemed {
            self.expect(user, format!("717 {nick}"));
        }
        if informed {
            let (from, host) = mask.split_once('!').expect("a mask");
            self.expect(other, format!("718 {from} {host}"));
        }
        self.check(user, line)
    }

    /// A message of several lines, to a channel or a user.
    pub(crate) fn say_much(&mut self, user: usize, name: &str, other: usize) -> Checked {
        let able = ["batch", "draft/multiline"].iter().all(|cap| self.truth.users[user].caps.contains(cap));
        let nick = self.truth.users[other].nick.clone();
        let private = self.rng.one_in(3);
        let overrides = self.truth.has(user, "override");
        let past = overrides && !self.truth.accepts(other, user);
        if !able
            || private && (self.truth.is_silenced(user, other) || !past && !self.truth.accepts(other, user))
        {
            return Ok(());
        }
        let word =
            if private { self.secret(BTreeSet::from([user, other])) } else { self.listeners(user, name) };
        let target = if private { &nick } else { name };
        let lines = [format!("one {word} "), "two".to_owned(), String::new(), format!("three {word}")];
        let mask = self.truth.mask(user);
        let told = |shown: &str| -> Vec<String> {
            let lines = lines.iter().filter(|line| !line.is_empty());
            lines.map(|line| format!(":{mask} PRIVMSG {shown} :{line}")).collect()
        };
        let label = self.label(user);
        let tags = label.as_ref().map_or_else(String::new, |label| format!("@label={label} "));
        self.wire.begin(user, label.as_deref());
        self.send(user, &format!("{tags}BATCH +1 draft/multiline {target}"));
        for (index, line) in lines.iter().enumerate() {
            let joined = if index == 1 { ";draft/multiline-concat" } else { "" };
            self.send(user, &format!("@batch=1{joined} PRIVMSG {target} :{line}"));
        }
        if private {
            if past {
                self.acted(user, &format!("override: PRIVMSG {nick}"));
            }
            if self.truth.users[user].modes.contains(&'g') && user != other {
                self.truth.users[user].accepted.insert((other, nick.clone()));
            }
            self.pass_on(user, vec![other], &told(&nick), None);
            if self.truth.users[other].away.is_some() {
                self.expect(user, format!("301 {nick}"));
            }
        } else if let Some(channel) = self.any_channel(user, name) {
            let may = self.truth.may_speak(user, &channel);
            if may || overrides {
                if !may {
                    self.acted(user, &format!("override: PRIVMSG {}", channel.name));
                }
                self.deliver(user, &channel, 0, &told(&channel.name), None);
            } else {
                self.expect(user, self.truth.unheard(user, &channel, name));
            }
        }
        self.send(user, "BATCH -1");
        let heard = self.hear_all();
        self.compare(heard)
    }
}
