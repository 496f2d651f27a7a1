//! Questions about the server, and the greeting.

use super::super::VERSION;
use super::super::ctx::Ctx;
use super::super::greeting::Greeting;
use super::Outcome;
use super::mode::tell_modes;
use crate::proto::caps::Caps;
use crate::proto::mask;
use crate::proto::message::Message;
use crate::proto::numeric::{self, Reply};
use crate::proto::text::Iso;

/// What a new user is told: 001 to 005, LUSERS, MOTD (Modern IRC, "Connection Registration").
pub(in super::super) fn greet(c: &mut Ctx<'_>) {
    let config = c.config();
    let server = &config.server.name;
    let mask = c.mask();
    let greeting = c.server.greeting.clone();
    let Greeting { user_modes, channel_modes, with_parameter, .. } = &*greeting;
    c.reply(numeric::rpl_welcome(&config.server.network, mask));
    c.reply(numeric::rpl_yourhost(server, VERSION));
    c.reply(numeric::rpl_created(Iso(c.server.started_unix_ms)));
    c.reply(numeric::rpl_myinfo(server, VERSION, user_modes, channel_modes, with_parameter));
    show_isupport(c);
    show_lusers(c);
    show_motd(c);
    if c.user().modes != 0 {
        tell_modes(c, 0);
    }
    if c.client().host() != &*c.client().real_host {
        let host = c.client().host().to_owned();
        c.reply(numeric::rpl_visiblehost(host));
    }
}

fn show_isupport(c: &mut Ctx<'_>) {
    let greeting = c.server.greeting.clone();
    say_isupport(c, &greeting.isupport);
}

fn say_isupport(c: &mut Ctx<'_>, lines: &[String]) {
    let say = |c: &mut Ctx<'_>| {
        for line in lines {
            c.reply(numeric::rpl_isupport(line));
        }
    };
    if c.client().caps.has(Caps::EXTENDED_ISUPPORT) {
        c.batched("draft/isupport", say);
    } else {
        say(c);
    }
}

/// Tells a client of changes to 005, in lines of it, if it has been told of 005 or may have been.
pub(in super::super) fn isupport_changed(c: &mut Ctx<'_>, lines: &[String]) {
    let known = c.client().user().is_some() || c.client().caps.has(Caps::EXTENDED_ISUPPORT);
    if known && !lines.is_empty() {
        say_isupport(c, lines);
    }
}

/// `ISUPPORT` (IRCv3 draft/extended-isupport): before registration for those who negotiated it.
pub(super) fn isupport(c: &mut Ctx<'_>, _: &Message<'_>) -> Outcome {
    if c.client().user().is_none() && !c.client().caps.has(Caps::EXTENDED_ISUPPORT) {
        return Err(numeric::err_notregistered().into());
    }
    show_isupport(c);
    Ok(())
}

fn show_lusers(c: &mut Ctx<'_>) {
    let stats = c.server.stats.clone();
    let most = c.server.most_users;
    let (invisible, operators) = (c.server.invisible, c.server.operators.len());
    c.reply(numeric::rpl_luserclient(stats.users - invisible, invisible));
    c.reply(numeric::rpl_luserop(operators));
    c.reply(numeric::rpl_luserunknown(stats.connections - stats.users));
    c.reply(numeric::rpl_luserchannels(stats.channels));
    c.reply(numeric::rpl_luserme(stats.users));
    c.reply(numeric::rpl_localusers(stats.users, most));
    c.reply(numeric::rpl_globalusers(stats.users, most));
}

fn show_motd(c: &mut Ctx<'_>) {
    let config = c.config();
    if config.server.motd.is_empty() {
        c.reply(numeric::err_nomotd());
        return;
    }
    c.reply(numeric::rpl_motdstart(&config.server.name));
    for line in &config.server.motd {
        c.reply(numeric::rpl_motd(line));
    }
    c.reply(numeric::rpl_endofmotd());
}

/// What chatd is, in a line.
const ABOUT: &str = env!("CARGO_PKG_DESCRIPTION");
/// On which terms.
const LICENSE: &str = concat!("Licensed under ", env!("CARGO_PKG_LICENSE"));

/// A server that is named must be this one, by name, by mask, or by a user on it.
pub(super) fn must_be_me(c: &Ctx<'_>, named: Option<&str>) -> Outcome {
    let Some(named) = named.filter(|named| !named.is_empty()) else { return Ok(()) };
    if mask::matches(named, &c.server.config.server.name) || c.find_user(named).is_ok() {
        Ok(())
    } else {
        Err(Reply::from(numeric::err_nosuchserver(named)))
    }
}

/// `MOTD [server]`
pub(super) fn motd(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    must_be_me(c, m.get(0))?;
    show_motd(c);
    Ok(())
}

/// `LUSERS [mask [server]]`
pub(super) fn lusers(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    must_be_me(c, m.get(1).or(m.get(0)))?;
    show_lusers(c);
    Ok(())
}

/// `VERSION [server]`
pub(super) fn version(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    must_be_me(c, m.get(0))?;
    let config = c.config();
    c.reply(numeric::rpl_version(VERSION, &config.server.name, &config.server.description));
    show_isupport(c);
    Ok(())
}

/// `TIME [server]`
pub(super) fn time(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    must_be_me(c, m.get(0))?;
    let config = c.config();
    c.reply(numeric::rpl_time(&config.server.name, Iso(c.server.now.unix_ms)));
    Ok(())
}

/// `INFO [server]`
pub(super) fn info(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    must_be_me(c, m.get(0))?;
    let config = c.config();
    let started = Iso(c.server.started_unix_ms);
    c.reply(numeric::rpl_info(VERSION));
    c.reply(numeric::rpl_info(ABOUT));
    c.reply(numeric::rpl_info(LICENSE));
    c.reply(numeric::rpl_info(format_args!("{}: {}", config.server.name, config.server.description)));
    c.reply(numeric::rpl_info(format_args!("Running since {started}")));
    c.reply(numeric::rpl_endofinfo());
    Ok(())
}

/// `LINKS [[server] mask]`
pub(super) fn links(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    must_be_me(c, m.get(1).and(m.get(0)))?;
    let wanted = m.get(1).or(m.get(0)).filter(|wanted| !wanted.is_empty()).unwrap_or("*");
    let config = c.config();
    let name = &config.server.name;
    if mask::matches(wanted, name) {
        c.reply(numeric::rpl_links(name, name, &config.server.description));
    }
    c.reply(numeric::rpl_endoflinks(wanted));
    Ok(())
}

/// `MAP`
pub(super) fn map(c: &mut Ctx<'_>, _: &Message<'_>) -> Outcome {
    let config = c.config();
    c.reply(numeric::rpl_map(&config.server.name, c.server.stats.users));
    c.reply(numeric::rpl_endofmap());
    Ok(())
}

/// `ADMIN [server]`
pub(super) fn admin(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    must_be_me(c, m.get(0))?;
    let config = c.config();
    let server = &config.server;
    if server.location.is_none() && server.organization.is_none() && server.contact.is_none() {
        return Err(numeric::err_noadmininfo(&server.name).into());
    }
    c.reply(numeric::rpl_adminme(&server.name));
    if let Some(location) = &server.location {
        c.reply(numeric::rpl_adminloc1(location));
    }
    if let Some(organization) = &server.organization {
        c.reply(numeric::rpl_adminloc2(organization));
    }
    if let Some(contact) = &server.contact {
        c.reply(numeric::rpl_adminemail(contact));
    }
    Ok(())
}
