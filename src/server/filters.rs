//! Filters that operators add while the server runs: kept in the state file, and judging after those of the configuration.

use serde::{Deserialize, Serialize};

use super::Server;
use super::filter::Filters;
use crate::config::{Action, Events, Filter};
use crate::proto::limits::FILTERS;

/// A filter as it is saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub(super) struct Added(Filter);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    pattern: String,
    on: Vec<String>,
    action: String,
    reason: String,
}

impl From<Added> for Raw {
    fn from(Added(filter): Added) -> Self {
        Self {
            name: filter.name,
            pattern: filter.pattern.to_string(),
            on: filter.on.names().map(str::to_owned).collect(),
            action: filter.action.name().to_owned(),
            reason: filter.reason,
        }
    }
}

impl TryFrom<Raw> for Added {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Self, String> {
        let Raw { name, pattern, on, action, reason } = raw;
        let pattern = pattern.parse().map_err(|error| format!("the pattern of filter `{name}`: {error}"))?;
        let on = on.iter().try_fold(Events::NONE, |all, word| {
            let known = Events::TABLE.iter().find(|known| known.name == word);
            let known = known.ok_or_else(|| format!("filter `{name}`: there are no texts `{word}`"))?;
            Ok::<_, String>(all.with(known.bit.into()))
        })?;
        let actions = [Action::Block, Action::Warn, Action::Kill];
        let action = actions.into_iter().find(|known| known.name() == action);
        let action = action.ok_or_else(|| format!("filter `{name}`: there is no such action"))?;
        Ok(Self(Filter { name, pattern, on, action, reason }))
    }
}

/// Why a filter is not added or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterError {
    /// There is one of that name.
    Taken,
    /// There are [`FILTERS`].
    Full,
    /// There is none of that name.
    Missing,
    /// It is of the configuration.
    Configured,
}

impl Server {
    /// Every filter in the order in which they judge, and whether it is of the configuration.
    pub fn filters(&self) -> impl Iterator<Item = (&Filter, bool)> {
        let configured = self.config.filter.iter().map(|filter| (filter, true));
        configured.chain(self.state.filters.iter().map(|Added(filter)| (filter, false)))
    }

    /// The filter that decides about a text, as [`Filters::find`] has it.
    pub fn find_filter(&self, on: Events, text: &str) -> Option<&Filter> {
        self.filters.find(on, text)
    }

    /// All filters that match a text.
    pub fn matching_filters(&self, on: Events, text: &str) -> impl Iterator<Item = &Filter> {
        let filters = self.filters().map(|(filter, _)| filter);
        filters.filter(move |filter| Filters::new([Filter::clone(filter)]).find(on, text).is_some())
    }

    /// Adds a filter, and has that saved. Returns the serial number of the save.
    ///
    /// # Errors
    /// [`FilterError::Taken`] or [`FilterError::Full`].
    pub fn add_filter(&mut self, filter: Filter) -> Result<u64, FilterError> {
        if self.filters().any(|(other, _)| other.name == filter.name) {
            return Err(FilterError::Taken);
        }
        if self.filters().count() >= FILTERS {
            return Err(FilterError::Full);
        }
        self.state.filters.push(Added(filter));
        self.renew_filters();
        Ok(self.save())
    }

    /// Removes a filter that was added, and has that saved. Returns it, and the serial number of the save.
    ///
    /// # Errors
    /// [`FilterError::Missing`] or [`FilterError::Configured`].
    pub fn remove_filter(&mut self, name: &str) -> Result<(Filter, u64), FilterError> {
        let Some(index) = self.state.filters.iter().position(|Added(filter)| filter.name == name) else {
            let configured = self.config.filter.iter().any(|filter| filter.name == name);
            return Err(if configured { FilterError::Configured } else { FilterError::Missing });
        };
        let Added(filter) = self.state.filters.remove(index);
        self.renew_filters();
        Ok((filter, self.save()))
    }

    /// Takes the filters that there are into use.
    pub(super) fn renew_filters(&mut self) {
        self.filters = Filters::new(self.filters().map(|(filter, _)| filter.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::State;
    use crate::server::tests::Bench;

    fn filter(name: &str, pattern: &str) -> Filter {
        Filter { name: name.to_owned(), pattern: pattern.parse().unwrap(), ..Filter::default() }
    }

    #[test]
    fn what_was_added_judges_is_saved_and_is_restored() {
        let mut bench = Bench::new(|config| config.filter = vec![filter("fixed", "fixed")]);
        let on = Events::MESSAGE;
        assert!(bench.server.add_filter(filter("spam", "buy \"now\"")).is_ok());
        assert_eq!(bench.server.add_filter(filter("fixed", "x")), Err(FilterError::Taken));
        assert_eq!(bench.server.add_filter(filter("spam", "x")), Err(FilterError::Taken));
        let found = |server: &Server| server.find_filter(on, "BUY \"now\"").map(|it| it.name.clone());
        assert_eq!(found(&bench.server), Some("spam".to_owned()));
        let text = bench.server.state().text();
        let mut later = Bench::new(|_| {});
        later.server.restore(State::parse(&text).unwrap());
        assert_eq!(found(&later.server), Some("spam".to_owned()));
        assert_eq!(later.server.state().text(), text);
        assert_eq!(later.server.remove_filter("spam").map(|(it, _)| it.name), Ok("spam".to_owned()));
        assert_eq!(found(&later.server), None);
        assert_eq!(later.server.remove_filter("spam").err(), Some(FilterError::Missing));
        assert_eq!(bench.server.remove_filter("fixed").err(), Some(FilterError::Configured));
    }

    #[test]
    fn there_are_so_many_and_no_more() {
        let mut bench = Bench::new(|config| config.filter = vec![filter("fixed", "fixed")]);
        for number in 1..FILTERS {
            assert!(bench.server.add_filter(filter(&number.to_string(), "x")).is_ok());
        }
        assert_eq!(bench.server.add_filter(filter("more", "x")), Err(FilterError::Full));
    }

    #[test]
    fn a_bad_filter_in_the_file_is_named() {
        let text = |pattern: &str, on: &str, action: &str| {
            format!(
                "{{\"version\":1,\"filters\":[{{\"name\":\"a\",\"pattern\":\"{pattern}\",\"on\":[\"{on}\"],\
                 \"action\":\"{action}\",\"reason\":\"r\"}}]}}"
            )
        };
        assert!(State::parse(&text("x", "message", "warn")).is_ok());
        for (bad, word) in [
            (text("(", "message", "warn"), "the pattern of filter `a`"),
            (text("x", "nothing", "warn"), "no texts `nothing`"),
            (text("x", "message", "no"), "no such action"),
        ] {
            let (_, _, message) = State::parse(&bad).unwrap_err();
            assert!(message.contains(word), "{message}");
        }
    }
}
