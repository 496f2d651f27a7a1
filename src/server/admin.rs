//! What operators change through the admin socket, and are told the outcome of.

use super::channel::Topic;
use super::ctx::Ctx;
use super::mode::{self, Answer, By};
use super::outgoing::Draft;
use super::{Effect, Event, Server, Time};
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

/// There is no channel of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchChannel;
