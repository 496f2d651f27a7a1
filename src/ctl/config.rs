//! `chatctl config`: checking a file, what it has otherwise, and keeping what was applied.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::Failure;
use super::daemon::Daemon;
use super::human::{count, counted, duration, printable, printable_json, printable_lines};
use super::style::{Colour, Style};
use crate::admin::{
    ConfigApplied, ConfigConfirmed, ConfigDiff, ConfigDifference, ConfigStatus, Problem, REFUSED, Request,
    RpcError,
};
use crate::load;

/// What keeps an applied configuration.
const CONFIRM: &str = "chatctl config confirm";

/// `config check`: the same code as `chatd --check-config`, and the same report.
///
/// # Errors
/// [`Failure::Checked`] when the file has errors, and those of writing.
pub(super) fn check(file: Option<&Path>, json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    match load::load(file, None) {
        Ok(loaded) if json => {
            let warnings: Vec<_> = loaded.warnings.iter().map(Problem::from).collect();
            let document = json!({ "file": loaded.path, "warnings": warnings }).to_string();
            Ok(writeln!(out, "{}", printable_json(&document))?)
        }
        Ok(loaded) => Ok(writeln!(out, "{}", printable_lines(&loaded.verdict()))?),
        Err(error) => {
            let problems = error.problems.iter().map(Problem::from).collect();
            let refusal = RpcError::refused("the configuration has errors", problems);
            debug_assert_eq!(refusal.code, REFUSED);
            Err(Failure::Checked { report: error.to_string(), refusal })
        }
    }
}

/// The answer to `config.diff`, for people.
pub(super) fn diff(diff: &ConfigDiff, style: Style) -> String {
    let file = diff.file.as_deref().map_or_else(|| "what is built in".to_owned(), printable);
    let mut text = String::new();
    for warning in &diff.warnings {
        let _ = writeln!(text, "warning: {}", printable_lines(warning.trim_end()));
    }
    if diff.total == 0 {
        let _ = writeln!(text, "{file} is what is in force");
        return text;
    }
    let _ = writeln!(
        text,
        "{}\n{}",
        style.paint(Colour::Red, "--- in force"),
        style.paint(Colour::Green, &format!("+++ {file}"))
    );
    for difference in &diff.differences {
        text += &one(difference, style);
    }
    let left_out = diff.total - (diff.differences.len() as u64).min(diff.total);
    if left_out > 0 {
        let _ = writeln!(text, "and {} more", count(left_out));
    }
    text + &advice(diff)
}

fn one(difference: &ConfigDifference, style: Style) -> String {
    let mut notes = Vec::new();
    if difference.secret {
        notes.push("a secret, changed");
    }
    if difference.restart {
        notes.push("needs a restart");
    }
    let notes = if notes.is_empty() { String::new() } else { format!("  ({})", notes.join("; ")) };
    let mut text = format!("{}{notes}\n", printable(&difference.setting));
    let mut line = |colour, mark: char, value: &Option<String>| {
        let shown = match value {
            Some(value) => printable(value),
            None if difference.secret => return,
            None => "not set".to_owned(),
        };
        let _ = writeln!(text, "{}", style.paint(colour, &format!("  {mark} {shown}")));
    };
    line(Colour::Red, '-', &difference.running);
    line(Colour::Green, '+', &difference.file);
    text
}

fn advice(diff: &ConfigDiff) -> String {
    let restart = diff.differences.iter().filter(|difference| difference.restart).count() as u64;
    let mut text = counted(diff.total, "difference", "differences");
    if restart < diff.total {
        text += "; \"chatctl config apply\" puts what it can in force";
    }
    if restart > 0 {
        let _ = write!(text, "; {} a restart", if restart == 1 { "1 needs" } else { "some need" });
    }
    text + "\n"
}

/// What is left to do after `config.apply`, for people.
pub(super) fn to_confirm(applied: &ConfigApplied) -> String {
    applied.confirm_seconds.map_or_else(String::new, |seconds| {
        format!("goes back in {}, unless this keeps it: {CONFIRM}\n", duration(seconds))
    })
}

/// The answer to `config.confirm`.
pub(super) fn confirmed(confirmed: ConfigConfirmed) -> String {
    format!("confirmed, with {} left\n", duration(confirmed.seconds_left))
}

/// The answer to `config.status`.
pub(super) fn status(status: ConfigStatus) -> String {
    let mut text = format!("in force      since {}\n", duration(status.age_seconds));
    let state = match status.confirm_seconds {
        Some(seconds) => format!("no; goes back in {}, unless this keeps it: {CONFIRM}", duration(seconds)),
        None if status.rolled_back => {
            "went back, as nobody had confirmed what was applied; chatctl config diff shows that".to_owned()
        }
        None => "nothing waits for that".to_owned(),
    };
    let _ = writeln!(text, "confirmed     {state}");
    text
}

/// Offers to keep what was applied, to somebody at a terminal. Ctrl-C ends chatctl and nothing else: the daemon goes back
/// when it is time, unless it is confirmed in another way.
///
/// # Errors
/// Those of [`Daemon::call`], and [`Failure::Unconfirmed`] when time is up.
pub(super) fn offer(daemon: &mut Daemon, seconds: u64, out: &mut dyn Write) -> Result<(), Failure> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Ok(());
    }
    out.flush()?;
    let until = Instant::now() + Duration::from_secs(seconds);
    let answer = ask(&lines(), until, Style::stderr(), &mut io::stderr());
    match answer {
        Answer::Keep => {
            let result = daemon.call(&Request::ConfigConfirm)?;
            let result = serde_json::from_str(result.get());
            let result = result.map_err(|error| daemon.nonsense(&error.to_string()))?;
            Ok(out.write_all(confirmed(result).as_bytes())?)
        }
        Answer::Leave => Ok(writeln!(out, "it goes back in time, unless this keeps it: {CONFIRM}")?),
        Answer::TooLate => {
            let result = daemon.call(&Request::ConfigStatus)?;
            let status: ConfigStatus =
                serde_json::from_str(result.get()).map_err(|error| daemon.nonsense(&error.to_string()))?;
            if status.confirm_seconds.is_none() && !status.rolled_back {
                return Ok(writeln!(out, "somebody else has confirmed it")?);
            }
            Err(Failure::Unconfirmed)
        }
    }
}

/// What somebody has said to a configuration that waits to be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Keep,
    Leave,
    TooLate,
}

/// Lines of standard input, read on a thread of its own, as there is a time until which they are waited for.
fn lines() -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in io::stdin().lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

fn ask(lines: &Receiver<String>, until: Instant, style: Style, out: &mut dyn Write) -> Answer {
    const QUESTION: &str = "Press Enter to keep it";
    // Without a prompt the exit status has to do.
    let mut say = |text: &str| {
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    };
    if !style.moves {
        say(&format!("{QUESTION}.\n"));
    }
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if style.moves {
            say(&format!(
                "\r{QUESTION} ({} left): \x1b[K",
                duration(left.as_millis().div_ceil(1_000) as u64)
            ));
        }
        let tick = if style.moves { left.min(Duration::from_secs(1)) } else { left };
        match lines.recv_timeout(tick) {
            Ok(line) => match line.trim().to_lowercase().as_str() {
                "" | "confirm" | "y" | "yes" => return Answer::Keep,
                "n" | "no" => return Answer::Leave,
                _ => say("Enter or \"confirm\" keeps it, \"no\" lets it go back in time.\n"),
            },
            Err(RecvTimeoutError::Disconnected) => {
                say("\n");
                return Answer::Leave;
            }
            Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                say("\n");
                return Answer::TooLate;
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of these lines, and what was printed meanwhile.
    fn asked(said: &[&str], seconds: u64, ends: bool) -> (Answer, String) {
        let (sender, lines) = mpsc::channel();
        for line in said {
            sender.send((*line).to_owned()).unwrap();
        }
        let sender = (!ends).then_some(sender);
        let until = Instant::now() + Duration::from_secs(seconds);
        let mut out = Vec::new();
        let answer = ask(&lines, until, Style::default(), &mut out);
        drop(sender);
        (answer, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_word_keeps_it_and_no_word_lets_it_go_back() {
        for line in ["", "confirm", " Yes "] {
            assert_eq!(asked(&[line], 3_600, false).0, Answer::Keep, "{line}");
        }
        assert_eq!(asked(&["no"], 3_600, false).0, Answer::Leave);
        assert_eq!(asked(&[], 3_600, true).0, Answer::Leave, "Ctrl-D");
        assert_eq!(asked(&[], 0, false).0, Answer::TooLate);
        let (answer, text) = asked(&["what", "confirm"], 3_600, false);
        assert!(answer == Answer::Keep && text.contains("\"no\" lets it go back"), "{text}");
    }

    #[test]
    fn the_seconds_that_are_left_are_counted_where_that_can_be_shown() {
        let (_sender, lines) = mpsc::channel();
        let mut out = Vec::new();
        let style = Style { moves: true, colours: false };
        assert_eq!(ask(&lines, Instant::now(), style, &mut out), Answer::TooLate);
        assert_eq!(String::from_utf8(out).unwrap(), "\rPress Enter to keep it (0s left): \x1b[K\n");
    }

    #[test]
    fn differences_have_colours_where_there_are_any() {
        let difference = |setting: &str, secret: bool, restart| ConfigDifference {
            setting: setting.into(),
            running: (!secret).then(|| "\"a\\u001b\u{9b}\"".into()),
            file: None,
            secret,
            restart,
        };
        let found = ConfigDiff {
            file: Some("/etc/chatd/chatd.toml".into()),
            total: 2,
            differences: vec![difference("server.name", false, true), difference("cloak.key", true, false)],
            warnings: vec![],
        };
        let expected = "\
--- in force
+++ /etc/chatd/chatd.toml
server.name  (needs a restart)
  - \"a\\u001b\\x9b\"
  + not set
cloak.key  (a secret, changed)
2 differences; \"chatctl config apply\" puts what it can in force; 1 needs a restart
";
        assert_eq!(diff(&found, Style::default()), expected);
        let coloured = diff(&found, Style { moves: true, colours: true });
        assert!(coloured.contains("\x1b[31m  - ") && coloured.contains("\x1b[32m  + not set\x1b[0m"));
    }
}
