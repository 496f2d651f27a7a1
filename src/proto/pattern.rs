//! Patterns of the content filter: regular expressions that are matched in linear time.

use std::fmt;
use std::str::FromStr;

use regex::{Regex, RegexBuilder};

use super::limits::{PATTERN, PATTERN_PROGRAM};

/// A regular expression of crate `regex`; matching takes time linear in the text, whatever the pattern. Letters match in
/// both cases. Two patterns are the same when they are written the same.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Whether it matches some part of `text`.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Default for Pattern {
    /// Matches nothing.
    fn default() -> Self {
        Self(Regex::new("[^\\s\\S]").expect("a literal pattern"))
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Pattern {
    /// Why not, in one line.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("it is empty and would match everything".to_owned());
        }
        if text.len() > PATTERN {
            return Err(format!("it has {} bytes, at most {PATTERN} are allowed", text.len()));
        }
        let built = RegexBuilder::new(text)
            .case_insensitive(true)
            .size_limit(PATTERN_PROGRAM)
            .dfa_size_limit(PATTERN_PROGRAM)
            .build();
        let pattern = built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it is too large when compiled".to_owned(),
            // The parser draws the place in lines of its own; what is wrong stands in the last of them.
            error => {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                last.strip_prefix("error: ").unwrap_or(last).to_owned()
            }
        })?;
        if pattern.is_match("") {
            return Err("it matches the empty text, and so everything".to_owned());
        }
        Ok(Self(pattern))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_find_their_text_in_both_cases() {
        let pattern: Pattern = r"free\s+(coins|größe)".parse().unwrap();
        assert!(pattern.is_match("get FREE  Coins now") && !pattern.is_match("free GRÖSSE"));
        assert!(pattern.is_match("free GRÖßE") && !pattern.is_match("freecoins"));
        assert!(!Pattern::default().is_match("") && !Pattern::default().is_match("a\n"));
    }

    #[test]
    fn what_is_no_pattern_is_told_in_one_line() {
        for (text, reason) in [
            ("", "it is empty and would match everything"),
            ("a(b", "unclosed group"),
            ("*", "repetition operator missing expression"),
            (r"(a)\1", "backreferences are not supported"),
            ("(?=a)", "look-around, including look-ahead and look-behind, is not supported"),
            ("(a{1000}){1000}", "it is too large when compiled"),
            ("spam|", "it matches the empty text, and so everything"),
        ] {
            assert_eq!(text.parse::<Pattern>().unwrap_err(), reason, "{text}");
        }
        assert!("a".repeat(PATTERN + 1).parse::<Pattern>().unwrap_err().starts_with("it has "));
    }
}
