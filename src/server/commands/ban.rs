//! Bans from the server: KLINE, UNKLINE, DLINE, UNDLINE.

use super::super::Event;
use super::super::bans::{Ban, BanError, BanKind};
use super::super::ctx::Ctx;
use super::Outcome;
use crate::proto::duration::{self, Shown};
use crate::proto::limits::BAN_REASON;
use crate::proto::message::Message;
use crate::proto::names;
use crate::proto::numeric;
use crate::proto::text::truncate;

/// `KLINE [duration] <user@host> <reason>`
pub(super) fn kline(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    set(c, "KLINE", BanKind::User, m.params())
}

/// `DLINE [duration] <address|network> <reason>`
pub(super) fn dline(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    set(c, "DLINE", BanKind::Address, m.params())
}

/// `UNKLINE <user@host>`
pub(super) fn unkline(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    unset(c, "UNKLINE", BanKind::User, m.params());
    Ok(())
}

/// `UNDLINE <address|network>`
pub(super) fn undline(c: &mut Ctx<'_>, m: &Message<'_>) -> Outcome {
    unset(c, "UNDLINE", BanKind::Address, m.params());
    Ok(())
}

/// Says that there is no other server to do it on; true if one was named.
fn names_a_server(c: &mut Ctx<'_>, command: &str, word: Option<&&str>) -> bool {
    let named = word.is_some_and(|word| names::same(word, "ON"));
    if named {
        c.fail(command, "UNSUPPORTED", "ON is not known here: this network is one server");
    }
    named
}

fn fail(c: &mut Ctx<'_>, command: &str, error: &BanError) {
    c.fail(command, error.code(), &error.to_string());
}

fn set(c: &mut Ctx<'_>, command: &'static str, kind: BanKind, params: &[&str]) -> Outcome {
    let (seconds, params) = match params.split_first() {
        Some((first, rest)) if duration::parse(first).is_some() => (duration::parse(first), rest),
        _ => (None, params),
    };
    let seconds = seconds.filter(|&seconds| seconds > 0);
    if names_a_server(c, command, params.get(1)) {
        return Ok(());
    }
    let reason = params.get(1).filter(|reason| !reason.is_empty());
    let (Some(mask), Some(reason)) = (params.first(), reason) else {
        return Err(numeric::err_needmoreparams(command).into());
    };
    let now = c.server.now.unix_ms;
    let ban = Ban {
        kind,
        mask: (*mask).to_owned(),
        reason: truncate(reason, BAN_REASON).to_owned(),
        by: c.mask().to_string(),
        set_unix_ms: now,
        expires_unix_ms: seconds.map(|seconds| now + seconds * 1000),
    };
    let ban = match c.server.set_ban(ban) {
        Ok(ban) => ban,
        Err(error) => {
            fail(c, command, &error);
            return Ok(());
        }
    };
    c.event(Event::BanSet(ban.clone()));
    let (name, mask) = (kind.name(), ban.mask);
    let length = seconds.map_or_else(String::new, |seconds| format!(" for {}", Shown(seconds)));
    c.save(move |c, outcome| match outcome {
        Ok(()) => c.notice(format_args!("*** The {name} of {mask} is set{length}: {}", ban.reason)),
        Err(problem) => c.notice(format_args!(
            "*** The {name} of {mask} is in force{length}, but a restart will forget it: {problem}"
        )),
    });
    Ok(())
}

fn unset(c: &mut Ctx<'_>, command: &'static str, kind: BanKind, params: &[&str]) {
    if names_a_server(c, command, params.get(1)) {
        return;
    }
    let ban = match c.server.unset_ban(kind, params[0]) {
        Ok(ban) => ban,
        Err(error) => return fail(c, command, &error),
    };
    let (name, mask) = (kind.name(), ban.mask);
    c.event(Event::BanUnset { kind, mask: mask.clone(), by: c.mask().to_string() });
    c.save(move |c, outcome| match outcome {
        Ok(()) => c.notice(format_args!("*** The {name} of {mask} is taken away")),
        Err(problem) => c.notice(format_args!(
            "*** The {name} of {mask} is taken away, but a restart will bring it back: {problem}"
        )),
    });
}
