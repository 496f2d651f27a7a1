//! What a value must be to be accepted. Each function reads one field, complains of what is wrong with it,
//! and returns the value if it can be used.

mod address;
mod chat;
mod files;
mod secret;
mod together;

use log::LevelFilter;

use super::field::{Field, quoted};
use super::{Action, Class, Facility, LogTarget, Problem};
use crate::proto::limits::{CLOAK_SUFFIX, MOTD, MOTD_LINE, MOTD_LINES};
use crate::proto::names::{self, HOST_LENGTH};

pub(super) use address::{ban_mask, endpoints, host_masks, listen_address, networks, some_networks};
pub(super) use chat::{
    action, channel_masks, channel_modes, events, nick_masks, pattern, prefixes, tags, user_modes,
};
pub(super) use files::{account, directory, mode, monitor_mode, motd_file, pid_file, secret_file, socket};
pub(super) use secret::{cloak_key, gateway_password, hash, password};
pub(super) use together::together;

/// The words of `log.target`.
pub(super) const TARGETS: &[(&str, LogTarget)] =
    &[("stderr", LogTarget::Stderr), ("syslog", LogTarget::Syslog)];

/// The words of `log.level`.
pub(super) const LEVELS: &[(&str, LevelFilter)] = &[
    ("off", LevelFilter::Off),
    ("error", LevelFilter::Error),
    ("warn", LevelFilter::Warn),
    ("info", LevelFilter::Info),
    ("debug", LevelFilter::Debug),
];

/// The words of `log.facility`.
pub(super) const FACILITIES: &[(&str, Facility)] = &[
    ("daemon", Facility::Daemon),
    ("user", Facility::User),
    ("local0", Facility::Local0),
    ("local1", Facility::Local1),
    ("local2", Facility::Local2),
    ("local3", Facility::Local3),
    ("local4", Facility::Local4),
    ("local5", Facility::Local5),
    ("local6", Facility::Local6),
    ("local7", Facility::Local7),
];

/// The words of `filter.action`.
pub(super) const ACTIONS: &[(&str, Action)] =
    &[("block", Action::Block), ("warn", Action::Warn), ("kill", Action::Kill)];

pub(super) fn server_name(field: &mut Field<'_>) -> Option<String> {
    let text = field.text()?;
    if names::is_server(text) {
        return Some(text.to_owned());
    }
    let message = format!("must look like a host name, at most {HOST_LENGTH} bytes, not {}", quoted(text));
    let help = if text.contains('.') {
        "only letters, digits and hyphens between its dots, and no hyphen at either end"
    } else {
        "it must have a dot, such as chat.example.org"
    };
    field.refuse_help(&message, help)
}

pub(super) fn network(field: &mut Field<'_>) -> Option<String> {
    /// Bytes; it shares a line of 005 with other tokens.
    const LONGEST: usize = 50;
    let text = field.text()?;
    if text.contains(char::is_whitespace) {
        return field.refuse_help("must not contain spaces", "use hyphens, such as My-Network");
    }
    if text.is_empty() || text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message =
            format!("must be 1 to {LONGEST} letters, digits and signs of ASCII, not {}", quoted(text));
        return field.refuse(&message);
    }
    Some(text.to_owned())
}

pub(super) fn one_line(field: &mut Field<'_>) -> Option<String> {
    const LONGEST: usize = 200;
    let text = field.text()?;
    if text.contains(char::is_control) {
        return field.refuse("must be one line without control characters");
    }
    if text.len() > LONGEST {
        return field.refuse(&format!("must be at most {LONGEST} bytes long, not {}", text.len()));
    }
    Some(text.to_owned())
}

/// What somebody is told, after a colon or alone.
pub(super) fn reason(field: &mut Field<'_>) -> Option<String> {
    let text = one_line(field)?;
    if text.is_empty() {
        return field.refuse_help("must not be empty", "delete it to have the default");
    }
    Some(text)
}

/// The name of an entry.
pub(super) fn name(field: &mut Field<'_>) -> Option<String> {
    let text = field.text()?;
    match name_fault(text) {
        Some(fault) => field.refuse(&fault),
        None => Some(text.to_owned()),
    }
}

/// Why an entry may not have this name, as the end of a sentence; `None` if it may.
pub(crate) fn name_fault(text: &str) -> Option<String> {
    const LONGEST: usize = 32;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let bad = text.is_empty() || text.len() > LONGEST || !text.bytes().all(good);
    bad.then(|| format!("must be 1 to {LONGEST} letters, digits, `_`, `-` and `.`, not {}", quoted(text)))
}

pub(super) fn class_name(field: &mut Field<'_>) -> Option<String> {
    let name = name(field)?;
    if name.eq_ignore_ascii_case(Class::DEFAULT) {
        let message = format!("must not be `{}`, the name of the built-in class", Class::DEFAULT);
        return field.refuse_help(&message, "[limits] and [timeouts] say what holds for that one");
    }
    Some(name)
}

pub(super) fn url(field: &mut Field<'_>) -> Option<String> {
    const LONGEST: usize = 300;
    let text = field.text()?;
    let place = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    if place.is_none_or(str::is_empty) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("must be a URL of ASCII without spaces, not {}", quoted(text));
        return field.refuse_help(&message, "such as \"https://example.org/icon.png\"");
    }
    if text.len() > LONGEST {
        return field.refuse(&format!("must be at most {LONGEST} bytes long, not {}", text.len()));
    }
    Some(text.to_owned())
}

/// The end of a made-up host name.
pub(super) fn suffix(field: &mut Field<'_>) -> Option<String> {
    let text = field.text()?;
    if text.len() > CLOAK_SUFFIX || !names::is_server(&format!("a.{text}")) || text.ends_with('.') {
        return field.refuse(&format!(
            "must be labels of letters, digits and hyphens, at most {CLOAK_SUFFIX} bytes, not {}",
            quoted(text)
        ));
    }
    Some(text.to_owned())
}

pub(super) fn motd(field: &mut Field<'_>) -> Option<Vec<String>> {
    let text = field.text()?;
    let (lines, faults) = motd_lines(text);
    for fault in &faults {
        field.refuse::<()>(&fault.message);
    }
    faults.is_empty().then_some(lines)
}

/// The lines of a message of the day, and what is wrong with it, as predicates ("is too long") with their places in
/// `text`.
pub(crate) fn motd_lines(text: &str) -> (Vec<String>, Vec<Problem>) {
    let mut faults = Vec::new();
    if text.len() > MOTD {
        faults.push(Problem::error(0..0, format!("must be at most {MOTD} bytes long, not {}", text.len())));
    }
    let mut lines = Vec::new();
    let mut start = 0;
    for (index, raw) in text.split_inclusive('\n').enumerate() {
        let line = raw.strip_suffix('\n').unwrap_or(raw);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let span = start..start + line.len();
        start += raw.len();
        if index == MOTD_LINES {
            faults.push(Problem::error(span, format!("must have at most {MOTD_LINES} lines")));
            break;
        }
        if line.len() > MOTD_LINE {
            let message = format!("has {} bytes in line {}; at most {MOTD_LINE} fit", line.len(), index + 1);
            faults.push(Problem::error(span.start + line.floor_char_boundary(MOTD_LINE)..span.end, message));
        }
        if let Some(at) = line.find(['\0', '\r']) {
            let message = format!("has a NUL or a lone carriage return in line {}", index + 1);
            faults.push(Problem::error(span.start + at..span.start + at + 1, message));
        }
        lines.push(line.to_owned());
    }
    (lines, faults)
}

pub(super) fn log_target(field: &mut Field<'_>) -> Option<LogTarget> {
    field.word(TARGETS)
}

pub(super) fn log_level(field: &mut Field<'_>) -> Option<LevelFilter> {
    field.word(LEVELS)
}

pub(super) fn facility(field: &mut Field<'_>) -> Option<Facility> {
    field.word(FACILITIES)
}
