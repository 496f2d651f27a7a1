//! The command line of `chatctl`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand, value_parser};

use crate::admin::{
    ACTIONS, BANS, EVENTS, Kind, LEVELS, List, Request, SWITCH, TEXTS, Target, TopicChange, WHATS, What,
};
use crate::proto::duration;
use crate::proto::limits::ADMIN_PAGE;

const EXIT: &str = "\
Exit status: 0 done; 1 the daemon refused, its reason is on stderr; 2 usage; 3 no answer: the daemon
cannot be reached, or what it says makes no sense.";

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
    /// Look at a channel, or change it as the server
    #[command(
        after_help = "Examples:\n  chatctl channel info '#rust'\n  chatctl channel mode '#rust' +o-b bob '*!*@192.0.2.*'"
    )]
    #[command(disable_help_subcommand = true)]
    Channel {
        #[command(subcommand)]
        verb: ChannelVerb,
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
        chatctl watch --filter limit,flood --json | jq .limit")]
    Watch {
        /// Only these kinds, separated by commas [default: all]
        #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = PossibleValuesParser::new(EVENTS))]
        filter: Vec<String>,
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
    /// The request for it; for a list the first page's, with the bound on all pages as `Some`. None for what needs no
    /// daemon.
    pub(super) fn request(self) -> Option<(Request, Option<u64>)> {
        let request = match self {
            Self::Announce { text } => Request::Announce { text: text.join(" ") },
            Self::Ban { verb } => return Some(verb.request()),
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
            Self::HashPassword => return None,
            Self::List { what, mask, channel, limit } => {
                let what = What::ALL.into_iter().find(|known| known.name() == what).expect("clap checks it");
                return Some((Request::List(List { what, mask, channel, ..List::default() }), limit));
            }
            Self::LogLevel { level } => {
                Request::LogLevel { level: level.map(|level| level.parse().expect("clap checks it")) }
            }
            Self::Oper { verb: OperVerb::List { limit } } => {
                return Some((Request::OperList { limit: ADMIN_PAGE, after: 0 }, limit));
            }
            Self::Reload => Request::Reload,
            Self::Shutdown { reason } => Request::Shutdown { reason: sentence(&reason) },
            Self::Stats => Request::Stats,
            Self::User { verb: UserVerb::Info { nick, id } } => {
                let by_nick = || Target::Nick(nick.expect("clap requires it"));
                Request::UserInfo { target: id.map_or_else(by_nick, Target::Id) }
            }
            Self::Version => Request::Version,
            Self::Watch { filter } => Request::Watch { events: filter },
        };
        Some((request, None))
    }
}

fn sentence(words: &[String]) -> Option<String> {
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::admin::{METHODS, Method};

    fn request(line: &str) -> Request {
        let words = std::iter::once("chatctl").chain(line.split_whitespace());
        Args::try_parse_from(words)
            .unwrap_or_else(|error| panic!("{line}: {error}"))
            .verb
            .request()
            .expect(line)
            .0
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_method_has_a_verb_with_its_help_and_an_example() {
        let command = Args::command();
        // chatctl has its own help, and ends what it watches by leaving.
        let is_verb = |method: &&Method| !["help", "unwatch"].contains(&method.name);
        for method in METHODS.iter().filter(is_verb) {
            let name = method.name.replace('_', "-").replace('.', " ");
            let verb = name.split(' ').fold(&command, |verb, name| {
                verb.find_subcommand(name).unwrap_or_else(|| panic!("no verb {name}"))
            });
            let example = verb.get_after_help().unwrap().to_string();
            assert!(example.contains(&format!("  chatctl {name}")), "{example}");
        }
        // One verb needs no daemon.
        assert_eq!(leaves(&command).len(), METHODS.iter().filter(is_verb).count() + 1);
    }

    /// The verbs that have no verbs of their own.
    fn leaves(command: &clap::Command) -> Vec<&clap::Command> {
        let verbs = command.get_subcommands();
        verbs.flat_map(|it| if it.has_subcommands() { leaves(it) } else { vec![it] }).collect()
    }

    #[test]
    fn examples_are_commands() {
        let command = Args::command();
        for verb in leaves(&command).into_iter().filter(|verb| verb.get_name() != "hash-password") {
            for line in verb.get_after_help().unwrap().to_string().lines().skip(1) {
                let line =
                    line.trim().trim_start_matches("watch ").split(" | ").next().unwrap().replace('\'', "");
                let made = request(line.strip_prefix("chatctl ").unwrap());
                let name = made.method().name.replace('_', "-");
                assert_eq!(name.split('.').next_back(), Some(verb.get_name()));
            }
        }
    }

    #[test]
    fn words_become_sentences() {
        let kick = |target, channel: Option<&str>, reason: Option<&str>| Request::Kick {
            target,
            channel: channel.map(str::to_owned),
            reason: reason.map(str::to_owned),
        };
        let bob = || Target::Nick("bob".into());
        assert_eq!(request("kick bob"), kick(bob(), None, None));
        assert_eq!(
            request("kick bob that is enough --channel #c"),
            kick(bob(), Some("#c"), Some("that is enough"))
        );
        assert_eq!(request("kick --id 5 that is enough"), kick(Target::Id(5), None, Some("that is enough")));
        assert_eq!(request("kick --id 5"), kick(Target::Id(5), None, None));
        assert_eq!(
            request("announce -- --json is an option"),
            Request::Announce { text: "--json is an option".into() }
        );
        assert_eq!(request("shutdown"), Request::Shutdown { reason: None });
        let ban = |mask: &str, duration, kind: Option<&str>| Request::BanAdd {
            mask: mask.into(),
            reason: "open proxies".into(),
            duration,
            kind: kind.map(str::to_owned),
        };
        assert_eq!(request("ban add *@192.0.2.* open proxies"), ban("*@192.0.2.*", None, None));
        assert_eq!(
            request("ban add --duration 1d --kind kline 192.0.2.0/24 open proxies"),
            ban("192.0.2.0/24", Some(86_400), Some("kline"))
        );
        assert_eq!(request("ban add --duration 0 a@b open proxies"), ban("a@b", None, None));
        assert_eq!(request("user info --id 7"), Request::UserInfo { target: Target::Id(7) });
        for wrong in ["ban add a@b", "ban add --duration soon a@b no", "user info", "user info bob --id 7"] {
            let words = std::iter::once("chatctl").chain(wrong.split_whitespace());
            assert!(Args::try_parse_from(words).is_err(), "{wrong}");
        }
        let mode = |modes: &str| Request::ChannelMode { channel: "#c".into(), modes: modes.into() };
        assert_eq!(request("channel mode #c +o-b bob *!*@x"), mode("+o-b bob *!*@x"));
        assert_eq!(request("channel mode #c -ov bob bob --json"), mode("-ov bob bob"));
        assert_eq!(request("channel mode --json #c -- -h bob"), mode("-h bob"));
        assert!(Args::try_parse_from(["chatctl", "channel", "topic", "#c", "x", "--clear"]).is_err());
        let empty = Args::try_parse_from(["chatctl", "channel", "topic", "#c", ""]).unwrap_err().to_string();
        assert!(empty.contains("--clear takes the topic away"), "{empty}");
        assert!(Args::try_parse_from(["chatctl", "kick"]).is_err());
        assert!(Args::try_parse_from(["chatctl", "announce"]).is_err());
    }
}
