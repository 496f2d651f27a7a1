//! What operators change through the admin socket, and are told the outcome of.

use super::channel::Topic;
use super::ctx::Ctx;
use super::mode::{self, Answer, By};
use super::outgoing::Draft;
use super::{Ban, BanError, BanKind, Effect, Event, Server, Time};
use crate::id::ClientId;
use crate::outbox::Outbox;
use crate::proto::names::fold;

impl Server {
    /// Changes modes of a channel as the server, which may change all of them: `+o-b nick mask`. Returns what was refused,
    /// in words; the rest was done.
    ///
    /// # Errors
    /// When there is no such channel.
    pub fn set_modes(
        &mut self,
        now: Time,
        channel: &str,
        modes: &str,
        out: &mut Outbox,
    ) -> Result<Vec<String>, NoSuchChannel> {
        self.now = now;
        let index = *self.names.get(fold(channel).as_str()).ok_or(NoSuchChannel)?;
        // On behalf of nobody, but a channel has a member.
        let me = self.channel(index).members().first().ok_or(NoSuchChannel)?.slot;
        let mut ctx = Ctx { server: self, out, me };
        let mut words = modes.split_ascii_whitespace();
        let letters = words.next().unwrap_or_default();
        let parameters: Vec<&str> = words.collect();
        let (answers, changes) = mode::change(&mut ctx, index, letters, &parameters, By::Server);
        mode::announce(&mut ctx, index, &changes, By::Server);
        let refusals = answers.into_iter().map(|answer| match answer {
            Answer::Refusal(reply) => reply.text,
            Answer::List(mode) => format!("{}: a mask is missing", mode.letter),
        });
        Ok(refusals.collect())
    }

    /// Whether the panic switch is on.
    pub fn lockdown(&self) -> bool {
        self.state.lockdown
    }

    /// Turns the panic switch on or off, and has that saved: while it is on, new clients are let in from
    /// `lockdown.networks` only, and those whose class is exempt. Returns whether that changed anything.
    pub fn set_lockdown(&mut self, on: bool) -> bool {
        let changes = self.state.lockdown != on;
        if changes {
            self.state.lockdown = on;
            self.effects.push(Effect::Event(Event::Lockdown { on }));
            self.save();
        }
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
        let index = *self.names.get(fold(channel).as_str()).ok_or(NoSuchChannel)?;
        let me = self.channel(index).members().first().ok_or(NoSuchChannel)?.slot;
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

/// Who is a server operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorInfo {
    /// The connection.
    pub client: ClientId,
    /// `nick!user@host`.
    pub mask: String,
    /// The name of the `[[oper]]`.
    pub name: String,
    /// The name of the `[[oper_class]]`.
    pub class: String,
}

impl Server {
    /// Every server operator, by slot.
    pub fn operators(&self) -> Vec<OperatorInfo> {
        let info = |&slot: &u32| {
            let (client, operator) = (self.client(slot)?, self.operator(slot)?);
            Some(OperatorInfo {
                client: client.id,
                mask: client.user()?.mask.to_string(),
                name: operator.name.to_string(),
                class: operator.class.to_string(),
            })
        };
        self.operators.iter().filter_map(info).collect()
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
