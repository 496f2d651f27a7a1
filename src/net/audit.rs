//! The audit: a record in the log for each request that changes something, with its caller and what came of it.

use std::fmt;

use log::{Level, LevelFilter};

use super::conn::Caller;
use crate::admin::{Calls, Json, Method, Request, RpcError, Target, TopicChange};
use crate::id::ClientId;
use crate::log::Quoted;
use crate::server::without_key;

/// Logs who changed what, or tried to: one record for each request, whatever the level of the log, unless that is off. Questions are
/// logged for debugging only.
pub(super) fn record(id: ClientId, caller: Caller, request: &Request, outcome: &Result<Json, RpcError>) {
    let outcome = outcome.as_ref().map(|_| ());
    if request.changes() {
        // Whoever turns the log off is in it.
        let turns = matches!(request, Request::LogLevel { level: Some(_) });
        heard(turns, || write(id, caller, Level::Info, request.method(), &About(request), outcome));
    } else {
        write(id, caller, Level::Debug, request.method(), &About(request), outcome);
    }
}

/// Has what `log` writes logged although the level is higher; and if it is off, only if `always`.
fn heard(always: bool, log: impl FnOnce()) {
    let level = log::max_level();
    if always || level != LevelFilter::Off {
        log::set_max_level(level.max(LevelFilter::Info));
    }
    log();
    log::set_max_level(level);
}

/// Logs requests that could have changed something, had their parameters been right.
pub(super) fn record_faulty(id: ClientId, caller: Caller, calls: &Calls) {
    for (method, error) in calls.faulty() {
        heard(false, || write(id, caller, Level::Info, method, &"", Err(error)));
    }
}

fn write(
    id: ClientId,
    caller: Caller,
    level: Level,
    method: &Method,
    about: &dyn fmt::Display,
    outcome: Result<(), &RpcError>,
) {
    let method = method.name;
    match outcome {
        Ok(()) => log::log!(level, "admin client={id} {caller} method={method}{about} result=done"),
        Err(error) => {
            let (code, message) = (error.code, Quoted(&error.message));
            log::log!(
                level,
                "admin client={id} {caller} method={method}{about} result={code} error={message}"
            );
        }
    }
}

/// What a request that changes something is about, for the log. An announcement's text is message text, and so is a topic.
struct About<'a>(&'a Request);

impl fmt::Display for About<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Request::BanAdd { mask, reason, duration, kind } => {
                write!(f, " mask={} reason={}", Quoted(mask), Quoted(reason))?;
                kind.iter().try_for_each(|kind| write!(f, " kind={kind}"))?;
                duration.iter().try_for_each(|seconds| write!(f, " seconds={seconds}"))
            }
            Request::BanDel { mask, kind } => {
                write!(f, " mask={}", Quoted(mask))?;
                kind.iter().try_for_each(|kind| write!(f, " kind={kind}"))
            }
            Request::ChannelMode { channel, modes } => {
                write!(f, " channel={} modes={}", Quoted(channel), Quoted(without_key(modes)))
            }
            Request::ChannelTopic { channel, change } => {
                let cleared = if *change == TopicChange::Clear { " cleared=yes" } else { "" };
                write!(f, " channel={}{cleared}", Quoted(channel))
            }
            Request::Kick { target, channel, reason } => {
                match target {
                    Target::Nick(nick) => write!(f, " nick={}", Quoted(nick))?,
                    Target::Id(id) => write!(f, " id={id}")?,
                }
                if let Some(channel) = channel {
                    write!(f, " channel={}", Quoted(channel))?;
                }
                reason.iter().try_for_each(|reason| write!(f, " reason={}", Quoted(reason)))
            }
            Request::FilterAdd { name, pattern, on, action, reason } => {
                write!(f, " name={} pattern={}", Quoted(name), Quoted(pattern))?;
                on.iter().try_for_each(|on| write!(f, " on={}", Quoted(on)))?;
                action.iter().try_for_each(|action| write!(f, " action={action}"))?;
                reason.iter().try_for_each(|reason| write!(f, " reason={}", Quoted(reason)))
            }
            Request::ConfigApply { confirm_within: Some(seconds) } => write!(f, " confirm_within={seconds}"),
            Request::Drain { undo } => write!(f, " on={}", !undo),
            Request::FilterDel { name } => write!(f, " name={}", Quoted(name)),
            Request::Lockdown { on: Some(on) } => write!(f, " on={on}"),
            Request::LogLevel { level: Some(level) } => write!(f, " level={}", level.as_str().to_lowercase()),
            Request::Shutdown { reason: Some(reason) } => write!(f, " reason={}", Quoted(reason)),
            _ => Ok(()),
        }
    }
}
