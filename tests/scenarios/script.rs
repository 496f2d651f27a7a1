//! Reads scenario files; `README.md` beside this file has the format.

use std::net::{IpAddr, Ipv4Addr};

use crate::pattern::Pattern;
use crate::text::unescape;

/// Where clients connect from that say nothing else.
pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A scenario file.
#[derive(Debug)]
pub(crate) struct Script {
    /// TOML over the defaults.
    pub(crate) config: String,
    /// Whether it runs on the bare server only.
    pub(crate) core_only: bool,
    /// What happens.
    pub(crate) steps: Vec<Step>,
}

/// One line of a scenario.
#[derive(Debug)]
pub(crate) struct Step {
    /// Where it stands, from 1.
    pub(crate) line: usize,
    /// How it reads.
    pub(crate) text: String,
    /// What it means.
    pub(crate) action: Action,
}

/// What a step does or demands.
#[derive(Debug)]
pub(crate) enum Action {
    Connect { who: String, from: IpAddr },
    Register { who: String, caps: String },
    Send { who: String, bytes: Vec<u8> },
    Expect { who: String, pattern: Pattern },
    Skip { who: String },
    Close { who: String },
    Closed { who: String },
    Kick { nick: String, channel: Option<String>, reason: String },
    Announce { text: String },
    Lockdown { on: bool },
    Shutdown { reason: String },
    Advance { ms: u64 },
    Reload { config: String },
    RefuseJobs,
}

impl Action {
    /// Whether only the bare server can be where that happens.
    fn is_for_core(&self) -> bool {
        match self {
            Self::Connect { from, .. } => *from != HERE,
            Self::Lockdown { .. } | Self::RefuseJobs => true,
            _ => false,
        }
    }
}

impl Script {
    /// Reads a file's text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut script = Self { config: String::new(), core_only: false, steps: Vec::new() };
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        while let Some((number, line)) = lines.next() {
            let words = line.trim();
            if words.is_empty() || words.starts_with('#') {
                continue;
            }
            let at_top = script.steps.is_empty();
            if words == "config" && at_top && script.config.is_empty() {
                script.config = block(&mut lines).ok_or(format!("{number}: config has no end"))?;
            } else if let Some(reason) = words.strip_prefix("core only:").filter(|_| at_top) {
                if reason.trim().is_empty() {
                    return Err(format!("{number}: core only needs a reason"));
                }
                script.core_only = true;
            } else {
                let action = if words == "reload" {
                    block(&mut lines)
                        .map(|config| Action::Reload { config })
                        .ok_or("reload has no end".to_owned())
                } else {
                    action(line)
                };
                let action = action.map_err(|error| format!("{number}: {error}"))?;
                if action.is_for_core() && !script.core_only {
                    return Err(format!("{number}: this is for files with `core only`"));
                }
                if matches!(action, Action::Advance { .. }) && !script.core_only {
                    return Err(format!("{number}: time passes only in files with `core only`"));
                }
                script.steps.push(Step { line: number, text: line.to_owned(), action });
            }
        }
        Ok(script)
    }
}

/// The lines up to `end`.
fn block<'a>(lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Option<String> {
    let mut text = String::new();
    for (_, line) in lines {
        if line.trim() == "end" {
            return Some(text);
        }
        text.push_str(line.trim());
        text.push('\n');
    }
    None
}

/// A step that stands on one line.
fn action(line: &str) -> Result<Action, String> {
    let name_end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(line.len());
    let (name, rest) = line.split_at(name_end);
    if name.is_empty() {
        return Err("a step begins with a name".to_owned());
    }
    let who = name.to_owned();
    if let Some(text) = rest.strip_prefix(">> ") {
        return Ok(Action::Send { who, bytes: unescape(text)? });
    }
    if let Some(text) = rest.strip_prefix("> ") {
        let mut bytes = unescape(text)?;
        bytes.extend_from_slice(b"\r\n");
        return Ok(Action::Send { who, bytes });
    }
    if rest == "< ..." {
        return Ok(Action::Skip { who });
    }
    if let Some(text) = rest.strip_prefix("< ") {
        return Ok(Action::Expect { who, pattern: Pattern::parse(text)? });
    }
    match (name, rest.trim()) {
        ("admin", rest) => admin(rest),
        ("shutdown", rest) => reason(rest).map(|reason| Action::Shutdown { reason }),
        ("advance", rest) => duration(rest).map(|ms| Action::Advance { ms }),
        ("jobs", "are refused") => Ok(Action::RefuseJobs),
        (_, "connects") => Ok(Action::Connect { who, from: HERE }),
        (_, "closes") => Ok(Action::Close { who }),
        (_, "is closed") => Ok(Action::Closed { who }),
        (_, "is registered") => Ok(Action::Register { who, caps: String::new() }),
        (_, rest) => {
            if let Some(address) = rest.strip_prefix("connects from ") {
                let from = address.parse().map_err(|_| format!("{address} is no address"))?;
                return Ok(Action::Connect { who, from });
            }
            match rest.strip_prefix("is registered with ") {
                Some(caps) => Ok(Action::Register { who, caps: caps.to_owned() }),
                None => Err(format!("no such step: {line}")),
            }
        }
    }
}

fn admin(rest: &str) -> Result<Action, String> {
    if let Some(text) = rest.strip_prefix("announce ") {
        return Ok(Action::Announce { text: text.to_owned() });
    }
    if let Some(state @ ("on" | "off")) = rest.strip_prefix("lockdown ") {
        return Ok(Action::Lockdown { on: state == "on" });
    }
    let rest = rest.strip_prefix("kick ").ok_or("admin can kick, announce and lock down")?;
    let (target, why) = rest.split_once(" :").ok_or("a kick needs a :reason")?;
    let (nick, channel) = match target.split_once(' ') {
        Some((nick, channel)) => (nick, Some(channel.to_owned())),
        None => (target, None),
    };
    Ok(Action::Kick { nick: nick.to_owned(), channel, reason: why.to_owned() })
}

fn reason(rest: &str) -> Result<String, String> {
    rest.strip_prefix(':').map(str::to_owned).ok_or_else(|| "a :reason is missing".to_owned())
}

fn duration(text: &str) -> Result<u64, String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).ok_or("a time needs a unit")?;
    let number: u64 = text[..end].parse().map_err(|e| format!("{text}: {e}"))?;
    match &text[end..] {
        "ms" => Ok(number),
        "s" => Ok(number * 1_000),
        "m" => Ok(number * 60_000),
        unit => Err(format!("{unit} is no unit of time")),
    }
}

#[test]
fn a_file_that_cannot_be_read_says_where() {
    for (text, error) in [
        ("\nalice dances", "2: no such step: alice dances"),
        ("alice> \\q", "1: \\q is no escape"),
        ("alice< <nick>", "1: <nick> is no placeholder"),
        ("advance 3s", "1: time passes only in files with `core only`"),
        ("jobs are refused", "1: this is for files with `core only`"),
        ("core only: time\nadvance 3h", "2: h is no unit of time"),
        ("config\n[limits]", "1: config has no end"),
        ("alice connects from 192.0.2.7", "1: this is for files with `core only`"),
        ("admin lockdown on", "1: this is for files with `core only`"),
        ("core only: ", "1: core only needs a reason"),
    ] {
        assert_eq!(Script::parse(text).expect_err(text), error);
    }
}
