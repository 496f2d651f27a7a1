//! HELP: what the table of commands says, and a few topics besides (Modern IRC, HELP).

use super::super::ctx::Ctx;
use super::super::notices;
use super::{Command, Outcome, TABLE, find, stats};
use crate::config::{Config, Privileges};
use crate::proto::extban;
use crate::proto::message::Message;
use crate::proto::modes::{self, CHANNEL, CLOAKED, Kind};
use crate::proto::names;
use crate::proto::numeric;
use crate::proto::text;

/// Something to read about that is not a command.
struct Topic {
    /// What HELP is asked for.
    name: &'static str,
    /// The names it has on other servers.
    also: &'static [&'static str],
    /// The heading.
    title: &'static str,
    lines: fn(&Config) -> Vec<String>,
}

/// Every topic. One with the name of a command continues what the command's row says.
const TOPICS: &[Topic] = &[
    topic("CHANMODES", &["CMODE", "CMODES"], "Modes of channels", channel_modes),
    topic("COMMANDS", &[], "Commands", all_commands),
    topic("EXTBANS", &["EXTBAN"], "What may stand in lists of channels in place of a mask", extended_bans),
    topic(
        "NOTICES",
        &["SNOMASK", "SNOMASKS"],
        "Letters of notices that server operators get with mode s",
        kinds_of_notices,
    ),
    topic("OPERATORS", &[], "Commands of server operators, by privilege", of_operators),
    topic("PREFIXES", &[], "Prefixes of members, the highest first", prefixes),
    topic("PRIVILEGES", &[], "What server operators may be allowed", privileges),
    topic("STATS", &[], "Reports", reports),
    topic("TOPICS", &[], "Topics", all_topics),
    topic("USERMODES", &["UMODE", "UMODES"], "Modes of users", user_modes),
];

const fn topic(
    name: &'static str,
    also: &'static [&'static str],
    title: &'static str,
    lines: fn(&Config) -> Vec<String>,
) -> Topic {
    Topic { name, also, title, lines }
}

impl Topic {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.also.iter().copied())
    }
}

/// Bytes of a line of help: what the longest server name, nick and subject leave of it.
const WIDTH: usize = 300;

/// `HELP [subject]`, and `HELPOP`, as some clients know it
pub(super) fn help(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    let subject = m.get(0).unwrap_or("").trim();
    if subject.is_empty() {
        show(c, "*", "Help", &general());
        return Ok(());
    }
    let topic = TOPICS.iter().find(|topic| topic.names().any(|name| names::same(name, subject)));
    let mut lines = Vec::new();
    let (name, title) = match (find(subject), topic) {
        (Some(command), _) => {
            lines.extend(of_command(command));
            (command.name, command.name)
        }
        (None, Some(topic)) => (topic.name, topic.title),
        (None, None) => return Err(numeric::err_helpnotfound(subject).into()),
    };
    lines.extend(topic.map(|topic| (topic.lines)(&c.config())).unwrap_or_default());
    show(c, name, title, &lines);
    Ok(())
}

/// 704 with the title, an empty 705, the lines, and 706 with the last of them.
fn show(c: &mut Ctx<'_>, subject: &str, title: &str, lines: &[String]) {
    c.reply(numeric::rpl_helpstart(subject, format_args!("** {title} **")));
    c.reply(numeric::rpl_helptxt(subject, ""));
    let Some((last, lines)) = lines.split_last() else { return };
    for line in lines {
        c.reply(numeric::rpl_helptxt(subject, line));
    }
    c.reply(numeric::rpl_endofhelp(subject, last));
}

fn general() -> Vec<String> {
    [
        "HELP <command> says how a command is used, HELP COMMANDS names all of them.",
        "HELP TOPICS names what else there is to read about.",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn of_command(command: &Command) -> Vec<String> {
    let (usage, help) = command.help;
    let more = command.more.iter().map(|line| (*line).to_owned());
    let names = command.privilege.into_iter().flat_map(Privileges::names);
    let needed = names.map(|name| format!("For server operators with the privilege {name}."));
    [usage.to_owned(), format!("{help}.")].into_iter().chain(more).chain(needed).collect()
}

fn all_commands(_: &Config) -> Vec<String> {
    text::pack(TABLE, WIDTH, |line, command| line.push_str(command.name))
}

fn all_topics(_: &Config) -> Vec<String> {
    TOPICS.iter().map(|topic| format!("{}: {}", topic.name, topic.title)).collect()
}

fn channel_modes(config: &Config) -> Vec<String> {
    let modes = CHANNEL.iter().filter(|mode| config.channels.prefixes.allow(mode));
    modes
        .map(|mode| {
            let parameter = if mode.kind == Kind::Flag { "" } else { " <parameter>" };
            format!("{}{parameter}: {}", mode.letter, mode.help)
        })
        .collect()
}

fn user_modes(config: &Config) -> Vec<String> {
    let offered = modes::USER.iter().filter(|mode| mode.bit != CLOAKED || config.cloak.key.is_some());
    offered.map(|mode| format!("{}: {}", mode.letter, mode.help)).collect()
}

fn extended_bans(_: &Config) -> Vec<String> {
    let turned = format!("{0}~ in place of {0} turns the meaning round.", extban::PREFIX);
    extban::TABLE.iter().map(|ban| format!("{}: {}", ban.help.0, ban.help.1)).chain([turned]).collect()
}

fn of_operators(_: &Config) -> Vec<String> {
    let closed = TABLE.iter().filter_map(|command| Some((command, command.privilege?)));
    let line = |(command, needed): (&Command, Privileges)| {
        let names: Vec<_> = needed.names().collect();
        format!("{}: {} ({})", command.name, command.help.1, names.join(", "))
    };
    closed.map(line).collect()
}

fn privileges(_: &Config) -> Vec<String> {
    Privileges::TABLE.iter().map(|word| format!("{}: {}", word.name, word.help)).collect()
}

fn prefixes(config: &Config) -> Vec<String> {
    config.channels.prefixes.rows().map(|prefix| format!("{} +{}", prefix.symbol, prefix.letter)).collect()
}

fn reports(_: &Config) -> Vec<String> {
    stats::help()
}

fn kinds_of_notices(_: &Config) -> Vec<String> {
    notices::TABLE.iter().map(|kind| format!("{}: {}", kind.letter, kind.help)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_has_lines_that_fit() {
        let commands = TABLE.iter().map(of_command);
        for lines in
            TOPICS.iter().map(|topic| (topic.lines)(&Config::default())).chain(commands).chain([general()])
        {
            assert!(!lines.is_empty());
            for line in lines {
                assert!(!line.is_empty() && line.len() <= WIDTH, "{line}");
            }
        }
    }

    #[test]
    fn topics_are_sorted_and_in_upper_case() {
        assert!(TOPICS.is_sorted_by(|a, b| a.name < b.name));
        let names: Vec<_> = TOPICS.iter().flat_map(Topic::names).collect();
        for (index, name) in names.iter().enumerate() {
            assert!(*name == name.to_ascii_uppercase() && !names[..index].contains(name), "{name}");
        }
        assert!(TOPICS.iter().flat_map(|topic| topic.also).all(|name| find(name).is_none()));
    }
}
