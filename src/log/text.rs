//! The text of a record: one line of printable characters, of bounded length.

use std::fmt::{self, Display, Write};

use crate::proto::limits;

/// The mark at the end of what was cut.
const CUT: &str = "...";

/// Formats `text` as one line of at most [`limits::LOG_RECORD`] bytes, with all that is not printable escaped.
pub(super) fn line(text: impl Display) -> Box<str> {
    let mut line = Bounded::new(limits::LOG_RECORD);
    // Formatting stops with an error when the line is full; what fitted is the record.
    let _ = write!(Printable(&mut line), "{text}");
    line.text.into_boxed_str()
}

/// A value of a `key=value` field: bare if it is a plain word, otherwise quoted, with quotes,
/// backslashes and all that is not printable (control characters, line ends, direction marks) escaped.
/// Values longer than [`limits::LOG_VALUE`] bytes are cut inside their quotes.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<T>(pub T);

impl<T: Display> Display for Quoted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = Bounded::new(limits::LOG_VALUE);
        let _ = write!(Escaped(&mut value), "{}", self.0);
        let text = value.text.as_str();
        if text.is_empty() || text.contains([' ', '=', '\\']) {
            write!(f, "\"{text}\"")
        } else {
            f.write_str(text)
        }
    }
}

/// Text with an upper bound, cut at the boundary between two pieces.
struct Bounded {
    text: String,
    limit: usize,
    /// Where to cut so that the mark still fits.
    fits: usize,
}

impl Bounded {
    fn new(limit: usize) -> Self {
        Self { text: String::new(), limit, fits: 0 }
    }

    /// Adds a piece that is taken whole or not at all: a character, or its escape sequence.
    fn push(&mut self, piece: &str) -> fmt::Result {
        if self.text.len() + piece.len() > self.limit {
            self.text.truncate(self.fits);
            self.text.push_str(CUT);
            return Err(fmt::Error);
        }
        self.text.push_str(piece);
        if self.text.len() + CUT.len() <= self.limit {
            self.fits = self.text.len();
        }
        Ok(())
    }

    /// Adds a character, escaped if it is not printable.
    fn push_printable(&mut self, c: char) -> fmt::Result {
        // `escape_debug` knows which characters print, but would also escape quotes and the backslash.
        if matches!(c, ' '..='~') {
            return self.push(c.encode_utf8(&mut [0; 4]));
        }
        let mut escaped = c.escape_debug();
        if escaped.len() == 1 {
            return self.push(c.encode_utf8(&mut [0; 4]));
        }
        let mut piece = String::new();
        escaped.try_for_each(|c| piece.write_char(c))?;
        self.push(&piece)
    }
}

/// Escapes what is not printable.
struct Printable<'a>(&'a mut Bounded);

impl Write for Printable<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| self.0.push_printable(c))
    }
}

/// Escapes quotes and backslashes, too.
struct Escaped<'a>(&'a mut Bounded);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| match c {
            '"' => self.0.push("\\\""),
            '\\' => self.0.push("\\\\"),
            _ => self.0.push_printable(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_stay_bare() {
        for word in ["alice", "#rust", "a!b@10.0.0.1", "[::1]:6667", "élan", "日本語", "it's", "..."] {
            assert_eq!(Quoted(word).to_string(), word);
        }
    }

    #[test]
    fn what_could_end_a_field_is_quoted() {
        for (value, expected) in [
            ("", r#""""#),
            ("two words", r#""two words""#),
            ("nick=eve", r#""nick=eve""#),
            (r#"say "hi""#, r#""say \"hi\"""#),
            (r"back\slash", r#""back\\slash""#),
            ("\"", r#""\"""#),
            ("a\r\nb", r#""a\r\nb""#),
            ("\u{1b}[31m", r#""\u{1b}[31m""#),
            ("no\u{a0}break", r#""no\u{a0}break""#),
            ("\u{202e}gnp.exe", r#""\u{202e}gnp.exe""#),
            ("\u{2066}\u{200b}\u{feff}\u{2028}", r#""\u{2066}\u{200b}\u{feff}\u{2028}""#),
            ("\u{85}\u{9b}0m\u{7f}\0", r#""\u{85}\u{9b}0m\u{7f}\0""#),
        ] {
            assert_eq!(Quoted(value).to_string(), expected);
        }
    }

    #[test]
    fn a_long_value_is_cut_inside_its_quotes() {
        let long = "x y".repeat(limits::LOG_VALUE);
        let quoted = Quoted(&long).to_string();
        assert_eq!(quoted.len(), limits::LOG_VALUE + 2);
        assert!(quoted.ends_with("...\""), "{quoted}");

        let exact = "x".repeat(limits::LOG_VALUE);
        assert_eq!(Quoted(&exact).to_string(), exact);
    }

    #[test]
    fn an_escape_sequence_is_never_cut_in_two() {
        for pad in 0..20 {
            let value = format!("{}{}", "x".repeat(pad), "\u{202e}".repeat(limits::LOG_VALUE));
            let quoted = Quoted(&value).to_string();
            assert!(quoted.ends_with(r#"\u{202e}...""#), "{quoted}");
            assert!(quoted.len() <= limits::LOG_VALUE + 2);
        }
    }

    #[test]
    fn a_record_is_one_line_of_bounded_length() {
        assert_eq!(&*line("two \"plain\" words\\"), "two \"plain\" words\\");
        assert_eq!(&*line("a\nb\u{2029}c"), r"a\nb\u{2029}c");
        let exact = "ü".repeat(limits::LOG_RECORD / 2);
        assert_eq!(*line(&exact), *exact);
        for pad in 0..4 {
            let long = line(format!("{}{}", "x".repeat(pad), "ü".repeat(limits::LOG_RECORD)));
            assert!(long.len() <= limits::LOG_RECORD && long.len() > limits::LOG_RECORD - 3);
            assert!(long.ends_with("ü..."), "{long}");
        }
    }
}
