//! Results as text for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::de::DeserializeOwned;

use super::human::{count, counted, duration, microseconds, printable, printable_lines, size};
use super::style::Style;
use super::{config, details};
use crate::admin::{
    Announced, ConfigApplied, Kicked, LogLevel, Reloaded, Request, ShuttingDown, Stats, Version,
};

/// The answer to a request, in lines.
///
/// # Errors
/// When the JSON is not what that request is answered with.
pub(super) fn result(request: &Request, json: &str) -> serde_json::Result<String> {
    Ok(match request {
        Request::Announce { .. } => announced(read(json)?),
        Request::BanAdd { .. } => format!("added\n{}", details::ban(&read(json)?)),
        Request::BanDel { .. } => format!("removed\n{}", details::ban(&read(json)?)),
        Request::ChannelInfo { .. } => details::channel(&read(json)?),
        Request::ChannelMode { .. } => details::modes(&read(json)?),
        Request::ChannelTopic { .. } => details::topic(&read(json)?),
        Request::ConfigApply { .. } => applied(&read(json)?),
        Request::ConfigConfirm => config::confirmed(read(json)?),
        Request::ConfigDiff => config::diff(&read(json)?, Style::stdout()),
        Request::ConfigStatus => config::status(read(json)?),
        Request::Drain { .. } => details::draining(read(json)?),
        Request::FilterAdd { .. } => format!("added\n{}", details::filter(&read(json)?)),
        Request::FilterDel { .. } => format!("removed\n{}", details::filter(&read(json)?)),
        Request::FilterList => details::filters(&read(json)?),
        Request::FilterTest { .. } => details::verdict(&read(json)?),
        Request::Lockdown { .. } => details::lockdown(read(json)?),
        Request::Kick { .. } => kicked(&read(json)?),
        Request::LogLevel { .. } => log_level(&read(json)?),
        Request::Reload => reloaded(&read(json)?),
        Request::Shutdown { .. } => shutting_down(read(json)?),
        Request::Stats => stats(&read(json)?),
        Request::UserInfo { .. } => details::user(&read(json)?),
        Request::Version => version(&read(json)?),
        // chatctl has its own help, lists are printed page by page, and events as they come.
        Request::Help
        | Request::BanList { .. }
        | Request::Busiest { .. }
        | Request::List(_)
        | Request::OperList { .. }
        | Request::Unwatch
        | Request::Watch { .. } => format!("{json}\n"),
    })
}

fn read<T: DeserializeOwned>(json: &str) -> serde_json::Result<T> {
    serde_json::from_str(json)
}

fn announced(announced: Announced) -> String {
    format!("sent to {}\n", counted(announced.users, "user", "users"))
}

fn kicked(kicked: &Kicked) -> String {
    let who = match &kicked.nick {
        Some(nick) => format!("{} (id {})", printable(nick), kicked.id),
        None => format!("client {}", kicked.id),
    };
    match &kicked.channel {
        Some(channel) => format!("removed {who} from {}\n", printable(channel)),
        None => format!("disconnected {who}\n"),
    }
}

fn log_level(log_level: &LogLevel) -> String {
    let level = printable(&log_level.level);
    match &log_level.before {
        Some(before) => format!("{level} (was {})\n", printable(before)),
        None => format!("{level}\n"),
    }
}

fn reloaded(report: &Reloaded) -> String {
    if *report == Reloaded::default() {
        return "reloaded, nothing changed\n".to_owned();
    }
    let mut text = "reloaded\n".to_owned();
    for (label, items) in [
        ("changed", &report.changed),
        ("listening on", &report.listeners_added),
        ("no longer on", &report.listeners_removed),
        ("needs a restart", &report.restart_needed),
    ] {
        if !items.is_empty() {
            let _ = writeln!(text, "  {label:<15}  {}", printable(&items.join(", ")));
        }
    }
    for warning in &report.warnings {
        let _ = writeln!(text, "warning: {}", printable_lines(warning.trim_end()));
    }
    text
}

fn applied(applied: &ConfigApplied) -> String {
    reloaded(&applied.reloaded) + &config::to_confirm(applied)
}

fn shutting_down(stopping: ShuttingDown) -> String {
    match stopping.connections {
        0 => "chatd stops; nobody is connected\n".to_owned(),
        connections => format!(
            "chatd stops; {} told, with {} to take the last lines\n",
            counted(connections, "connection is", "connections are"),
            duration(stopping.timeout_seconds)
        ),
    }
}

fn version(version: &Version) -> String {
    format!("{} {}, process {}\n", printable(&version.name), printable(&version.version), version.pid)
}

fn stats(stats: &Stats) -> String {
    let rows = [
        ("version", printable(&stats.version)),
        ("uptime", duration(stats.uptime_seconds)),
        (
            "connections",
            format!(
                "{} now, {} peak, {} total",
                count(stats.connections_now),
                count(stats.connections_peak),
                count(stats.connections_total)
            ),
        ),
        ("users", count(stats.users)),
        ("channels", count(stats.channels)),
        ("lockdown", if stats.lockdown { "on" } else { "off" }.to_owned()),
        ("draining", if stats.draining { "yes" } else { "no" }.to_owned()),
        ("watchers", count(stats.watchers)),
        ("messages", format!("{} in, {} out", count(stats.messages_in), count(stats.messages_out))),
        ("deliveries", count(stats.deliveries)),
        ("bytes", format!("{} in, {} out", size(stats.bytes_in), size(stats.bytes_out))),
        (
            "send queues",
            format!("{}, and {} in the kernel", size(stats.send_queue_bytes), size(stats.kernel_queue_bytes)),
        ),
        ("refused", by_reason(&stats.refused)),
        ("disconnects", by_reason(&stats.disconnects)),
        ("log lines dropped", count(stats.log_lines_dropped)),
        ("loop turns", count(stats.loop_turns)),
        (
            "time per turn",
            format!(
                "{} p50, {} p99, {} max (last minute)",
                microseconds(stats.turn_p50_us),
                microseconds(stats.turn_p99_us),
                microseconds(stats.turn_max_us)
            ),
        ),
        ("memory", size(stats.rss_bytes)),
        (
            "memory limit",
            match stats.memory_limit_bytes {
                0 => "none".to_owned(),
                limit => format!("{} of {} used", size(stats.memory_used_bytes), size(limit)),
            },
        ),
        ("descriptors", format!("{} of {}", count(stats.descriptors_open), count(stats.descriptors_limit))),
    ];
    let confirm = stats.confirm_seconds.map(|seconds| {
        (
            "configuration",
            format!("goes back in {}, unless this keeps it: chatctl config confirm", duration(seconds)),
        )
    });
    rows.iter().chain(&confirm).fold(String::new(), |mut text, (label, value)| {
        let _ = writeln!(text, "{label:<17}  {value}");
        text
    })
}

/// The sum, and what it is made of: the most frequent reasons first.
fn by_reason(counters: &BTreeMap<String, u64>) -> String {
    let mut reasons: Vec<_> = counters.iter().filter(|(_, number)| **number > 0).collect();
    if reasons.is_empty() {
        return "0".to_owned();
    }
    reasons.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
    let sum = reasons.iter().fold(0_u64, |sum, (_, number)| sum.saturating_add(**number));
    let reasons: Vec<_> = reasons
        .iter()
        .map(|(reason, number)| format!("{} {}", count(**number), printable(&reason.replace('_', " "))))
        .collect();
    format!("{} ({})", count(sum), reasons.join(", "))
}
