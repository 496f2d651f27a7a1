//! Questions, and what their answers may show: exactly what the rules let the asker see, no more and no less.

use std::collections::BTreeSet;

use crate::commands::fold;
use crate::truth::{Channel, Truth};
use crate::world::{Heard, World};

type Checked = Result<(), String>;

impl World {
    /// A list of members as the user is to see it.
    fn listing(&self, user: usize, channel: &Channel) -> BTreeSet<String> {
        let visible =
            channel.members.iter().filter(|(other, _)| self.truth.sees_member(user, channel, **other));
        visible
            .map(|(&other, &rank)| self.truth.symbols(user, rank) + &self.truth.users[other].nick)
            .collect()
    }

    /// Compares what was heard with what is expected, and the names in what the user heard with those to be seen.
    pub(crate) fn compare_listing(
        &mut self,
        user: usize,
        channel: &Channel,
        mut heard: Heard,
        mut mine: Vec<String>,
    ) -> Checked {
        let lines = heard.remove(&user).unwrap_or_default();
        let (names, others): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.starts_with("353 "));
        let mut listed = BTreeSet::new();
        for line in &names {
            let (head, names) = line.split_once(" :").ok_or("353 without names")?;
            let secret = if channel.flags.contains(&'s') {
                '@'
            } else if channel.flags.contains(&'p') {
                '*'
            } else {
                '='
            };
            if head != format!("353 {secret} {}", channel.name) {
                return Err(format!("an odd 353: {head}"));
            }
            for name in names.split(' ') {
                if !listed.insert(name.to_owned()) {
                    return Err(format!("{name} is listed twice"));
                }
            }
        }
        let visible = self.listing(user, channel);
        if listed != visible {
            return Err(format!("listed {listed:?}, to be seen {visible:?}"));
        }
        mine.push(format!("366 {}", channel.name));
        let others: Vec<_> = others.into_iter().filter(|line| !line.starts_with("333 ")).collect();
        let expected = std::mem::take(&mut self.expected);
        if others == mine && heard == expected {
            Ok(())
        } else {
            Err(format!("expected {mine:?} and {expected:?}\nheard    {others:?} and {heard:?}"))
        }
    }

    pub(crate) fn ask_names(&mut self, user: usize, name: &str) -> Checked {
        let line = format!("NAMES {name}");
        let channel = self.truth.channels.get(&fold(name)).cloned();
        let Some(channel) = channel.filter(|channel| Truth::lists(user, channel)) else {
            self.expect(user, format!("366 {name}"));
            return self.check(user, &line);
        };
        let heard = self.say(user, &line);
        self.compare_listing(user, &channel, heard, Vec::new())
    }

    pub(crate) fn ask_list(&mut self, user: usize) -> Checked {
        let heard = self.say(user, "LIST");
        let lines = heard.get(&user).cloned().unwrap_or_default();
        let listed = lines.iter().filter_map(|line| line.strip_prefix("322 "));
        let listed: BTreeSet<String> = listed.map(str::to_owned).collect();
        let visible = self.truth.channels.values().filter(|channel| Truth::lists(user, channel));
        let visible = visible.map(|channel| format!("{} {}", channel.name, channel.members.len()));
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
        if shown == visible && heard.len() == 1 {
            Ok(())
        } else {
            Err(format!("shown {shown:?}, to be seen {visible:?}"))
        }
    }

    /// WHO of a channel, or of everybody.
    pub(crate) fn ask_who(&mut self, user: usize, name: &str) -> Checked {
        let all = self.rng.one_in(2);
        let heard = self.say(user, &format!("WHO {}", if all { "*" } else { name }));
        let lines = heard.get(&user).cloned().unwrap_or_default();
        let rows = lines.iter().filter_map(|line| line.strip_prefix("352 "));
        let rows: Vec<Vec<&str>> = rows.map(|row| row.split(' ').collect()).collect();
        let shown: BTreeSet<String> = rows.iter().map(|row| row[4].to_owned()).collect();
        let truth = &self.truth;
        let visible: BTreeSet<String> = (0..truth.users.len())
            .filter(|&other| {
                let meets = truth.users[other].channels.iter().map(|name| &truth.channels[name]);
                if all {
                    let mut shared = meets.filter(|channel| channel.members.contains_key(&user));
                    let near = shared.any(|channel| Truth::member_sees(channel, user, other));
                    user == other || !truth.users[other].modes.contains(&'i') || near
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
