//! Questions, and what their answers may show: exactly what the rules let the asker see, no more and no less.

use std::collections::BTreeSet;

use crate::commands::fold;
use crate::truth::{HALF, Past, Truth};
use crate::world::{SERVER, World, address};

type Checked = Result<(), String>;

/// Stands for an address that is not shown.
const HIDDEN: &str = "255.255.255.255";

impl World {
    /// The user is to hear who is in a channel, as they see it.
    pub(crate) fn expect_names(&mut self, user: usize, folded: &str) {
        let channel = self.truth.channels[folded].clone();
        // Whoever is inside has the list that goes with what is told there, whatever else they may see.
        let inside = channel.members.contains_key(&user);
        let sees = |other: usize| {
            if inside {
                Truth::member_sees(&channel, user, other)
            } else {
                self.truth.sees_member(user, &channel, other)
            }
        };
        let visible = channel.members.iter().filter(|(other, _)| sees(**other));
        let visible: BTreeSet<String> = visible
            .map(|(&other, &rank)| self.truth.symbols(user, rank) + &self.truth.users[other].nick)
            .collect();
        let visible: Vec<_> = visible.into_iter().collect();
        let kind = match () {
            () if channel.flags.contains(&'s') => '@',
            () if channel.flags.contains(&'p') => '*',
            () => '=',
        };
        if !visible.is_empty() {
            self.expect(user, format!("353 {kind} {} :{}", channel.name, visible.join(" ")));
        }
        self.expect(user, format!("366 {}", channel.name));
    }

    pub(crate) fn ask_names(&mut self, user: usize, name: &str) -> Checked {
        let channel = self.truth.channels.get(&fold(name)).filter(|channel| self.truth.lists(user, channel));
        match channel.map(|channel| fold(&channel.name)) {
            Some(folded) => self.expect_names(user, &folded),
            None => self.expect(user, format!("366 {name}")),
        }
        self.check(user, &format!("NAMES {name}"))
    }

    pub(crate) fn ask_list(&mut self, user: usize) -> Checked {
        let heard = self.say(user, "LIST");
        let lines = heard.get(&user).cloned().unwrap_or_default();
        let listed = lines.iter().filter_map(|line| line.strip_prefix("322 "));
        let listed: BTreeSet<String> = listed.map(str::to_owned).collect();
        let visible = self.truth.channels.values().filter(|channel| self.truth.lists(user, channel));
        let visible =
            visible.map(|channel| format!("{} {} :{}", channel.name, channel.members.len(), channel.topic));
        let visible: BTreeSet<String> = visible.collect();
        if listed == visible && heard.len() == 1 {
            Ok(())
        } else {
            Err(format!("listed {listed:?}, to be seen {visible:?}"))
        }
    }

    pub(crate) fn ask_whois(&mut self, user: usize, other: usize) -> Checked {
        let heard = self.say(user, &format!("WHOIS {}", self.truth.users[other].nick));
        let lines = heard.get(&user).cloned().unwrap_or_default();
        let shown = lines.iter().filter_map(|line| line.strip_prefix("319 "));
        let shown: BTreeSet<String> = shown
            .flat_map(|line| line.split_once(" :").map_or("", |(_, channels)| channels).split(' '))
            .map(str::to_owned)
            .collect();
        let channels = self.truth.users[other].channels.iter().map(|name| &self.truth.channels[name]);
        let visible =
            channels.filter(|channel| user == other || self.truth.sees_member(user, channel, other));
        let visible: BTreeSet<String> = visible
            .map(|channel| self.truth.symbols(user, channel.members[&other]) + &channel.name)
            .collect();
        if shown != visible || heard.len() != 1 {
            return Err(format!("shown {shown:?}, to be seen {visible:?}"));
        }
        // What users are told of themselves, and of others those alone who see all.
        let sees = user == other || self.truth.has(user, "see-all");
        let told = ["338", "379"].map(|code| lines.iter().any(|line| line.starts_with(code)));
        if told == [sees; 2] { Ok(()) } else { Err(format!("sees all: {sees}, heard {heard:?}")) }
    }

    /// WHOWAS: the hosts that were shown then, and those that were not for who sees all.
    pub(crate) fn ask_whowas(&mut self, user: usize, other: usize) -> Checked {
        let nick =
            if self.rng.one_in(2) { "shared".to_owned() } else { self.truth.users[other].nick.clone() };
        let past: Vec<_> = self
            .truth
            .past
            .iter()
            .rev()
            .filter(|past| past.nick.eq_ignore_ascii_case(&nick))
            .cloned()
            .collect();
        if past.is_empty() {
            self.expect(user, format!("406 {nick}"));
        }
        for Past { user: who, nick, host } in past {
            self.expect(user, format!("314 {nick} ~u{who} {host} *"));
            if self.truth.has(user, "see-all") {
                self.expect(user, format!("338 {nick} ~u{who}@{0} {0}", address(who)));
            }
            self.expect(user, format!("312 {nick} {SERVER}"));
        }
        self.expect(user, format!("369 {nick}"));
        self.check(user, &format!("WHOWAS {nick}"))
    }

    /// MODE of a channel without a change: the key is for members, and nothing of a secret channel is for others.
    pub(crate) fn ask_modes(&mut self, user: usize, name: &str) -> Checked {
        let line = format!("MODE {name}");
        let Some(channel) = self.channel(user, name) else { return self.check(user, &line) };
        let member = channel.members.contains_key(&user);
        if !self.truth.sees(user, &channel) {
            self.expect(user, format!("442 {}", channel.name));
            return self.check(user, &line);
        }
        let heard = self.say(user, &line);
        let lines = heard.get(&user).map_or(&[][..], Vec::as_slice);
        let words: Vec<&str> = lines.first().map_or("", String::as_str).split(' ').collect();
        let [code, shown, letters, values @ ..] = &words[..] else {
            return Err(format!("no modes: {heard:?}"));
        };
        let letters: BTreeSet<char> = letters.chars().skip(1).collect();
        let settings = [
            ('k', channel.key.is_some()),
            ('l', channel.limit.is_some()),
            ('f', self.truth.forward(&channel).is_some()),
            ('j', channel.throttle.is_some()),
        ];
        let set: BTreeSet<char> = settings.iter().filter(|(_, on)| *on).map(|(letter, _)| *letter).collect();
        let flags = channel.flags.union(&set).copied().collect::<BTreeSet<_>>();
        let told_key = channel.key.as_deref().is_some_and(|key| values.contains(&key));
        let fine = (*code, *shown) == ("324", &*channel.name)
            && letters == flags
            && told_key == (member && channel.key.is_some())
            && heard.keys().all(|it| *it == user);
        if fine { Ok(()) } else { Err(format!("modes {flags:?}, a member: {member}, heard {heard:?}")) }
    }

    /// MODE of a channel with the letter of a list: bans and quiets are for those who may look, exceptions for those who may
    /// change them.
    pub(crate) fn ask_entries(&mut self, user: usize, name: &str) -> Checked {
        let quiets = if self.truth.prefixes.contains('q') { None } else { Some(('q', "728", "729")) };
        let lists = [('b', "367", "368"), ('e', "348", "349"), ('I', "346", "347")];
        let lists: Vec<_> = lists.into_iter().chain(quiets).collect();
        let (letter, code, end) = self.rng.pick(&lists);
        let line = format!("MODE {name} {letter}");
        let Some(channel) = self.channel(user, name) else { return self.check(user, &line) };
        let refusal = match channel.members.get(&user) {
            _ if self.truth.has(user, "override") => None,
            _ if matches!(letter, 'b' | 'q') => (!self.truth.sees(user, &channel)).then_some(442),
            None => Some(442),
            Some(&rank) => (rank < HALF).then_some(482),
        };
        if let Some(refusal) = refusal {
            self.expect(user, format!("{refusal} {}", channel.name));
            return self.check(user, &line);
        }
        let heard = self.say(user, &line);
        let lines = heard.get(&user).map_or(&[][..], Vec::as_slice);
        let entries = channel.lists.get(&letter).map_or(&[][..], Vec::as_slice);
        let shown = lines.iter().filter(|line| line.starts_with(code));
        let fine = shown.clone().count() == entries.len()
            && shown.zip(entries).all(|(line, entry)| line.split(' ').any(|word| word == entry))
            && lines.last().is_some_and(|line| line.starts_with(end))
            && lines.len() == entries.len() + 1
            && heard.len() == 1;
        if fine { Ok(()) } else { Err(format!("entries {entries:?}, heard {heard:?}")) }
    }

    /// USERHOST and USERIP, of which only the one who asks hears.
    pub(crate) fn ask_where(&mut self, user: usize, other: usize) -> Checked {
        let (verb, code) = self.rng.pick(&[("USERHOST", 302), ("USERIP", 340)]);
        let (them, sees) = (&self.truth.users[other], self.truth.sees_address(user, other));
        let place = match verb {
            _ if sees => address(other),
            "USERHOST" => them.host.clone(),
            _ => HIDDEN.to_owned(),
        };
        let oper = if them.modes.contains(&'o') { "*" } else { "" };
        let away = if them.away.is_some() { '-' } else { '+' };
        let nick = them.nick.clone();
        self.expect(user, format!("{code} :{nick}{oper}={away}~u{other}@{place}"));
        self.check(user, &format!("{verb} {nick}"))
    }

    /// WHO of a channel, or of everybody.
    pub(crate) fn ask_who(&mut self, user: usize, name: &str) -> Checked {
        let (all, fields) = (self.rng.one_in(2), if self.rng.one_in(2) { " %cuihn" } else { "" });
        let heard = self.say(user, &format!("WHO {}{fields}", if all { "*" } else { name }));
        let lines = heard.get(&user).cloned().unwrap_or_default();
        let rows = lines.iter().filter_map(|line| line.strip_prefix("352 ").or(line.strip_prefix("354 ")));
        let rows: Vec<Vec<&str>> = rows.map(|row| row.split(' ').collect()).collect();
        let shown: BTreeSet<String> = rows.iter().map(|row| row[4].to_owned()).collect();
        let truth = &self.truth;
        let visible: BTreeSet<String> = (0..truth.users.len())
            .filter(|&other| {
                let meets = truth.users[other].channels.iter().map(|name| &truth.channels[name]);
                if all {
                    let mut shared = meets.filter(|channel| channel.members.contains_key(&user));
                    let near = shared.any(|channel| Truth::member_sees(channel, user, other));
                    let open = !truth.users[other].modes.contains(&'i') || truth.has(user, "see-all");
                    user == other || open || near
                } else {
                    let channel = truth.channels.get(&fold(name));
                    channel.is_some_and(|channel| {
                        channel.members.contains_key(&other) && truth.sees_member(user, channel, other)
                    })
                }
            })
            .map(|other| truth.users[other].nick.clone())
            .collect();
        if shown != visible || heard.len() != 1 {
            return Err(format!("shown {shown:?}, to be seen {visible:?}"));
        }
        for row in rows.iter().filter(|_| !fields.is_empty()) {
            let other = truth.by_nick(row[4]).ok_or("a row of nobody")?;
            let place = if truth.sees_address(user, other) { address(other) } else { HIDDEN.to_owned() };
            if (row[2], row[3]) != (&*place, &*truth.users[other].host) {
                return Err(format!("{} is not where {} is: {place}", row.join(" "), row[4]));
            }
        }
        // A channel that is named in a row is one in which the asker sees that user.
        for row in rows.iter().filter(|row| row[0] != "*") {
            let other = truth.by_nick(row[4]).ok_or("a row of nobody")?;
            let channel = truth.channels.get(&fold(row[0])).ok_or("a row with no channel")?;
            if !truth.sees_member(user, channel, other) {
                return Err(format!("{} shows who is in {}", row.join(" "), channel.name));
            }
        }
        Ok(())
    }
}
