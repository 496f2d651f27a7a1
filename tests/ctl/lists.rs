//! `chatctl list`, `ban list` and `oper list`: tables, JSON lines, pages.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use chatd::admin::{
    BanItem, ChannelItem, ConnectionItem, ConnectionState, Json, List, ListenerItem, ListenerState, OperItem,
    PageWriter, PeerCredentials, Request, Role, UserItem, What,
};

use crate::details::ban_item;
use crate::fake::{Fake, Outcome};

/// One page with these items, and no further.
fn page<T: serde::Serialize>(items: &[T]) -> Json {
    let mut page = PageWriter::new(items.len());
    for item in items {
        page.push(item);
    }
    page.finish(None)
}

/// Lists `items`: what was asked and the table. With --json each item is a line.
fn ask_list<T: serde::Serialize>(line: &str, items: &[T]) -> (List, String) {
    let (Request::List(list), table) = ask_pages(line, items) else { panic!("not a list") };
    (list, table)
}

fn ask_pages<T: serde::Serialize>(line: &str, items: &[T]) -> (Request, String) {
    let fake = Fake::with(page(items));
    let table = fake.run(line).done();
    let json = fake.run(&format!("{line} --json")).done();
    assert_eq!(
        json.lines().collect::<Vec<_>>(),
        items.iter().map(|item| Json::of(item).as_str().to_owned()).collect::<Vec<_>>()
    );
    (fake.requests().remove(0), table)
}

pub(crate) fn user(id: u64, nick: &str, channels: &[&str]) -> UserItem {
    UserItem {
        id,
        nick: nick.into(),
        user: "u".into(),
        host: "127.0.0.1".into(),
        address: "127.0.0.1".into(),
        realname: format!("{nick} B."),
        channels: channels.iter().map(|&name| name.to_owned()).collect(),
        modes: "+i".into(),
        class: "default".into(),
        connected_seconds: 4_000,
        idle_seconds: 59,
        bytes_in: 1_536,
        bytes_out: 1 << 30,
        messages_in: 1_234,
        messages_out: 7,
        send_queue_bytes: 0,
        kernel_queue_bytes: 0,
    }
}

#[test]
fn users_are_a_table() {
    let users = [user(4_294_967_296, "alice", &["@#rust", "#go"]), user(8_589_934_593, "日本", &[])];
    let (list, table) = ask_list("list --match *!*@127.* --channel #rust", &users);
    assert_eq!((list.mask.as_deref(), list.channel.as_deref()), (Some("*!*@127.*"), Some("#rust")));
    assert_eq!((list.what, list.limit, list.after), (What::Users, 1_000, 0));
    assert_eq!(
        table,
        "\
NICK   USER@HOST    ADDRESS    MODES  CLASS    ONLINE  IDLE  MSGS IN  MSGS OUT       IN      OUT  QUEUE          ID  REALNAME  CHANNELS
alice  u@127.0.0.1  127.0.0.1  +i     default   1h 6m   59s    1,234         7  1.5 KiB  1.0 GiB    0 B  4294967296  alice B.  @#rust #go
日本   u@127.0.0.1  127.0.0.1  +i     default   1h 6m   59s    1,234         7  1.5 KiB  1.0 GiB    0 B  8589934593  日本 B.
"
    );
}

pub(crate) fn channel(name: &str, members: u64, topic: &str) -> ChannelItem {
    ChannelItem { name: name.into(), members, modes: "+nt".into(), topic: topic.into(), age_seconds: 90_000 }
}

#[test]
fn channels_are_a_table_and_their_topics_cannot_steer_the_terminal() {
    let channels =
        [channel("#rust", 1_234, "All of \u{2}Rust\u{2}\x1b[2J\u{9b}31m\u{202e}"), channel("#go", 2, "")];
    let fake = Fake::with(page(&channels));
    assert_eq!(
        fake.run("list channels").done(),
        "\
CHANNEL  MEMBERS  MODES    AGE  TOPIC
#rust      1,234  +nt    1d 1h  All of \\x02Rust\\x02\\x1b[2J\\x9b31m\\u{202e}
#go            2  +nt    1d 1h
"
    );
    let json = fake.run("list channels --json").done();
    assert!(json.contains("\\u0002Rust\\u0002\\u001b[2J\\u009b31m\\u202e"), "{json}");
    let item: ChannelItem = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(item, channels[0]);
}

/// A chat connection that has said nothing yet.
pub(crate) fn connection() -> ConnectionItem {
    ConnectionItem {
        id: 4_294_967_296,
        role: Role::Chat,
        state: ConnectionState::Registering,
        address: "[::1]:50000".into(),
        listener: "[::1]:6667".into(),
        nick: None,
        class: Some("default".into()),
        connected_seconds: 3,
        bytes_in: 0,
        bytes_out: 70,
        send_queue_bytes: 0,
        kernel_queue_bytes: 0,
        peer: None,
    }
}

#[test]
fn connections_are_a_table() {
    let chat = connection();
    let named =
        ConnectionItem { state: ConnectionState::Registered, nick: Some("bob".into()), ..chat.clone() };
    let admin = ConnectionItem {
        role: Role::Admin,
        state: ConnectionState::Open,
        address: "unix".into(),
        listener: "/run/chatd/admin.sock".into(),
        class: None,
        peer: Some(PeerCredentials { pid: 812, uid: 1_000, gid: 100 }),
        ..chat.clone()
    };
    let closing = ConnectionItem { state: ConnectionState::Closing, class: None, ..chat.clone() };
    let (list, table) = ask_list("list connections", &[chat, named, admin, closing]);
    assert_eq!(list.what, What::Connections);
    assert_eq!(
        table,
        "        ID  ROLE   STATE        NICK  ADDRESS      LISTENER               CLASS    ONLINE   IN   OUT  QUEUE  PEER
4294967296  chat   registering  -     [::1]:50000  [::1]:6667             default      3s  0 B  70 B    0 B  -
4294967296  chat   registered   bob   [::1]:50000  [::1]:6667             default      3s  0 B  70 B    0 B  -
4294967296  admin  open         -     unix         /run/chatd/admin.sock  -            3s  0 B  70 B    0 B  pid 812 uid 1000 gid 100
4294967296  chat   closing      -     [::1]:50000  [::1]:6667             -            3s  0 B  70 B    0 B  -
"
    );
}

/// A listener for chat.
pub(crate) fn listener() -> ListenerItem {
    ListenerItem {
        address: "127.0.0.1:6667".into(),
        role: Role::Chat,
        state: ListenerState::Accepting,
        accepted: 12_345,
    }
}

#[test]
fn listeners_are_a_table() {
    let chat = listener();
    let paused = ListenerItem { address: "[::1]:6667".into(), state: ListenerState::Paused, ..chat.clone() };
    let admin =
        ListenerItem { address: "/run/admin.sock".into(), role: Role::Admin, accepted: 1, ..chat.clone() };
    let (list, table) = ask_list("list listeners", &[chat, paused, admin]);
    assert_eq!(list.what, What::Listeners);
    assert_eq!(
        table,
        "\
ADDRESS          ROLE   STATE      ACCEPTED
127.0.0.1:6667   chat   accepting    12,345
[::1]:6667       chat   paused       12,345
/run/admin.sock  admin  accepting         1
"
    );
}

#[test]
fn bans_are_a_table() {
    let ban = ban_item();
    let fixed = BanItem {
        kind: "dline".into(),
        mask: "192.0.2.0/24".into(),
        by: None,
        age_seconds: None,
        expires_seconds: None,
        configured: true,
        ..ban.clone()
    };
    let (request, table) = ask_pages("ban list --match *192*", &[fixed, ban]);
    assert_eq!(request, Request::BanList { mask: Some("*192*".into()), limit: 1_000, after: 0 });
    assert_eq!(
        table,
        "\
MASK            KIND   SET BY                AGE  ENDS      REASON
192.0.2.0/24    dline  the configuration       -  never     No\\x07 bots
*bot@192.0.2.*  kline  ann!u@host         1m 30s  in 1d 0h  No\\x07 bots
"
    );
    assert_eq!(ask_pages::<BanItem>("ban list", &[]).1, "no bans\n");
}

/// An operator.
pub(crate) fn oper() -> OperItem {
    OperItem {
        id: 7,
        nick: "ann".into(),
        user: "u".into(),
        host: "host".into(),
        name: "root".into(),
        class: "all".into(),
        age_seconds: 4_000,
        idle_seconds: 59,
    }
}

#[test]
fn operators_are_a_table() {
    let (request, table) = ask_pages("oper list --limit 5", &[oper()]);
    assert_eq!(request, Request::OperList { limit: 5, after: 0 });
    assert_eq!(
        table,
        "\
NICK  USER@HOST  OPER  CLASS  SINCE  IDLE  ID
ann   u@host     root  all    1h 6m   59s   7
"
    );
    assert_eq!(ask_pages::<OperItem>("oper list", &[]).1, "no operators\n");
}

#[test]
fn long_lists_of_bans_come_in_pieces() {
    let fake = Fake::answering(|request| {
        let Request::BanList { limit, after, .. } = request else { panic!("not a list of bans") };
        let mut page = PageWriter::new(*limit);
        for number in 0..if *after == 0 { 1_000 } else { 3.min(*limit) } {
            page.push(&BanItem { mask: format!("10.0.{after}.{number}"), ..ban_item() });
        }
        Ok(page.finish((*after == 0).then_some(9_000)))
    });
    assert_eq!(fake.run("ban list --json").done().lines().count(), 1_003);
    assert_eq!(fake.run("ban list --json --limit 1002").done().lines().count(), 1_002);
}

#[test]
fn an_empty_list_says_so() {
    let (_, table) = ask_list::<UserItem>("list", &[]);
    assert_eq!(table, "no users\n");
}

/// A daemon with so many channels; like the real one it may end a page early, even with nothing on it.
fn channels(total: u64) -> Fake {
    Fake::answering(move |request| {
        let Request::List(list) = request else { panic!("not a list") };
        let mut page = PageWriter::new(list.limit);
        let mut index = list.after;
        // A page that starts at 1500 finds nothing.
        while index < total && !page.is_full() && list.after != 1_500 {
            page.push(&channel(&format!("#{index}"), index, "topic"));
            index += 1;
            if index == 1_500 {
                break;
            }
        }
        if list.after == 1_500 {
            index += 1;
        }
        Ok(page.finish((index < total).then_some(index)))
    })
}

#[test]
fn pages_are_asked_for_until_the_last() {
    let fake = channels(2_600);
    let table = fake.run("list channels").done();
    let names: Vec<_> = table.lines().skip(1).map(|line| line.split_whitespace().next().unwrap()).collect();
    let expected: Vec<_> =
        (0..2_600).filter(|index| *index != 1_500).map(|index| format!("#{index}")).collect();
    assert_eq!(names, expected);
    assert_eq!(table.matches("CHANNEL").count(), 1, "one heading");
    let asked: Vec<_> = fake.requests().iter().map(asked).collect();
    assert_eq!(asked, [(0, 1_000), (1_000, 1_000), (1_500, 1_000), (1_501, 1_000), (2_501, 1_000)]);
}

fn asked(request: &Request) -> (u64, usize) {
    let Request::List(list) = request else { panic!("not a list") };
    (list.after, list.limit)
}

#[test]
fn a_limit_bounds_all_pages_together() {
    let fake = channels(2_600);
    let lines = fake.run("list channels --limit 1200 --json").done();
    assert_eq!(lines.lines().count(), 1_200);
    let last: ChannelItem = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last.name, "#1199");
    assert_eq!(fake.requests().iter().map(asked).collect::<Vec<_>>(), [(0, 1_000), (1_000, 200)]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    for line in ["list channels", "list channels --json"] {
        let fake = channels(u64::MAX);
        let mut child = fake.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(!first.is_empty());
        let outcome: Outcome = child.wait_with_output().unwrap().into();
        assert_eq!(outcome.done(), "");
    }
}
