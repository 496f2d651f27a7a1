//! A channel as one of its members sees it, made of nothing but what the server told that member.

use std::collections::{BTreeMap, BTreeSet};

use crate::line::{Line, fold};

/// Somebody in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// As it is spelt.
    pub(crate) nick: String,
    /// Which bot it is; `None` for others, and for those not yet asked about.
    pub(crate) bot: Option<u32>,
    /// Whether the line that told of this member also told who it is.
    pub(crate) known: bool,
    pub(crate) op: bool,
    pub(crate) voice: bool,
    /// Whether `voice` is known: a list that shows one prefix hides a + behind an @.
    voice_known: bool,
}

/// A channel.
#[derive(Debug, Default)]
pub(crate) struct View {
    /// By folded nick.
    pub(crate) members: BTreeMap<String, Member>,
    /// Whether the first list of names is complete.
    pub(crate) complete: bool,
    /// The 353s of a list that has not ended: nick, op, voice.
    listing: BTreeMap<String, (bool, bool)>,
    /// What is set; `None` until a 324 or, for a new channel, the knowledge that it is one.
    pub(crate) flags: Option<BTreeSet<char>>,
    /// Whether there may be bans.
    pub(crate) maybe_bans: bool,
    pub(crate) topic: Option<String>,
}

impl View {
    /// What one sees on joining.
    pub(crate) fn joined() -> Self {
        Self { maybe_bans: true, ..Self::default() }
    }

    pub(crate) fn find(&self, nick: &str) -> Option<&Member> {
        self.members.get(&fold(nick))
    }

    pub(crate) fn has(&self, flag: char) -> bool {
        self.flags.as_ref().is_none_or(|flags| flags.contains(&flag))
    }

    /// Whether two see the same members with the same rank.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let members = |view: &Self| -> Vec<_> {
            view.members.values().map(|member| (member.nick.clone(), member.op)).collect()
        };
        members(self) == members(other)
    }

    /// Somebody joins.
    pub(crate) fn join(&mut self, nick: &str, bot: Option<u32>) -> Result<(), String> {
        let member =
            Member { nick: nick.to_owned(), bot, known: true, op: false, voice: false, voice_known: true };
        match self.members.insert(fold(nick), member) {
            None => Ok(()),
            Some(_) => Err(format!("{nick} joins and is there already")),
        }
    }

    /// Somebody leaves.
    pub(crate) fn leave(&mut self, nick: &str) -> Result<Member, String> {
        self.members.remove(&fold(nick)).ok_or_else(|| format!("{nick} leaves and is not there"))
    }

    /// Somebody who is there takes another nick.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<(), String> {
        let Some(mut member) = self.members.remove(&fold(from)) else { return Ok(()) };
        to.clone_into(&mut member.nick);
        match self.members.insert(fold(to), member) {
            None => Ok(()),
            Some(_) => Err(format!("{from} becomes {to}, who is there already")),
        }
    }

    /// A 353.
    pub(crate) fn names(&mut self, line: &Line<'_>) -> Result<(), String> {
        for word in line.param(3).split(' ') {
            let nick = word.trim_start_matches(['@', '+']);
            let prefix = &word[..word.len() - nick.len()];
            if !matches!(prefix, "" | "@" | "+" | "@+") {
                return Err(format!("{word} has an odd prefix"));
            }
            let listed = (prefix.contains('@'), prefix.contains('+'));
            if self.listing.insert(nick.to_owned(), listed).is_some() {
                return Err(format!("{nick} is listed twice"));
            }
        }
        Ok(())
    }

    /// A 366: the first list is believed, later ones must agree with what was told since. `multi` says
    /// whether lists show all prefixes.
    pub(crate) fn end_of_names(&mut self, me: &str, multi: bool) -> Result<(), String> {
        let listing = std::mem::take(&mut self.listing);
        if self.complete {
            let expected: BTreeMap<_, _> = (self.members.values())
                .map(|member| {
                    let listed = listing.get(&member.nick).is_some_and(|(_, voice)| *voice);
                    let voice = if member.voice_known { member.voice } else { listed };
                    (member.nick.clone(), (member.op, voice && (multi || !member.op)))
                })
                .collect();
            return if listing == expected {
                Ok(())
            } else {
                Err(format!("NAMES says {listing:?}, what was told since amounts to {expected:?}"))
            };
        }
        self.complete = true;
        for (nick, (op, voice)) in listing {
            let key = fold(&nick);
            let unknown = Member { nick, bot: None, known: false, op, voice, voice_known: true };
            let member = self.members.entry(key).or_insert(unknown);
            (member.op, member.voice, member.voice_known) = (op, voice, multi || !op);
        }
        if self.find(me).is_none() {
            return Err("the one who joined is not listed".to_owned());
        }
        Ok(())
    }

    /// A MODE for the channel.
    pub(crate) fn mode(&mut self, line: &Line<'_>) -> Result<(), String> {
        let mut params = line.params.iter().copied().skip(2);
        let mut add = true;
        for letter in line.param(1).chars() {
            match letter {
                '+' => add = true,
                '-' => add = false,
                'o' | 'v' => {
                    let nick = params.next().ok_or("a prefix for nobody")?;
                    let member = self.members.get_mut(&fold(nick));
                    let member = member.ok_or_else(|| format!("{nick} gets a prefix and is not there"))?;
                    let prefix = if letter == 'o' { &mut member.op } else { &mut member.voice };
                    if *prefix == add && (letter == 'o' || member.voice_known) {
                        return Err(format!("{nick} gets or loses {letter} again"));
                    }
                    *prefix = add;
                    member.voice_known |= letter == 'v';
                }
                'b' => {
                    params.next().ok_or("a ban without a mask")?;
                    self.maybe_bans |= add;
                }
                // Only noise changes these, as it guesses.
                'e' | 'I' | 'q' | 'a' | 'h' => {
                    params.next().ok_or("a mode without a mask or a nick")?;
                }
                'k' | 'l' | 'f' | 'j' => {
                    let has = if add || letter == 'k' { params.next().is_some() } else { true };
                    if !has {
                        return Err(format!("{letter} without a parameter"));
                    }
                }
                letter => {
                    if let Some(flags) = &mut self.flags {
                        let changed = if add { flags.insert(letter) } else { flags.remove(&letter) };
                        if !changed {
                            return Err(format!("{letter} is told to change and does not"));
                        }
                    }
                }
            }
        }
        match params.next() {
            None => Ok(()),
            Some(left) => Err(format!("{left} belongs to no mode")),
        }
    }

    /// A 324: what was told since the last must agree.
    pub(crate) fn modes_are(&mut self, modes: &str) -> Result<(), String> {
        let flags: BTreeSet<char> = modes.chars().filter(|c| !matches!(c, '+' | 'k' | 'l')).collect();
        match self.flags.replace(flags.clone()) {
            Some(before) if before != flags => {
                Err(format!("324 says {modes}, what was told since amounts to {before:?}"))
            }
            _ => Ok(()),
        }
    }
}
