//! The command line of `chatctl`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand, value_parser};

use crate::admin::{KickTarget, LEVELS, List, Request, WHATS, What};

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
    /// Show the log level, or change it until the next reload
    #[command(after_help = "Example:\n  chatctl log-level debug")]
    LogLevel {
        /// The new level
        #[arg(value_parser = PossibleValuesParser::new(LEVELS))]
        level: Option<String>,
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
    /// Show the daemon's name, version and process id
    #[command(after_help = "Example:\n  chatctl version")]
    Version,
}

impl Verb {
    /// The request for it; for `list` the first page's, with the bound on all pages as `Some`. None for what needs no
    /// daemon.
    pub(super) fn request(self) -> Option<(Request, Option<u64>)> {
        let request = match self {
            Self::Announce { text } => Request::Announce { text: text.join(" ") },
            Self::Kick { nick, reason, channel, id } => {
                let (target, words): (_, Vec<String>) = match id {
                    // The first word was taken for a nick.
                    Some(id) => (KickTarget::Id(id), nick.into_iter().chain(reason).collect()),
                    None => (KickTarget::Nick(nick.expect("clap requires it")), reason),
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
            Self::Reload => Request::Reload,
            Self::Shutdown { reason } => Request::Shutdown { reason: sentence(&reason) },
            Self::Stats => Request::Stats,
            Self::Version => Request::Version,
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
    use crate::admin::METHODS;

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
        for method in METHODS.iter().filter(|method| method.name != "help") {
            let name = method.name.replace('_', "-");
            let verb = command.find_subcommand(&name).unwrap_or_else(|| panic!("no verb {name}"));
            let example = verb.get_after_help().unwrap().to_string();
            assert!(example.contains(&format!("  chatctl {name}")), "{example}");
        }
        // One verb needs no daemon.
        assert_eq!(command.get_subcommands().count(), METHODS.len());
    }

    #[test]
    fn examples_are_commands() {
        for verb in Args::command().get_subcommands().filter(|verb| verb.get_name() != "hash-password") {
            for line in verb.get_after_help().unwrap().to_string().lines().skip(1) {
                let line =
                    line.trim().trim_start_matches("watch ").split(" | ").next().unwrap().replace('\'', "");
                let made = request(line.strip_prefix("chatctl ").unwrap());
                assert_eq!(made.method().name.replace('_', "-"), verb.get_name());
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
        let bob = || KickTarget::Nick("bob".into());
        assert_eq!(request("kick bob"), kick(bob(), None, None));
        assert_eq!(
            request("kick bob that is enough --channel #c"),
            kick(bob(), Some("#c"), Some("that is enough"))
        );
        assert_eq!(
            request("kick --id 5 that is enough"),
            kick(KickTarget::Id(5), None, Some("that is enough"))
        );
        assert_eq!(request("kick --id 5"), kick(KickTarget::Id(5), None, None));
        assert_eq!(
            request("announce -- --json is an option"),
            Request::Announce { text: "--json is an option".into() }
        );
        assert_eq!(request("shutdown"), Request::Shutdown { reason: None });
        assert!(Args::try_parse_from(["chatctl", "kick"]).is_err());
        assert!(Args::try_parse_from(["chatctl", "announce"]).is_err());
    }
}
