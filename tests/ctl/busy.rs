//! `chatctl busiest`, and `chatctl top` where there is no terminal.

use chatd::admin::{Busiest, Busy, BusyChannel, BusyClient, Json, Request};

use crate::fake::{Fake, chatctl};

pub(crate) fn busy_client() -> BusyClient {
    BusyClient {
        id: 4_294_967_296,
        nick: Some("bob\x1b".into()),
        address: "192.0.2.7".into(),
        messages: 25,
        send_queue_bytes: 2_048,
        kernel_queue_bytes: 0,
    }
}

pub(crate) fn busy_channel() -> BusyChannel {
    BusyChannel { name: "#日本".into(), members: 1_234, messages: 12_345 }
}

fn page<T: serde::Serialize>(items: Vec<T>, next: Option<u64>, period_ms: u64) -> Json {
    Json::of(&Busiest { items, next: next.map(|next| next.to_string()), period_ms })
}

#[test]
fn the_best_of_all_pages_are_a_table() {
    let fake = Fake::answering(|request| {
        let Request::Busiest { what: Busy::Clients, limit, after } = request else { panic!("{request:?}") };
        assert_eq!(*limit, 3);
        let client = |id, messages| BusyClient { id, nick: None, messages, ..busy_client() };
        // Of the second page the time is half as long, so half as many messages are as much.
        Ok(match after {
            0 => page(vec![busy_client(), client(1, 20)], Some(10_000), 10_000),
            _ => page(vec![client(2, 11), client(3, 1)], None, 5_000),
        })
    });
    let table = fake.run("busiest --limit 3").done();
    assert_eq!(
        table,
        "\
NICK     ADDRESS    MSGS/S    QUEUE          ID
bob\\x1b  192.0.2.7     2.5  2.0 KiB  4294967296
-        192.0.2.7     2.2  2.0 KiB           2
-        192.0.2.7     2.0  2.0 KiB           1
"
    );
    let json = fake.run("busiest --limit 3 --json").done();
    let all: Busiest<BusyClient> = serde_json::from_str(&json).unwrap();
    assert_eq!(all.items.iter().map(|client| client.id).collect::<Vec<_>>(), [4_294_967_296, 2, 1]);
    assert_eq!((all.next, all.period_ms, json.lines().count()), (None, 5_000, 1));
}

#[test]
fn channels_are_a_table_and_silence_is_told() {
    let fake = Fake::with(page(vec![busy_channel()], None, 10_000));
    assert_eq!(fake.run("busiest channels").done(), "CHANNEL  MEMBERS   MSGS/S\n#日本      1,234  1,234.5\n");
    assert_eq!(fake.requests(), [Request::Busiest { what: Busy::Channels, limit: 10, after: 0 }]);
    let silent = Fake::with(page::<BusyChannel>(vec![], None, 10_000));
    assert_eq!(silent.run("busiest channels").done(), "all channels are silent\n");
}

#[test]
fn a_cursor_that_leads_nowhere_is_a_failure() {
    let fake = Fake::with(page::<BusyClient>(vec![], Some(7), 10_000));
    assert!(fake.run("busiest").failed(3).contains("a cursor that leads nowhere"));
}

#[test]
fn top_needs_a_terminal_and_says_what_does_not() {
    let outcome: crate::fake::Outcome = chatctl("top").output().unwrap().into();
    assert_eq!(
        outcome.failed(1),
        "chatctl: top needs a terminal that can move its cursor, for its output and its keys\n\
         elsewhere, \"chatctl stats\" and \"chatctl busiest\" tell the same, with --json for programs\n"
    );
}
