//! What the admin socket shows of one channel or one user: all that is known.

use super::channel::{Channel, Entry};
use super::{ChannelInfo, Server, Time, UserInfo};
use crate::id::ClientId;
use crate::proto::caps;
use crate::proto::modes::{self, Kind};

/// All that is known of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelDetails {
    /// What `list` shows, but with the key among the modes.
    pub info: ChannelInfo,
    /// `nick!user@host` of who set the topic, or the server's name, and when, in [`Time::unix_ms`].
    pub topic_set: Option<(String, u64)>,
    /// The lists that are not empty.
    pub lists: Vec<ListDetails>,
    /// Members with their prefixes, those with the highest first.
    pub users: Vec<String>,
}

/// A list of masks of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListDetails {
    /// The letter of the mode.
    pub mode: char,
    /// How many entries it has.
    pub total: u64,
    /// The oldest of them.
    pub entries: Vec<EntryDetails>,
}

/// An entry of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryDetails {
    /// The mask, or an extended ban.
    pub mask: String,
    /// The nick of whoever set it, or the server's name.
    pub by: String,
    /// When, in [`Time::unix_ms`].
    pub at_unix_ms: u64,
}

/// All that is known of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserDetails {
    /// What `list` shows.
    pub info: UserInfo,
    /// The away message.
    pub away: Option<String>,
    /// The account they are logged in to.
    pub account: Option<String>,
    /// Their class of operators.
    pub oper_class: Option<String>,
    /// Whether the way from the client is encrypted.
    pub secure: bool,
    /// The capabilities that the client has asked for.
    pub capabilities: Vec<&'static str>,
    /// Nicks they watch (MONITOR).
    pub monitored: u64,
    /// Users they accept messages from (ACCEPT).
    pub accepted: u64,
    /// Masks they ignore (SILENCE).
    pub silenced: u64,
    /// Channels they are invited to.
    pub invited: u64,
}

impl Server {
    /// All that is known of a channel, with at most `most` members and entries of each list.
    pub fn channel_details(&self, name: &str, most: usize) -> Option<ChannelDetails> {
        let channel = self.channel(self.index_of(name)?);
        let entry = |entry: &Entry| EntryDetails {
            mask: entry.mask.clone(),
            by: entry.by.to_string(),
            at_unix_ms: entry.at_unix_ms,
        };
        let rows = modes::CHANNEL.iter().filter(|mode| mode.kind == Kind::List);
        let lists = rows.map(|mode| (mode.letter, &channel.lists[mode.id as usize]));
        let lists = lists.filter(|(_, list)| !list.is_empty()).map(|(mode, list)| ListDetails {
            mode,
            total: list.len() as u64,
            entries: list.iter().take(most).map(entry).collect(),
        });
        Some(ChannelDetails {
            info: ChannelInfo { modes: self.channel_modes(channel, true), ..self.channel_info(channel) },
            topic_set: channel.topic.as_ref().map(|topic| (topic.by.to_string(), topic.at_unix_ms)),
            lists: lists.collect(),
            users: self.ranked(channel, most),
        })
    }

    /// The first members by rank, each with its prefixes. One pass for each rank, so that a large channel is not sorted.
    fn ranked(&self, channel: &Channel, most: usize) -> Vec<String> {
        let highest = |prefixes: u8| u8::BITS - prefixes.leading_zeros();
        let mut users = Vec::new();
        for rank in (0..=u8::BITS).rev() {
            let members = channel.members().iter().filter(|member| highest(member.prefixes) == rank);
            for member in members.take(most - users.len()) {
                let Some(user) = self.user(member.slot) else { continue };
                users.push(modes::symbols(member.prefixes, true).chain(user.nick.chars()).collect());
            }
        }
        users
    }

    /// All that is known of a registered user.
    pub fn user_details(&self, now: Time, client: ClientId) -> Option<UserDetails> {
        let info = self.user_info(now, client)?;
        let it = self.client(client.slot)?;
        let user = it.user()?;
        let extras = user.extras.as_deref();
        Some(UserDetails {
            info,
            away: user.away.as_deref().map(str::to_owned),
            account: user.account.as_deref().map(str::to_owned),
            oper_class: user
                .extras
                .as_ref()
                .and_then(|it| it.operator.as_ref())
                .map(|it| it.class.to_string()),
            secure: it.secure,
            capabilities: caps::TABLE.iter().filter(|cap| it.caps.has(cap.bit)).map(|cap| cap.name).collect(),
            monitored: extras.map_or(0, |extras| extras.watched.len() as u64),
            accepted: extras.map_or(0, |extras| extras.accepted.len() as u64),
            silenced: extras.map_or(0, |extras| extras.silenced.len() as u64),
            invited: user.invitations().len() as u64,
        })
    }

    /// What `list` shows of a channel.
    pub(super) fn channel_info(&self, channel: &Channel) -> ChannelInfo {
        ChannelInfo {
            name: channel.name.to_string(),
            members: channel.members().len() as u64,
            modes: self.channel_modes(channel, false),
            topic: channel.topic.as_ref().map_or_else(String::new, |topic| topic.text.clone()),
            created_unix_ms: channel.created_unix_ms,
        }
    }
}
