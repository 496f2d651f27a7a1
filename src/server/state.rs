//! What outlives a restart: the content of the state file.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Server;
use super::bans::Ban;
use super::filters::Added;
use crate::proto::limits::{FILTERS, SERVER_BANS};

/// The version of the format that is written, and the newest that is understood.
const VERSION: u32 = 1;

/// The state file. A field that is added must have a default, so that an older file can be read; what an older chatd must
/// not overlook takes a new version.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u32,
    /// Whether the panic switch is on.
    #[serde(default)]
    pub(super) lockdown: bool,
    /// Filters beside those of the configuration.
    #[serde(default)]
    pub(super) filters: Vec<Added>,
    /// Bans from the server. Those of the server itself, so that a state can be made of thousands at next to no cost, and be
    /// put into words on another thread.
    #[serde(default)]
    bans: Vec<Arc<Ban>>,
}

impl Default for State {
    /// That of a server that has never been running.
    fn default() -> Self {
        Self { version: VERSION, lockdown: false, filters: Vec::new(), bans: Vec::new() }
    }
}

impl State {
    /// Reads the content of a state file.
    ///
    /// # Errors
    /// What is wrong with it, and where: line, column, and a sentence.
    pub fn parse(text: &str) -> Result<Self, (usize, usize, String)> {
        /// So much is said by every version.
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        // The place is said in front; serde says it behind.
        let locate = |error: serde_json::Error| {
            let message = error.to_string();
            let end = message.rfind(" at line ").unwrap_or(message.len());
            (error.line(), error.column(), message[..end].to_owned())
        };
        let Head { version } = serde_json::from_str(text).map_err(locate)?;
        if version > VERSION {
            return Err((1, 1, format!("it is of version {version}, which a newer chatd has written")));
        }
        let state: Self = serde_json::from_str(text).map_err(locate)?;
        for (what, many, most) in
            [("filters", state.filters.len(), FILTERS), ("bans", state.bans.len(), SERVER_BANS)]
        {
            if many > most {
                return Err((1, 1, format!("it has {many} {what}, and at most {most} may be")));
            }
        }
        Ok(state)
    }

    /// The content of the state file. Takes long, where there are many bans.
    pub fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("it has text for keys");
        text.push('\n');
        text
    }
}

impl Server {
    /// Takes over what was saved, before the first input.
    pub fn restore(&mut self, mut state: State) {
        self.restore_bans(std::mem::take(&mut state.bans));
        // What is written is of the version that writes it.
        self.state = State { version: VERSION, ..state };
        self.renew_filters();
    }

    /// All that is to be restored.
    pub(super) fn state(&self) -> State {
        State { bans: self.bans.shared().cloned().collect(), ..self.state.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Bench;
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = serde_json::to_string(&State::default()).unwrap();
        assert_eq!(State::parse(&text), Ok(State::default()));
    }

    #[test]
    fn what_an_older_version_has_written_is_written_anew_as_of_this_one() {
        let mut bench = Bench::new(|_| {});
        bench.server.restore(State::parse("{\"version\":0,\"lockdown\":true}").unwrap());
        let text = bench.server.state().text();
        assert_eq!(State::parse(&text), Ok(State { lockdown: true, ..State::default() }));
    }

    #[test]
    fn more_than_may_be_is_refused_and_not_cut() {
        let ban = "{\"kind\":\"address\",\"mask\":\"192.0.2.1\",\"reason\":\"r\",\"by\":\"b\",\
                   \"set_unix_ms\":0,\"expires_unix_ms\":null}";
        let filter = "{\"name\":\"a\",\"pattern\":\"x\",\"on\":[],\"action\":\"warn\",\"reason\":\"r\"}";
        for (what, item, most) in [("bans", ban, SERVER_BANS), ("filters", filter, FILTERS)] {
            let text = |many| format!("{{\"version\":1,\"{what}\":[{}]}}", vec![item; many].join(","));
            assert!(State::parse(&text(most)).is_ok());
            let message = format!("it has {} {what}, and at most {most} may be", most + 1);
            assert_eq!(State::parse(&text(most + 1)), Err((1, 1, message)));
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, line, column, message) in [
            ("", 1, 0, "EOF while parsing a value"),
            ("{\n  \"version\": 1,\n  oops\n}", 3, 3, "key must be a string"),
            ("{\"version\": 1, \"colour\": 7}", 1, 23, "unknown field `colour`"),
            ("{\"version\": 2, \"colour\": 7}", 1, 1, "it is of version 2, which a newer chatd has written"),
            ("[]", 1, 2, "invalid length 0"),
        ] {
            let (at_line, at_column, said) = State::parse(text).unwrap_err();
            assert!(said.starts_with(message) && !said.contains(" at line "), "{text}: {said}");
            assert_eq!((at_line, at_column), (line, column), "{text}: {said}");
        }
    }
}
