//! The table of commands and dispatch, which does once what every handler would repeat.
//!
//! A handler reads its parameters, asks [`super::policy`], changes state and announces it. Its error is the reply.

mod accept;
mod ban;
mod cap;
mod channel;
mod help;
mod knock;
mod list;
mod message;
mod mode;
mod monitor;
mod multiline;
mod names;
mod oper;
mod profile;
mod query;
mod registration;
mod rename;
mod reports;
mod sa;
mod server;
mod silence;
mod stats;
mod webirc;
mod who;
mod whois;
mod whowas;

use std::num::NonZeroU64;

use super::ctx::Ctx;
use super::effort;
use super::response::Response;
use super::timers::Kind;
use super::{Event, Server, policy};
use crate::config::Privileges;
use crate::proto::limits::{CLIENT_TAGS, LINE};
use crate::proto::message::{Message, Tags};
use crate::proto::names::fold_bytes;
use crate::proto::numeric::{self, Reply};

pub(super) use cap::changed as capabilities_changed;
pub(super) use channel::kick_by_server;
pub(super) use list::{ListWork, list_step};
pub(super) use message::Said;
pub(super) use mode::set_user_modes;
pub(super) use monitor::{MonitorWork, monitor_step};
pub(super) use multiline::check_batch;
pub(super) use names::{NamesWork, names_step};
pub(super) use profile::change_away;
pub(super) use server::{greet, isupport_changed};
pub(super) use stats::{StatsWork, stats_step};
pub(super) use who::{WhoWork, who_step};
pub(super) use whowas::{WhowasWork, whowas_step};

/// A client that is slowed down again within this time after the last is still the same flood, in milliseconds.
const FLOOD_QUIET_MS: u64 = 60_000;

type Outcome = Result<(), Reply>;

/// Who may use a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody.
    Anyone,
    /// Only before 001; afterwards the answer is 462.
    Unregistered,
    /// Only after 001; before, the answer is 451.
    Registered,
}

/// A row of the table of commands.
pub struct Command {
    /// The name in upper case.
    pub name: &'static str,
    run: fn(&mut Ctx<'_>, &Message<'_>) -> Outcome,
    /// How many parameters it needs; with fewer, the answer is 461.
    pub min: usize,
    /// Who may use it.
    pub who: Who,
    /// What a server operator needs for it; without it, the answer is 481.
    pub privilege: Option<Privileges>,
    /// What it costs of `limits.flood_burst`.
    pub cost: u32,
    /// How it is used, and what it does.
    pub help: (&'static str, &'static str),
    /// More lines of help, where one does not say it all.
    pub more: &'static [&'static str],
}

macro_rules! commands {
    ($($name:literal $run:path, $min:literal, $who:ident $([$privilege:ident])?, $cost:literal, $usage:literal, $help:literal
        $(, $more:literal)*;)*) => {
        /// Every command, by name.
        pub const TABLE: &[Command] = &[$(Command {
            name: $name,
            run: $run,
            min: $min,
            who: Who::$who,
            privilege: const {
                #[allow(unused_mut, unused_assignments)]
                let mut privilege = None;
                $(privilege = Some(Privileges::$privilege);)?
                privilege
            },
            cost: $cost,
            help: ($usage, $help),
            more: &[$($more),*],
        }),*];
    };
}

commands! {
    "ACCEPT" accept::accept, 0, Registered, 1, "ACCEPT [[-]<nick>[,...]]", "Say who may write to you despite mode g",
        "ACCEPT or ACCEPT * lists them.";
    "ADMIN" server::admin, 0, Registered, 1, "ADMIN [server]", "Show who runs this server";
    "AUTHENTICATE" registration::authenticate, 1, Anyone, 2, "AUTHENTICATE <mechanism>|<response>|*", "Log in, for which there are no \
         mechanisms yet";
    "AWAY" profile::away, 0, Anyone, 1, "AWAY [message]", "Say that you are away, or back";
    "BATCH" multiline::batch, 1, Registered, 1, "BATCH +<reference> draft/multiline <target>",
        "Begin a message of several lines", "BATCH -<reference> sends it.";
    "CAP" cap::cap, 1, Anyone, 1, "CAP LS|LIST|REQ|END [...]", "Negotiate capabilities";
    "DIE" oper::die, 0, Registered[DIE], 1, "DIE [reason]", "Stop the server";
    "DLINE" ban::dline, 2, Registered[BAN], 1, "DLINE [duration] <address|network> <reason>", "Ban an address or a network",
        "A duration is a number of minutes, or like 2h or 1d12h; without one, the ban stays.";
    "HELP" help::help, 0, Registered, 1, "HELP [subject]", "Say how commands are used", "HELP COMMANDS names them all.";
    "HELPOP" help::help, 0, Registered, 1, "HELPOP [subject]", "The same as HELP";
    "INFO" server::info, 0, Registered, 1, "INFO [server]", "Show what this server is";
    "INVITE" channel::invite, 0, Registered, 2, "INVITE [<nick> <channel>]", "Invite somebody to a channel, or list your invitations";
    "ISON" query::ison, 1, Registered, 1, "ISON <nick> [<nick> ...]", "Ask which of these are connected";
    "ISUPPORT" server::isupport, 0, Anyone, 2, "ISUPPORT", "Show what the server supports";
    "JOIN" names::join, 1, Registered, 2, "JOIN <channel>[,...] [<key>[,...]]", "Enter channels; JOIN 0 leaves all";
    "KICK" channel::kick, 2, Registered, 1, "KICK <channel>[,...] <nick>[,...] [comment]", "Remove somebody from a channel",
        "Of several channels, each goes with the nick at the same place.";
    "KILL" oper::kill, 2, Registered[KILL], 1, "KILL <nick> <reason>", "Disconnect somebody";
    "KLINE" ban::kline, 2, Registered[BAN], 1, "KLINE [duration] <user@host> <reason>", "Ban users from the server",
        "A duration is a number of minutes, or like 2h or 1d12h; without one, the ban stays.";
    "KNOCK" knock::knock, 1, Registered, 3, "KNOCK <channel> [text]", "Ask to be invited to a channel";
    "LINKS" server::links, 0, Registered, 1, "LINKS [[server] mask]", "List the servers of the network";
    "LIST" list::list, 0, Registered, 3, "LIST [<channel|mask|condition>[,...]]", "List channels",
        "Conditions: >n and <n for more or fewer than n members, C>n and C<n for those created more or less than n minutes ago, \
         T>n and T<n for the topic, !mask for other names.";
    "LUSERS" server::lusers, 0, Registered, 1, "LUSERS [mask [server]]", "Count users, connections and channels";
    "MAP" server::map, 0, Registered, 1, "MAP", "Show how the servers of the network are linked";
    "MODE" mode::mode, 1, Registered, 1, "MODE <channel|nick> [modes] [...]", "Show or change modes";
    "MONITOR" monitor::monitor, 1, Registered, 1, "MONITOR +|- <nick>[,...]", "Be told when others come and go",
        "MONITOR C watches nobody, MONITOR L lists those watched, MONITOR S says which of them are there.";
    "MOTD" server::motd, 0, Registered, 2, "MOTD [server]", "Show the message of the day";
    "NAMES" names::names, 0, Registered, 2, "NAMES <channel>[,...]", "List the members of channels";
    "NICK" registration::nick, 0, Anyone, 1, "NICK <nick>", "Take a nick";
    "NOTICE" message::notice, 0, Registered, 1, "NOTICE <target>[,...] <text>", "Send a notice, which nothing answers";
    "OPER" oper::oper, 2, Registered, 3, "OPER <name> <password>", "Become a server operator";
    "PART" channel::part, 1, Registered, 1, "PART <channel>[,...] [reason]", "Leave channels";
    "PASS" registration::pass, 1, Unregistered, 1, "PASS <password>", "Give the server's password, before NICK and USER";
    "PING" registration::ping, 0, Anyone, 1, "PING <token>", "Ask for a PONG with the token";
    "PONG" registration::pong, 0, Anyone, 1, "PONG <token>", "Answer a PING";
    "PRIVMSG" message::privmsg, 0, Registered, 1, "PRIVMSG <target>[,...] <text>", "Send a message";
    "QUIT" registration::quit, 0, Anyone, 0, "QUIT [reason]", "Disconnect";
    "REHASH" oper::rehash, 0, Registered[REHASH], 1, "REHASH", "Have the configuration read again";
    "RENAME" rename::rename, 2, Registered, 5, "RENAME <channel> <new name> [reason]", "Give a channel another name";
    "RESTART" oper::restart, 0, Registered[DIE], 1, "RESTART", "Say how chatd is restarted";
    "SAJOIN" sa::sajoin, 2, Registered[JOIN], 1, "SAJOIN <nick> <channel>[,...]", "Put somebody into channels";
    "SAMODE" sa::samode, 2, Registered[CHANNEL_MODES], 1, "SAMODE <channel> <modes> [...]", "Change modes as the server";
    "SANICK" sa::sanick, 2, Registered[NICK], 1, "SANICK <nick> <nick>", "Give somebody another nick";
    "SAPART" sa::sapart, 2, Registered[JOIN], 1, "SAPART <nick> <channel>[,...] [reason]", "Take somebody out of channels";
    "SETNAME" profile::setname, 1, Registered, 2, "SETNAME <realname>", "Take another real name";
    "SILENCE" silence::silence, 0, Registered, 1, "SILENCE [[+|-]<mask>[,...]]", "Get no messages from whom a mask is about",
        "SILENCE alone lists your masks.";
    "STATS" stats::stats, 1, Registered, 2, "STATS <letter> [server]", "Show a report";
    "TAGMSG" message::tagmsg, 0, Registered, 1, "@<tags> TAGMSG <target>[,...]", "Send tags without text";
    "TIME" server::time, 0, Registered, 1, "TIME [server]", "Show the server's time";
    "TOPIC" channel::topic, 1, Registered, 1, "TOPIC <channel> [text]", "Show or set the topic of a channel";
    "UNDLINE" ban::undline, 1, Registered[BAN], 1, "UNDLINE <address|network>", "Take a ban of DLINE away";
    "UNKLINE" ban::unkline, 1, Registered[BAN], 1, "UNKLINE <user@host>", "Take a ban of KLINE away";
    "USER" registration::user, 4, Unregistered, 1, "USER <name> 0 * <realname>", "Say who you are";
    "USERHOST" query::userhost, 1, Registered, 1, "USERHOST <nick> [<nick> ...]", "Ask for user and host of up to five";
    "USERIP" query::userip, 1, Registered, 1, "USERIP <nick> [<nick> ...]", "Ask for user and address of up to five";
    "VERSION" server::version, 0, Registered, 1, "VERSION [server]", "Show the server's version and 005";
    "WALLOPS" oper::wallops, 1, Registered[WALLOPS], 1, "WALLOPS <text>", "Write to all users with mode w";
    "WEBIRC" webirc::webirc, 4, Unregistered, 1, "WEBIRC <password> <gateway> <host> <address> [options]",
        "Say whom a gateway speaks for";
    "WHO" who::who, 0, Registered, 3, "WHO [<channel|mask> [[flags][%fields[,token]]]]", "List users",
        "Flags: o for operators only; n u h i s a r for what the mask is held against: nick, user, host, address, server, account, \
         real name.",
        "Fields of the answer: t token, c channel, u user, i address, h host, s server, n nick, f flags, d distance, l idle \
         seconds, a account, o rank, r real name.";
    "WHOIS" whois::whois, 0, Registered, 2, "WHOIS [server] <nick>[,...]", "Show what is known of users";
    "WHOWAS" whowas::whowas, 0, Registered, 2, "WHOWAS <nick> [count]", "Show who had a nick before";
}

/// Bytes of the longest name that a [`key`] can be of.
const NAME: usize = 15;

/// The keys of all names, in the order of the table.
const KEYS: [u128; TABLE.len()] = {
    let mut keys = [0; TABLE.len()];
    let mut index = 0;
    while index < keys.len() {
        keys[index] = key(TABLE[index].name.as_bytes()).expect("no name is longer");
        index += 1;
    }
    keys
};

/// A name as a number, whatever its case: numbers are compared at once. `None` if it is too long to be one.
const fn key(name: &[u8]) -> Option<u128> {
    let mut bytes = [0; NAME + 1];
    if name.len() > NAME {
        return None;
    }
    bytes.split_at_mut(name.len()).0.copy_from_slice(name);
    // What is behind the name and could be of a longer one.
    bytes[NAME] = name.len() as u8;
    Some(fold_bytes(bytes))
}

/// Bits of the place in [`PLACES`] at which a command is looked for first.
const PLACE_BITS: u32 = 8;

/// The commands by a hash of their keys: places in the table, counted from 1. Each is at the first free place from that of
/// its hash on.
const PLACES: [u8; 1 << PLACE_BITS] = {
    assert!(TABLE.len() < 1 << (PLACE_BITS - 1), "a look-up ends soon");
    let mut places = [0; 1 << PLACE_BITS];
    let mut index = 0;
    while index < KEYS.len() {
        let mut place = hash(KEYS[index]);
        while places[place] != 0 {
            place = (place + 1) % places.len();
        }
        index += 1;
        places[place] = index as u8;
    }
    places
};

const fn hash(key: u128) -> usize {
    let halves = (key >> 64) as u64 ^ key as u64;
    (halves.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - PLACE_BITS)) as usize
}

/// The place of a command in the table.
fn place(name: &str) -> Option<usize> {
    let key = key(name.as_bytes())?;
    let mut place = hash(key);
    loop {
        let index = usize::from(PLACES[place]).checked_sub(1)?;
        if KEYS[index] == key {
            return Some(index);
        }
        place = (place + 1) % PLACES.len();
    }
}

fn find(name: &str) -> Option<&'static Command> {
    place(name).map(|index| &TABLE[index])
}

/// Handles a line of the client.
pub(super) fn dispatch(c: &mut Ctx<'_>, line: &[u8]) {
    count(c);
    let (tags, rest) = line.split_at(tags_length(line));
    let label = label(tags);
    let response = Response::wanted(c, label.as_deref());
    c.respond(response, |c| handle(c, line, tags, rest));
}

/// The label of a line whose tags are `tags`, from `@` to the space (IRCv3 labeled-response). Also of a line that is refused;
/// but not one that could not be given back as it was.
fn label(tags: &[u8]) -> Option<String> {
    let tags = tags.strip_prefix(b"@")?;
    let tags = std::str::from_utf8(tags).ok()?;
    let (_, label) = Tags(tags.trim_end_matches(' ')).iter().filter(|(name, _)| *name == "label").last()?;
    (!label.contains(['\0', '\r'])).then(|| label.to_owned())
}

fn handle(c: &mut Ctx<'_>, line: &[u8], tags: &[u8], rest: &[u8]) {
    let text = read(c, line, tags, rest);
    let message = text.as_ref().ok().and_then(|text| Message::parse(text));
    let found = message.as_ref().and_then(|message| place(message.command));
    let command = found.map(|index| &TABLE[index]);
    charge(c, command.map_or(1, |command| command.cost));
    if let Some(index) = found {
        c.server.used[index] += 1;
    }
    if text.is_err() {
        multiline::missed(c);
    }
    if let Some(message) = &message
        && !multiline::collects(c, message, command.map_or("", |command| command.name))
        && let Err(reply) = run(c, command, message)
    {
        c.server.effort.add(effort::REFUSAL);
        c.refuse(&reply);
    }
}

/// A line that has been refused, and why has been said.
struct Refused;

/// A line as text, if it may be one.
fn read<'a>(c: &mut Ctx<'_>, line: &'a [u8], tags: &[u8], rest: &[u8]) -> Result<&'a str, Refused> {
    if tags.len() > CLIENT_TAGS || rest.len() > LINE - 2 {
        c.reply(numeric::err_inputtoolong());
    } else if let Ok(text) = std::str::from_utf8(line) {
        if memchr::memchr2(b'\0', b'\r', line).is_none() {
            return Ok(text);
        }
        c.fail("*", "INVALID_MESSAGE", "A message must not contain NUL or CR");
    } else {
        // IRCv3 utf8-only. The command is named where it can be read.
        let command = command_word(rest).and_then(find).map_or("*", |it| it.name);
        c.fail(command, "INVALID_UTF8", "Message rejected, it is not valid UTF-8");
    }
    c.server.effort.add(effort::REFUSAL);
    Err(Refused)
}

/// The command of a line that is no text as a whole, if that is one. `rest` is what follows the tags.
fn command_word(rest: &[u8]) -> Option<&str> {
    let mut words = rest.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
    let word = words.next().filter(|word| word[0] != b':').or_else(|| words.next())?;
    std::str::from_utf8(word).ok()
}

/// A line that was too long to be kept.
pub(super) fn oversized(c: &mut Ctx<'_>) {
    count(c);
    charge(c, 1);
    c.server.effort.add(effort::REFUSAL);
    c.reply(numeric::err_inputtoolong());
    multiline::missed(c);
}

/// Bytes that are no message. They do not count as one, nor as a sign of life.
pub(super) fn noise(c: &mut Ctx<'_>) {
    charge(c, 1);
}

/// The bytes from `@` up to the space after the tags; 0 where there are none.
fn tags_length(line: &[u8]) -> usize {
    if line.first() != Some(&b'@') {
        return 0;
    }
    memchr::memchr(b' ', line).map_or(line.len(), |space| space + 1)
}

fn count(c: &mut Ctx<'_>) {
    c.server.stats.messages_in += 1;
    let now = c.server.now.mono_ms;
    let client = c.client_mut();
    client.messages_in += 1;
    client.heard(now);
    client.lines.count();
}

/// Takes what the command costs, before it runs: a client that is gone afterwards owes nothing.
fn charge(c: &mut Ctx<'_>, cost: u32) {
    if c.server.privileges(c.me).has(Privileges::FLOOD) {
        return;
    }
    let Server { clients, classes, now, .. } = &mut *c.server;
    let Some(client) = clients[c.me as usize].as_deref_mut() else { return };
    let class = classes.at(client.class);
    let ready_at = client.throttle.charge(now.mono_ms, cost, class.flood_burst, class.flood_rate);
    if let Some(ready_at) = ready_at {
        c.arm(Kind::Throttle, ready_at);
        note_flood(c);
    }
}

/// Tells operators that the client is slowed down, once in a while.
fn note_flood(c: &mut Ctx<'_>) {
    let (now, client) = (c.server.now.mono_ms, c.client_mut());
    let told = std::mem::replace(&mut client.flooded_ms, NonZeroU64::new(now));
    let Some(mask) = client.user().map(|user| user.mask.to_string()) else { return };
    let client = client.id;
    if told.is_none_or(|before| now >= before.get() + FLOOD_QUIET_MS) {
        c.event(Event::Flooding { client, mask });
    }
}

fn run(c: &mut Ctx<'_>, command: Option<&'static Command>, message: &Message<'_>) -> Outcome {
    let registered = c.client().user().is_some();
    let Some(command) = command else {
        return Err(numeric::err_unknowncommand(message.command).into());
    };
    match command.who {
        Who::Registered if !registered => return Err(numeric::err_notregistered().into()),
        Who::Unregistered if registered => return Err(numeric::err_alreadyregistered().into()),
        _ => {}
    }
    if let Some(privilege) = command.privilege {
        policy::privileged(c, privilege)?;
    }
    if message.params().len() < command.min {
        return Err(numeric::err_needmoreparams(command.name).into());
    }
    (command.run)(c, message)
}

/// Whether a comma list has nothing in it.
fn names_nothing(list: &str) -> bool {
    list.bytes().all(|byte| byte == b',')
}

/// Refuses a comma list with nothing in it, as though it were not there.
fn must_name(command: &str, list: &str) -> Outcome {
    if names_nothing(list) { Err(numeric::err_needmoreparams(command).into()) } else { Ok(()) }
}

/// The targets of a comma list, and the first of those beyond the limit. Each after the first costs as much as a command.
fn targets<'a>(c: &mut Ctx<'_>, list: &'a str) -> (Vec<&'a str>, Option<&'a str>) {
    let most = c.server.config.limits.targets as usize;
    let mut all = list.split(',').filter(|target| !target.is_empty());
    let targets: Vec<&str> = all.by_ref().take(most).collect();
    charge(c, targets.len().saturating_sub(1) as u32);
    (targets, all.next())
}

/// Answers the first target beyond the limit.
fn too_many(c: &mut Ctx<'_>, beyond: Option<&str>) {
    if let Some(target) = beyond {
        let most = c.server.config.limits.targets;
        c.reply(numeric::err_toomanytargets(target, most));
    }
}

/// Runs `each` for every target of a comma list; what it refuses, and targets beyond the limit, are answered. When it takes
/// long, the client waits, and others have their turn between two targets: what was found for the command may be gone then.
fn for_targets(c: &mut Ctx<'_>, list: &str, each: impl FnMut(&mut Ctx<'_>, &str) -> Outcome + 'static) {
    for_targets_then(c, list, each, |_| {});
}

/// The same, with something to be said at the end.
fn for_targets_then(
    c: &mut Ctx<'_>,
    list: &str,
    mut each: impl FnMut(&mut Ctx<'_>, &str) -> Outcome + 'static,
    end: impl Fn(&mut Ctx<'_>) + 'static,
) {
    // As nearly always: no list is made of one.
    if is_one(list) {
        if let Err(reply) = each(c, list) {
            c.refuse(&reply);
        }
        return end(c);
    }
    let (targets, beyond) = targets(c, list);
    let beyond = beyond.map(str::to_owned);
    go_through(c, &targets, each, move |c| {
        too_many(c, beyond.as_deref());
        end(c);
    });
}

/// Runs `each` for all targets and then `end`.
fn go_through(
    c: &mut Ctx<'_>,
    targets: &[&str],
    mut each: impl FnMut(&mut Ctx<'_>, &str) -> Outcome + 'static,
    end: impl Fn(&mut Ctx<'_>) + 'static,
) {
    let mut rest: Vec<String> = targets.iter().rev().map(|&target| target.to_owned()).collect();
    c.in_steps(move |c| {
        let Some(target) = rest.pop() else {
            end(c);
            return false;
        };
        if let Err(reply) = each(c, &target) {
            c.refuse(&reply);
        }
        true
    });
}

/// Whether a comma list is of one target.
fn is_one(list: &str) -> bool {
    !list.is_empty() && !list.as_bytes().contains(&b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_each_row_is_whole() {
        assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
        for command in TABLE {
            assert!(find(&command.name.to_lowercase()).is_some_and(|it| it.name == command.name));
            for other in
                [format!("{}\0", command.name), format!("{}X", command.name), command.name[1..].into()]
            {
                assert!(find(&other).is_none_or(|it| it.name == other), "{other:?}");
            }
            assert!(command.help.0.contains(command.name) && !command.help.1.is_empty(), "{}", command.name);
        }
    }

    #[test]
    fn tags_end_with_the_space_behind_them() {
        assert_eq!(tags_length(b"PING a"), 0);
        assert_eq!(tags_length(b"@a=b PING"), 5);
        assert_eq!(tags_length(b"@a"), 2);
    }
}
