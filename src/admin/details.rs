//! What the methods about one channel or one user answer.

use serde::{Deserialize, Serialize};

use super::UserItem;

/// The result of `channel.info`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelDetails {
    /// Name.
    pub name: String,
    /// Modes, with a leading `+`; the key is shown.
    pub modes: String,
    /// Topic; empty if there is none.
    pub topic: String,
    /// `nick!user@host` of who set it, or the server's name; `None` without a topic.
    pub topic_by: Option<String>,
    /// Since it was set.
    pub topic_age_seconds: Option<u64>,
    /// Since the channel was created.
    pub age_seconds: u64,
    /// How many members it has.
    pub members: u64,
    /// Members with their prefixes, those with the highest first; at most
    /// [`crate::proto::limits::ADMIN_ENTRIES`].
    pub users: Vec<String>,
    /// The lists that are not empty.
    pub lists: Vec<MaskList>,
}

/// A list of masks of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskList {
    /// The letter of its mode.
    pub mode: char,
    /// How many entries it has.
    pub total: u64,
    /// Its oldest entries, at most [`crate::proto::limits::ADMIN_ENTRIES`].
    pub entries: Vec<MaskEntry>,
}

/// An entry of a list of masks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaskEntry {
    /// The mask, or an extended ban.
    pub mask: String,
    /// The nick of whoever set it, or the server's name.
    pub by: String,
    /// Since it was set.
    pub age_seconds: u64,
}

/// The result of `channel.mode`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModesChanged {
    /// The channel, as it is spelt.
    pub name: String,
    /// Its modes now, with a leading `+`; the key is shown. Lists and prefixes of members are not part of them.
    pub modes: String,
}

/// The result of `channel.topic`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelTopic {
    /// The channel, as it is spelt.
    pub name: String,
    /// Its topic now; empty if there is none.
    pub topic: String,
    /// `nick!user@host` of who set it, or the server's name; `None` without a topic.
    pub topic_by: Option<String>,
    /// Since it was set.
    pub topic_age_seconds: Option<u64>,
}

/// The result of `user.info`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDetails {
    /// What `list` has of it.
    #[serde(flatten)]
    pub item: UserItem,
    /// Its away message.
    pub away: Option<String>,
    /// The account it is logged in to.
    pub account: Option<String>,
    /// Its class of operators, if it is one.
    pub oper_class: Option<String>,
    /// Whether its connection is encrypted.
    pub secure: bool,
    /// The capabilities that its client has asked for.
    pub capabilities: Vec<String>,
    /// Nicks it watches.
    pub monitored: u64,
    /// Users whose messages it accepts in spite of mode `g`.
    pub accepted: u64,
    /// Masks whose messages it does not get.
    pub silenced: u64,
    /// Channels it is invited to.
    pub invited: u64,
}

/// A ban from the server, as `ban.list`, `ban.add` and `ban.del` show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanItem {
    /// One of [`super::BANS`].
    pub kind: String,
    /// Who is meant.
    pub mask: String,
    /// What those are told who are meant.
    pub reason: String,
    /// `nick!user@host` of who set it, or which user through the admin socket; `None` of one of the configuration.
    pub by: Option<String>,
    /// Since it was set.
    pub age_seconds: Option<u64>,
    /// Until it ends; `None` if it does not.
    pub expires_seconds: Option<u64>,
    /// Whether it is of the configuration, and so stays until that changes.
    pub configured: bool,
}

/// An item of `oper.list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperItem {
    /// The connection's id.
    pub id: u64,
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
    /// Since it became an operator.
    pub age_seconds: u64,
    /// Since it last sent a message to somebody.
    pub idle_seconds: u64,
}

/// A filter, as `filter.list`, `filter.add` and `filter.del` show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterItem {
    /// Its name.
    pub name: String,
    /// The regular expression it looks for.
    pub pattern: String,
    /// In which texts.
    pub on: Vec<String>,
    /// `block`, `warn` or `kill`.
    pub action: String,
    /// What the sender is told.
    pub reason: String,
    /// Whether it is of the configuration, and so stays until that changes.
    pub configured: bool,
}

/// The result of `filter.list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterList {
    /// How many filters there are.
    pub total: u64,
    /// The filters in the order in which they judge, as many as an answer holds.
    pub filters: Vec<FilterItem>,
}

/// The result of `filter.test`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterVerdict {
    /// What would happen: `pass`, `warn`, `block` or `kill`.
    pub verdict: String,
    /// The filter that decides.
    pub filter: Option<FilterItem>,
    /// The names of all filters that match.
    pub matching: Vec<String>,
}

/// The result of `lockdown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lockdown {
    /// Whether the panic switch is on.
    pub on: bool,
    /// Whether this call has changed that.
    pub changed: bool,
}

/// The result of `drain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draining {
    /// Whether new clients are refused.
    pub on: bool,
    /// Whether this call has changed that.
    pub changed: bool,
    /// Chat connections that are there.
    pub connections: u64,
}
