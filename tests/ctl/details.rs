//! `chatctl ban`, `channel`, `filter`, `lockdown` and `user`: what is asked and what is printed.

use chatd::admin::{
    BanItem, ChannelDetails, ChannelTopic, FilterItem, FilterList, FilterVerdict, Json, Lockdown, MaskEntry,
    MaskList, ModesChanged, NOT_DONE, Request, RpcError, Target, TopicChange, UserDetails,
};

use crate::ask;
use crate::fake::Fake;
use crate::lists::user;

/// A channel with more members and bans than are shown.
pub(crate) fn channel_details() -> ChannelDetails {
    let entry = |mask: &str, by: &str| MaskEntry { mask: mask.into(), by: by.into(), age_seconds: 90 };
    ChannelDetails {
        name: "#rust".into(),
        modes: "+knt sesame".into(),
        topic: "Be \x1b[2Jnice".into(),
        topic_by: Some("ann!u@host".into()),
        topic_age_seconds: Some(11_520),
        age_seconds: 90_000,
        members: 1_002,
        users: vec!["@+ann".into(), "bob".into()],
        lists: vec![MaskList {
            mode: 'b',
            total: 3,
            entries: vec![entry("*!*@192.0.2.*", "ann"), entry("$r:\x02x", "chat.example")],
        }],
    }
}

pub(crate) fn channel_topic() -> ChannelTopic {
    ChannelTopic {
        name: "#rust".into(),
        topic: "Be \x1b[2Jnice".into(),
        topic_by: Some("ann!u@host".into()),
        topic_age_seconds: Some(59),
    }
}

/// An operator who is away.
pub(crate) fn user_details() -> UserDetails {
    UserDetails {
        item: user(7, "ann", &["@#rust", "#go"]),
        away: Some("lunch\x07".into()),
        account: None,
        oper_class: Some("helper".into()),
        secure: true,
        capabilities: vec!["batch".into(), "server-time".into()],
        monitored: 2,
        accepted: 0,
        silenced: 1_000,
        invited: 1,
    }
}

#[test]
fn a_channel_is_shown_with_its_lists_and_what_is_left_out() {
    let (request, text) = ask("channel info #rust", &Json::of(&channel_details()));
    assert_eq!(request, Request::ChannelInfo { channel: "#rust".into() });
    assert_eq!(
        text,
        "\
channel       #rust
modes         +knt sesame
created       1d 1h ago
topic         Be \\x1b[2Jnice
topic set     by ann!u@host, 3h 12m ago
members       1,002
users         @+ann bob and 1,000 more
list b, 3 entries
  *!*@192.0.2.*  by ann, 1m 30s ago
  $r:\\x02x  by chat.example, 1m 30s ago
  and 1 more
"
    );
}

#[test]
fn modes_are_changed_and_refusals_are_failures() {
    let changed = Json::of(&ModesChanged { name: "#Rust".into(), modes: "+nt".into() });
    let asked = Request::ChannelMode { channel: "#rust".into(), modes: "+o-b bob *!*@x".into() };
    assert_eq!(ask("channel mode #rust +o-b bob *!*@x", &changed), (asked, "#Rust is now +nt\n".into()));
    let fake = Fake::answering(|_| Err(RpcError::new(NOT_DONE, "refused: bob: No such nick")));
    assert_eq!(fake.run("channel mode #rust -o bob").failed(1), "chatctl: refused: bob: No such nick\n");
}

#[test]
fn a_topic_is_shown_set_and_cleared() {
    let topic = Json::of(&channel_topic());
    let shown = "channel       #rust\ntopic         Be \\x1b[2Jnice\ntopic set     by ann!u@host, 59s ago\n";
    let request = |change| Request::ChannelTopic { channel: "#rust".into(), change };
    assert_eq!(ask("channel topic #rust", &topic), (request(TopicChange::Show), shown.into()));
    let set = TopicChange::Set("Be nice".into());
    assert_eq!(ask("channel topic #rust Be nice", &topic), (request(set), shown.into()));
    let none =
        ChannelTopic { topic: String::new(), topic_by: None, topic_age_seconds: None, ..channel_topic() };
    assert_eq!(
        ask("channel topic #rust --clear", &Json::of(&none)),
        (request(TopicChange::Clear), "#rust has no topic\n".into())
    );
}

#[test]
fn a_user_is_shown() {
    let (request, text) = ask("user info ann", &Json::of(&user_details()));
    assert_eq!(request, Request::UserInfo { target: Target::Nick("ann".into()) });
    let (request, _) = ask("user info --id 7", &Json::of(&user_details()));
    assert_eq!(request, Request::UserInfo { target: Target::Id(7) });
    let expected = "\
nick          ann
user@host     u@127.0.0.1
address       127.0.0.1, encrypted
realname      ann B.
class         CLASS
account       none
modes         +i
oper class    helper
away          lunch\\x07
channels      @#rust #go
capabilities  batch server-time
online        1h 6m
idle          59s
messages      1,234 in, 7 out
bytes         1.5 KiB in, 1.0 GiB out
send queue    0 B, and 0 B in the kernel
lists         2 monitored, 0 accepted, 1,000 silenced, 1 invited
id            7
";
    assert_eq!(text, expected.replace("CLASS", &user_details().item.class));
}

/// A ban that somebody has set over IRC.
pub(crate) fn ban_item() -> BanItem {
    BanItem {
        kind: "kline".into(),
        mask: "*bot@192.0.2.*".into(),
        reason: "No\x07 bots".into(),
        by: Some("ann!u@host".into()),
        age_seconds: Some(90),
        expires_seconds: Some(86_400),
        configured: false,
    }
}

#[test]
fn bans_are_set_and_taken_away() {
    let (set, ban) = (Json::of(&ban_item()), |mask: &str, duration, kind| Request::BanAdd {
        mask: mask.into(),
        reason: "No bots".into(),
        duration,
        kind,
    });
    let shown = "\
ban           *bot@192.0.2.*
kind          kline
reason        No\\x07 bots
set           by ann!u@host, 1m 30s ago
ends          in 1d 0h
";
    assert_eq!(
        ask("ban add --duration 1d *bot@192.0.2.* No bots", &set),
        (ban("*bot@192.0.2.*", Some(86_400), None), format!("added\n{shown}"))
    );
    assert_eq!(ask("ban add a@b --kind kline No bots", &set).0, ban("a@b", None, Some("kline".into())));
    let request = Request::BanDel { mask: "192.0.2.1".into(), kind: None };
    assert_eq!(ask("ban del 192.0.2.1", &set), (request, format!("removed\n{shown}")));
    let fixed =
        BanItem { by: None, age_seconds: None, expires_seconds: None, configured: true, ..ban_item() };
    let text = ask("ban del 192.0.2.1", &Json::of(&fixed)).1;
    assert!(text.ends_with("set           by the configuration\nends          never\n"), "{text}");
    let fake = Fake::answering(|_| Err(RpcError::new(NOT_DONE, "done, but not saved: File too large")));
    let said = fake.run("ban add a@b No bots").failed(1);
    assert_eq!(said, "chatctl: done, but not saved: File too large\n");
}

/// A filter that was added.
pub(crate) fn filter_item() -> FilterItem {
    FilterItem {
        name: "spam".into(),
        pattern: "free\x1b (coins|beer)".into(),
        on: vec!["message".into(), "topic".into()],
        action: "kill".into(),
        reason: "No ads".into(),
        configured: false,
    }
}

const FILTER: &str = "\
filter        spam
pattern       free\\x1b (coins|beer)
on            message, topic
action        kill
reason        No ads
from          chatctl
";

#[test]
fn filters_are_shown_added_and_removed() {
    let item = Json::of(&filter_item());
    let request = Request::FilterAdd {
        name: "spam".into(),
        pattern: "beer".into(),
        on: Some("message,topic".into()),
        action: Some("kill".into()),
        reason: Some("No ads".into()),
    };
    let line = "filter add --on message,topic --action kill spam beer No ads";
    assert_eq!(ask(line, &item), (request, format!("added\n{FILTER}")));
    assert_eq!(
        ask("filter del spam", &item),
        (Request::FilterDel { name: "spam".into() }, format!("removed\n{FILTER}"))
    );
    let list = |total, filters| Json::of(&FilterList { total, filters });
    assert_eq!(
        ask("filter list", &list(3, vec![filter_item()])),
        (Request::FilterList, format!("{FILTER}\nand 2 more\n"))
    );
    assert_eq!(ask("filter list", &list(0, vec![])).1, "no filters\n");
}

#[test]
fn a_text_is_judged() {
    let verdict = FilterVerdict {
        verdict: "kill".into(),
        filter: Some(filter_item()),
        matching: vec!["spam".into(), "odd".into()],
    };
    let request = Request::FilterTest { text: "free beer".into(), on: Some("topic".into()) };
    assert_eq!(
        ask("filter test --on topic free beer", &Json::of(&verdict)),
        (request, format!("verdict       kill\nmatching      spam, odd\n{FILTER}"))
    );
    let pass = FilterVerdict { verdict: "pass".into(), filter: None, matching: vec![] };
    assert_eq!(ask("filter test hello", &Json::of(&pass)).1, "verdict       pass\nmatching      none\n");
}

#[test]
fn the_panic_switch_is_shown_and_thrown() {
    let state = |on, changed| Json::of(&Lockdown { on, changed });
    let off = state(false, false);
    assert_eq!(ask("lockdown", &off), (Request::Lockdown { on: None }, "lockdown is off\n".into()));
    assert_eq!(
        ask("lockdown on", &state(true, true)),
        (Request::Lockdown { on: Some(true) }, "lockdown is now on\n".into())
    );
}
