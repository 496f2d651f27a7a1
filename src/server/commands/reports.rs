//! The reports of STATS that show the configuration, and what operators have added to it: one item at a time.

use std::fmt::Display;

use super::super::bans::BanKind;
use super::super::ctx::Ctx;
use super::stats::Cursor;
use crate::config::Class;
use crate::proto::duration::Shown;
use crate::proto::hostmask::{Host, HostMask};
use crate::proto::numeric;

/// What stands for anything where there is a choice.
const ANY: &str = "*";

/// A word that is no last parameter, and must not look like one: of IPv6 addresses, some begin with a colon.
fn word(word: impl Display) -> String {
    let text = word.to_string();
    if text.starts_with(':') { format!("0{text}") } else { text }
}

/// One of a list, or what stands for anything if the list is empty.
fn one_of<T: Display>(list: &[T], number: usize) -> String {
    list.get(number).map_or_else(|| ANY.to_owned(), word)
}

/// The number of an item among `counts` of several lists: which list, and the number in it.
fn among(mut number: usize, counts: impl Iterator<Item = usize>) -> Option<(usize, usize)> {
    for (index, count) in counts.enumerate() {
        if number < count {
            return Some((index, number));
        }
        number -= count;
    }
    None
}

/// 216 and 225: the bans of the configuration, and then those that operators have set.
pub(super) fn ban(c: &mut Ctx<'_>, at: &mut Cursor, kind: BanKind) -> bool {
    let Some((place, ban)) = c.server.ban_from(*at as u64) else { return false };
    *at = place as usize + 1;
    // What was set was read before.
    let Some(mask) = ban.mask.parse::<HostMask>().ok().filter(|_| ban.kind == kind) else { return true };
    let left = ban.expires_unix_ms.map(|end| Shown(end.saturating_sub(c.server.now.unix_ms) / 1000));
    let left = left.map_or_else(String::new, |left| format!(", for {left} more"));
    let origin =
        ban.set.map_or_else(|| "in the configuration".to_owned(), |(by, _)| format!("by {by}{left}"));
    show_ban(c, ban.expires_unix_ms.is_none(), kind, &mask, format_args!("{} ({origin})", ban.reason));
    true
}

fn show_ban(c: &mut Ctx<'_>, lasting: bool, kind: BanKind, mask: &HostMask, reason: impl Display) {
    let host = match &mask.host {
        Host::Network(network) => word(network),
        Host::Mask(host) => word(host),
    };
    match kind {
        BanKind::User => {
            let letter = if lasting { 'K' } else { 'k' };
            c.reply(numeric::rpl_statskline(letter, host, &mask.user, reason));
        }
        BanKind::Address => {
            c.reply(numeric::rpl_statsdline(if lasting { 'D' } else { 'd' }, host, reason));
        }
    }
}

/// 225: networks of classes that are exempt from something, and those that the panic switch lets in.
pub(super) fn exemption(c: &mut Ctx<'_>, at: &mut Cursor) -> bool {
    let config = c.config();
    let exempt: Vec<&Class> = config.class.iter().filter(|class| !class.exempt.is_empty()).collect();
    let counts = exempt.iter().map(|class| class.networks.len().max(1));
    let listed = &config.lockdown.networks;
    let Some((list, number)) = among(*at, counts.chain([listed.len()])) else { return false };
    *at += 1;
    if let Some(class) = exempt.get(list) {
        let what: Vec<_> = class.exempt.names().collect();
        let what = format_args!("{} (class {})", what.join(", "), class.name);
        c.reply(numeric::rpl_statsdline('e', one_of(&class.networks, number), what));
    } else {
        c.reply(numeric::rpl_statsdline('e', word(listed[number]), "lockdown"));
    }
    true
}

/// 249: filters in the order in which they judge.
pub(super) fn filter(c: &mut Ctx<'_>, at: &mut Cursor) -> bool {
    let Some((filter, configured)) = c.server.filters().nth(*at) else { return false };
    *at += 1;
    let on: Vec<_> = filter.on.names().collect();
    let origin = if configured { " (in the configuration)" } else { "" };
    let line =
        format!("{} {} {}{origin}: {}", filter.name, filter.action.name(), on.join(","), filter.pattern);
    c.reply(numeric::rpl_statsdebug(line));
    true
}

/// 215: each class, by network and listener.
pub(super) fn entrance(c: &mut Ctx<'_>, at: &mut Cursor) -> bool {
    let config = c.config();
    let counts = config.class.iter().map(|class| class.networks.len().max(1) * class.listeners.len().max(1));
    // Everybody else comes from anywhere.
    let Some((index, number)) = among(*at, counts.chain([1])) else { return false };
    *at += 1;
    let Some(class) = config.class.get(index) else {
        c.reply(numeric::rpl_statsiline(ANY, ANY, "*@*", ANY, Class::DEFAULT));
        return true;
    };
    let listeners = class.listeners.len().max(1);
    let network = one_of(&class.networks, number / listeners);
    let listener = one_of(&class.listeners, number % listeners);
    let password = if class.password.is_some() { "password" } else { ANY };
    let mask = format!("*@{network}");
    c.reply(numeric::rpl_statsiline(network, password, mask, listener, &class.name));
    true
}

/// 218: what holds in each class.
pub(super) fn class(c: &mut Ctx<'_>, at: &mut Cursor) -> bool {
    let most = c.server.config.limits.connections;
    let Some(class) = c.server.classes.iter().nth(*at) else { return false };
    *at += 1;
    let (ping, most) = (class.ping_interval_ms / 1000, class.connections.unwrap_or(most));
    let (name, each, now) = (class.name.clone(), class.connections_per_address, class.members);
    let send_queue = class.send_queue;
    c.reply(numeric::rpl_statsyline(name, ping, each, most, send_queue, now));
    true
}

/// 243: operators of the configuration, by mask. Their hashes are nobody's business.
pub(super) fn operator(c: &mut Ctx<'_>, at: &mut Cursor) -> bool {
    let config = c.config();
    let counts = config.oper.iter().map(|oper| oper.masks.len().max(1));
    let Some((index, number)) = among(*at, counts) else { return false };
    *at += 1;
    let oper = &config.oper[index];
    let class = config.oper_class.iter().find(|class| class.name == oper.class);
    let names: Vec<_> = class.into_iter().flat_map(|class| class.privileges.names()).collect();
    let mask = oper.masks.get(number).map_or_else(|| "*@*".to_owned(), word);
    c.reply(numeric::rpl_statsoline(mask, &oper.name, &oper.class, names.join(", ")));
    true
}

/// 217: reserved nicks and channels.
pub(super) fn reserved(c: &mut Ctx<'_>, at: &mut Cursor) -> bool {
    let config = c.config();
    let counts = config.reserve.iter().map(|reserve| reserve.nicks.len() + reserve.channels.len());
    let Some((index, number)) = among(*at, counts) else { return false };
    *at += 1;
    let reserve = &config.reserve[index];
    let mask = reserve.nicks.iter().chain(&reserve.channels).nth(number);
    c.reply(numeric::rpl_statsqline(mask.map_or(ANY, String::as_str), &reserve.reason));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_found_among_several_lists() {
        let all: Vec<_> = (0..5).map_while(|number| among(number, [1, 0, 2].into_iter())).collect();
        assert_eq!(all, [(0, 0), (2, 0), (2, 1)]);
    }

    #[test]
    fn no_word_looks_like_a_last_parameter() {
        assert_eq!((word("::1"), word("10.0.0.1")), ("0::1".to_owned(), "10.0.0.1".to_owned()));
        assert_eq!((one_of::<String>(&[], 0), one_of(&["::1"], 0)), ("*".to_owned(), "0::1".to_owned()));
    }
}
