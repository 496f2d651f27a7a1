//! Requests as the daemon handles them, and the way from and to JSON.

use log::LevelFilter;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::params::Params;
use super::{Busy, CONFIRM_LEAST, CONFIRM_MOST, Method, RpcError, WatchMasks, method};
use crate::proto::duration::Shown;
use crate::proto::limits::{ADMIN_BUSIEST_DEFAULT, ADMIN_PAGE_DEFAULT};

/// The kinds of things that `list` lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Registered users.
    #[default]
    Users,
    /// Channels.
    Channels,
    /// Chat connections, registered or not, and admin connections.
    Connections,
    /// Listening sockets.
    Listeners,
}

impl What {
    /// Every kind, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Users, Self::Channels, Self::Connections, Self::Listeners];

    /// Its name in `list`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Channels => "channels",
            Self::Connections => "connections",
            Self::Listeners => "listeners",
        }
    }
}

/// A request whose parameters have been checked. No string in it is empty or holds NUL, CR or LF.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// `announce`
    Announce {
        /// The notice.
        text: String,
    },
    /// `ban.add`
    BanAdd {
        /// Who is meant.
        mask: String,
        /// What they are told.
        reason: String,
        /// How many seconds it lasts; `None` is for ever.
        duration: Option<u64>,
        /// One of [`super::BANS`].
        kind: Option<String>,
    },
    /// `ban.del`
    BanDel {
        /// Who was meant.
        mask: String,
        /// One of [`super::BANS`].
        kind: Option<String>,
    },
    /// `ban.list`
    BanList {
        /// Only those whose mask matches this one.
        mask: Option<String>,
        /// At most so many; 1 to [`crate::proto::limits::ADMIN_PAGE`].
        limit: usize,
        /// The cursor of the page before; 0 for the first page.
        after: u64,
    },
    /// `busiest`
    Busiest {
        /// What is ranked.
        what: Busy,
        /// At most so many; 1 to [`crate::proto::limits::ADMIN_BUSIEST`].
        limit: usize,
        /// The cursor of the answer before; 0 for the first.
        after: u64,
    },
    /// `channel.info`
    ChannelInfo {
        /// Which.
        channel: String,
    },
    /// `channel.mode`
    ChannelMode {
        /// Whose.
        channel: String,
        /// Letters and parameters, as in MODE.
        modes: String,
    },
    /// `channel.topic`
    ChannelTopic {
        /// Whose.
        channel: String,
        /// What is done with it.
        change: TopicChange,
    },
    /// `config.apply`
    ConfigApply {
        /// So many seconds are there to confirm it; [`CONFIRM_LEAST`] to [`CONFIRM_MOST`].
        confirm_within: Option<u64>,
    },
    /// `config.confirm`
    ConfigConfirm,
    /// `config.diff`
    ConfigDiff,
    /// `config.status`
    ConfigStatus,
    /// `drain`
    Drain {
        /// Whether it is to end.
        undo: bool,
    },
    /// `filter.add`
    FilterAdd {
        /// Its name.
        name: String,
        /// A regular expression.
        pattern: String,
        /// Texts, separated by commas.
        on: Option<String>,
        /// One of [`super::ACTIONS`].
        action: Option<String>,
        /// What the sender is told.
        reason: Option<String>,
    },
    /// `filter.del`
    FilterDel {
        /// Which.
        name: String,
    },
    /// `filter.list`
    FilterList,
    /// `filter.test`
    FilterTest {
        /// What is judged.
        text: String,
        /// One of [`super::TEXTS`].
        on: Option<String>,
    },
    /// `help`
    Help,
    /// `kick`
    Kick {
        /// Whom.
        target: Target,
        /// From this channel only.
        channel: Option<String>,
        /// Shown to everybody who sees it.
        reason: Option<String>,
    },
    /// `list`
    List(List),
    /// `lockdown`
    Lockdown {
        /// What it is to be; `None` only shows it.
        on: Option<bool>,
    },
    /// `log_level`
    LogLevel {
        /// The new level; `None` only shows it.
        level: Option<LevelFilter>,
    },
    /// `oper.list`
    OperList {
        /// At most so many; 1 to [`crate::proto::limits::ADMIN_PAGE`].
        limit: usize,
        /// The cursor of the page before; 0 for the first page.
        after: u64,
    },
    /// `reload`
    Reload,
    /// `shutdown`
    Shutdown {
        /// Shown to every client.
        reason: Option<String>,
    },
    /// `stats`
    Stats,
    /// `unwatch`
    Unwatch,
    /// `user.info`
    UserInfo {
        /// Which.
        target: Target,
    },
    /// `version`
    Version,
    /// `watch`
    Watch {
        /// Some of [`super::EVENTS`]; empty for all.
        events: Vec<String>,
        /// What else they must have.
        masks: WatchMasks,
    },
}

/// What `channel.topic` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicChange {
    /// It only shows the topic.
    Show,
    /// There is none any more.
    Clear,
    /// It is this.
    Set(String),
}

/// Whom `kick` or `user.info` is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A registered user.
    Nick(String),
    /// A connection, by the `id` that `list` shows.
    Id(u64),
}

impl Target {
    /// The parameter that says so.
    fn param(&self) -> (&'static str, Value) {
        match self {
            Self::Nick(nick) => ("nick", nick.as_str().into()),
            Self::Id(id) => ("id", (*id).into()),
        }
    }
}

/// The parameters of `list`.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// What to list.
    pub what: What,
    /// Only those that match this mask.
    pub mask: Option<String>,
    /// Only users in this channel.
    pub channel: Option<String>,
    /// At most so many items; 1 to [`crate::proto::limits::ADMIN_PAGE`].
    pub limit: usize,
    /// The cursor of the page before; 0 for the first page.
    pub after: u64,
}

impl Default for List {
    fn default() -> Self {
        Self { what: What::Users, mask: None, channel: None, limit: ADMIN_PAGE_DEFAULT, after: 0 }
    }
}

impl Request {
    /// Makes a request of a method of the table and its parameters.
    ///
    /// # Errors
    /// [`super::INVALID_PARAMS`], naming the parameter and what was expected.
    pub(super) fn new(method: &'static Method, params: Option<&Value>) -> Result<Self, RpcError> {
        let params = Params::check(method, params)?;
        Ok(match method.name {
            "announce" => Self::Announce { text: params.text("text").expect("required") },
            "ban.add" => Self::BanAdd {
                mask: params.text("mask").expect("required"),
                reason: params.text("reason").expect("required"),
                duration: params.seconds("duration"),
                kind: params.text("kind"),
            },
            "ban.del" => {
                Self::BanDel { mask: params.text("mask").expect("required"), kind: params.text("kind") }
            }
            "ban.list" => {
                Self::BanList { mask: params.text("match"), limit: params.limit(), after: params.after() }
            }
            "busiest" => Self::busiest(&params),
            "channel.info" => Self::ChannelInfo { channel: params.text("channel").expect("required") },
            "channel.mode" => Self::ChannelMode {
                channel: params.text("channel").expect("required"),
                modes: params.text("modes").expect("required"),
            },
            "channel.topic" => Self::topic(&params)?,
            "config.apply" => Self::apply(&params)?,
            "config.confirm" => Self::ConfigConfirm,
            "config.diff" => Self::ConfigDiff,
            "config.status" => Self::ConfigStatus,
            "drain" => Self::Drain { undo: params.switch("undo") },
            "filter.add" => Self::FilterAdd {
                name: params.text("name").expect("required"),
                pattern: params.text("pattern").expect("required"),
                on: params.text("on"),
                action: params.text("action"),
                reason: params.text("reason"),
            },
            "filter.del" => Self::FilterDel { name: params.text("name").expect("required") },
            "filter.list" => Self::FilterList,
            "filter.test" => {
                Self::FilterTest { text: params.text("text").expect("required"), on: params.text("on") }
            }
            "help" => Self::Help,
            "kick" => Self::kick(&params)?,
            "list" => Self::list(&params)?,
            "lockdown" => {
                let state = params.text("state").filter(|state| state != "show");
                Self::Lockdown { on: state.map(|state| state == "on") }
            }
            "log_level" => {
                let level = params.text("level").map(|name| name.parse().expect("the table has log's names"));
                Self::LogLevel { level }
            }
            "oper.list" => Self::OperList { limit: params.limit(), after: params.after() },
            "reload" => Self::Reload,
            "shutdown" => Self::Shutdown { reason: params.text("reason") },
            "stats" => Self::Stats,
            "unwatch" => Self::Unwatch,
            "user.info" => Self::UserInfo { target: Self::target(&params)? },
            "version" => Self::Version,
            "watch" => {
                let [nick, channel, address] = ["nick", "channel", "address"].map(|name| params.words(name));
                Self::Watch { events: params.words("events"), masks: WatchMasks { nick, channel, address } }
            }
            name => unreachable!("a test walks the table, and {name} is in it"),
        })
    }

    fn busiest(params: &Params<'_>) -> Self {
        let what = params.text("what").map_or(Busy::Clients, |name| {
            Busy::ALL.into_iter().find(|what| what.name() == name).expect("the table has these names")
        });
        let limit = params.number("limit").map_or(ADMIN_BUSIEST_DEFAULT, |limit| limit as usize);
        Self::Busiest { what, limit, after: params.after() }
    }

    fn apply(params: &Params<'_>) -> Result<Self, RpcError> {
        let confirm_within = params.seconds("confirm_within");
        if confirm_within.is_some_and(|seconds| !(CONFIRM_LEAST..=CONFIRM_MOST).contains(&seconds)) {
            let most = CONFIRM_MOST / 3_600;
            let bounds =
                format!("the parameter `confirm_within` is from {CONFIRM_LEAST} seconds to {most} hours");
            return Err(params.fault(&bounds));
        }
        Ok(Self::ConfigApply { confirm_within })
    }

    fn target(params: &Params<'_>) -> Result<Target, RpcError> {
        match (params.text("nick"), params.number("id")) {
            (Some(nick), None) => Ok(Target::Nick(nick)),
            (None, Some(id)) => Ok(Target::Id(id)),
            (None, None) => Err(params.fault("one of the parameters `nick` and `id` is needed")),
            (Some(_), Some(_)) => Err(params.fault("the parameters `nick` and `id` exclude each other")),
        }
    }

    fn kick(params: &Params<'_>) -> Result<Self, RpcError> {
        let target = Self::target(params)?;
        Ok(Self::Kick { target, channel: params.text("channel"), reason: params.text("reason") })
    }

    fn topic(params: &Params<'_>) -> Result<Self, RpcError> {
        let change = match (params.text("topic"), params.switch("clear")) {
            (Some(topic), false) => TopicChange::Set(topic),
            (None, true) => TopicChange::Clear,
            (None, false) => TopicChange::Show,
            (Some(_), true) => {
                return Err(params.fault("the parameters `topic` and `clear` exclude each other"));
            }
        };
        Ok(Self::ChannelTopic { channel: params.text("channel").expect("required"), change })
    }

    fn list(params: &Params<'_>) -> Result<Self, RpcError> {
        let what = params.text("what").map_or(What::Users, |name| {
            What::ALL.into_iter().find(|what| what.name() == name).expect("the table has these names")
        });
        let channel = params.text("channel");
        if channel.is_some() && what != What::Users {
            return Err(params.fault("the parameter `channel` goes with `what` users only"));
        }
        Ok(Self::List(List {
            what,
            mask: params.text("match"),
            channel,
            limit: params.limit(),
            after: params.after(),
        }))
    }

    /// At most how many items its answer has, and the cursor that the answer begins at; `None` if the answer is no page.
    pub fn page(&mut self) -> Option<(&mut usize, &mut u64)> {
        match self {
            Self::BanList { limit, after, .. }
            | Self::List(List { limit, after, .. })
            | Self::OperList { limit, after } => Some((limit, after)),
            _ => None,
        }
    }

    /// The method's row of the table.
    pub fn method(&self) -> &'static Method {
        let name = match self {
            Self::Announce { .. } => "announce",
            Self::BanAdd { .. } => "ban.add",
            Self::BanDel { .. } => "ban.del",
            Self::BanList { .. } => "ban.list",
            Self::Busiest { .. } => "busiest",
            Self::ChannelInfo { .. } => "channel.info",
            Self::ChannelMode { .. } => "channel.mode",
            Self::ChannelTopic { .. } => "channel.topic",
            Self::ConfigApply { .. } => "config.apply",
            Self::ConfigConfirm => "config.confirm",
            Self::ConfigDiff => "config.diff",
            Self::ConfigStatus => "config.status",
            Self::Drain { .. } => "drain",
            Self::FilterAdd { .. } => "filter.add",
            Self::FilterDel { .. } => "filter.del",
            Self::FilterList => "filter.list",
            Self::FilterTest { .. } => "filter.test",
            Self::Help => "help",
            Self::Kick { .. } => "kick",
            Self::List(_) => "list",
            Self::Lockdown { .. } => "lockdown",
            Self::LogLevel { .. } => "log_level",
            Self::OperList { .. } => "oper.list",
            Self::Reload => "reload",
            Self::Shutdown { .. } => "shutdown",
            Self::Stats => "stats",
            Self::Unwatch => "unwatch",
            Self::UserInfo { .. } => "user.info",
            Self::Version => "version",
            Self::Watch { .. } => "watch",
        };
        method(name).expect("every request is in the table")
    }

    /// Whether it changes something, and so is logged with its caller.
    pub fn changes(&self) -> bool {
        let shows = matches!(
            self,
            Self::LogLevel { level: None }
                | Self::Lockdown { on: None }
                | Self::ChannelTopic { change: TopicChange::Show, .. }
        );
        self.method().changes && !shows
    }

    /// Whether its answer comes when the configuration file has been read.
    pub fn reads_config(&self) -> bool {
        matches!(self, Self::ConfigApply { .. } | Self::ConfigDiff | Self::Reload)
    }

    /// Whether its answer comes when what it changes is on disk.
    pub fn is_saved(&self) -> bool {
        matches!(
            self,
            Self::BanAdd { .. }
                | Self::BanDel { .. }
                | Self::FilterAdd { .. }
                | Self::FilterDel { .. }
                | Self::Lockdown { on: Some(_) }
        )
    }

    /// The request as a line for the daemon, LF included. The answer will carry `id`.
    pub fn to_line(&self, id: u64) -> Vec<u8> {
        let call = serde_json::json!({
            "jsonrpc": "2.0",
            "id": id,
            "method": self.method().name,
            "params": self.params(),
        });
        let mut line = call.to_string().into_bytes();
        line.push(b'\n');
        line
    }

    fn params(&self) -> Map<String, Value> {
        let mut params = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                params.insert(name.to_owned(), value);
            }
        };
        match self {
            Self::Announce { text } => put("text", Some(text.as_str().into())),
            Self::BanAdd { mask, reason, duration, kind } => {
                put("mask", Some(mask.as_str().into()));
                put("reason", Some(reason.as_str().into()));
                put("duration", duration.map(|seconds| Shown(seconds).to_string().into()));
                put("kind", kind.as_deref().map(Value::from));
            }
            Self::BanDel { mask, kind } => {
                put("mask", Some(mask.as_str().into()));
                put("kind", kind.as_deref().map(Value::from));
            }
            Self::BanList { mask, limit, after } => {
                put("match", mask.as_deref().map(Value::from));
                put("limit", Some((*limit).into()));
                put("after", (*after > 0).then(|| (*after).into()));
            }
            Self::OperList { limit, after } => {
                put("limit", Some((*limit).into()));
                put("after", (*after > 0).then(|| (*after).into()));
            }
            Self::Busiest { what, limit, after } => {
                put("what", Some(what.name().into()));
                put("limit", Some((*limit).into()));
                put("after", (*after > 0).then(|| (*after).into()));
            }
            Self::ChannelInfo { channel } => put("channel", Some(channel.as_str().into())),
            Self::ChannelMode { channel, modes } => {
                put("channel", Some(channel.as_str().into()));
                put("modes", Some(modes.as_str().into()));
            }
            Self::ChannelTopic { channel, change } => {
                put("channel", Some(channel.as_str().into()));
                match change {
                    TopicChange::Show => {}
                    TopicChange::Clear => put("clear", Some(true.into())),
                    TopicChange::Set(topic) => put("topic", Some(topic.as_str().into())),
                }
            }
            Self::ConfigApply { confirm_within } => {
                put("confirm_within", confirm_within.map(|seconds| Shown(seconds).to_string().into()));
            }
            Self::Drain { undo } => put("undo", undo.then(|| true.into())),
            Self::FilterAdd { name, pattern, on, action, reason } => {
                put("name", Some(name.as_str().into()));
                put("pattern", Some(pattern.as_str().into()));
                put("on", on.as_deref().map(Value::from));
                put("action", action.as_deref().map(Value::from));
                put("reason", reason.as_deref().map(Value::from));
            }
            Self::FilterDel { name } => put("name", Some(name.as_str().into())),
            Self::FilterTest { text, on } => {
                put("text", Some(text.as_str().into()));
                put("on", on.as_deref().map(Value::from));
            }
            Self::Lockdown { on } => put("state", on.map(|on| if on { "on" } else { "off" }.into())),
            Self::UserInfo { target } => {
                let (name, value) = target.param();
                put(name, Some(value));
            }
            Self::Kick { target, channel, reason } => {
                let (name, value) = target.param();
                put(name, Some(value));
                put("channel", channel.as_deref().map(Value::from));
                put("reason", reason.as_deref().map(Value::from));
            }
            Self::List(list) => {
                put("what", Some(list.what.name().into()));
                put("match", list.mask.as_deref().map(Value::from));
                put("channel", list.channel.as_deref().map(Value::from));
                put("limit", Some(list.limit.into()));
                put("after", (list.after > 0).then(|| list.after.into()));
            }
            Self::LogLevel { level } => put("level", level.map(|level| level.as_str().to_lowercase().into())),
            Self::Shutdown { reason } => put("reason", reason.as_deref().map(Value::from)),
            Self::ConfigConfirm
            | Self::ConfigDiff
            | Self::ConfigStatus
            | Self::FilterList
            | Self::Help
            | Self::Reload
            | Self::Stats
            | Self::Unwatch
            | Self::Version => {}
            Self::Watch { events, masks } => {
                let lists = [&masks.nick, &masks.channel, &masks.address];
                for (name, list) in ["nick", "channel", "address"].into_iter().zip(lists) {
                    put(name, (!list.is_empty()).then(|| list.clone().into()));
                }
                put("events", (!events.is_empty()).then(|| events.clone().into()));
            }
        }
        params
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
