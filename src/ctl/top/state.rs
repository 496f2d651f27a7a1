//! What `top` knows and shows, and what keys do: no terminal and no daemon here.

use std::time::{Duration, Instant};

use super::keys::Key;
use super::rates::{Past, Rates, between};
use crate::admin::{BusyChannel, BusyClient, Stats};
use crate::ctl::busiest::Active;
use crate::ctl::human::printable;

/// The shortest and the longest time between two looks, in milliseconds.
const INTERVALS: (u64, u64) = (200, 3_600_000);
/// Bytes of a reason that can be typed; the daemon has a limit of its own.
const REASON: usize = 300;
/// Rows that a page has for the keys that go by pages.
const PAGE: usize = 10;

/// What the daemon has told in one look.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// When.
    pub(super) at: Instant,
    /// Its counters.
    pub(super) stats: Stats,
    /// The busiest first.
    pub(super) channels: Vec<Active<BusyChannel>>,
    /// The busiest first.
    pub(super) clients: Vec<Active<BusyClient>>,
}

/// What lies over the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Dialog {
    /// Nothing.
    None,
    /// What keys do.
    Help,
    /// Whether a client is to go, and why.
    Kick {
        /// Its id: whoever has the nick later is not meant.
        id: u64,
        /// What it is called, made harmless.
        name: String,
        /// What was typed of the reason.
        reason: String,
    },
}

/// Something to be told until a key is pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) text: String,
    pub(super) bad: bool,
}

/// What is to be done beside what is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// End.
    Quit,
    /// Draw all of it anew.
    Redraw,
    /// Stop, as a shell does with its jobs.
    Suspend,
    /// Disconnect a client.
    Kick {
        /// Whom.
        id: u64,
        /// Why, if anything was typed.
        reason: Option<String>,
    },
    /// Look no more, or again.
    Pause(bool),
    /// Look so often from now on.
    Interval(Duration),
}

/// All that is shown.
#[derive(Clone, Debug)]
pub(super) struct App {
    /// The last look.
    pub(super) sample: Option<Sample>,
    /// Between the last two.
    pub(super) rates: Option<Rates>,
    /// [`Rates::messages_in`] as it was.
    pub(super) messages_in: Past,
    /// [`Rates::messages_out`] as it was.
    pub(super) messages_out: Past,
    /// Why the daemon cannot be looked at, and since when.
    pub(super) lost: Option<(String, Instant)>,
    pub(super) note: Option<Note>,
    pub(super) dialog: Dialog,
    pub(super) paused: bool,
    pub(super) interval: Duration,
    /// The client that was chosen, by its id, so that it stays chosen wherever it is in the list.
    pub(super) chosen: Option<u64>,
}

impl App {
    /// Before the first look.
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            sample: None,
            rates: None,
            messages_in: Past::default(),
            messages_out: Past::default(),
            lost: None,
            note: None,
            dialog: Dialog::None,
            paused: false,
            interval,
            chosen: None,
        }
    }

    /// Takes what the daemon has told.
    pub(super) fn take(&mut self, sample: Sample) {
        let before = self.sample.as_ref();
        self.rates = before.and_then(|before| between(&before.stats, &sample.stats, sample.at - before.at));
        if let Some(rates) = self.rates {
            self.messages_in.add(rates.messages_in);
            self.messages_out.add(rates.messages_out);
        }
        let there = |id: &u64| sample.clients.iter().any(|client| client.item.id == *id);
        self.chosen = self.chosen.filter(there);
        self.lost = None;
        self.sample = Some(sample);
    }

    /// The daemon cannot be looked at. What is known stays.
    pub(super) fn lose(&mut self, why: &str, now: Instant) {
        let since = self.lost.as_ref().map_or(now, |(_, since)| *since);
        self.lost = Some((first_line(why), since));
        // The time in which nobody has looked has no rate.
        self.rates = None;
    }

    /// Says what has come of something.
    pub(super) fn tell(&mut self, text: &str, bad: bool) {
        self.note = Some(Note { text: first_line(text), bad });
    }

    /// The place of the chosen client in the list.
    pub(super) fn chosen_row(&self) -> Option<usize> {
        self.clients().iter().position(|client| Some(client.item.id) == self.chosen)
    }

    fn clients(&self) -> &[Active<BusyClient>] {
        self.sample.as_ref().map_or(&[], |sample| &sample.clients)
    }

    /// A key was pressed.
    pub(super) fn press(&mut self, key: Key) -> Option<Action> {
        // Whatever is open, these do the same.
        match key {
            Key::Ctrl('c') => return Some(Action::Quit),
            Key::Ctrl('l') => return Some(Action::Redraw),
            Key::Ctrl('z') => return Some(Action::Suspend),
            _ => {}
        }
        self.note = None;
        match &self.dialog {
            Dialog::None => self.press_in_list(key),
            Dialog::Help => {
                self.dialog = Dialog::None;
                None
            }
            Dialog::Kick { .. } => self.press_in_kick(key),
        }
    }

    fn press_in_list(&mut self, key: Key) -> Option<Action> {
        match key {
            Key::Char('q' | 'Q') => return Some(Action::Quit),
            Key::Char('?' | 'h') => self.dialog = Dialog::Help,
            Key::Char('k' | 'K') => self.ask_to_kick(),
            Key::Char('p' | 'P') => {
                self.paused = !self.paused;
                return Some(Action::Pause(self.paused));
            }
            Key::Char('+' | '=') => return self.wait_for(2, 1),
            Key::Char('-' | '_') => return self.wait_for(1, 2),
            Key::Esc => self.chosen = None,
            key => self.choose(key),
        }
        None
    }

    /// Looks less often, or more.
    fn wait_for(&mut self, times: u64, by: u64) -> Option<Action> {
        let ms = u64::try_from(self.interval.as_millis()).unwrap_or(INTERVALS.1) * times / by;
        let interval = Duration::from_millis(ms.clamp(INTERVALS.0, INTERVALS.1));
        let changes = interval != self.interval;
        self.interval = interval;
        changes.then_some(Action::Interval(interval))
    }

    fn choose(&mut self, key: Key) {
        let count = self.clients().len();
        let Some(last) = count.checked_sub(1) else { return };
        let row = self.chosen_row();
        let to = match (key, row) {
            (Key::Home, _) | (Key::Down | Key::Tab | Key::PageDown, None) => 0,
            (Key::End, _) | (Key::Up | Key::BackTab | Key::PageUp, None) => last,
            (Key::Down, Some(row)) => (row + 1).min(last),
            (Key::Up, Some(row)) => row.saturating_sub(1),
            (Key::PageDown, Some(row)) => (row + PAGE).min(last),
            (Key::PageUp, Some(row)) => row.saturating_sub(PAGE),
            (Key::Tab, Some(row)) => (row + 1) % count,
            (Key::BackTab, Some(row)) => (row + last) % count,
            _ => return,
        };
        self.chosen = self.clients().get(to).map(|client| client.item.id);
    }

    fn ask_to_kick(&mut self) {
        let chosen = self.chosen_row().and_then(|row| self.clients().get(row));
        let Some(client) = chosen.map(|client| &client.item) else {
            self.tell("choose a client first, with the arrow keys or Tab", false);
            return;
        };
        let address = printable(&client.address);
        let name = match &client.nick {
            Some(nick) => format!("{} ({address})", printable(nick)),
            None => format!("the client at {address}"),
        };
        self.dialog = Dialog::Kick { id: client.id, name, reason: String::new() };
    }

    fn press_in_kick(&mut self, key: Key) -> Option<Action> {
        let Dialog::Kick { id, reason, .. } = &mut self.dialog else { return None };
        match key {
            Key::Char(char) if reason.len() + char.len_utf8() <= REASON => reason.push(char),
            Key::Backspace => drop(reason.pop()),
            Key::Ctrl('u') => reason.clear(),
            Key::Esc => self.dialog = Dialog::None,
            Key::Enter => {
                let (id, reason) = (*id, reason.trim().to_owned());
                self.dialog = Dialog::None;
                return Some(Action::Kick { id, reason: Some(reason).filter(|reason| !reason.is_empty()) });
            }
            _ => {}
        }
        None
    }
}

/// The first line of a message, made harmless.
fn first_line(text: &str) -> String {
    printable(text.lines().next().unwrap_or_default())
}

#[cfg(test)]
#[path = "state_tests.rs"]
pub(super) mod tests;
