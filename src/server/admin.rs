//! What operators change through the admin socket, and are told the outcome of.

use super::channel::Topic;
use super::ctx::Ctx;
use super::mode::{self, Answer, By};
use super::outgoing::Draft;
use super::{Ban, BanError, BanKind, Event, Server, Time, setting};
use crate::id::ClientId;
use crate::outbox::Outbox;
use crate::proto::limits::{LINE, NICK};
use crate::proto::modes::{Kind, Prefixes};
use crate::proto::text::truncate;

impl Server {
    /// The most bytes of a notice to everybody that fit into a line, whatever their nicks are.
    pub fn announcement_room(&self) -> usize {
        LINE - ": NOTICE  :\r\n".len() - self.config.server.name.len() - NICK
    }

    /// Changes modes of a channel as the server, which may change all of them: `+o-b nick mask`.
    ///
    /// # Errors
    /// When there is no such channel, or the parameters are not those that the modes take. Then nothing was done.
    pub fn set_modes(
        &mut self,
        now: Time,
        channel: &str,
        modes: &str,
        out: &mut Outbox,
    ) -> Result<ModesSet, ModesError> {
        self.now = now;
        let index = self.index_of(channel).ok_or(ModesError::NoSuchChannel)?;
        // On behalf of nobody, but a channel has a member.
        let me = self.channel(index).members().iter().next().ok_or(ModesError::NoSuchChannel)?.slot;
        let mut words = modes.split_ascii_whitespace();
        let letters = words.next().unwrap_or_default();
        let parameters: Vec<&str> = words.collect();
        if let Some(fault) = fault(self.config.channels.prefixes, letters, &parameters) {
            return Err(ModesError::Malformed(fault));
        }
        let mut ctx = Ctx { server: self, out, me };
        let (answers, changes) = mode::change(&mut ctx, index, letters, &parameters, By::Server);
        mode::announce(&mut ctx, index, &changes, By::Server);
        let refusals = answers.into_iter().filter_map(|answer| match answer {
            Answer::Refusal(reply) => Some(reply.text),
            // Each change of a list has its mask.
            Answer::List(_) => None,
        });
        Ok(ModesSet { refused: refusals.collect(), changed: !changes.is_empty() })
    }

    /// Whether the panic switch is on.
    pub fn lockdown(&self) -> bool {
        self.state.lockdown
    }

    /// Turns the panic switch on or off, and has that saved, also if it was so already: whoever asks twice may have been told
    /// that it was not on disk. While it is on, new clients are let in from `lockdown.networks` only, and those whose class
    /// is exempt. Returns whether that changed anything.
    pub fn set_lockdown(&mut self, now: Time, on: bool, out: &mut Outbox) -> bool {
        self.now = now;
        let changes = self.state.lockdown != on;
        if changes {
            self.state.lockdown = on;
            self.announce(Event::Lockdown { on }, out);
        }
        self.save();
        changes
    }

    /// Sets the topic of a channel as the server, or takes it away if `text` is empty. The text is not longer than
    /// `limits.topic_length` and holds no line end: whoever asks has seen to that.
    ///
    /// # Errors
    /// When there is no such channel.
    pub fn set_topic(
        &mut self,
        now: Time,
        channel: &str,
        text: &str,
        out: &mut Outbox,
    ) -> Result<(), NoSuchChannel> {
        self.now = now;
        let index = self.index_of(channel).ok_or(NoSuchChannel)?;
        let me = self.channel(index).members().iter().next().ok_or(NoSuchChannel)?.slot;
        let mut ctx = Ctx { server: self, out, me };
        let source = ctx.server_source();
        let by = source.mask.clone();
        let channel = ctx.channel_mut(index);
        let name = channel.name.clone();
        channel.topic =
            (!text.is_empty()).then(|| Topic { text: text.to_owned(), by, at_unix_ms: now.unix_ms });
        ctx.tell_channel(index, None, Draft::event(&source, format_args!("TOPIC {name} :{text}")));
        Ok(())
    }
}

/// Why changes of modes and their parameters do not go together, in words.
fn fault(prefixes: Prefixes, letters: &str, parameters: &[&str]) -> Option<String> {
    let (mut add, mut rest) = (true, parameters.iter());
    for letter in letters.chars() {
        if matches!(letter, '+' | '-') {
            add = letter == '+';
            continue;
        }
        let Some(mode) = prefixes.channel_mode(letter) else {
            return Some(format!("there is no mode {letter} of channels"));
        };
        // What is taken away goes without its value.
        let needed = add || mode.kind != Kind::Setting;
        if mode::takes_parameter(mode.kind, add) && rest.next().is_none() && needed {
            return Some(format!("mode {letter} needs a parameter"));
        }
    }
    rest.next().map(|word| {
        let word = truncate(word, setting::SHOWN);
        format!("no mode takes the parameter {word}; all letters come first, such as +kl KEY 5")
    })
}

/// What came of changes of modes that were tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModesSet {
    /// What was refused, in words.
    pub refused: Vec<String>,
    /// Whether anything was changed.
    pub changed: bool,
}

/// Why no change of modes was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModesError {
    /// There is no channel of that name.
    NoSuchChannel,
    /// Why modes and parameters do not go together, in words.
    Malformed(String),
}

/// Who is a server operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorInfo {
    /// The connection.
    pub client: ClientId,
    /// Nick.
    pub nick: String,
    /// User name.
    pub user: String,
    /// Host as others see it.
    pub host: String,
    /// The name of the `[[oper]]`.
    pub name: String,
    /// The name of the `[[oper_class]]`.
    pub class: String,
    /// Milliseconds since they became one.
    pub since_ms: u64,
    /// Milliseconds since they last sent a message to somebody.
    pub idle_ms: u64,
}

impl Server {
    /// The first server operator from a slot on.
    pub fn operator_from(&self, now: Time, slot: u32) -> Option<OperatorInfo> {
        let info = |&slot: &u32| {
            let (client, operator) = (self.client(slot)?, self.operator(slot)?);
            let user = client.user()?;
            Some(OperatorInfo {
                client: client.id,
                nick: user.nick.to_string(),
                user: user.user_name().to_owned(),
                host: user.host().to_owned(),
                name: operator.name.to_string(),
                class: operator.class.to_string(),
                since_ms: now.mono_ms.saturating_sub(operator.since_ms),
                idle_ms: now.mono_ms.saturating_sub(user.spoke_ms),
            })
        };
        self.operators.range(slot..).find_map(info)
    }

    /// Puts a ban in force, in place of one of the same kind and mask, and has it saved. Returns it as it is kept, and the
    /// serial number of the save: the [`super::Input::Saved`] of this or a later number says whether a restart will
    /// remember it.
    ///
    /// # Errors
    /// Why it was not set.
    pub fn add_ban(&mut self, now: Time, ban: Ban, out: &mut Outbox) -> Result<(Ban, u64), BanError> {
        self.now = now;
        let ban = self.set_ban(ban)?;
        self.announce(Event::BanSet(ban.clone()), out);
        Ok((ban, self.save()))
    }

    /// Takes a ban away, as `by` wants it, and has that saved. Returns it, and the serial number of the save as
    /// [`Server::add_ban`] does.
    ///
    /// # Errors
    /// Why it stays, or that there is none.
    pub fn remove_ban(
        &mut self,
        now: Time,
        kind: BanKind,
        mask: &str,
        by: &str,
        out: &mut Outbox,
    ) -> Result<(Ban, u64), BanError> {
        self.now = now;
        let ban = self.unset_ban(kind, mask)?;
        self.announce(Event::BanUnset { kind, mask: ban.mask.clone(), by: by.to_owned() }, out);
        Ok((ban, self.save()))
    }
}

/// There is no channel of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchChannel;
