//! The command line of `chatctl`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand, value_parser};

use super::filter::{self, Term, Terms};
use crate::admin::{
    ACTIONS, BANS, BUSY, CONFIRM_LEAST, CONFIRM_MOST, Kind, LEVELS, List, Request, SWITCH, TEXTS, Target,
    TopicChange, WHATS, What,
};
use crate::proto::duration;
use crate::proto::limits::ADMIN_PAGE;

const EXIT: &str = "\
Exit status: 0 done; 1 the daemon refused, its reason is on stderr; 2 usage; 3 no answer: the daemon
cannot be reached, or what it says makes no sense.";

/// The shells whose command lines are completed.
pub(super) const SHELLS: [&str; 3] = ["bash", "fish", "zsh"];
/// The programs whose command lines are completed.
pub(super) const PROGRAMS: [&str; 2] = ["chatctl", "chatd"];

const SOCKET: &str = "The admin socket [default: $CHATD_SOCKET, else the first found where chatd puts it]";

/// Look at and steer a running chatd.
#[derive(Debug, Parser)]
#[command(name = "chatctl", version, after_help = EXIT)]
pub(super) struct Args {
    /// The admin socket
    #[arg(long, global = true, value_name = "PATH", help = SOCKET)]
    pub(super) socket: Option<PathBuf>,
    /// Print JSON for programs: one document on a line, for list one for each item
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Give up when there is no answer for so long
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30, value_parser = value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

impl Args {
    /// How long to wait for one answer.
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Send a notice to every user
    #[command(after_help = "Example:\n  chatctl announce Back in five minutes")]
    Announce {
        /// The notice; several words are joined with spaces
        #[arg(required = true)]
        text: Vec<String>,
    },
    /// Look at the bans from the server, or change them
    #[command(
        after_help = "Examples:\n  chatctl ban list\n  chatctl ban add --duration 1d 192.0.2.0/24 Open proxies"
    )]
    #[command(disable_help_subcommand = true)]
    Ban {
        #[command(subcommand)]
        verb: BanVerb,
    },
    /// Find the clients or channels with most messages now
    #[command(after_help = "Examples:\n  chatctl busiest\n  chatctl busiest channels --limit 3")]
    Busiest {
        /// What to rank
        #[arg(value_parser = PossibleValuesParser::new(BUSY), default_value = "clients")]
        what: String,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u64).range(1..=1_000))]
        limit: u64,
    },
    /// Look at a channel, or change it as the server
    #[command(
        after_help = "Examples:\n  chatctl channel info '#rust'\n  chatctl channel mode '#rust' +o-b bob '*!*@192.0.2.*'"
    )]
    #[command(disable_help_subcommand = true)]
    Channel {
        #[command(subcommand)]
        verb: ChannelVerb,
    },
    /// Print what makes a shell complete the command line
    #[command(after_help = "Examples:\n  source <(chatctl completions bash)\n  \
        chatctl completions fish > ~/.config/fish/completions/chatctl.fish\n  chatctl completions zsh chatd")]
    Completions {
        /// The shell
        #[arg(value_parser = PossibleValuesParser::new(SHELLS))]
        shell: String,
        /// The program whose command line it is
        #[arg(value_parser = PossibleValuesParser::new(PROGRAMS), default_value = "chatctl")]
        program: String,
    },
    /// Check, compare, apply or confirm a configuration
    #[command(
        after_help = "Examples:\n  chatctl config check\n  chatctl config diff\n  chatctl config apply --confirm-within 60s"
    )]
    #[command(disable_help_subcommand = true)]
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
    /// Disconnect a client, or remove a user from one channel
    #[command(
        override_usage = "chatctl kick [OPTIONS] NICK [REASON]...\n       chatctl kick [OPTIONS] --id ID [REASON]..."
    )]
    #[command(after_help = "Examples:\n  chatctl kick bob Enough for today\n  \
        chatctl kick --channel '#rust' bob\n  chatctl kick --id 4294967296")]
    Kick {
        /// The user; not given with --id
        #[arg(required_unless_present = "id")]
        nick: Option<String>,
        /// Shown to everybody who sees it; several words are joined with spaces
        reason: Vec<String>,
        /// Remove from this channel only
        #[arg(long)]
        channel: Option<String>,
        /// The client by the id that list shows, registered or not; all words are then the reason
        #[arg(long)]
        id: Option<u64>,
    },
    /// Refuse new clients, or take them again; those who are there stay
    #[command(after_help = "Examples:\n  chatctl drain\n  chatctl drain --undo")]
    Drain {
        /// Take new clients again
        #[arg(long)]
        undo: bool,
    },
    /// Look at the content filter, or change it
    #[command(after_help = "Examples:\n  chatctl filter list\n  chatctl filter test free coins")]
    #[command(disable_help_subcommand = true)]
    Filter {
        #[command(subcommand)]
        verb: FilterVerb,
    },
    /// Make the hash of a password, for an [[oper]] section of the configuration
    #[command(after_help = "Examples:\n  chatctl hash-password\n  chatctl hash-password < password.txt")]
    HashPassword,
    /// List users, channels, connections or listeners
    #[command(
        after_help = "Examples:\n  chatctl list\n  chatctl list users --channel '#rust' --match '*!*@192.0.2.*'\n  \
        chatctl list channels --json | jq .name"
    )]
    List {
        /// What to list
        #[arg(value_parser = PossibleValuesParser::new(WHATS), default_value = "users")]
        what: String,
        /// Only those with such a nick, nick!user@host, channel name or address; * and ? are wild
        #[arg(long = "match", value_name = "MASK")]
        mask: Option<String>,
        /// Only users in this channel
        #[arg(long)]
        channel: Option<String>,
        /// At most so many [default: all]
        #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
        limit: Option<u64>,
    },
    /// Turn the panic switch on or off, or show it
    #[command(after_help = "Examples:\n  chatctl lockdown\n  chatctl lockdown on")]
    Lockdown {
        /// What it is to be
        #[arg(value_parser = PossibleValuesParser::new(SWITCH), default_value = "show")]
        state: String,
    },
    /// Show the log level, or change it until the next reload
    #[command(after_help = "Example:\n  chatctl log-level debug")]
    LogLevel {
        /// The new level
        #[arg(value_parser = PossibleValuesParser::new(LEVELS))]
        level: Option<String>,
    },
    /// Look at the server operators
    #[command(after_help = "Example:\n  chatctl oper list")]
    #[command(disable_help_subcommand = true)]
    Oper {
        #[command(subcommand)]
        verb: OperVerb,
    },
    /// Read the configuration again: all of it or nothing
    #[command(after_help = "Example:\n  chatctl reload")]
    Reload,
    /// Tell every client, flush what is queued, and stop
    #[command(after_help = "Example:\n  chatctl shutdown New disks are here")]
    Shutdown {
        /// Shown to every client; several words are joined with spaces
        reason: Vec<String>,
    },
    /// Show counters and gauges
    #[command(
        after_help = "Examples:\n  chatctl stats\n  watch chatctl stats\n  chatctl stats --json | jq .users"
    )]
    Stats,
    /// Watch the daemon in the terminal: counters, the busiest clients and channels
    #[command(after_help = "Examples:\n  chatctl top\n  chatctl top --interval 5")]
    Top {
        /// How long to wait between two looks
        #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = interval)]
        interval: Duration,
    },
    /// Look at a user
    #[command(after_help = "Example:\n  chatctl user info bob")]
    #[command(disable_help_subcommand = true)]
    User {
        #[command(subcommand)]
        verb: UserVerb,
    },
    /// Show the daemon's name, version and process id
    #[command(after_help = "Example:\n  chatctl version")]
    Version,
    /// Show events as they happen, until Ctrl-C
    #[command(after_help = "Examples:\n  chatctl watch\n  chatctl watch --filter join,part,quit\n  \
        chatctl watch --filter 'join,part,nick=bob*,channel=#rust'\n  chatctl watch --filter 'address=192.0.2.*' --json | jq .kind")]
    Watch {
        /// Only these kinds, and only about such nicks, channels and addresses; separated by commas [default: all]
        #[arg(long, value_name = "FILTER", value_delimiter = ',', value_parser = Terms)]
        filter: Vec<Term>,
    },
}

/// What to do with bans from the server.
#[derive(Debug, Subcommand)]
pub(super) enum BanVerb {
    /// Ban somebody from the server, which a restart keeps
    #[command(after_help = "Examples:\n  chatctl ban add '*bot@*.example.org' No bots\n  \
        chatctl ban add --duration 1w 192.0.2.0/24 Open proxies")]
    Add {
        /// user@host with wildcards, an address or a network
        mask: String,
        /// What those are told who are meant; several words are joined with spaces
        #[arg(required = true)]
        reason: Vec<String>,
        /// How long it lasts, such as 12h, 1w3d or 90 (minutes); 0 is for ever [default: 0]
        #[arg(long, value_name = "TIME", value_parser = seconds)]
        duration: Option<u64>,
        /// What it is held against [default: dline for an address or network alone, else kline]
        #[arg(long, value_parser = PossibleValuesParser::new(BANS))]
        kind: Option<String>,
    },
    /// Remove a ban that was set while chatd runs
    #[command(after_help = "Example:\n  chatctl ban del 192.0.2.0/24")]
    Del {
        /// The mask, as the list shows it
        mask: String,
        /// What it is held against [default: dline for an address or network alone, else kline]
        #[arg(long, value_parser = PossibleValuesParser::new(BANS))]
        kind: Option<String>,
    },
    /// List the bans from the server
    #[command(
        after_help = "Examples:\n  chatctl ban list\n  chatctl ban list --match '192.0.2.*' --json | jq .reason"
    )]
    List {
        /// Only those whose mask matches this one; * and ? are wild
        #[arg(long = "match", value_name = "MASK")]
        mask: Option<String>,
        /// At most so many [default: all]
        #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
        limit: Option<u64>,
    },
}

impl BanVerb {
    /// The request for it, and the bound on all pages of a list.
    fn request(self) -> (Request, Option<u64>) {
        match self {
            Self::Add { mask, reason, duration, kind } => {
                let duration = duration.filter(|&seconds| seconds > 0);
                (Request::BanAdd { mask, reason: reason.join(" "), duration, kind }, None)
            }
            Self::Del { mask, kind } => (Request::BanDel { mask, kind }, None),
            Self::List { mask, limit } => (Request::BanList { mask, limit: ADMIN_PAGE, after: 0 }, limit),
        }
    }
}

/// A word of a topic. An empty one is likely to be meant as no topic.
fn topic_word(text: &str) -> Result<String, &'static str> {
    if text.is_empty() { Err("--clear takes the topic away") } else { Ok(text.to_owned()) }
}

/// Seconds from a length of time.
fn seconds(text: &str) -> Result<u64, String> {
    duration::parse(text).ok_or_else(|| format!("it must be {}", Kind::Duration))
}

/// What to do with server operators.
#[derive(Debug, Subcommand)]
pub(super) enum OperVerb {
    /// List who is a server operator
    #[command(after_help = "Examples:\n  chatctl oper list\n  chatctl oper list --json | jq .nick")]
    List {
        /// At most so many [default: all]
        #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
        limit: Option<u64>,
    },
}

/// What to do with a channel.
#[derive(Debug, Subcommand)]
pub(super) enum ChannelVerb {
    /// Show all that is known of a channel
    #[command(
        after_help = "Examples:\n  chatctl channel info '#rust'\n  chatctl channel info '#rust' --json | jq .lists"
    )]
    Info {
        /// The channel
        channel: String,
    },
    /// Change modes of a channel, as the server
    #[command(after_help = "Examples:\n  chatctl channel mode '#rust' +o-b bob '*!*@192.0.2.*'\n  \
        chatctl channel mode '#rust' -- -m")]
    Mode {
        /// The channel
        channel: String,
        /// The letters of the modes, with their signs
        #[arg(allow_hyphen_values = true)]
        modes: String,
        /// Parameters of the modes, in their order
        parameter: Vec<String>,
    },
    /// Show, set or clear the topic of a channel
    #[command(after_help = "Examples:\n  chatctl channel topic '#rust'\n  \
        chatctl channel topic '#rust' Be nice\n  chatctl channel topic '#rust' --clear")]
    Topic {
        /// The channel
        channel: String,
        /// The new topic; several words are joined with spaces
        #[arg(conflicts_with = "clear", value_parser = topic_word)]
        topic: Vec<String>,
        /// Take the topic away
        #[arg(long)]
        clear: bool,
    },
}

impl ChannelVerb {
    fn request(self) -> Request {
        match self {
            Self::Info { channel } => Request::ChannelInfo { channel },
            Self::Mode { channel, modes, parameter } => {
                let words: Vec<_> = std::iter::once(modes).chain(parameter).collect();
                Request::ChannelMode { channel, modes: words.join(" ") }
            }
            Self::Topic { channel, topic, clear } => {
                let change = match sentence(&topic) {
                    Some(text) => TopicChange::Set(text),
                    None if clear => TopicChange::Clear,
                    None => TopicChange::Show,
                };
                Request::ChannelTopic { channel, change }
            }
        }
    }
}

/// What to do with a configuration.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigVerb {
    /// Take over the configuration file, as reload does, and go back unless that is confirmed in time
    #[command(after_help = "Examples:\n  chatctl config apply --confirm-within 60s\n  chatctl config apply")]
    Apply {
        /// Go back to the configuration before unless "chatctl config confirm" comes within so long, such as 60s
        #[arg(long, value_name = "TIME", value_parser = confirm_time)]
        confirm_within: Option<u64>,
    },
    /// Say what is wrong with a configuration file, as "chatd --check-config" does; needs no daemon
    #[command(after_help = "Examples:\n  chatctl config check\n  chatctl config check ./chatd.toml")]
    Check {
        /// The file [default: /etc/chatd/chatd.toml]
        file: Option<PathBuf>,
    },
    /// Keep the configuration that was applied with --confirm-within
    #[command(after_help = "Example:\n  chatctl config confirm")]
    Confirm,
    /// Show what the configuration file has otherwise than the running daemon
    #[command(
        after_help = "Examples:\n  chatctl config diff\n  chatctl config diff --json | jq .differences"
    )]
    Diff,
    /// Show since when the configuration is in force, and whether it waits to be confirmed
    #[command(after_help = "Example:\n  chatctl config status")]
    Status,
}

/// Seconds from a time to confirm in.
fn confirm_time(text: &str) -> Result<u64, String> {
    let seconds = seconds(text)?;
    if (CONFIRM_LEAST..=CONFIRM_MOST).contains(&seconds) {
        return Ok(seconds);
    }
    Err(format!("it must be from {CONFIRM_LEAST}s to {}h; a number alone is minutes", CONFIRM_MOST / 3_600))
}

/// The time between two looks, from seconds with or without a fraction.
fn interval(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok().filter(|seconds| (0.2..=3_600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "it must be from 0.2 to 3600 seconds".to_owned())
}

/// What to do with the content filter.
#[derive(Debug, Subcommand)]
pub(super) enum FilterVerb {
    /// Add a filter, which a restart keeps
    #[command(after_help = "Examples:\n  chatctl filter add spam freecoins\n  \
        chatctl filter add --action kill --on message,nick bots '^bot[0-9]+$'")]
    Add {
        /// Its name
        name: String,
        /// The regular expression it looks for
        pattern: String,
        /// What the sender is told; several words are joined with spaces
        reason: Vec<String>,
        /// In which texts, separated by commas [default: message,notice]
        #[arg(long, value_name = "TEXTS")]
        on: Option<String>,
        /// What happens then [default: block]
        #[arg(long, value_parser = PossibleValuesParser::new(ACTIONS))]
        action: Option<String>,
    },
    /// Remove a filter that was added
    #[command(after_help = "Example:\n  chatctl filter del spam")]
    Del {
        /// Its name
        name: String,
    },
    /// List the filters
    #[command(after_help = "Example:\n  chatctl filter list")]
    List,
    /// Show how the filters would judge a text
    #[command(
        after_help = "Examples:\n  chatctl filter test get free coins\n  chatctl filter test --on nick bot17"
    )]
    Test {
        /// The text; several words are joined with spaces
        #[arg(required = true)]
        text: Vec<String>,
        /// What kind of text it is [default: message]
        #[arg(long, value_parser = PossibleValuesParser::new(TEXTS))]
        on: Option<String>,
    },
}

impl FilterVerb {
    fn request(self) -> Request {
        match self {
            Self::Add { name, pattern, reason, on, action } => {
                Request::FilterAdd { name, pattern, on, action, reason: sentence(&reason) }
            }
            Self::Del { name } => Request::FilterDel { name },
            Self::List => Request::FilterList,
            Self::Test { text, on } => Request::FilterTest { text: text.join(" "), on },
        }
    }
}

/// What to do with a user.
#[derive(Debug, Subcommand)]
pub(super) enum UserVerb {
    /// Show all that is known of a user
    #[command(after_help = "Examples:\n  chatctl user info bob\n  chatctl user info --id 4294967296\n  \
            chatctl user info bob --json | jq .capabilities")]
    Info {
        /// The user, by nick; not given with --id
        #[arg(required_unless_present = "id", conflicts_with = "id")]
        nick: Option<String>,
        /// The user, by the id that list shows
        #[arg(long)]
        id: Option<u64>,
    },
}

impl Verb {
    /// The request for it; for a list the first page's, with the bound on all pages as `Some`.
    ///
    /// # Errors
    /// The verb itself, if it is more or less than one request.
    pub(super) fn request(self) -> Result<(Request, Option<u64>), Self> {
        let request = match self {
            Self::Announce { text } => Request::Announce { text: text.join(" ") },
            Self::Ban { verb } => return Ok(verb.request()),
            Self::Channel { verb } => verb.request(),
            Self::Drain { undo } => Request::Drain { undo },
            Self::Filter { verb } => verb.request(),
            Self::Lockdown { state } => Request::Lockdown { on: (state != "show").then(|| state == "on") },
            Self::Kick { nick, reason, channel, id } => {
                let (target, words): (_, Vec<String>) = match id {
                    // The first word was taken for a nick.
                    Some(id) => (Target::Id(id), nick.into_iter().chain(reason).collect()),
                    None => (Target::Nick(nick.expect("clap requires it")), reason),
                };
                Request::Kick { target, channel, reason: sentence(&words) }
            }
            local @ (Self::Busiest { .. }
            | Self::Completions { .. }
            | Self::HashPassword
            | Self::Top { .. }) => {
                return Err(local);
            }
            Self::Config { verb } => match verb {
                ConfigVerb::Apply { confirm_within } => Request::ConfigApply { confirm_within },
                ConfigVerb::Confirm => Request::ConfigConfirm,
                ConfigVerb::Diff => Request::ConfigDiff,
                ConfigVerb::Status => Request::ConfigStatus,
                local @ ConfigVerb::Check { .. } => return Err(Self::Config { verb: local }),
            },
            Self::List { what, mask, channel, limit } => {
                let what = What::ALL.into_iter().find(|known| known.name() == what).expect("clap checks it");
                return Ok((Request::List(List { what, mask, channel, ..List::default() }), limit));
            }
            Self::LogLevel { level } => {
                Request::LogLevel { level: level.map(|level| level.parse().expect("clap checks it")) }
            }
            Self::Oper { verb: OperVerb::List { limit } } => {
                return Ok((Request::OperList { limit: ADMIN_PAGE, after: 0 }, limit));
            }
            Self::Reload => Request::Reload,
            Self::Shutdown { reason } => Request::Shutdown { reason: sentence(&reason) },
            Self::Stats => Request::Stats,
            Self::User { verb: UserVerb::Info { nick, id } } => {
                let by_nick = || Target::Nick(nick.expect("clap requires it"));
                Request::UserInfo { target: id.map_or_else(by_nick, Target::Id) }
            }
            Self::Version => Request::Version,
            Self::Watch { filter } => filter::request(filter),
        };
        Ok((request, None))
    }
}

fn sentence(words: &[String]) -> Option<String> {
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
