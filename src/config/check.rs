//! What a value must be to be accepted. Each function reads one field, complains of what is wrong with it,
//! and returns the value if it can be used.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use log::LevelFilter;

use super::field::{Field, quoted};
use super::parse::Parsed;
use super::report::Lines;
use super::{Facility, LogTarget, Problem};
use crate::place::LONGEST_PATH;
use crate::proto::limits::{MOTD, MOTD_LINE, MOTD_LINES};
use crate::proto::names::{self, HOST_LENGTH};

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

pub(super) fn description(field: &mut Field<'_>) -> Option<String> {
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

pub(super) fn password(field: &mut Field<'_>) -> Option<String> {
    const LONGEST: usize = 200;
    let text = field.text()?;
    if text.is_empty() {
        return field.refuse_help("must not be empty", "delete it to let clients in without a password");
    }
    if text.contains(char::is_control) {
        return field.refuse("must not contain control characters");
    }
    if text.trim() != text {
        return field.refuse("must not begin or end with a space");
    }
    if text.starts_with(':') {
        return field.refuse("must not begin with a colon: clients could not send it");
    }
    if text.len() > LONGEST {
        return field.refuse(&format!("must be at most {LONGEST} bytes long, not {}", text.len()));
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

/// A path that chatd can open whatever its working directory is.
fn absolute(field: &mut Field<'_>) -> Option<PathBuf> {
    let path = file_name(field)?;
    if path.is_absolute() {
        return Some(path);
    }
    field.refuse_help(
        &format!("must be an absolute path, not {}", quoted(&path.to_string_lossy())),
        "it begins with `/`",
    )
}

fn file_name(field: &mut Field<'_>) -> Option<PathBuf> {
    let text = field.text()?;
    if text.is_empty() || text.ends_with('/') || text.contains('\0') {
        return field.refuse(&format!("must be the path of a file, not {}", quoted(text)));
    }
    Some(text.into())
}

pub(super) fn motd_file(field: &mut Field<'_>) -> Option<PathBuf> {
    file_name(field)
}

pub(super) fn pid_file(field: &mut Field<'_>) -> Option<PathBuf> {
    absolute(field)
}

pub(super) fn socket(field: &mut Field<'_>) -> Option<PathBuf> {
    let path = absolute(field)?;
    if path.as_os_str().len() > LONGEST_PATH {
        let message = format!("must be at most {LONGEST_PATH} bytes long, not {}", path.as_os_str().len());
        return field.refuse_help(&message, "the kernel takes no longer path for a socket");
    }
    Some(path)
}

pub(super) fn mode(field: &mut Field<'_>) -> Option<u32> {
    let is_octal =
        |text: &str| matches!(text.len(), 3 | 4) && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    if let Some(digits) = field.digits() {
        let example = if is_octal(digits) { digits } else { "660" };
        let help = format!("in quotes: mode = \"{example:0>4}\"");
        return field.refuse_help("must be a string of octal digits, not a number", help);
    }
    let text = field.text()?;
    let mode = u32::from_str_radix(text, 8).ok().filter(|&mode| is_octal(text) && mode <= 0o777);
    let Some(mode) = mode else {
        let message = format!("must be three octal digits with or without a leading 0, not {}", quoted(text));
        return field.refuse_help(&message, "such as \"0660\": owner and group may connect");
    };
    if mode & 0o600 != 0o600 {
        let help = "chatd itself must be able to connect, to tell a live socket from a dead one";
        return field.refuse_help("must let the owner read and write", help);
    }
    if mode & 0o002 != 0 {
        field.warn("lets every user of this machine control chatd", "\"0660\" lets the socket's group do so");
    }
    Some(mode)
}

/// The name of a user or group.
pub(super) fn account(field: &mut Field<'_>) -> Option<String> {
    const LONGEST: usize = 32;
    let text = field.text()?;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$');
    if text.is_empty() || text.len() > LONGEST || text.starts_with('-') || !text.bytes().all(good) {
        return field.refuse(&format!(
            "must be a name of at most {LONGEST} letters, digits, `_`, `-` and `.`, not {}",
            quoted(text)
        ));
    }
    Some(text.to_owned())
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

pub(super) fn listen_address(field: &mut Field<'_>) -> Option<SocketAddr> {
    const WANTED: &str = "must be an IP address and a port";
    let of_port = |port: &str| {
        format!("\"127.0.0.1:{port}\" for this machine alone, \"0.0.0.0:{port}\" for every network it is in")
    };
    if let Some(port) = field.digits() {
        return field.refuse_help(&format!("{WANTED}, not a number"), of_port(port));
    }
    let text = field.text()?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let help = if let Some((ip, port)) = bare_ipv6_and_port(text) {
        format!("an IPv6 address stands in brackets: \"[{ip}]:{port}\"")
    } else if let Ok(ip) = text.parse::<IpAddr>() {
        format!("add a port: \"{}\"", SocketAddr::new(ip, 6667))
    } else if let Ok(port) = text.trim_start_matches(['*', ':']).parse::<u16>() {
        of_port(&port.to_string())
    } else {
        "such as \"127.0.0.1:6667\" or \"[::1]:6667\"; host names are not looked up".to_owned()
    };
    field.refuse_help(&format!("{WANTED}, not {}", quoted(text)), help)
}

/// What was probably meant by `::1:6667`, which is an address as it stands. Small numbers at the end are more
/// likely to be a part of the address.
fn bare_ipv6_and_port(text: &str) -> Option<(Ipv6Addr, u16)> {
    let (ip, port) = text.rsplit_once(':')?;
    Some((ip.parse().ok()?, port.parse().ok().filter(|&port| port >= 1024)?))
}

/// Whether two listening sockets cannot have these addresses at the same time. Port 0 is never the same.
pub(super) fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    let any = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && a.port() != 0 && a.is_ipv4() == b.is_ipv4() && (a == b || any)
}

/// The rules about more than one setting.
pub(super) fn together(parsed: &mut Parsed, lines: &Lines) {
    if let (Some(text), Some(file)) = (parsed.span("server.motd"), parsed.span("server.motd_file")) {
        let (first, second) = if text.start < file.start { (text, file) } else { (file, text) };
        let line = lines.number(first.start);
        let message = format!("`motd` and `motd_file` are both given, the other in line {line}");
        parsed.problems.push(Problem::error(second, message).help("keep one of them"));
    }
    if let (Some(group), None) = (parsed.span("daemon.group"), parsed.span("daemon.user")) {
        let problem = Problem::error(group, "`daemon.group` is given without `daemon.user`");
        parsed.problems.push(problem.help("set `user` as well, or `user` alone to have its main group"));
    }
}
