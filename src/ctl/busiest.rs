//! `chatctl busiest`, and the same for `chatctl top`: the best of all pages.

use std::io::Write;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Failure;
use super::daemon::Daemon;
use super::human::{count, printable_json, size};
use super::table::{Column, Table, left, right};
use crate::admin::{Busiest, Busy, BusyChannel, BusyClient, Json, Request};
use crate::proto::limits::ADMIN_BUSIEST;

/// One of the busiest, and how busy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Active<T> {
    /// Which.
    pub(super) item: T,
    /// Messages in ten seconds.
    pub(super) tenths: u64,
}

/// What has a count of messages.
pub(super) trait Talks: DeserializeOwned {
    /// Messages in the time that the daemon has counted.
    fn messages(&self) -> u64;
}

impl Talks for BusyClient {
    fn messages(&self) -> u64 {
        self.messages
    }
}

impl Talks for BusyChannel {
    fn messages(&self) -> u64 {
        self.messages
    }
}

impl Talks for Value {
    fn messages(&self) -> u64 {
        self["messages"].as_u64().unwrap_or(0)
    }
}

/// Messages a second from those in ten, with one decimal.
pub(super) fn rate(tenths: u64) -> String {
    format!("{}.{}", count(tenths / 10), tenths % 10)
}

/// The busiest of all, the first `limit` of them, and the time in which the messages of the last page were counted.
///
/// # Errors
/// Those of [`Daemon::call`].
pub(super) fn fetch<T: Talks>(
    daemon: &mut Daemon,
    what: Busy,
    limit: usize,
) -> Result<(Vec<Active<T>>, u64), Failure> {
    let (mut best, mut after) = (Vec::new(), 0);
    loop {
        let asked = limit.min(ADMIN_BUSIEST);
        let result = daemon.call(&Request::Busiest { what, limit: asked, after })?;
        let page: Busiest<T> =
            serde_json::from_str(result.get()).map_err(|error| daemon.nonsense(&error.to_string()))?;
        // The windows may have moved between two pages, so rates are compared and not counts.
        let tenths = |messages: u64| messages.saturating_mul(10_000) / page.period_ms.max(1);
        best.extend(page.items.into_iter().map(|item| Active { tenths: tenths(item.messages()), item }));
        best.sort_by_key(|active| std::cmp::Reverse(active.tenths));
        best.truncate(limit);
        let Some(next) = page.next else { return Ok((best, page.period_ms)) };
        // Each page looks further, so there is a last one.
        after = next
            .parse()
            .ok()
            .filter(|&next| next > after)
            .ok_or_else(|| daemon.nonsense("a cursor that leads nowhere"))?;
    }
}

const CLIENTS: &[Column] =
    &[left("NICK", 0), left("ADDRESS", 1), right("MSGS/S", 0), right("QUEUE", 2), right("ID", 0)];
const CHANNELS: &[Column] = &[left("CHANNEL", 0), right("MEMBERS", 1), right("MSGS/S", 0)];

fn client(active: Active<BusyClient>) -> Vec<String> {
    let Active { item, tenths } = active;
    vec![
        item.nick.unwrap_or_else(|| "-".to_owned()),
        item.address,
        rate(tenths),
        size(item.send_queue_bytes),
        item.id.to_string(),
    ]
}

fn channel(active: Active<BusyChannel>) -> Vec<String> {
    vec![active.item.name, count(active.item.members), rate(active.tenths)]
}

/// Prints the busiest.
///
/// # Errors
/// Those of [`fetch`], and of writing.
pub(super) fn run(
    daemon: &mut Daemon,
    what: Busy,
    limit: usize,
    json: bool,
    terminal: Option<usize>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    if json {
        let (best, period_ms) = fetch::<Value>(daemon, what, limit)?;
        let items = best.into_iter().map(|active| active.item).collect();
        let all = Json::of(&Busiest { items, next: None, period_ms });
        writeln!(out, "{}", printable_json(all.as_str()))?;
        return Ok(());
    }
    let (columns, rows): (_, Vec<_>) = match what {
        Busy::Clients => (CLIENTS, fetch(daemon, what, limit)?.0.into_iter().map(client).collect()),
        Busy::Channels => (CHANNELS, fetch(daemon, what, limit)?.0.into_iter().map(channel).collect()),
    };
    if rows.is_empty() {
        writeln!(out, "all {} are silent", what.name())?;
    }
    Ok(Table::new(columns, terminal).print(out, &rows)?)
}
