//! The content filter: which texts are refused, reported, or cost their sender the connection.

use std::borrow::Cow;

use super::Event;
use super::ctx::Ctx;
use crate::config::{Action, Events, Exempt, Filter};
use crate::proto::format;
use crate::proto::modes::OPERATOR;

/// Filters, ready to judge texts.
///
/// Patterns take time linear in the text, and their number and size are bounded
/// ([`crate::proto::limits::FILTERS`], [`crate::proto::limits::PATTERN_PROGRAM`]).
#[derive(Clone, Debug, Default)]
pub struct Filters {
    filters: Vec<Filter>,
    /// What any of them looks at.
    on: Events,
}

impl Filters {
    /// Filters in the order in which they judge.
    pub fn new(filters: impl IntoIterator<Item = Filter>) -> Self {
        let filters: Vec<_> = filters.into_iter().collect();
        let on = filters.iter().fold(Events::NONE, |all, filter| all.with(filter.on));
        Self { filters, on }
    }

    /// The filter that decides about a text: the first that blocks or kills, or else the first that warns.
    ///
    /// The text is looked at as it is, and as it reads without formatting codes: a colour in the middle of a word hides
    /// nothing.
    pub fn find(&self, on: Events, text: &str) -> Option<&Filter> {
        if !self.on.has(on) {
            return None;
        }
        let plain = match format::strip(text) {
            Cow::Owned(plain) => Some(plain),
            Cow::Borrowed(_) => None,
        };
        let mut warning = None;
        for filter in self.filters.iter().filter(|filter| filter.on.has(on)) {
            // A second warning would change nothing.
            if warning.is_some() && filter.action == Action::Warn {
                continue;
            }
            let matches = |text: &str| filter.pattern.is_match(text);
            if !matches(text) && !plain.as_deref().is_some_and(matches) {
                continue;
            }
            if filter.action != Action::Warn {
                return Some(filter);
            }
            warning = Some(filter);
        }
        warning
    }
}

impl Ctx<'_> {
    /// What is said to the client instead of doing what it wants with a text; `None` if it may. All that filters judge is
    /// judged here. A client that is to be disconnected for it is when its command is over.
    pub(super) fn filtered(&mut self, on: Events, command: &'static str, text: &str) -> Option<String> {
        let filter = self.server.filters.find(on, text)?;
        let client = self.client();
        if client.user().is_some_and(|user| user.modes & OPERATOR != 0) || self.exempt(Exempt::FILTERS) {
            return None;
        }
        let (name, action, reason) = (filter.name.clone(), filter.action, filter.reason.clone());
        let (id, mask) = (client.id, client.user().map(|user| user.mask.to_string()));
        self.event(Event::Filtered { client: id, mask, filter: name, command, action: action.name() });
        if action == Action::Kill {
            self.server.condemned = Some(reason.clone());
        }
        (action != Action::Warn).then_some(reason)
    }

    /// Refuses what filters do not let pass, and tells the client; whether it did.
    pub(super) fn is_refused(&mut self, on: Events, command: &'static str, text: &str) -> bool {
        let reason = self.filtered(on, command, text);
        if let Some(reason) = &reason {
            self.fail(command, "TEXT_REFUSED", reason);
        }
        reason.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(name: &str, pattern: &str, on: Events, action: Action) -> Filter {
        let pattern = pattern.parse().unwrap_or_else(|error| panic!("{pattern}: {error}"));
        Filter { name: name.to_owned(), pattern, on, action, ..Filter::default() }
    }

    fn found<'a>(filters: &'a Filters, on: Events, text: &str) -> Option<&'a str> {
        filters.find(on, text).map(|filter| filter.name.as_str())
    }

    #[test]
    fn a_filter_looks_only_at_what_it_is_for() {
        let filters = Filters::new([
            filter("talk", "spam", Events::MESSAGE.with(Events::NOTICE), Action::Block),
            filter("names", "^bot[0-9]+$", Events::NICK, Action::Kill),
        ]);
        assert_eq!(found(&filters, Events::MESSAGE, "no SPAM here"), Some("talk"));
        assert_eq!(found(&filters, Events::NOTICE, "spam"), Some("talk"));
        assert_eq!(found(&filters, Events::TOPIC, "spam"), None);
        assert_eq!(found(&filters, Events::NICK, "spam"), None);
        assert_eq!(found(&filters, Events::NICK, "Bot17"), Some("names"));
        assert_eq!(found(&filters, Events::MESSAGE, "ham"), None);
        assert!(Filters::default().find(Events::MESSAGE, "spam").is_none());
    }

    #[test]
    fn the_first_that_does_something_decides() {
        let on = Events::MESSAGE;
        let filters = Filters::new([
            filter("odd", "a", on, Action::Warn),
            filter("odder", "b", on, Action::Warn),
            filter("bad", "bc", on, Action::Block),
            filter("worse", "abc", on, Action::Kill),
        ]);
        for (text, name) in [("a", "odd"), ("ab", "odd"), ("b", "odder"), ("abc", "bad"), ("bc", "bad")] {
            assert_eq!(found(&filters, on, text), Some(name), "{text}");
        }
    }

    #[test]
    fn formatting_hides_nothing_and_can_be_looked_for() {
        let on = Events::MESSAGE;
        let filters = Filters::new([
            filter("word", "^buy spam$", on, Action::Block),
            filter("rainbow", "(\\x03[0-9]+.){3}", on, Action::Block),
        ]);
        assert_eq!(found(&filters, on, "\x02b\x02uy \x0304,12sp\x0fa\x03m"), Some("word"));
        assert_eq!(found(&filters, on, "\x031h\x032i\x033!"), Some("rainbow"));
        assert_eq!(found(&filters, on, "\x031h\x032i!"), None);
    }

    /// Each of these takes a backtracking matcher longer than the test can run.
    #[test]
    fn no_pattern_takes_long_on_any_text() {
        let on = Events::MESSAGE;
        let hostile = [
            "(a+)+$x",
            "(a|a)*bc",
            "(a|aa)+c",
            "(x+x+)+y",
            "(.*a){12}b",
            "([a-z]+)*!",
            "a{0,50}a{50}b",
            "\\w+\\w+\\w+\\d",
        ];
        let filters = Filters::new(hostile.map(|pattern| filter(pattern, pattern, on, Action::Block)));
        for text in ["a".repeat(4_000), "x".repeat(4_000), "xa".repeat(2_000), "\x03a".repeat(2_000)] {
            assert_eq!(found(&filters, on, &text), None);
        }
        assert_eq!(found(&filters, on, &format!("{}b", "a".repeat(400))), Some("(.*a){12}b"));
    }
}
