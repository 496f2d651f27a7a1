//! STATS: reports by letter (Modern IRC, STATS).

use super::super::ctx::Ctx;
use super::super::policy;
use super::super::work::Work;
use super::super::{Cause, Time};
use super::Outcome;
use super::server::must_be_me;
use crate::config::Privileges;
use crate::proto::message::Message;
use crate::proto::modes::OPERATOR;
use crate::proto::numeric;

/// What a report goes on to say of one user, if anything.
type OfUser = fn(&mut Ctx<'_>, u32);

/// A row of the table of reports.
struct Letter {
    /// Those that ask for it.
    letters: &'static str,
    /// Whether only operators may; others are answered 481.
    restricted: bool,
    help: &'static str,
    /// Says what can be said at once. What it returns is then asked of each user, a slice at a time.
    run: fn(&mut Ctx<'_>) -> Option<OfUser>,
}

/// Every report.
const TABLE: &[Letter] = &[
    Letter {
        letters: "lL",
        restricted: false,
        help: "your connection; for operators, all",
        run: connections,
    },
    Letter { letters: "mM", restricted: false, help: "how often each command was used", run: commands },
    Letter { letters: "pP", restricted: false, help: "the operators who are there", run: operators },
    Letter { letters: "tT", restricted: true, help: "connections and lines, counted", run: traffic },
    Letter { letters: "uU", restricted: false, help: "how long the server has been running", run: uptime },
];

/// A STATS that is not finished.
pub(in super::super) struct StatsWork {
    letter: String,
    of_user: OfUser,
    /// The first slot that was not looked at.
    next: u32,
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
    if let Some(row) = row {
        let allowed = if row.restricted { policy::privileged(c, Privileges::SEE_ALL) } else { Ok(()) };
        if let Err(reply) = allowed {
            c.refuse(&reply);
        } else if let Some(of_user) = (row.run)(c) {
            c.begin(Work::Stats(StatsWork { letter: letter.to_owned(), of_user, next: 0 }));
            return Ok(());
        }
    }
    c.reply(numeric::rpl_endofstats(letter));
    Ok(())
}

/// The next user of a report; false after the last.
pub(in super::super) fn stats_step(c: &mut Ctx<'_>, work: &mut StatsWork) -> bool {
    let slot = work.next;
    if slot as usize >= c.server.clients.len() {
        c.reply(numeric::rpl_endofstats(&work.letter));
        return false;
    }
    work.next += 1;
    if c.server.user(slot).is_some() {
        (work.of_user)(c, slot);
    }
    true
}

/// What HELP says of the letters.
pub(super) fn help() -> Vec<String> {
    TABLE
        .iter()
        .map(|row| {
            let letter = &row.letters[..1];
            format!("{letter}: {}{}", row.help, if row.restricted { " (operators only)" } else { "" })
        })
        .collect()
}

fn connections(c: &mut Ctx<'_>) -> Option<OfUser> {
    if policy::sees_all(c.server, c.me) {
        return Some(connection);
    }
    connection(c, c.me);
    None
}

fn connection(c: &mut Ctx<'_>, slot: u32) {
    let Some(client) = c.server.client(slot) else { return };
    let Some(user) = client.user() else { return };
    let seconds = c.server.now.unix_ms.saturating_sub(client.connected_unix_ms) / 1000;
    let (mask, lines, waiting) = (user.mask.clone(), client.messages_in, c.out.pending(slot));
    c.reply(numeric::rpl_statslinkinfo(mask, waiting, lines, seconds));
}

fn commands(c: &mut Ctx<'_>) -> Option<OfUser> {
    for (command, count) in c.server.used.clone() {
        c.reply(numeric::rpl_statscommands(command, count));
    }
    None
}

fn operators(c: &mut Ctx<'_>) -> Option<OfUser> {
    (!c.server.operators.is_empty()).then_some(operator)
}

fn operator(c: &mut Ctx<'_>, slot: u32) {
    let user = c.user_at(slot);
    if user.modes & OPERATOR != 0 {
        let mask = user.mask.clone();
        c.reply(numeric::rpl_statsdebug(mask));
    }
}

fn traffic(c: &mut Ctx<'_>) -> Option<OfUser> {
    let stats = c.server.stats.clone();
    let (now, peak) = (stats.connections, stats.connections_peak);
    c.reply(numeric::rpl_statsdebug(format_args!("connections {now}, at most {peak}")));
    c.reply(numeric::rpl_statsdebug(format_args!("connections in all {}", stats.connections_total)));
    c.reply(numeric::rpl_statsdebug(format_args!("lines received {}", stats.messages_in)));
    for cause in Cause::ALL {
        let count = stats.disconnects[cause as usize];
        c.reply(numeric::rpl_statsdebug(format_args!("ended by {} {count}", cause.name())));
    }
    None
}

fn uptime(c: &mut Ctx<'_>) -> Option<OfUser> {
    let Time { mono_ms, .. } = c.server.now;
    let seconds = mono_ms.saturating_sub(c.server.started_mono_ms) / 1000;
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let clock = format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60);
    c.reply(numeric::rpl_statsuptime(days, clock));
    None
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
