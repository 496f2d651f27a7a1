//! What must hold of the lines that one client is sent, whoever it is and whatever has happened: judged by nothing but
//! these lines, so that no model can share a mistake with the server.
//!
//! A witness reads along. It knows the nick, the capabilities and the channels of its client from what the client was
//! told, and from nothing else. Whatever is said within a channel is then for members, every form of a line for those who
//! negotiated it, and what is addressed to a nick for the one who has it.

use std::collections::BTreeSet;

/// The reader of one connection.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    nick: Option<String>,
    caps: BTreeSet<String>,
    /// Folded names.
    channels: BTreeSet<String>,
    /// References of batches that are open.
    batches: BTreeSet<String>,
    /// Whether the client has been a server operator.
    pub(crate) operated: bool,
}

/// Tags and the capability that each needs; others are client-only ones or unknown.
const TAGS: [(&str, &str); 8] = [
    ("time", "server-time"),
    ("msgid", "message-tags"),
    ("bot", "message-tags"),
    ("account", "account-tag"),
    ("label", "labeled-response"),
    ("batch", "batch"),
    ("draft/oper", "draft/oper-tag"),
    ("draft/multiline-concat", "draft/multiline"),
];

/// Commands that are sent to those only who have the capability.
const COMMANDS: [(&str, &str); 8] = [
    ("ACCOUNT", "account-notify"),
    ("ACK", "labeled-response"),
    ("AWAY", "away-notify"),
    ("BATCH", "batch"),
    ("CHGHOST", "chghost"),
    ("RENAME", "draft/channel-rename"),
    ("SETNAME", "setname"),
    ("TAGMSG", "message-tags"),
];

/// A line, taken apart.
pub(crate) struct Parts<'a> {
    pub(crate) tags: Vec<(&'a str, &'a str)>,
    pub(crate) source: &'a str,
    pub(crate) command: &'a str,
    pub(crate) params: Vec<&'a str>,
    /// The line without its tags.
    pub(crate) bare: &'a str,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(line: &'a str) -> Self {
        let (tags, bare) = match line.strip_prefix('@') {
            Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
            None => ("", line),
        };
        let tags = tags.split(';').filter(|tag| !tag.is_empty());
        let tags = tags.map(|tag| tag.split_once('=').unwrap_or((tag, ""))).collect();
        let (source, rest) = match bare.strip_prefix(':') {
            Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
            None => ("", bare),
        };
        let (middle, trailing) = match rest.split_once(" :") {
            Some((middle, trailing)) => (middle, Some(trailing)),
            None => (rest, None),
        };
        let mut words = middle.split(' ');
        let command = words.next().unwrap_or_default();
        Self { tags, source, command, params: words.chain(trailing).collect(), bare }
    }

    pub(crate) fn tag(&self, name: &str) -> Option<&'a str> {
        self.tags.iter().find(|(tag, _)| *tag == name).map(|(_, value)| *value)
    }

    pub(crate) fn param(&self, index: usize) -> &'a str {
        self.params.get(index).copied().unwrap_or_default()
    }

    fn nick(&self) -> &'a str {
        self.source.split('!').next().unwrap_or_default()
    }

    fn is_by_server(&self) -> bool {
        !self.source.contains('!')
    }
}

fn ensure(holds: bool, fault: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(fault.to_owned()) }
}

fn fold(name: &str) -> String {
    name.to_ascii_lowercase()
}

impl Witness {
    /// Whether the client is in a channel, as far as it has been told.
    pub(crate) fn is_in(&self, channel: &str) -> bool {
        self.channels.contains(&fold(channel))
    }

    /// Whether the client has the capability.
    pub(crate) fn has(&self, cap: &str) -> bool {
        self.caps.contains(cap)
    }

    /// Whether it is the client's own nick.
    pub(crate) fn is_me(&self, nick: &str) -> bool {
        self.nick.as_ref().is_some_and(|mine| mine.eq_ignore_ascii_case(nick))
    }

    /// Reads the next line, without its end.
    pub(crate) fn hear(&mut self, line: &str) -> Result<(), String> {
        let parts = Parts::of(line);
        self.judge(&parts).map_err(|fault| format!("{fault}: {line}"))
    }

    fn judge(&mut self, it: &Parts<'_>) -> Result<(), String> {
        let lacking = it.tags.iter().find(|(name, _)| {
            let cap = TAGS.iter().find(|(tag, _)| tag == name).map_or("message-tags", |(_, cap)| *cap);
            !self.has(cap)
        });
        ensure(lacking.is_none(), "a tag without its capability")?;
        if let Some(batch) = it.tag("batch") {
            ensure(self.batches.contains(batch), "part of a batch that is not open")?;
        }
        if let Some((_, cap)) = COMMANDS.iter().find(|(command, _)| *command == it.command) {
            ensure(self.has(cap), "a command without its capability")?;
        }
        match it.command {
            "CAP" => self.capabilities(it),
            "BATCH" => self.batch(it)?,
            "PRIVMSG" | "NOTICE" | "TAGMSG" => self.message(it, it.param(0))?,
            "JOIN" => self.join(it)?,
            "PART" | "KICK" | "TOPIC" => self.within(it)?,
            "RENAME" => self.rename(it)?,
            "MODE" if it.param(0).starts_with('#') => self.within(it)?,
            "MODE" | "KILL" => ensure(self.is_me(it.param(0)), "it is for somebody else")?,
            "INVITE" => self.invite(it)?,
            "NICK" if self.is_me(it.nick()) => self.nick = Some(it.param(0).to_owned()),
            "001" => self.nick = Some(it.param(0).to_owned()),
            "381" => self.operated = true,
            _ => {}
        }
        let numeric = it.command.len() == 3 && it.command.bytes().all(|byte| byte.is_ascii_digit());
        if let (true, Some(nick)) = (numeric, &self.nick) {
            // Some are told to all in one line.
            let for_all = matches!(it.command, "710" | "730" | "731");
            ensure(nick == it.param(0) || for_all, "a numeric for somebody else")?;
        }
        Ok(())
    }

    fn capabilities(&mut self, it: &Parts<'_>) {
        for word in it.params.last().into_iter().flat_map(|words| words.split_ascii_whitespace()) {
            match (it.param(1), word.strip_prefix('-')) {
                ("ACK", Some(cap)) => _ = self.caps.remove(cap),
                ("ACK", None) => _ = self.caps.insert(word.to_owned()),
                ("DEL", None) => _ = self.caps.remove(word),
                _ => {}
            }
        }
    }

    fn batch(&mut self, it: &Parts<'_>) -> Result<(), String> {
        let reference = it.param(0);
        if let Some(begun) = reference.strip_prefix('+') {
            if it.param(1) == "draft/multiline" {
                ensure(self.has("draft/multiline"), "a batch without its capability")?;
                self.message(it, it.param(2))?;
            }
            return ensure(self.batches.insert(begun.to_owned()), "a batch is begun twice");
        }
        let ended = reference.strip_prefix('-').is_some_and(|reference| self.batches.remove(reference));
        ensure(ended, "the end of a batch that is not open")
    }

    fn message(&self, it: &Parts<'_>, target: &str) -> Result<(), String> {
        let mine = self.is_me(it.nick()) && !it.is_by_server();
        let name = target.trim_start_matches(['~', '&', '@', '%', '+']);
        if mine {
            return ensure(self.is_me(target) || self.has("echo-message"), "an echo that nobody asked for");
        }
        if name.starts_with('#') {
            return ensure(self.is_in(name), "said in a channel that it is not in");
        }
        let mine = self.is_me(target) || self.nick.is_none() && it.is_by_server();
        ensure(mine, "said to somebody else")
    }

    fn join(&mut self, it: &Parts<'_>) -> Result<(), String> {
        let long = it.params.len() == 3;
        ensure(long == self.has("extended-join"), "the wrong form for its capabilities")?;
        if self.is_me(it.nick()) {
            return ensure(self.channels.insert(fold(it.param(0))), "it is there already");
        }
        ensure(self.is_in(it.param(0)), "about a channel that it is not in")
    }

    fn within(&mut self, it: &Parts<'_>) -> Result<(), String> {
        ensure(self.is_in(it.param(0)), "about a channel that it is not in")?;
        let leaves = match it.command {
            "PART" => it.nick(),
            "KICK" => it.param(1),
            _ => return Ok(()),
        };
        if self.is_me(leaves) {
            self.channels.remove(&fold(it.param(0)));
        }
        Ok(())
    }

    fn rename(&mut self, it: &Parts<'_>) -> Result<(), String> {
        ensure(self.channels.remove(&fold(it.param(0))), "about a channel that it is not in")?;
        self.channels.insert(fold(it.param(1)));
        Ok(())
    }

    fn invite(&self, it: &Parts<'_>) -> Result<(), String> {
        if self.is_me(it.param(0)) {
            return Ok(());
        }
        ensure(self.has("invite-notify"), "an invitation for somebody else")?;
        ensure(self.is_in(it.param(1)), "about a channel that it is not in")
    }
}
