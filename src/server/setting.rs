//! The settings of a channel, which are modes with a value: key, limit, forward and join throttle.

use super::channel::JoinThrottle;
use super::ctx::Ctx;
use super::mode::By;
use super::policy;
use crate::proto::modes::{FORWARD, JOIN_THROTTLE, KEY, LIMIT};
use crate::proto::names;
use crate::proto::numeric::{self, Reply};
use crate::proto::text::truncate;

/// Bytes of a channel key.
const KEY_LENGTH: usize = 32;
/// Bytes that are repeated of a value that is refused.
pub(super) const SHOWN: usize = 32;
/// Most members that `+l` can allow.
const LIMIT_MOST: u32 = 1_000_000;
/// Most joins and most seconds of `+j`.
const THROTTLE_MOST: u32 = 9_999;

/// Sets one. What stands in the change, or nothing if it was so before.
pub(super) fn set(
    c: &mut Ctx<'_>,
    index: u32,
    id: u32,
    given: &str,
    by: By,
) -> Result<Option<String>, Reply> {
    match id {
        KEY => key(c, index, given),
        LIMIT => limit(c, index, given),
        FORWARD => forward(c, index, given, by),
        JOIN_THROTTLE => join_throttle(c, index, given),
        _ => unreachable!("every setting has its function"),
    }
}

/// Takes one away; what stands in the change, if there was one. A key can be taken away without naming it.
pub(super) fn unset(c: &mut Ctx<'_>, index: u32, id: u32) -> Option<String> {
    let channel = c.channel_mut(index);
    match id {
        KEY => channel.key.take().map(|_| "*".to_owned()),
        LIMIT => channel.limit.take().map(|_| String::new()),
        FORWARD => channel.forward.take().map(|_| String::new()),
        JOIN_THROTTLE => channel.join_throttle.take().map(|_| String::new()),
        _ => unreachable!("every setting has its place"),
    }
}

fn key(c: &mut Ctx<'_>, index: u32, key: &str) -> Result<Option<String>, Reply> {
    let bad = |char: char| char == ',' || char == ' ' || char.is_control();
    if key.is_empty() || key.len() > KEY_LENGTH || key.starts_with(':') || key.contains(bad) {
        let why = format!("A key has 1 to {KEY_LENGTH} bytes, no comma and no space");
        return Err(refused(c, index, 'k', "*", &why));
    }
    let channel = c.channel_mut(index);
    let changed = channel.key.as_deref() != Some(key);
    channel.key = Some(key.to_owned());
    Ok(changed.then(|| key.to_owned()))
}

fn limit(c: &mut Ctx<'_>, index: u32, given: &str) -> Result<Option<String>, Reply> {
    let Some(limit) = number(given, LIMIT_MOST) else {
        return Err(refused(c, index, 'l', given, "Not a number of members"));
    };
    let channel = c.channel_mut(index);
    let changed = channel.limit != Some(limit);
    channel.limit = Some(limit);
    Ok(changed.then(|| limit.to_string()))
}

/// The other channel must be there, and be one of the client's own: nobody is sent where nobody wants them.
fn forward(c: &mut Ctx<'_>, index: u32, given: &str, by: By) -> Result<Option<String>, Reply> {
    if !names::is_channel(given, c.server.config.limits.channel_length) {
        return Err(refused(c, index, 'f', given, "Not the name of a channel"));
    }
    if names::same(given, &c.channel(index).name) {
        return Err(refused(c, index, 'f', given, "A channel cannot forward to itself"));
    }
    let other = c.find_channel(given)?;
    if by == By::Client {
        policy::operator(c, other)?;
    }
    let name = c.channel(other).name.clone();
    let channel = c.channel_mut(index);
    let changed = channel.forward.as_deref() != Some(&*name);
    channel.forward = Some(name.clone());
    Ok(changed.then(|| name.to_string()))
}

fn join_throttle(c: &mut Ctx<'_>, index: u32, given: &str) -> Result<Option<String>, Reply> {
    let parts = given.split_once(':');
    let numbers =
        parts.map(|(joins, seconds)| (number(joins, THROTTLE_MOST), number(seconds, THROTTLE_MOST)));
    let Some((Some(joins), Some(seconds))) = numbers else {
        return Err(refused(c, index, 'j', given, "Not of the form joins:seconds"));
    };
    let channel = c.channel_mut(index);
    if channel.join_throttle.is_some_and(|it| (it.joins, it.seconds) == (joins, seconds)) {
        return Ok(None);
    }
    let throttle = JoinThrottle::new(joins, seconds);
    channel.join_throttle = Some(throttle);
    Ok(Some(throttle.to_string()))
}

/// A number from 1 to `most`, in digits alone.
fn number(given: &str, most: u32) -> Option<u32> {
    let digits = !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_digit());
    given.parse().ok().filter(|number| digits && (1..=most).contains(number))
}

fn refused(c: &Ctx<'_>, index: u32, letter: char, given: &str, why: &str) -> Reply {
    let name = &c.channel(index).name;
    numeric::err_invalidmodeparam(name, letter, truncate(given, SHOWN), why).into()
}
