//! Bans from the server: KLINE, UNKLINE, DLINE, UNDLINE.

use super::super::bans::{Ban, BanError, BanKind};
use super::super::ctx::Ctx;
use super::super::{Event, ban_mask, setting};
use super::Outcome;
use crate::proto::duration::{self, Shown};
use crate::proto::limits::BAN_REASON;
use crate::proto::message::Message;
use crate::proto::names;
use crate::proto::numeric::{self, Word};
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

/// Says that there is no other server to do it on; true if one was named, `ON <server>` after the mask. What follows that
/// begins with "on" may be a reason.
fn names_a_server(c: &mut Ctx<'_>, command: &str, after: &[&str], least: usize) -> bool {
    let named = after.len() >= least && after.first().is_some_and(|word| names::same(word, "ON"));
    if named {
        fail(c, command, "UNSUPPORTED", "ON", "ON is not known here: this network is one server");
    }
    named
}

/// Refuses what was asked for because of `word`, one of its parameters.
fn fail(c: &mut Ctx<'_>, command: &str, code: &str, word: &str, why: &str) {
    let word = truncate(word, setting::SHOWN);
    c.fail_about(command, code, format_args!("{}", Word(word)), why);
}

fn fail_ban(c: &mut Ctx<'_>, command: &str, mask: &str, error: &BanError) {
    fail(c, command, error.code(), mask, &error.to_string());
}

/// Whether the first parameter is meant as a length of time, but is none: it begins with a digit, is of letters and digits,
/// and a mask follows.
fn is_wrong_duration(kind: BanKind, params: &[&str]) -> bool {
    let [first, second, _, ..] = params else { return false };
    first.starts_with(|first: char| first.is_ascii_digit())
        && first.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && ban_mask::read(kind, first).is_err()
        && ban_mask::read(kind, second).is_ok()
}

fn set(c: &mut Ctx<'_>, command: &'static str, kind: BanKind, params: &[&str]) -> Outcome {
    let (seconds, params) = match params.split_first() {
        Some((first, rest)) if duration::parse(first).is_some() => (duration::parse(first), rest),
        _ => (None, params),
    };
    let seconds = seconds.filter(|&seconds| seconds > 0);
    if names_a_server(c, command, params.get(1..).unwrap_or_default(), 3) {
        return Ok(());
    }
    if is_wrong_duration(kind, params) {
        let why = "this is no length of time of at most 10 years, such as 12h, 1w3d or 90 (minutes)";
        fail(c, command, "INVALID_DURATION", params[0], why);
        return Ok(());
    }
    // A reason without a colon is as many parameters as it has words.
    let reason = params.get(1..).unwrap_or_default().join(" ");
    let (Some(mask), false) = (params.first(), reason.is_empty()) else {
        return Err(numeric::err_needmoreparams(command).into());
    };
    let now = c.server.now.unix_ms;
    let ban = Ban {
        kind,
        mask: (*mask).to_owned(),
        reason: truncate(&reason, BAN_REASON).to_owned(),
        by: c.mask().to_string(),
        set_unix_ms: now,
        expires_unix_ms: seconds.map(|seconds| now + seconds * 1000),
    };
    let ban = match c.server.set_ban(ban) {
        Ok(ban) => ban,
        Err(error) => {
            fail_ban(c, command, mask, &error);
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
    if names_a_server(c, command, params.get(1..).unwrap_or_default(), 1) {
        return;
    }
    let ban = match c.server.unset_ban(kind, params[0]) {
        Ok(ban) => ban,
        Err(error) => return fail_ban(c, command, params[0], &error),
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
