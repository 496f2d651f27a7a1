//! What is known of one channel or one user, as text for people.

use std::fmt::Write;

use super::human::{count, counted, duration, printable, size};
use crate::admin::{
    BanItem, ChannelDetails, ChannelTopic, Draining, FilterItem, FilterList, FilterVerdict, Lockdown,
    MaskList, ModesChanged, UserDetails,
};

/// Lines with a label each. Values may hold anything.
fn labelled(rows: &[(&str, String)]) -> String {
    rows.iter().fold(String::new(), |mut text, (label, value)| {
        let _ = writeln!(text, "{label:<12}  {}", printable(value));
        text
    })
}

/// Who set something, and how long ago; nothing if nobody has.
fn set_by(by: Option<&str>, age_seconds: Option<u64>) -> String {
    match (by, age_seconds) {
        (Some(by), Some(age)) => format!("by {by}, {} ago", duration(age)),
        _ => String::new(),
    }
}

/// The answer to `channel.info`.
pub(super) fn channel(channel: &ChannelDetails) -> String {
    let topic = if channel.topic.is_empty() { "none".to_owned() } else { channel.topic.clone() };
    let mut rows = vec![
        ("channel", channel.name.clone()),
        ("modes", channel.modes.clone()),
        ("created", format!("{} ago", duration(channel.age_seconds))),
        ("topic", topic),
    ];
    if !channel.topic.is_empty() {
        rows.push(("topic set", set_by(channel.topic_by.as_deref(), channel.topic_age_seconds)));
    }
    rows.push(("members", count(channel.members)));
    let left_out = channel.members.saturating_sub(channel.users.len() as u64);
    let mut users = channel.users.join(" ");
    if left_out > 0 {
        let _ = write!(users, " and {} more", count(left_out));
    }
    rows.push(("users", users));
    channel.lists.iter().fold(labelled(&rows), |text, list| text + &mask_list(list))
}

fn mask_list(list: &MaskList) -> String {
    let mode = printable(&list.mode.to_string());
    let mut text = format!("list {mode}, {}\n", counted(list.total, "entry", "entries"));
    for entry in &list.entries {
        let by = set_by(Some(&entry.by), Some(entry.age_seconds));
        let _ = writeln!(text, "  {}  {}", printable(&entry.mask), printable(&by));
    }
    let left_out = list.total.saturating_sub(list.entries.len() as u64);
    if left_out > 0 {
        let _ = writeln!(text, "  and {} more", count(left_out));
    }
    text
}

/// The answer to `channel.mode`.
pub(super) fn modes(changed: &ModesChanged) -> String {
    format!("{} is now {}\n", printable(&changed.name), printable(&changed.modes))
}

/// The answer to `channel.topic`.
pub(super) fn topic(topic: &ChannelTopic) -> String {
    if topic.topic.is_empty() {
        return format!("{} has no topic\n", printable(&topic.name));
    }
    let by = set_by(topic.topic_by.as_deref(), topic.topic_age_seconds);
    labelled(&[("channel", topic.name.clone()), ("topic", topic.topic.clone()), ("topic set", by)])
}

/// The answer to `user.info`.
pub(super) fn user(user: &UserDetails) -> String {
    let or_none = |words: &str| if words.is_empty() { "none".to_owned() } else { words.to_owned() };
    let item = &user.item;
    let mut rows = vec![
        ("nick", item.nick.clone()),
        ("user@host", format!("{}@{}", item.user, item.host)),
        ("address", format!("{}{}", item.address, if user.secure { ", encrypted" } else { "" })),
        ("realname", item.realname.clone()),
        ("class", item.class.clone()),
        ("account", user.account.clone().unwrap_or_else(|| "none".to_owned())),
        ("modes", item.modes.clone()),
    ];
    rows.extend(user.oper_class.clone().map(|class| ("oper class", class)));
    rows.extend(user.away.clone().map(|message| ("away", message)));
    rows.extend([
        ("channels", or_none(&item.channels.join(" "))),
        ("capabilities", or_none(&user.capabilities.join(" "))),
        ("online", duration(item.connected_seconds)),
        ("idle", duration(item.idle_seconds)),
        ("messages", format!("{} in, {} out", count(item.messages_in), count(item.messages_out))),
        ("bytes", format!("{} in, {} out", size(item.bytes_in), size(item.bytes_out))),
        (
            "send queue",
            format!("{}, and {} in the kernel", size(item.send_queue_bytes), size(item.kernel_queue_bytes)),
        ),
        (
            "lists",
            format!(
                "{} monitored, {} accepted, {} silenced, {} invited",
                count(user.monitored),
                count(user.accepted),
                count(user.silenced),
                count(user.invited)
            ),
        ),
        ("id", item.id.to_string()),
    ]);
    labelled(&rows)
}

/// A ban from the server.
pub(super) fn ban(ban: &BanItem) -> String {
    let set = match (&ban.by, ban.age_seconds) {
        (None, _) => "by the configuration".to_owned(),
        (by, age) => set_by(by.as_deref(), age),
    };
    labelled(&[
        ("ban", ban.mask.clone()),
        ("kind", ban.kind.clone()),
        ("reason", ban.reason.clone()),
        ("set", set),
        ("ends", ends(ban.expires_seconds)),
    ])
}

/// When something ends.
pub(super) fn ends(seconds: Option<u64>) -> String {
    seconds.map_or_else(|| "never".to_owned(), |seconds| format!("in {}", duration(seconds)))
}

/// A filter.
pub(super) fn filter(filter: &FilterItem) -> String {
    let from = if filter.configured { "the configuration" } else { "chatctl" };
    labelled(&[
        ("filter", filter.name.clone()),
        ("pattern", filter.pattern.clone()),
        ("on", filter.on.join(", ")),
        ("action", filter.action.clone()),
        ("reason", filter.reason.clone()),
        ("from", from.to_owned()),
    ])
}

/// The answer to `filter.list`.
pub(super) fn filters(list: &FilterList) -> String {
    if list.total == 0 {
        return "no filters\n".to_owned();
    }
    let mut text = list.filters.iter().map(filter).collect::<Vec<_>>().join("\n");
    let left_out = list.total.saturating_sub(list.filters.len() as u64);
    if left_out > 0 {
        let _ = writeln!(text, "\nand {} more", count(left_out));
    }
    text
}

/// The answer to `filter.test`.
pub(super) fn verdict(verdict: &FilterVerdict) -> String {
    let matching = if verdict.matching.is_empty() { "none".to_owned() } else { verdict.matching.join(", ") };
    let text = labelled(&[("verdict", verdict.verdict.clone()), ("matching", matching)]);
    verdict.filter.as_ref().map_or(text.clone(), |decides| text + &filter(decides))
}

/// The answer to `lockdown`.
pub(super) fn draining(draining: Draining) -> String {
    let there = counted(draining.connections, "connection stays", "connections stay");
    match (draining.on, draining.changed) {
        (true, true) => format!("new clients are refused from now on; {there}\n"),
        (true, false) => format!("new clients are refused already; {there}\n"),
        (false, true) => "new clients are taken again\n".to_owned(),
        (false, false) => "new clients are taken, as before\n".to_owned(),
    }
}

pub(super) fn lockdown(lockdown: Lockdown) -> String {
    let state = if lockdown.on { "on" } else { "off" };
    format!("lockdown is {}{state}\n", if lockdown.changed { "now " } else { "" })
}
