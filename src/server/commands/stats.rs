//! STATS: reports by letter (Modern IRC, STATS). Letters and lines are those that operators know from solanum and from
//! RFC 1459 section 6.2.

use super::super::bans::BanKind;
use super::super::ctx::Ctx;
use super::super::policy;
use super::super::work::Work;
use super::super::{COMMANDS, Cause, Time};
use super::Outcome;
use super::reports;
use super::server::must_be_me;
use crate::config::Privileges;
use crate::proto::message::Message;
use crate::proto::numeric::{self, Reply};

/// Where a report is: a slot, a place among the bans, or the number of an item in a list of the configuration.
pub(super) type Cursor = usize;

/// Says the next of a report; false if there is no more.
type Step = fn(&mut Ctx<'_>, &mut Cursor) -> bool;

/// A row of the table of reports.
struct Letter {
    /// Those that ask for it.
    letters: &'static str,
    /// What a server operator needs for it; others are answered 481.
    privilege: Option<Privileges>,
    help: &'static str,
    step: Step,
}

const fn open(letters: &'static str, help: &'static str, step: Step) -> Letter {
    Letter { letters, privilege: None, help, step }
}

const fn closed(letters: &'static str, needed: Privileges, help: &'static str, step: Step) -> Letter {
    Letter { letters, privilege: Some(needed), help, step }
}

/// Every report.
const TABLE: &[Letter] = &[
    closed("dD", Privileges::BAN, "bans of addresses: d those that end, D others", |c, at| {
        reports::ban(c, at, BanKind::Address)
    }),
    closed("eE", Privileges::BAN, "who is exempt from what", reports::exemption),
    closed("fF", Privileges::FILTER, "content filters", reports::filter),
    closed("iI", Privileges::SEE_ALL, "from where one may connect, and in which class", reports::entrance),
    closed("kK", Privileges::BAN, "bans of users: k those that end, K others", |c, at| {
        reports::ban(c, at, BanKind::User)
    }),
    open("lL", "your connection; with the privilege see-all, all", connections),
    open("mM", "how often each command was used", commands),
    closed("oO", Privileges::SEE_ALL, "who may become a server operator", reports::operator),
    open("pP", "the operators who are there", operators),
    closed("qQ", Privileges::SEE_ALL, "reserved names", reports::reserved),
    closed("tT", Privileges::SEE_ALL, "connections and lines, counted", traffic),
    open("uU", "how long the server has been running", uptime),
    closed("yY", Privileges::SEE_ALL, "connection classes", reports::class),
];

/// A STATS that is not finished.
pub(in super::super) struct StatsWork {
    letter: String,
    row: &'static Letter,
    cursor: Cursor,
}

/// `STATS <letter> [server]`
pub(super) fn stats(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    must_be_me(c, m.get(1))?;
    let letter = m.arg(0);
    let mut chars = letter.chars();
    let row = match (chars.next(), chars.next()) {
        (Some(char), None) => TABLE.iter().find(|row| row.letters.contains(char)),
        _ => None,
    };
    let allowed = row.map(|row| may_read(c, row).map(|()| row));
    match allowed {
        Some(Ok(row)) => {
            let work = StatsWork { letter: letter.to_owned(), row, cursor: 0 };
            c.begin(Work::Stats(work));
            return Ok(());
        }
        Some(Err(reply)) => c.refuse(&reply),
        None => {}
    }
    c.reply(numeric::rpl_endofstats(letter));
    Ok(())
}

fn may_read(c: &Ctx<'_>, row: &Letter) -> Result<(), Reply> {
    row.privilege.map_or(Ok(()), |needed| policy::privileged(c, needed))
}

/// The next of a report; false after the last. It ends early when the privilege is lost.
pub(in super::super) fn stats_step(c: &mut Ctx<'_>, work: &mut StatsWork) -> bool {
    let more = may_read(c, work.row).is_ok() && (work.row.step)(c, &mut work.cursor);
    if !more {
        c.reply(numeric::rpl_endofstats(&work.letter));
    }
    more
}

/// What HELP says of the letters.
pub(super) fn help() -> Vec<String> {
    let line = |row: &Letter| {
        let words = [format!("{}: {}", &row.letters[..1], row.help)].into_iter();
        let needed = row.privilege.into_iter().flat_map(Privileges::names);
        words.chain(needed.map(|name| format!("(privilege {name})"))).collect::<Vec<_>>().join(" ")
    };
    TABLE.iter().map(line).collect()
}

fn connections(c: &mut Ctx<'_>, at: &mut Cursor) -> bool {
    if !policy::sees_all(c.server, c.me) {
        connection(c, c.me);
        return false;
    }
    let slot = *at as u32;
    *at += 1;
    connection(c, slot);
    *at < c.server.clients.len()
}

fn connection(c: &mut Ctx<'_>, slot: u32) {
    let Some(client) = c.server.client(slot) else { return };
    let Some(user) = client.user() else { return };
    let seconds = c.server.now.unix_ms.saturating_sub(client.connected_unix_ms) / 1000;
    let (mask, lines, waiting) = (user.mask.clone(), client.messages_in, c.out.pending(slot));
    c.reply(numeric::rpl_statslinkinfo(mask, waiting, lines, seconds));
}

fn commands(c: &mut Ctx<'_>, _: &mut Cursor) -> bool {
    for (index, command) in COMMANDS.iter().enumerate() {
        let count = c.server.used[index];
        if count > 0 {
            c.reply(numeric::rpl_statscommands(command.name, count));
        }
    }
    false
}

fn operators(c: &mut Ctx<'_>, at: &mut Cursor) -> bool {
    let Some(&slot) = c.server.operators.range(*at as u32..).next() else { return false };
    *at = slot as usize + 1;
    let mask = c.user_at(slot).mask.clone();
    c.reply(numeric::rpl_statsdebug(mask));
    true
}

fn traffic(c: &mut Ctx<'_>, _: &mut Cursor) -> bool {
    let stats = c.server.stats.clone();
    let (now, peak) = (stats.connections, stats.connections_peak);
    c.reply(numeric::rpl_statsdebug(format_args!("connections {now}, at most {peak}")));
    c.reply(numeric::rpl_statsdebug(format_args!("connections in all {}", stats.connections_total)));
    c.reply(numeric::rpl_statsdebug(format_args!("lines received {}", stats.messages_in)));
    for cause in Cause::ALL {
        let count = stats.disconnects[cause as usize];
        c.reply(numeric::rpl_statsdebug(format_args!("ended by {} {count}", cause.name())));
    }
    false
}

fn uptime(c: &mut Ctx<'_>, _: &mut Cursor) -> bool {
    let Time { mono_ms, .. } = c.server.now;
    let seconds = mono_ms.saturating_sub(c.server.started_mono_ms) / 1000;
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let clock = format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60);
    c.reply(numeric::rpl_statsuptime(days, clock));
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_letter_asks_for_two_reports() {
        let letters: Vec<char> = TABLE.iter().flat_map(|row| row.letters.chars()).collect();
        assert!(letters.is_sorted_by_key(char::to_ascii_lowercase));
        for (index, letter) in letters.iter().enumerate() {
            assert!(!letters[..index].contains(letter), "{letter}");
        }
    }
}
