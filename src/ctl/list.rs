//! `chatctl list`, `ban list` and `oper list`: pages in, rows out, one page in memory at a time.

use std::io::Write;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::Failure;
use super::daemon::Daemon;
use super::details::ends;
use super::human::{count, counted, duration, printable_json, size};
use super::progress::Progress;
use super::table::{Column, Table, left, right};
use crate::admin::{
    BanItem, ChannelItem, ConnectionItem, ConnectionState, ListenerItem, ListenerState, OperItem, Page,
    Request, Role, UserItem, What,
};
use crate::proto::limits::ADMIN_PAGE;

/// Prints all that is to be listed, `limit` at most.
///
/// # Errors
/// Those of [`Daemon::call`], and of writing.
pub(super) fn list(
    daemon: &mut Daemon,
    request: Request,
    limit: Option<u64>,
    json: bool,
    terminal: Option<usize>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    // On a terminal the rows are progress enough.
    let progress = terminal.is_none().then(|| Progress::begin("the list is on its way"));
    let mut pages = Pages { daemon, request, left: limit.unwrap_or(u64::MAX), more: true, done: 0, progress };
    if json {
        while let Some(items) = pages.next::<Box<RawValue>>()? {
            for item in items {
                writeln!(out, "{}", printable_json(item.get()))?;
            }
        }
        return Ok(());
    }
    match &pages.request {
        Request::BanList { .. } => table(pages, "bans", Table::new(BANS, terminal), ban, out),
        Request::OperList { .. } => table(pages, "operators", Table::new(OPERS, terminal), oper, out),
        Request::List(list) => match list.what {
            What::Users => table(pages, "users", Table::new(USERS, terminal), user, out),
            What::Channels => table(pages, "channels", Table::new(CHANNELS, terminal), channel, out),
            What::Connections => {
                table(pages, "connections", Table::new(CONNECTIONS, terminal), connection, out)
            }
            What::Listeners => table(pages, "listeners", Table::new(LISTENERS, terminal), listener, out),
        },
        other => unreachable!("{} is no list", other.method().name),
    }
}

fn table<T: DeserializeOwned>(
    mut pages: Pages<'_>,
    what: &str,
    mut table: Table,
    row: impl Fn(T) -> Vec<String>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
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
    request: Request,
    /// How many items may still be shown.
    left: u64,
    /// Whether the last page had a cursor.
    more: bool,
    /// How many items there were so far.
    done: u64,
    progress: Option<Progress>,
}

impl Pages<'_> {
    fn next<T: DeserializeOwned>(&mut self) -> Result<Option<Vec<T>>, Failure> {
        if !self.more || self.left == 0 {
            return Ok(None);
        }
        let most = self.left.min(ADMIN_PAGE as u64) as usize;
        let (limit, after) = self.request.page().expect("a list has pages");
        *limit = most;
        let before = *after;
        let result = self.daemon.call(&self.request)?;
        let page: Page<T> =
            serde_json::from_str(result.get()).map_err(|error| self.daemon.nonsense(&error.to_string()))?;
        if page.items.len() > most {
            return Err(self.daemon.nonsense("a page with more items than were asked for"));
        }
        self.left -= page.items.len() as u64;
        self.done += page.items.len() as u64;
        if let Some(progress) = &self.progress {
            progress.now(format!("{} so far", counted(self.done, "item", "items")));
        }
        self.more = page.next.is_some();
        if let Some(next) = page.next {
            let next = next.parse().ok().filter(|&next| next != before);
            let next = next.ok_or_else(|| self.daemon.nonsense("a cursor that leads nowhere"))?;
            let (_, after) = self.request.page().expect("a list has pages");
            *after = next;
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
        ListenerState::Draining => "draining",
    };
    vec![listener.address, role(listener.role), state.to_owned(), count(listener.accepted)]
}

const BANS: &[Column] = &[
    left("MASK", 0),
    left("KIND", 0),
    left("SET BY", 2),
    right("AGE", 3),
    left("ENDS", 1),
    left("REASON", 0),
];

fn ban(ban: BanItem) -> Vec<String> {
    vec![
        ban.mask,
        ban.kind,
        ban.by.unwrap_or_else(|| "the configuration".to_owned()),
        ban.age_seconds.map_or_else(|| "-".to_owned(), duration),
        ends(ban.expires_seconds),
        ban.reason,
    ]
}

const OPERS: &[Column] = &[
    left("NICK", 0),
    left("USER@HOST", 0),
    left("OPER", 0),
    left("CLASS", 0),
    right("SINCE", 2),
    right("IDLE", 1),
    right("ID", 3),
];

fn oper(oper: OperItem) -> Vec<String> {
    vec![
        oper.nick,
        format!("{}@{}", oper.user, oper.host),
        oper.name,
        oper.class,
        duration(oper.age_seconds),
        duration(oper.idle_seconds),
        oper.id.to_string(),
    ]
}

fn role(role: Role) -> String {
    match role {
        Role::Chat => "chat".to_owned(),
        Role::Admin => "admin".to_owned(),
        Role::Monitor => "monitor".to_owned(),
    }
}
