//! What may be done with a terminal: colours, and moving the cursor. Decided here and nowhere else.

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};

use clap::ColorChoice;

/// What may be done on a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// It is a terminal that can move its cursor, and so show something in place of what it has shown.
    pub(super) moves: bool,
    /// The same, with colours that nobody minds.
    pub(super) colours: bool,
}

/// A meaning that a colour can support. The text says the same without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colour {
    /// What goes, and what is wrong.
    Red,
    /// What comes.
    Green,
}

impl Style {
    /// Of standard output.
    pub(super) fn stdout() -> Self {
        Self::of(io::stdout().is_terminal())
    }

    /// Of standard error.
    pub(super) fn stderr() -> Self {
        Self::of(io::stderr().is_terminal())
    }

    fn of(terminal: bool) -> Self {
        Self::decided(terminal, env::var_os("NO_COLOR").as_deref(), env::var_os("TERM").as_deref())
    }

    /// Colours need a terminal that is not dumb, and that `NO_COLOR` does not speak against (no-color.org).
    fn decided(terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> Self {
        let moves = terminal && term.is_some_and(|term| !term.is_empty() && term != "dumb");
        Self { moves, colours: moves && no_color.is_none_or(OsStr::is_empty) }
    }

    /// The text in a colour, if there are any.
    pub(super) fn paint(self, colour: Colour, text: &str) -> String {
        let code = match colour {
            Colour::Red => 31,
            Colour::Green => 32,
        };
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// The same for clap, which prints help on standard output and what is wrong on standard error.
    pub(super) fn choice() -> ColorChoice {
        let any = Self::stdout().colours || Self::stderr().colours;
        // Where only one of them is a terminal, clap knows which.
        if any { ColorChoice::Auto } else { ColorChoice::Never }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_have_them_and_people_who_want_them() {
        let decided = |terminal, no_color: Option<&str>, term: Option<&str>| {
            let style = Style::decided(terminal, no_color.map(OsStr::new), term.map(OsStr::new));
            (style.moves, style.colours)
        };
        assert_eq!(decided(true, None, Some("xterm")), (true, true));
        assert_eq!(decided(true, Some(""), Some("xterm")), (true, true), "an empty NO_COLOR is none");
        assert_eq!(decided(true, Some("1"), Some("xterm")), (true, false));
        assert_eq!(decided(true, Some("0"), Some("xterm")), (true, false), "whatever its value");
        for term in [Some("dumb"), Some(""), None] {
            assert_eq!(decided(true, None, term), (false, false));
        }
        assert_eq!(decided(false, None, Some("xterm")), (false, false));
    }

    #[test]
    fn without_colours_a_text_is_itself() {
        assert_eq!(Style::default().paint(Colour::Red, "x"), "x");
        assert_eq!(Style { moves: true, colours: true }.paint(Colour::Green, "x"), "\x1b[32mx\x1b[0m");
    }
}
