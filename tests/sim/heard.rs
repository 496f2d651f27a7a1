//! What a bot makes of a line from the server: every one is expected, or a fault.

use std::collections::BTreeSet;

use crate::bot::{Bot, CHANNELS, Command, Stage};
use crate::ledger::{Id, Ledger};
use crate::line::{Line, fold};
use crate::rng::Rng;
use crate::view::{Member, View};

/// A fault, in words.
type Checked = Result<(), String>;

fn ensure(holds: bool, fault: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(fault()) }
}

impl Bot {
    /// Takes a line.
    pub(crate) fn hear(&mut self, line: &Line<'_>, ledger: &mut Ledger, rng: &mut Rng) -> Checked {
        self.check_tags(line)?;
        match (line.command, line.numeric()) {
            (_, Some(code)) => self.numeric(code, line, ledger, rng),
            ("PONG", _) => self.barrier(line, ledger),
            ("PING", _) => {
                self.write(&format!("PONG :{}", line.param(0)));
                Ok(())
            }
            ("ERROR", _) => {
                self.error = Some(line.param(0).to_owned());
                Ok(())
            }
            ("KILL", _) => {
                self.excused = true;
                Ok(())
            }
            ("CAP", _) => self.capabilities(line),
            ("FAIL", _) => {
                self.answered = true;
                let ban = matches!(line.param(0), "KLINE" | "DLINE" | "UNKLINE" | "UNDLINE");
                ensure(line.param(1) == "INVALID_UTF8" || ban, || "an odd FAIL".to_owned())
            }
            ("PRIVMSG" | "NOTICE" | "TAGMSG", _) => self.message(line, ledger),
            ("INVITE", _) => ensure(line.param(0) == self.nick, || "an invitation for another".to_owned()),
            ("MODE", _) if !line.param(0).starts_with('#') => Ok(()),
            ("JOIN", _) => self.join(line),
            ("NICK", _) => self.rename(line),
            ("QUIT", _) => self.quit(line),
            ("PART" | "KICK" | "MODE" | "TOPIC", _) => self.in_channel(line),
            (other, _) => Err(format!("{other} is nothing that a bot expects")),
        }
    }

    /// Whether a line tells the bot of itself: WHOIS, USERHOST and the welcome show it where it is.
    pub(crate) fn is_about_itself(&self, line: &Line<'_>) -> bool {
        match line.numeric() {
            Some(1 | 302 | 338 | 340 | 396) => true,
            Some(354) => line.params.last() == Some(&self.nick.as_str()),
            _ => line.command == "ERROR",
        }
    }

    fn check_tags(&self, line: &Line<'_>) -> Checked {
        let time = line.tag("time");
        let bare = line.source.is_empty();
        ensure(time.is_some() == (self.caps.time && !bare), || {
            "the tag time is there, or missing".to_owned()
        })?;
        ensure(time.is_none_or(|time| time.len() == 24 && time.ends_with('Z')), || "an odd time".to_owned())?;
        let others = line.tags.iter().map(|(name, _)| *name).filter(|name| *name != "time");
        for name in others {
            ensure(self.caps.tags && (name.starts_with('+') || matches!(name, "msgid" | "bot")), || {
                format!("the tag {name} is not for this client")
            })?;
        }
        Ok(())
    }

    /// The PONG after a command: all that it caused has been heard.
    fn barrier(&mut self, line: &Line<'_>, ledger: &mut Ledger) -> Checked {
        let Some(number) = line.param(1).strip_prefix('b') else { return Ok(()) };
        let (expected, command) = self.pending.pop_front().ok_or("a PONG without a PING")?;
        ensure(number == expected.to_string(), || format!("PONG {number}, expected {expected}"))?;
        self.heard += 1;
        let answered = std::mem::take(&mut self.answered);
        match &command {
            // Nothing says that a NOTICE was not delivered, or that mode `g` has kept a TAGMSG away, but there is no echo then.
            Command::Say { verb, target, id }
                if *verb == "NOTICE" || *verb == "TAGMSG" && !target.starts_with('#') =>
            {
                if ledger.must_be_settled(*id).is_err() {
                    ledger.refused(*id)?;
                }
                Ok(())
            }
            Command::Say { id, .. } => ledger.must_be_settled(*id),
            Command::Join { channel } if self.views.contains_key(&fold(channel)) => Ok(()),
            Command::Nick { nick } if *nick == self.nick => Ok(()),
            Command::Mode { .. } | Command::Do => Ok(()),
            command => ensure(answered, || format!("{command:?} has no answer")),
        }
    }

    fn numeric(&mut self, code: u16, line: &Line<'_>, ledger: &mut Ledger, rng: &mut Rng) -> Checked {
        // MONITOR tells all who watch somebody in one line.
        let for_me = line.param(0) == self.nick || matches!(code, 730 | 731) && line.param(0) == "*";
        ensure(for_me || code == 1 || self.stage == Stage::Registering, || {
            format!("a numeric for {}, who is {}", line.param(0), self.nick)
        })?;
        self.answered = true;
        let (channel, me) = (fold(line.param(1)), self.nick.clone());
        match code {
            1 => {
                ensure(self.stage == Stage::Registering, || "a second 001".to_owned())?;
                line.param(0).clone_into(&mut self.nick);
                self.stage = Stage::Registered;
                let channel = rng.pick(CHANNELS).to_owned();
                self.ask(&format!("JOIN {channel}"), Command::Join { channel });
            }
            // On the way in it has to find another one.
            432 | 433 if self.stage == Stage::Registering => {
                let nick = self.new_nick(rng);
                self.write(&format!("NICK {nick}"));
            }
            353 => return self.views.entry(fold(line.param(2))).or_default().names(line),
            366 => return self.end_of_names(&channel),
            302 => self.identify(line),
            324 => {
                if let Some(view) = self.views.get_mut(&channel) {
                    return view.modes_are(line.param(2));
                }
            }
            331 | 332 => {
                let topic = if code == 331 { "" } else { line.param(2) };
                if let Some(view) = self.views.get_mut(&channel) {
                    let before = view.topic.replace(topic.to_owned());
                    return ensure(before.as_ref().is_none_or(|before| before == topic), || {
                        format!("the topic was {before:?}")
                    });
                }
            }
            401 => {
                let nick = line.param(1);
                let there = self.views.values().any(|view| view.find(nick).is_some());
                ensure(!there, || format!("{nick} is in one of its channels"))?;
            }
            403 | 442 => ensure(!self.views.contains_key(&channel), || "it is in that channel".to_owned())?,
            404 => self.check_cannot_send(&channel)?,
            441 => {
                let view = self.views.get(&fold(line.param(2)));
                ensure(view.is_none_or(|view| view.find(line.param(1)).is_none()), || {
                    "they are there".to_owned()
                })?;
            }
            482 => {
                let member = self.views.get(&channel).and_then(|view| view.find(&me));
                ensure(member.is_none_or(|me| !me.op), || "it is an operator there".to_owned())?;
            }
            _ => {}
        }
        match self.pending.front() {
            Some((_, Command::Say { target, id, .. }))
                if matches!(code, 401 | 403 | 404 | 407 | 716) && fold(target) == channel =>
            {
                ledger.refused(*id)
            }
            _ => Ok(()),
        }
    }

    /// 404: only to those who are outside, or have no prefix where one is needed.
    fn check_cannot_send(&self, channel: &str) -> Checked {
        let Some(view) = self.views.get(channel) else { return Ok(()) };
        let me = view.find(&self.nick).ok_or("it is not in its own view")?;
        // With an @ shown alone, a + cannot be seen.
        ensure(!me.op && !me.voice, || "with a prefix one may speak".to_owned())?;
        ensure(view.has('m') || view.maybe_bans || view.flags.is_none(), || "nothing forbids it".to_owned())
    }

    fn end_of_names(&mut self, channel: &str) -> Checked {
        let (nick, multi) = (self.nick.clone(), self.caps.multi_prefix);
        match self.views.get_mut(channel) {
            // Made by a 353 for a channel that it only looked at from outside.
            Some(view) if view.find(&nick).is_none() => {
                self.views.remove(channel);
                Ok(())
            }
            Some(view) => view.end_of_names(&nick, multi),
            None => Ok(()),
        }
    }

    /// 302 says which bots the nicks are.
    fn identify(&mut self, line: &Line<'_>) {
        for reply in line.param(1).split(' ') {
            let Some((nick, rest)) = reply.split_once('=') else { continue };
            let user = rest.trim_start_matches(['+', '-']).split('@').next().unwrap_or_default();
            let bot = user.strip_prefix("~u").and_then(|number| number.parse().ok());
            for view in self.views.values_mut() {
                if let Some(member) = view.members.get_mut(&fold(nick.trim_end_matches('*'))) {
                    (member.bot, member.known) = (bot, true);
                }
            }
        }
    }

    fn capabilities(&mut self, line: &Line<'_>) -> Checked {
        self.answered = true;
        ensure(line.param(1) == "ACK", || "all that it asks for is offered".to_owned())?;
        for word in line.param(2).split_whitespace() {
            let (name, on) = word.strip_prefix('-').map_or((word, true), |name| (name, false));
            match name {
                "multi-prefix" => self.caps.multi_prefix = on,
                "message-tags" => self.caps.tags = on,
                "server-time" => self.caps.time = on,
                _ => {}
            }
        }
        Ok(())
    }

    fn join(&mut self, line: &Line<'_>) -> Checked {
        let channel = fold(line.param(0));
        if line.nick() == self.nick {
            self.answered = true;
            let mut view = View::joined();
            view.join(&self.nick, Some(self.number))?;
            return ensure(self.views.insert(channel, view).is_none(), || "it was there already".to_owned());
        }
        let view = self.views.get_mut(&channel).ok_or("a JOIN to a channel that it is not in")?;
        view.join(line.nick(), line.bot())
    }

    fn rename(&mut self, line: &Line<'_>) -> Checked {
        let (from, to) = (line.nick(), line.param(0));
        let mut seen = from == self.nick;
        for view in self.views.values_mut() {
            seen |= view.find(from).is_some();
            view.rename(from, to)?;
        }
        if from == self.nick {
            self.answered = true;
            to.clone_into(&mut self.nick);
        }
        ensure(seen, || format!("{from} shares no channel with it"))
    }

    fn quit(&mut self, line: &Line<'_>) -> Checked {
        let mut seen = false;
        for view in self.views.values_mut() {
            seen |= view.leave(line.nick()).is_ok();
        }
        ensure(seen, || format!("{} shares no channel with it", line.nick()))
    }

    fn in_channel(&mut self, line: &Line<'_>) -> Checked {
        let channel = fold(line.param(0));
        let is_me = line.nick() == self.nick;
        self.answered |= is_me;
        let view = self.views.get_mut(&channel).ok_or("it is not in that channel")?;
        let by_server = !line.source.contains('!');
        ensure(by_server || view.find(line.nick()).is_some(), || format!("{} is not there", line.nick()))?;
        let operator = by_server || view.find(line.nick()).is_some_and(|member| member.op);
        let leaves = match line.command {
            "MODE" => {
                // Who takes a nick of which nobody had heard can be meant by what they asked for before.
                let gives_up = line.param(1) == "-v" && line.param(2) == line.nick();
                ensure(operator || gives_up, || format!("{} is no operator", line.nick()))?;
                return view.mode(line);
            }
            "TOPIC" => {
                view.topic = Some(line.param(1).to_owned());
                return ensure(operator || !view.has('t') || view.flags.is_none(), || {
                    "no operator".to_owned()
                });
            }
            "KICK" => {
                ensure(operator, || format!("{} is no operator", line.nick()))?;
                line.param(1)
            }
            _ => line.nick(),
        };
        view.leave(leaves)?;
        if leaves == self.nick {
            // A JOIN that came to nothing as it was there already, until now.
            self.answered = true;
            self.views.remove(&channel);
        }
        Ok(())
    }

    fn message(&mut self, line: &Line<'_>, ledger: &mut Ledger) -> Checked {
        let target = line.param(0);
        // Of a ban, or of a configuration that was read.
        self.answered |= line.param(1).starts_with("*** The ");
        ensure(line.command != "TAGMSG" || self.caps.tags, || "TAGMSG without message-tags".to_owned())?;
        let tag = line.tag("+sim");
        let id = message_id(line, tag);
        if line.nick() == self.nick {
            self.answered = true;
            let id = id.ok_or("an echo of what it did not say")?;
            if fold(target) == fold(&self.nick) {
                ledger.forget(id);
                return Ok(());
            }
            return self.echo(id, line, ledger);
        }
        if target.starts_with('#') {
            let view = self.views.get(&fold(target)).ok_or("a message in a channel that it is not in")?;
            match view.find(line.nick()) {
                Some(Member { bot, known: true, .. }) => {
                    ensure(*bot == line.bot(), || "the sender is somebody else".to_owned())?;
                }
                Some(_) => {}
                None => {
                    ensure(!view.has('n') || view.flags.is_none(), || "the sender is not there".to_owned())?;
                }
            }
        } else {
            ensure(target == self.nick, || "a message for another".to_owned())?;
        }
        match id {
            Some(id) if line.bot() == Some(id.0) => {
                let tag = self.caps.tags.then(|| tag.unwrap_or_default());
                ledger.received(self.number, id, target, line.param(1), tag)
            }
            _ => Ok(()),
        }
    }

    /// Its own message came back: those it sees there must have it.
    fn echo(&mut self, id: Id, line: &Line<'_>, ledger: &mut Ledger) -> Checked {
        let target = line.param(0);
        let mut obliged = BTreeSet::new();
        let mut open = line.command == "TAGMSG";
        let mut oblige = |member: &Member| match member.bot {
            Some(bot) if bot == id.0 || open => {}
            Some(bot) => _ = obliged.insert(bot),
            None => open |= !member.known,
        };
        if target.starts_with('#') {
            match self.views.get(&fold(target)) {
                Some(view) => {
                    let me = view.find(&self.nick).ok_or("it is not in its own view")?;
                    let quiet = view.flags.as_ref().is_some_and(|flags| flags.contains(&'m'));
                    ensure(!quiet || me.op || me.voice, || "it may not speak there".to_owned())?;
                    view.members.values().for_each(&mut oblige);
                }
                None => open = true,
            }
        } else {
            let member = self.views.values().find_map(|view| view.find(target));
            match member {
                Some(member) => oblige(member),
                None => open = true,
            }
        }
        ledger.echoed(id, obliged, open)
    }
}

/// Which message of which bot it is.
fn message_id(line: &Line<'_>, tag: Option<&str>) -> Option<Id> {
    let (bot, number) = match line.command {
        "TAGMSG" => tag?.split_once('.')?,
        _ => {
            let rest = line.param(1).strip_prefix("m ")?;
            let mut words = rest.split(' ');
            (words.next()?, words.next()?)
        }
    };
    Some((bot.parse().ok()?, number.parse().ok()?))
}
