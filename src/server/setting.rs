//! The settings of a channel, which are modes with a value: key, limit, forward and join throttle.

use super::channel::{Channel, Forward, JoinThrottle};
use super::ctx::Ctx;
use super::mode::By;
use super::{Server, policy};
use crate::proto::modes::{self, FORWARD, JOIN_THROTTLE, KEY, Kind, LIMIT};
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
    // One to a channel that is no more was none.
    let forwards = c.server.forward_of(c.channel(index)).is_some();
    let channel = c.channel_mut(index);
    match id {
        KEY => channel.key.take().map(|_| "*".to_owned()),
        LIMIT => channel.limit.take().map(|_| String::new()),
        FORWARD => channel.forward.take().filter(|_| forwards).map(|_| String::new()),
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
    let other = match by {
        By::Client => c.find_known(given)?,
        By::Server => c.find_channel(given)?,
    };
    if by == By::Client {
        policy::operator(c, other)?;
    }
    let (name, serial) = (c.channel(other).name.to_string(), c.channel(other).serial);
    let before = c.channel_mut(index).forward.replace(Forward { index: other, serial });
    Ok(before.is_none_or(|before| before.serial != serial).then_some(name))
}

impl Server {
    /// The index of the channel that another one forwards to, if it is still there.
    pub(super) fn forward_of(&self, channel: &Channel) -> Option<u32> {
        let Forward { index, serial } = channel.forward?;
        let other = self.channels.get(index as usize)?.as_ref()?;
        (other.serial == serial).then_some(index)
    }

    /// The value of a setting, as it is shown. The other channel has the name that it has now.
    pub(super) fn setting(&self, channel: &Channel, id: u32, show_key: bool) -> Option<String> {
        match id {
            KEY => channel.key.as_deref().map(|key| if show_key { key } else { "*" }.to_owned()),
            LIMIT => channel.limit.map(|limit| limit.to_string()),
            FORWARD => self.forward_of(channel).map(|other| self.channel(other).name.to_string()),
            JOIN_THROTTLE => channel.join_throttle.as_ref().map(ToString::to_string),
            _ => None,
        }
    }

    /// The modes as 324 shows them. A key is shown to members only.
    pub(super) fn channel_modes(&self, channel: &Channel, show_key: bool) -> String {
        let mut text = String::from("+");
        let mut parameters = String::new();
        for mode in modes::CHANNEL {
            let parameter = match mode.kind {
                Kind::Flag => channel.is(mode.id).then(String::new),
                Kind::Setting | Kind::SettingOnly => self.setting(channel, mode.id, show_key),
                Kind::List | Kind::Prefix => None,
            };
            let Some(parameter) = parameter else { continue };
            text.push(mode.letter);
            if !parameter.is_empty() {
                parameters.push(' ');
                parameters.push_str(&parameter);
            }
        }
        text + &parameters
    }
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
