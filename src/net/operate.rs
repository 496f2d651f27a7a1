//! Requests of operators about one channel or one user.

use super::conn::Power;
use super::driver::Driver;
use super::shell::Shell;
use crate::admin::{
    ChannelDetails, ChannelTopic, INVALID_PARAMS, MaskEntry, MaskList, ModesChanged, NOT_DONE, NOT_FOUND,
    RpcError, Target, TopicChange, UserDetails,
};
use crate::proto::limits::{ADMIN_ENTRIES, MODES};
use crate::server;

pub(super) fn no_channel(name: &str) -> RpcError {
    let hint = if name.starts_with('#') { String::new() } else { format!("did you mean '#{name}'? ") };
    RpcError::new(NOT_FOUND, format!("there is no channel {name}; {hint}`chatctl list channels` shows all"))
}

/// Refuses a text that would be cut, as its end may be what matters.
///
/// # Errors
/// When `text` has more bytes than `most`, with what it is and `why` there is a bound.
pub(super) fn uncut(what: &str, text: &str, most: usize, why: &str) -> Result<(), RpcError> {
    let length = text.len();
    if length <= most {
        return Ok(());
    }
    let message = format!("the {what} has {length} bytes; at most {most} are allowed ({why})");
    Err(RpcError::new(INVALID_PARAMS, message))
}

impl<D: Driver> Shell<D> {
    /// Seconds since a time of the wall clock.
    fn age(&self, unix_ms: u64) -> u64 {
        self.now.unix_ms.saturating_sub(unix_ms) / 1_000
    }

    fn details(&self, channel: &str, most: usize) -> Result<server::ChannelDetails, RpcError> {
        self.server.channel_details(channel, most).ok_or_else(|| no_channel(channel))
    }

    /// All that is known of a channel; but for those who only look, not its key, which lets one in.
    pub(super) fn channel_info(&self, channel: &str, power: Power) -> Result<ChannelDetails, RpcError> {
        let details = self.details(channel, ADMIN_ENTRIES)?;
        let entry = |entry: server::EntryDetails| MaskEntry {
            mask: entry.mask,
            by: entry.by,
            age_seconds: self.age(entry.at_unix_ms),
        };
        let list = |list: server::ListDetails| MaskList {
            mode: list.mode,
            total: list.total,
            entries: list.entries.into_iter().map(entry).collect(),
        };
        let topic_at = details.topic_set.as_ref().map(|(_, at)| *at);
        let modes = match power {
            Power::Admin => details.info.modes,
            Power::Monitor => server::without_key(&details.info.modes).to_owned(),
        };
        Ok(ChannelDetails {
            name: details.info.name,
            modes,
            topic: details.info.topic,
            topic_by: details.topic_set.map(|(by, _)| by),
            topic_age_seconds: topic_at.map(|at| self.age(at)),
            age_seconds: self.age(details.info.created_unix_ms),
            members: details.info.members,
            users: details.users,
            lists: details.lists.into_iter().map(list).collect(),
        })
    }

    pub(super) fn channel_mode(&mut self, channel: &str, modes: &str) -> Result<ModesChanged, RpcError> {
        let parameters = modes.split_ascii_whitespace().count().saturating_sub(1);
        if parameters > MODES {
            let message = format!("{parameters} modes with a parameter at once; at most {MODES} are taken");
            return Err(RpcError::new(INVALID_PARAMS, message));
        }
        let set = self.server.set_modes(self.now, channel, modes, &mut self.out);
        self.apply_effects();
        let set = set.map_err(|error| match error {
            server::ModesError::NoSuchChannel => no_channel(channel),
            server::ModesError::Malformed(why) => {
                RpcError::new(INVALID_PARAMS, format!("nothing was changed: {why}"))
            }
        })?;
        if !set.refused.is_empty() {
            // As in a numeric, where a colon stands before the last parameter.
            let refused: Vec<_> = set.refused.iter().map(|reply| reply.replacen(" :", ": ", 1)).collect();
            let rest = if set.changed { ", and the rest was done" } else { "" };
            let message = format!("refused{rest}: {}", refused.join("; "));
            return Err(RpcError::new(NOT_DONE, message));
        }
        let info = self.details(channel, 0)?.info;
        Ok(ModesChanged { name: info.name, modes: info.modes })
    }

    pub(super) fn channel_topic(
        &mut self,
        channel: &str,
        change: &TopicChange,
    ) -> Result<ChannelTopic, RpcError> {
        let text = match change {
            TopicChange::Show => None,
            TopicChange::Clear => Some(""),
            TopicChange::Set(text) => Some(text.as_str()),
        };
        if let Some(text) = text {
            let most = self.server.config().limits.topic_length as usize;
            uncut("topic", text, most, "limits.topic_length")?;
            let set = self.server.set_topic(self.now, channel, text, &mut self.out);
            self.apply_effects();
            set.map_err(|server::NoSuchChannel| no_channel(channel))?;
        }
        let details = self.details(channel, 0)?;
        let topic_at = details.topic_set.as_ref().map(|(_, at)| *at);
        Ok(ChannelTopic {
            name: details.info.name,
            topic: details.info.topic,
            topic_by: details.topic_set.map(|(by, _)| by),
            topic_age_seconds: topic_at.map(|at| self.age(at)),
        })
    }

    pub(super) fn user_info(&self, target: &Target) -> Result<UserDetails, RpcError> {
        let client = self.find(target)?;
        let missing = || {
            RpcError::new(
                NOT_FOUND,
                format!(
                    "client {client} has not registered yet; `chatctl list connections` shows what is known"
                ),
            )
        };
        let details = self.server.user_details(self.now, client).ok_or_else(missing)?;
        let conn = self.conns.get(client).ok_or_else(missing)?;
        Ok(UserDetails {
            item: self.item_of(client, conn, details.info),
            away: details.away,
            account: details.account,
            oper_class: details.oper_class,
            secure: details.secure,
            capabilities: details.capabilities.into_iter().map(str::to_owned).collect(),
            monitored: details.monitored,
            accepted: details.accepted,
            silenced: details.silenced,
            invited: details.invited,
        })
    }
}
