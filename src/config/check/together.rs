//! The rules about more than one setting, and more than one entry.

use std::collections::BTreeMap;

use std::net::SocketAddr;
use std::ops::Range;

use crate::config::field::{listed, quoted};
use crate::config::parse::Parsed;
use crate::config::repeated::{Key, REPEATED};
use crate::config::report::Lines;
use crate::config::settings::SETTINGS;
use crate::config::{Config, Endpoint, Problem};
use crate::suggest::closest;

/// Checks what was read. `incomplete` says that a part of the text could not be, so that what is missing may be there
/// after all.
pub(in crate::config) fn together(parsed: &mut Parsed, lines: &Lines, incomplete: bool) {
    settings(parsed, lines);
    for key in REPEATED.iter().flat_map(|section| section.keys) {
        if key.unique {
            once(parsed, lines, key);
        }
        not_both(parsed, lines, key);
    }
    listeners(parsed, lines);
    if !incomplete {
        reserves(parsed);
        unreachable_classes(parsed, lines);
        class_listeners(parsed);
        oper_classes(parsed);
    }
}

fn settings(parsed: &mut Parsed, lines: &Lines) {
    if let (Some(text), Some(file)) = (parsed.span("server.motd"), parsed.span("server.motd_file")) {
        both(parsed, lines, ("motd", text), ("motd_file", file));
    }
    if let (Some(admin), Some(monitor)) = (parsed.span("admin.socket"), parsed.span("monitor.socket"))
        && parsed.config.admin.socket == parsed.config.monitor.socket
    {
        let line = lines.number(admin.start);
        let message = format!("`monitor.socket` is the admin socket of line {line}");
        parsed.problems.push(Problem::error(monitor, message).help("such as \"/run/chatd/monitor.sock\""));
    }
    for (setting, other) in SETTINGS.iter().filter_map(|it| Some((it, it.instead?))) {
        let file = SETTINGS.iter().find(|it| it.section() == setting.section() && it.key() == other);
        let spans = (parsed.span(setting.name), file.and_then(|file| parsed.span(file.name)));
        if let (Some(one), Some(two)) = spans {
            both(parsed, lines, (setting.key(), one), (other, two));
        }
    }
    if let (Some(group), None) = (parsed.span("daemon.group"), parsed.span("daemon.user")) {
        let problem = Problem::error(group, "`daemon.group` is given without `daemon.user`");
        parsed.problems.push(problem.help("set `user` as well, or `user` alone to have its main group"));
    }
    if let (Some(modes), None) = (parsed.span("users.default_modes"), &parsed.config.cloak.key)
        && parsed.config.users.default_modes.contains('x')
        && parsed.span("cloak.key").is_none()
        && parsed.span("cloak.key_file").is_none()
    {
        let problem = Problem::error(modes, "`users.default_modes` has `x`, but there is no `cloak.key`");
        parsed.problems.push(problem.help("set `key` in [cloak], or take the x away"));
    }
}

/// No two entries have the same value of `key`, whatever the case of letters.
fn once(parsed: &mut Parsed, lines: &Lines, key: &Key) {
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for (entry, span) in parsed.spans_of(key.name) {
        let Some(value) = key.show(&parsed.config, entry) else { continue };
        if let Some(offset) = first.get(&value.to_ascii_lowercase()) {
            let line = lines.number(*offset);
            let message = format!("`{}` is {value} a second time, first in line {line}", key.name);
            parsed.problems.push(Problem::error(span, message));
        } else {
            first.insert(value.to_ascii_lowercase(), span.start);
        }
    }
}

/// No entry has a key and the one that stands in its place.
fn not_both(parsed: &mut Parsed, lines: &Lines, key: &Key) {
    let section = REPEATED.iter().find(|section| section.keys.iter().any(|it| it.name == key.name));
    let instead = section.into_iter().flat_map(|section| section.keys);
    let Some(instead) = instead.clone().find(|it| Some(it.key()) == key.instead) else { return };
    for (entry, one) in parsed.spans_of(key.name) {
        let others = parsed.spans_of(instead.name);
        let Some((_, other)) = others.into_iter().find(|(number, _)| *number == entry) else { continue };
        both(parsed, lines, (key.key(), one), (instead.key(), other));
    }
}

/// Complains of two keys of which only one may be given.
fn both(parsed: &mut Parsed, lines: &Lines, a: (&str, Range<usize>), b: (&str, Range<usize>)) {
    let (first, second) = if a.1.start < b.1.start { (&a, &b) } else { (&b, &a) };
    let line = lines.number(first.1.start);
    let message = format!("`{}` and `{}` are both given, the other in line {line}", a.0, b.0);
    parsed.problems.push(Problem::error(second.1.clone(), message).help("keep one of them"));
}

/// Whether two listening sockets cannot have these addresses at the same time. Port 0 is never the same.
fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    let any = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && a.port() != 0 && a.is_ipv4() == b.is_ipv4() && (a == b || any)
}

fn listeners(parsed: &mut Parsed, lines: &Lines) {
    let mut taken: Vec<(SocketAddr, usize)> = Vec::new();
    for (entry, span) in parsed.spans_of("listen.address") {
        let Some(address) = parsed.config.listen[entry].address.address() else { continue };
        let Some((other, offset)) = taken.iter().find(|(other, _)| collide(*other, address)) else {
            taken.push((address, span.start));
            continue;
        };
        let line = lines.number(*offset);
        let message = if *other == address {
            format!("{address} is given twice, first in line {line}")
        } else {
            format!("{address} cannot be had beside {other} in line {line}")
        };
        parsed.problems.push(Problem::error(span, message));
    }
    let mut named: Vec<(Endpoint, usize)> = Vec::new();
    for (entry, span) in parsed.spans_of("listen.socket") {
        let socket = &parsed.config.listen[entry].address;
        let Some((_, offset)) = named.iter().find(|(other, _)| other == socket) else {
            named.push((socket.clone(), span.start));
            continue;
        };
        let line = lines.number(*offset);
        let message =
            format!("`{socket}` is given twice, first in line {line}: all sockets of that name are taken");
        parsed.problems.push(Problem::error(span, message));
    }
}

/// Classes are of listeners that there are.
fn class_listeners(parsed: &mut Parsed) {
    let Config { listen, class, .. } = &parsed.config;
    let refused = |entry| parsed.refused("listen.address", entry) || parsed.refused("listen.socket", entry);
    if (0..listen.len()).any(refused) {
        return;
    }
    let mut problems = Vec::new();
    for (entry, span) in parsed.spans_of("class.listeners") {
        let wanted = class[entry].listeners.iter();
        let missing = wanted.filter(|wanted| listen.iter().all(|it| it.address != **wanted));
        for address in missing {
            let message = format!("`class.listeners` has {address}, on which chatd does not listen");
            let all = listed(listen.iter().map(|it| it.address.to_string()));
            problems.push(Problem::error(span.clone(), message).help(format!("it listens on {all}")));
        }
    }
    parsed.problems.append(&mut problems);
}

/// A class behind one that everybody is in.
fn unreachable_classes(parsed: &mut Parsed, lines: &Lines) {
    let everybody = |entry: usize| {
        let class = &parsed.config.class[entry];
        let refused = |key| parsed.refused(key, entry);
        class.networks.is_empty()
            && class.listeners.is_empty()
            && class.password.is_none()
            && class.password_file.is_none()
            && !["class.networks", "class.listeners", "class.password", "class.password_file"]
                .into_iter()
                .any(refused)
    };
    let heads = parsed.heads_of("class");
    let Some(at) = heads.iter().position(|(entry, _)| everybody(*entry)) else { return };
    let Some((_, next)) = heads.get(at + 1) else { return };
    let line = lines.number(heads[at].1.start);
    let message = format!("nobody can be in this [[class]]: the one in line {line} is everybody's");
    parsed
        .problems
        .push(Problem::warning(next.clone(), message).help("the first class that fits is a client's"));
}

fn reserves(parsed: &mut Parsed) {
    let empty = |entry: usize| {
        let reserve = &parsed.config.reserve[entry];
        let refused = |key| parsed.refused(key, entry);
        reserve.nicks.is_empty()
            && reserve.channels.is_empty()
            && !["reserve.nicks", "reserve.channels"].into_iter().any(refused)
    };
    let bare: Vec<Range<usize>> = parsed
        .heads_of("reserve")
        .into_iter()
        .filter(|(entry, _)| empty(*entry))
        .map(|(_, head)| head)
        .collect();
    for head in bare {
        let problem = Problem::error(head, "this [[reserve]] has neither `nicks` nor `channels`");
        parsed.problems.push(problem.help("such as: nicks = [\"*Serv\"]"));
    }
}

/// Operators are of classes that there are.
fn oper_classes(parsed: &mut Parsed) {
    let Config { oper, oper_class, .. } = &parsed.config;
    if (0..oper_class.len()).any(|entry| parsed.refused("oper_class.name", entry)) {
        return;
    }
    let mut problems = Vec::new();
    for (entry, span) in parsed.spans_of("oper.class") {
        let wanted = oper[entry].class.as_str();
        let mut names = oper_class.iter().map(|class| class.name.as_str()).filter(|name| !name.is_empty());
        if names.clone().any(|name| name == wanted) {
            continue;
        }
        let message = format!("there is no [[oper_class]] with the name {}", quoted(wanted));
        let help = match closest(wanted, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.next().is_none() => {
                "add one, with the privileges that the operator is to have".to_owned()
            }
            None => "oper.class is the name of an [[oper_class]] of this file".to_owned(),
        };
        problems.push(Problem::error(span, message).help(help));
    }
    parsed.problems.append(&mut problems);
}
