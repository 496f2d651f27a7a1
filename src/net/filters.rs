//! Requests of operators about the content filter and the panic switch.

use super::driver::Driver;
use super::shell::Shell;
use crate::admin::{
    FilterItem, FilterList, FilterVerdict, INVALID_PARAMS, Json, Lockdown, NOT_FOUND, Request, RpcError,
    TEXTS,
};
use crate::config::{Action, Events, Filter, name_fault};
use crate::proto::limits::{ADMIN_REPLY, FILTERS};
use crate::server::FilterError;

/// The longest reason of a filter, in bytes.
const REASON: usize = 200;

impl<D: Driver> Shell<D> {
    pub(super) fn filter_add(&mut self, request: &Request) -> Result<FilterItem, RpcError> {
        let filter = filter_of(request)?;
        let item = item(&filter, false);
        self.server.add_filter(filter).map_err(|error| explain(error, &item.name))?;
        Ok(item)
    }

    pub(super) fn filter_del(&mut self, name: &str) -> Result<FilterItem, RpcError> {
        let (filter, _) = self.server.remove_filter(name).map_err(|error| explain(error, name))?;
        Ok(item(&filter, false))
    }

    pub(super) fn filter_list(&self) -> FilterList {
        let mut bytes = 0;
        let items = self.server.filters().map(|(filter, configured)| item(filter, configured));
        let filters = items.take_while(|item| {
            bytes += Json::of(item).as_str().len();
            bytes <= ADMIN_REPLY / 2
        });
        FilterList { filters: filters.collect(), total: self.server.filters().count() as u64 }
    }

    pub(super) fn filter_test(&self, text: &str, on: Option<&str>) -> FilterVerdict {
        let on = events(on.unwrap_or(TEXTS[0])).expect("the table has these words");
        let configured = |name: &str| self.server.config().filter.iter().any(|filter| filter.name == name);
        let decides = self.server.find_filter(on, text);
        FilterVerdict {
            verdict: decides.map_or("pass", |filter| filter.action.name()).to_owned(),
            filter: decides.map(|filter| item(filter, configured(&filter.name))),
            matching: self.server.matching_filters(on, text).map(|filter| filter.name.clone()).collect(),
        }
    }

    pub(super) fn lockdown(&mut self, on: Option<bool>) -> Lockdown {
        let changed = on.is_some_and(|on| self.server.set_lockdown(self.now, on, &mut self.out));
        Lockdown { on: self.server.lockdown(), changed }
    }
}

fn explain(error: FilterError, name: &str) -> RpcError {
    let (code, message) = match error {
        FilterError::Taken => {
            (INVALID_PARAMS, format!("there is a filter {name} already; `chatctl filter del` removes it"))
        }
        FilterError::Full => (
            INVALID_PARAMS,
            format!("there are {FILTERS} filters, and no more may be; `chatctl filter del` makes room"),
        ),
        FilterError::Missing => {
            (NOT_FOUND, format!("there is no filter {name}; `chatctl filter list` shows all"))
        }
        FilterError::Configured => (
            INVALID_PARAMS,
            format!("filter {name} is of the configuration; take it out there, and then `chatctl reload`"),
        ),
    };
    RpcError::new(code, message)
}

/// The texts that these words name, separated by commas.
fn events(words: &str) -> Result<Events, String> {
    words.split(',').try_fold(Events::NONE, |all, word| {
        let known = Events::TABLE.iter().find(|known| known.name == word.trim());
        known.map(|known| all.with(known.bit.into())).ok_or_else(|| word.to_owned())
    })
}

/// The filter that is to be added.
fn filter_of(request: &Request) -> Result<Filter, RpcError> {
    let Request::FilterAdd { name, pattern, on, action, reason } = request else {
        unreachable!("only asked for that");
    };
    let invalid = |message: String| RpcError::new(INVALID_PARAMS, format!("filter.add: {message}"));
    if let Some(fault) = name_fault(name) {
        return Err(invalid(format!("parameter `name` {fault}")));
    }
    let mut filter = Filter { name: name.clone(), ..Filter::default() };
    filter.pattern = pattern
        .parse()
        .map_err(|error| invalid(format!("parameter `pattern` is no regular expression: {error}")))?;
    if let Some(on) = on {
        filter.on = events(on).map_err(|word| {
            invalid(format!(
                "parameter `on` is of {}, separated by commas, but has `{word}`",
                TEXTS.join(", ")
            ))
        })?;
    }
    if let Some(action) = action {
        let all = [Action::Block, Action::Warn, Action::Kill];
        filter.action = all.into_iter().find(|it| it.name() == action).unwrap_or_default();
    }
    if let Some(reason) = reason {
        if reason.len() > REASON {
            return Err(invalid(format!("parameter `reason` has at most {REASON} bytes")));
        }
        filter.reason.clone_from(reason);
    }
    Ok(filter)
}

fn item(filter: &Filter, configured: bool) -> FilterItem {
    FilterItem {
        name: filter.name.clone(),
        pattern: filter.pattern.to_string(),
        on: filter.on.names().map(str::to_owned).collect(),
        action: filter.action.name().to_owned(),
        reason: filter.reason.clone(),
        configured,
    }
}
