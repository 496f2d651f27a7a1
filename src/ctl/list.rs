//! `chatctl list`: pages in, rows out, one page in memory at a time.

use std::io::Write;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::Failure;
use super::daemon::Daemon;
use super::human::{count, duration, printable_json, size};
use super::table::{Column, Table, left, right};
use crate::admin::{
    ChannelItem, ConnectionItem, ConnectionState, List, ListenerItem, ListenerState, Page, Request, Role,
    UserItem, What,
};
use crate::proto::limits::ADMIN_PAGE;

/// Prints all that is to be listed, `limit` at most.
///
/// # Errors
/// Those of [`Daemon::call`], and of writing.
pub(super) fn list(
    daemon: &mut Daemon,
    list: List,
    limit: Option<u64>,
    json: bool,
    terminal: Option<usize>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let what = list.what;
    let mut pages = Pages { daemon, list, left: limit.unwrap_or(u64::MAX), more: true };
    if json {
        while let Some(items) = pages.next::<Box<RawValue>>()? {
            for item in items {
                writeln!(out, "{}", printable_json(item.get()))?;
            }
        }
        return Ok(());
    }
    match what {
        What::Users => table(pages, Table::new(USERS, terminal), user, out),
        What::Channels => table(pages, Table::new(CHANNELS, terminal), channel, out),
        What::Connections => table(pages, Table::new(CONNECTIONS, terminal), connection, out),
        What::Listeners => table(pages, Table::new(LISTENERS, terminal), listener, out),
    }
}

fn table<T: DeserializeOwned>(
    mut pages: Pages<'_>,
    mut table: Table,
    row: impl Fn(T) -> Vec<String>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let what = pages.list.what.name();
    let mut empty = true;
    while let Some(items) = pages.next()? {
        let rows: Vec<_> = items.into_iter().map(&row).collect();
        empty &= rows.is_empty();
        table.print(out, &rows)?;
        // What is there is shown while the next page is on its way.
        out.flush()?;
    }
    if empty {
        writeln!(out, "no {what}")?;
    }
    Ok(())
}

/// The pages still to be asked for.
struct Pages<'a> {
    daemon: &'a mut Daemon,
    list: List,
    /// How many items may still be shown.
    left: u64,
    /// Whether the last page had a cursor.
    more: bool,
}

impl Pages<'_> {
    fn next<T: DeserializeOwned>(&mut self) -> Result<Option<Vec<T>>, Failure> {
        if !self.more || self.left == 0 {
            return Ok(None);
        }
        self.list.limit = self.left.min(ADMIN_PAGE as u64) as usize;
        let result = self.daemon.call(&Request::List(self.list.clone()))?;
        let page: Page<T> =
            serde_json::from_str(result.get()).map_err(|error| self.daemon.nonsense(&error.to_string()))?;
        if page.items.len() > self.list.limit {
            return Err(self.daemon.nonsense("a page with more items than were asked for"));
        }
        self.left -= page.items.len() as u64;
        self.more = page.next.is_some();
        if let Some(next) = page.next {
            let after = next.parse().ok().filter(|&after| after != self.list.after);
            self.list.after = after.ok_or_else(|| self.daemon.nonsense("a cursor that leads nowhere"))?;
        }
        Ok(Some(page.items))
    }
}

const USERS: &[Column] = &[
    left("NICK", 0),
    left("USER@HOST", 0),
    left("ADDRESS", 5),
    left("MODES", 4),
    left("CLASS", 10),
    right("ONLINE", 2),
    right("IDLE", 1),
    right("MSGS IN", 7),
    right("MSGS OUT", 7),
    right("IN", 6),
    right("OUT", 6),
    right("QUEUE", 3),
    right("ID", 8),
    left("REALNAME", 9),
    left("CHANNELS", 0),
];

fn user(user: UserItem) -> Vec<String> {
    vec![
        user.nick,
        format!("{}@{}", user.user, user.host),
        user.address,
        user.modes,
        user.class,
        duration(user.connected_seconds),
        duration(user.idle_seconds),
        count(user.messages_in),
        count(user.messages_out),
        size(user.bytes_in),
        size(user.bytes_out),
        size(user.send_queue_bytes),
        user.id.to_string(),
        user.realname,
        user.channels.join(" "),
    ]
}

const CHANNELS: &[Column] =
    &[left("CHANNEL", 0), right("MEMBERS", 0), left("MODES", 2), right("AGE", 1), left("TOPIC", 0)];

fn channel(channel: ChannelItem) -> Vec<String> {
    vec![channel.name, count(channel.members), channel.modes, duration(channel.age_seconds), channel.topic]
}

const CONNECTIONS: &[Column] = &[
    right("ID", 0),
    left("ROLE", 3),
    left("STATE", 0),
    left("NICK", 0),
    left("ADDRESS", 0),
    left("LISTENER", 5),
    left("CLASS", 7),
    right("ONLINE", 1),
    right("IN", 4),
    right("OUT", 4),
    right("QUEUE", 2),
    left("PEER", 6),
];

fn connection(connection: ConnectionItem) -> Vec<String> {
    let peer = connection.peer.map(|peer| format!("pid {} uid {} gid {}", peer.pid, peer.uid, peer.gid));
    vec![
        connection.id.to_string(),
        role(connection.role),
        match connection.state {
            ConnectionState::Registering => "registering",
            ConnectionState::Registered => "registered",
            ConnectionState::Open => "open",
            ConnectionState::Closing => "closing",
        }
        .to_owned(),
        connection.nick.unwrap_or_else(|| "-".to_owned()),
        connection.address,
        connection.listener,
        connection.class.unwrap_or_else(|| "-".to_owned()),
        duration(connection.connected_seconds),
        size(connection.bytes_in),
        size(connection.bytes_out),
        size(connection.send_queue_bytes),
        peer.unwrap_or_else(|| "-".to_owned()),
    ]
}

const LISTENERS: &[Column] = &[left("ADDRESS", 0), left("ROLE", 0), left("STATE", 0), right("ACCEPTED", 0)];

fn listener(listener: ListenerItem) -> Vec<String> {
    let state = match listener.state {
        ListenerState::Accepting => "accepting",
        ListenerState::Paused => "paused",
    };
    vec![listener.address, role(listener.role), state.to_owned(), count(listener.accepted)]
}

fn role(role: Role) -> String {
    match role {
        Role::Chat => "chat".to_owned(),
        Role::Admin => "admin".to_owned(),
    }
}
