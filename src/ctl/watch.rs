//! `chatctl watch`: events as they happen, one line each.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::thread;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::Failure;
use super::daemon::Daemon;
use super::human::{count, counted, printable, printable_json};
use crate::admin::{BanStep, EVENT, EVENTS, Event, GAP, Gap, Happening, ListenerStep, OperStep, Request};
use crate::log::utc_of;

/// A notification of the daemon.
#[derive(Deserialize)]
struct Notification {
    method: String,
    params: Box<RawValue>,
}

/// Prints what happens until the user has seen enough, or whoever reads the lines has.
///
/// # Errors
/// When the daemon ends, or the lines cannot be printed.
pub(super) fn watch(
    daemon: &mut Daemon,
    request: &Request,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    leave_on_signals()?;
    daemon.call(request)?;
    loop {
        let line = daemon.next_line()?;
        let shown = show(&line, json).map_err(|error| daemon.nonsense(&error.to_string()))?;
        if let Some(shown) = shown {
            // Whole, as a signal may end the process between two writes.
            out.write_all(format!("{shown}\n").as_bytes())?;
            out.flush()?;
        }
    }
}

/// Has Ctrl-C end the process as if all was done: whoever watches has seen what they wanted to. What was printed is out, as each line
/// is written at once.
fn leave_on_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if signals.forever().next().is_some() {
            std::process::exit(0);
        }
    })?;
    Ok(())
}

/// A notification as it is printed; `None` for one of a kind that a later daemon may send.
fn show(line: &[u8], json: bool) -> serde_json::Result<Option<String>> {
    let Notification { method, params } = serde_json::from_slice(line)?;
    Ok(match method.as_str() {
        EVENT if json => Some(printable_json(params.get())),
        EVENT => Some(event(params.get())?),
        GAP => {
            let Gap { seq, time, missed } = serde_json::from_str(params.get())?;
            Some(if json {
                json!({ "seq": seq, "time": time, "kind": GAP, "missed": missed }).to_string()
            } else {
                row(time, "GAP", &format!("{} missed here", counted(missed, "event is", "events are")))
            })
        }
        _ => None,
    })
}

/// A line for people: when, what, and the rest.
fn row(time: u64, kind: &str, text: &str) -> String {
    // The longest kind of all.
    const KIND: usize = 8;
    const _: () = {
        let mut index = 0;
        while index < EVENTS.len() {
            assert!(EVENTS[index].len() <= KIND);
            index += 1;
        }
    };
    format!("{}  {kind:<KIND$}  {text}", utc_of(time / 1_000))
}

/// An event as a line for people. Of a kind that is not known here, its members.
fn event(params: &str) -> serde_json::Result<String> {
    #[derive(Deserialize)]
    struct Head {
        time: u64,
        kind: String,
    }
    let Head { time, kind } = serde_json::from_str(params)?;
    let text = match serde_json::from_str::<Event>(params) {
        Ok(event) => sentence(&event.what),
        Err(error) if EVENTS.contains(&kind.as_str()) => return Err(error),
        Err(_) => members(serde_json::from_str(params)?),
    };
    Ok(row(time, &printable(&kind), &printable(&text)))
}

/// The members that no other column has.
fn members(params: Value) -> String {
    let Value::Object(mut members) = params else { return String::new() };
    members.retain(|name, _| !["seq", "time", "kind"].contains(&name.as_str()));
    members.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = write!(text, "{}{name}={value}", if text.is_empty() { "" } else { " " });
        text
    })
}

/// What happened, in words. Not made harmless.
fn sentence(what: &Happening) -> String {
    match what {
        Happening::Ban { step, ban, mask, by, reason, expires } => {
            let by = by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
            let reason = reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            let until = expires.map(|at| format!(" until {}", utc_of(at / 1_000))).unwrap_or_default();
            let step = match step {
                BanStep::Set => "set",
                BanStep::Unset => "removed",
                BanStep::Ended => "over",
            };
            format!("{ban} {mask} {step}{by}{until}{reason}")
        }
        Happening::Banned { user, reason, .. } => format!("{user} is refused: {reason}"),
        Happening::Connect { client, address, listener } => {
            format!("client {client} from {address} on {listener}")
        }
        Happening::Drain { on: true } => "new connections are refused".to_owned(),
        Happening::Drain { on: false } => "new connections are accepted again".to_owned(),
        Happening::Filter { client, user, filter, command, action, .. } => {
            format!(
                "{filter} has found something in a {command} of {}: {action}",
                who(*client, user.as_ref())
            )
        }
        Happening::Flood { user, .. } => format!("{user} is slowed down"),
        Happening::Gateway { client, gateway: Some(gateway), address, .. } => {
            let address = address.as_deref().unwrap_or("?");
            format!("client {client} is {address} behind {gateway}")
        }
        Happening::Gateway { client, refused, .. } => {
            format!("client {client} is refused: {}", refused.as_deref().unwrap_or("?"))
        }
        Happening::Join { nick, channel, .. } | Happening::Part { nick, channel, .. } => {
            format!("{nick} {channel}")
        }
        Happening::Kick { nick, channel, by, reason, .. } => format!("{nick} {channel} by {by}: {reason}"),
        Happening::Kill { user, by, reason, .. } => format!("{user} by {by}: {reason}"),
        Happening::Limit { limit, count: times, last } => {
            let last = last.as_deref().map(|last| format!(", last {last}")).unwrap_or_default();
            format!("{limit} {} times{last}", count(*times))
        }
        Happening::Listener { address, step } => {
            let step = match step {
                ListenerStep::Opened => "opened",
                ListenerStep::Closed => "closed",
                ListenerStep::Broken => "broken, and closed",
            };
            format!("{address} {step}")
        }
        Happening::Lockdown { on } => if *on { "on" } else { "off" }.to_owned(),
        Happening::Nick { from, to, .. } => format!("{from} is now {to}"),
        Happening::Oper { step, user, name, class, what, .. } => {
            let word = |word: &Option<String>| word.clone().unwrap_or_else(|| "?".to_owned());
            match step {
                OperStep::Became => format!("{user} is now {} of class {}", word(name), word(class)),
                OperStep::Refused => format!("{user} is not let be {}: {}", word(name), word(what)),
                OperStep::Ceased => format!("{user} is no longer {}", word(name)),
                OperStep::Acted => format!("{user} uses {}", word(what)),
            }
        }
        Happening::Quit { client, user, cause, reason, .. } => {
            format!("{} {cause}: {reason}", who(*client, user.as_ref()))
        }
        Happening::Register { client, user, .. } => format!("{user} is client {client}"),
        Happening::Reload { done: false, problems, .. } => {
            format!("refused, {}; nothing has changed", counted(*problems, "problem", "problems"))
        }
        Happening::Reload { changed, restart_needed, .. } => {
            let changed = if changed.is_empty() { "nothing".to_owned() } else { changed.join(", ") };
            let later = match restart_needed.as_slice() {
                [] => String::new(),
                names => format!("; needs a restart: {}", names.join(", ")),
            };
            format!("changed {changed}{later}")
        }
        Happening::Shutdown { connections, reason } => {
            format!("{} told: {reason}", counted(*connections, "connection is", "connections are"))
        }
    }
}

/// A user, or a client that is none.
fn who(client: u64, user: Option<&String>) -> String {
    user.cloned().unwrap_or_else(|| format!("client {client}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(method: &str, params: &Value) -> Vec<u8> {
        json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string().into_bytes()
    }

    fn told(params: &Value) -> String {
        show(&line(EVENT, params), false).unwrap().unwrap()
    }

    #[test]
    fn an_event_is_a_line_with_its_time_its_kind_and_nothing_that_steers_a_terminal() {
        let join = json!({"seq": 1, "time": 1_700_000_000_999_u64, "kind": "join", "client": 7, "nick": "a\u{1b}[2J",
            "channel": "#c\u{202e}"});
        assert_eq!(told(&join), "2023-11-14T22:13:20Z  join      a\\x1b[2J #c\\u{202e}");
        let quit = json!({"seq": 2, "time": 0, "kind": "quit", "client": 7, "nick": null, "user": null, "cause": "eof",
            "reason": "one\ntwo"});
        assert_eq!(told(&quit), "1970-01-01T00:00:00Z  quit      client 7 eof: one\\x0atwo");
        let raw = show(&line(EVENT, &join), true).unwrap().unwrap();
        assert!(raw.contains("#c\\u202e") && !raw.contains('\u{202e}'), "{raw}");
        assert_eq!(serde_json::from_str::<Value>(&raw).unwrap(), join);
    }

    #[test]
    fn what_is_missing_stands_out() {
        let gap = json!({"seq": 9, "time": 0, "missed": 1_234});
        assert_eq!(
            show(&line(GAP, &gap), false).unwrap().unwrap(),
            "1970-01-01T00:00:00Z  GAP       1,234 events are missed here"
        );
        let one = json!({"seq": 9, "time": 0, "missed": 1});
        assert!(show(&line(GAP, &one), false).unwrap().unwrap().ends_with("  1 event is missed here"));
        let raw = show(&line(GAP, &gap), true).unwrap().unwrap();
        let expected = json!({"seq": 9, "time": 0, "kind": "gap", "missed": 1_234});
        assert_eq!(serde_json::from_str::<Value>(&raw).unwrap(), expected);
    }

    #[test]
    fn what_a_later_daemon_may_tell_is_shown_as_it_is_and_nonsense_is_none() {
        let new = json!({"seq": 1, "time": 0, "kind": "link", "peer": "b.example\u{7}"});
        assert_eq!(told(&new), "1970-01-01T00:00:00Z  link      peer=\"b.example\\u0007\"");
        assert_eq!(show(&line("other", &new), false).unwrap(), None);
        let bad = json!({"seq": 1, "time": 0, "kind": "join", "client": "x"});
        assert!(show(&line(EVENT, &bad), false).is_err() && show(b"x", false).is_err());
    }
}
