//! `docs/admin-schema.json`, the JSON Schema of the admin protocol: written by this program from the table of methods and the types
//! of their results, and held against both and against what a running daemon says.
//!
//! `CHATD_BLESS=1 cargo test --test schema` writes it anew; read the difference before you commit it.

#[path = "schema/check.rs"]
mod check;
mod common;
#[path = "schema/make.rs"]
mod make;
#[path = "schema/rust.rs"]
mod rust;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use chatd::admin::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use check::Schema;
use common::{Daemon, PATIENCE};

const FILE: &str = "docs/admin-schema.json";
const MANUAL: &str = include_str!("../packaging/man/chatd-admin.7");

/// What a type makes of a value: read, and written again.
type Again = fn(Value) -> Value;

fn again<T: DeserializeOwned + Serialize>(value: Value) -> Value {
    let read: T = serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"));
    serde_json::to_value(read).expect("it is JSON")
}

macro_rules! results {
    ($($method:literal: $($kind:ty),+;)*) => {
        /// The types of what methods answer, and what they make of a value.
        fn results() -> Vec<(&'static str, Vec<(&'static str, Again)>)> {
            vec![$(($method, vec![$((stringify!($kind), again::<$kind> as Again)),+])),*]
        }
    };
}

results! {
    "announce": Announced;
    "ban.add": BanItem;
    "ban.del": BanItem;
    "ban.list": Page<BanItem>;
    "busiest": Busiest<BusyClient>, Busiest<BusyChannel>;
    "channel.info": ChannelDetails;
    "channel.mode": ModesChanged;
    "channel.topic": ChannelTopic;
    "config.apply": ConfigApplied;
    "config.confirm": ConfigConfirmed;
    "config.diff": ConfigDiff;
    "config.status": ConfigStatus;
    "drain": Draining;
    "filter.add": FilterItem;
    "filter.del": FilterItem;
    "filter.list": FilterList;
    "filter.test": FilterVerdict;
    "kick": Kicked;
    "list": Page<UserItem>, Page<ChannelItem>, Page<ConnectionItem>, Page<ListenerItem>;
    "lockdown": Lockdown;
    "log_level": LogLevel;
    "oper.list": Page<OperItem>;
    "reload": Reloaded;
    "shutdown": ShuttingDown;
    "stats": Stats;
    "unwatch": Unwatched;
    "user.info": UserDetails;
    "version": Version;
    "watch": Watching;
}

/// The schema as it should be.
fn made() -> Value {
    let mut names: Vec<_> = results()
        .into_iter()
        .map(|(method, kinds)| (method, kinds.into_iter().map(|(kind, _)| kind).collect()))
        .collect();
    // What only the daemon writes.
    names.push(("help", vec!["Help"]));
    make::schema(&names)
}

#[test]
fn the_schema_says_what_tables_and_types_say() {
    let text = format!("{:#}\n", made());
    if std::env::var_os("CHATD_BLESS").is_some() {
        std::fs::write(FILE, &text).expect("the schema is written");
    }
    let there = std::fs::read_to_string(FILE).unwrap_or_default();
    let differs = there.lines().zip(text.lines()).position(|(a, b)| a != b);
    assert!(
        there == text,
        "{FILE} is not what the source says, from line {}; `CHATD_BLESS=1 cargo test --test schema` writes it anew",
        1 + differs.unwrap_or_else(|| there.lines().count().min(text.lines().count()))
    );
}

/// The kinds of events that the schema knows, each with its members.
fn events(schema: &Schema) -> Vec<(String, BTreeSet<String>)> {
    let kinds = schema.0["$defs"]["Event"]["oneOf"].as_array().expect("a list");
    let members = |kind: &Value| kind["properties"].as_object().unwrap().keys().cloned().collect();
    kinds
        .iter()
        .map(|kind| (kind["properties"]["kind"]["const"].as_str().unwrap().to_owned(), members(kind)))
        .collect()
}

#[test]
fn types_read_and_write_what_the_schema_says() {
    let schema = Schema(made());
    // With all that may be there, and with nothing that need not be.
    let agree = |kind: &str, definition: &Value, choice, again: Again| {
        let example = schema.example(definition, choice);
        schema.faults(kind, &example).unwrap();
        assert_eq!(again(example.clone()), example, "{kind}");
    };
    for (_, kinds) in results() {
        for (kind, again) in kinds {
            let kind = kind.replace(' ', "").trim_end_matches('>').replace('<', ".");
            for choice in [0, 1] {
                agree(&kind, &schema.0["$defs"][&kind], choice, again);
            }
        }
    }
    let known: Vec<_> = events(&schema).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(known, EVENTS);
    for kind in schema.0["$defs"]["Event"]["oneOf"].as_array().unwrap() {
        for choice in [0, 1] {
            agree("Event", kind, choice, again::<Event>);
        }
    }
    agree("Gap", &schema.0["$defs"]["Gap"], 0, again::<Gap>);
    agree("RpcError", &schema.0["$defs"]["RpcError"], 1, again::<RpcError>);
    let mut bad = schema.example(&schema.0["$defs"]["Kicked"], 0);
    bad["more"] = json!(1);
    assert!(schema.faults("Kicked", &bad).unwrap_err().contains("does not know more"));
    assert!(schema.faults("Kicked", &json!({"id": "7", "nick": null, "channel": null})).is_err());
    assert!(schema.faults("Kicked", &json!({"id": 7, "nick": null})).unwrap_err().contains("required"));
}

#[test]
fn the_manual_has_every_event_with_its_members() {
    let schema = Schema(made());
    let text = MANUAL.split_once(".Sh EVENTS\n").expect("the page has them").1.split(".Sh ").next().unwrap();
    let mut found: Vec<(String, BTreeSet<String>)> = Vec::new();
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix(".Ss ") {
            found.push((kind.to_owned(), ["seq", "time", "kind"].map(str::to_owned).into()));
        } else if let (Some(member), Some((_, members))) = (line.strip_prefix(".It Va "), found.last_mut()) {
            members.insert(member.to_owned());
        }
    }
    assert_eq!(found, events(&schema));
}

/// A connection to the admin socket, every line of which is held against the schema.
struct Checked {
    stream: BufReader<UnixStream>,
    schema: Schema,
    /// Kinds of events that were told.
    told: BTreeSet<String>,
}

impl Checked {
    fn new(daemon: &Daemon) -> Self {
        let stream = UnixStream::connect(&daemon.admin).expect("the admin socket takes connections");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        Self { stream: BufReader::new(stream), schema: Schema(made()), told: BTreeSet::new() }
    }

    /// A request, which is as the schema says, and its answer, which must be.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        self.schema.faults("request", &request).unwrap();
        self.schema.faults(&format!("{method}.params"), params).unwrap();
        self.stream.get_mut().write_all(format!("{request}\n").as_bytes()).expect("it is sent");
        let mut answer = self.answer();
        if answer.get("error").is_none() {
            self.schema.faults(&format!("{method}.result"), &answer["result"]).unwrap();
        }
        answer["result"].take()
    }

    fn answer(&mut self) -> Value {
        loop {
            let line = self.line();
            if line.get("method").is_none() {
                self.schema.faults("answer", &line).unwrap();
                return line;
            }
        }
    }

    /// A line; an event is taken note of.
    fn line(&mut self) -> Value {
        let mut text = String::new();
        self.stream.read_line(&mut text).expect("a line");
        let line: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        if line.get("method").is_some() {
            self.schema.faults("notification", &line).unwrap();
            self.told.extend(line["params"]["kind"].as_str().map(str::to_owned));
        }
        line
    }

    fn until(&mut self, kind: &str) {
        while !self.told.contains(kind) {
            self.line();
        }
    }
}

#[test]
fn a_running_daemon_says_what_the_schema_says() {
    let daemon = Daemon::start("[server]\nmotd = \"old\"\n");
    let mut admin = Checked::new(&daemon);
    admin.ask("watch", &json!({}));
    let mut ann = daemon.user("ann");
    ann.send("JOIN #c\r\nMODE #c +b x!*@*\r\nTOPIC #c :things");
    ann.sync();
    for (method, params) in [
        ("announce", json!(["hear, hear"])),
        ("ban.add", json!({"mask": "a@b.example", "reason": "never seen", "duration": "1h"})),
        ("ban.list", json!({})),
        ("ban.del", json!(["a@b.example", null])),
        ("channel.info", json!({"channel": "#c"})),
        ("channel.info", json!({"channel": "#none"})),
        ("channel.mode", json!({"channel": "#c", "modes": "+m"})),
        ("channel.topic", json!({"channel": "#c"})),
        ("filter.add", json!({"name": "f", "pattern": "bad", "on": "message"})),
        ("filter.list", json!({})),
        ("filter.test", json!({"text": "bad"})),
        ("help", json!({})),
        ("list", json!({})),
        ("list", json!({"what": "channels"})),
        ("list", json!({"what": "connections", "limit": 1, "after": "0"})),
        ("list", json!({"what": "listeners", "limit": null})),
        ("log_level", json!({})),
        ("oper.list", json!({})),
        ("reload", json!({})),
        ("stats", json!({})),
        ("user.info", json!({"nick": "ann"})),
        ("version", json!([])),
    ] {
        admin.ask(method, &params);
    }
    ann.send("PRIVMSG ann :bad\r\nNICK eve\r\nPART #c");
    ann.sync();
    for (method, params) in [
        ("filter.del", json!({"name": "f"})),
        ("kick", json!({"nick": "eve", "reason": "out"})),
        ("lockdown", json!({"state": "on"})),
        ("lockdown", json!({"state": "off"})),
        ("drain", json!({})),
        ("drain", json!({"undo": true})),
    ] {
        admin.ask(method, &params);
    }
    daemon.write_config("[server]\nmotd = \"new\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n");
    admin.ask("reload", &json!({}));
    daemon.write_config("nonsense");
    admin.ask("reload", &json!({}));
    let mut again = Checked::new(&daemon);
    again.ask("unwatch", &json!({}));
    admin.ask("shutdown", &json!({"reason": "moving"}));
    admin.until("shutdown");
    let kinds = [
        "ban", "connect", "drain", "filter", "join", "kill", "listener", "lockdown", "nick", "part", "quit",
        "register", "reload", "shutdown",
    ];
    for kind in kinds {
        assert!(admin.told.contains(kind), "{kind} was told: {:?}", admin.told);
    }
}

#[test]
fn what_is_no_request_is_none_for_the_schema_either() {
    let schema = Schema(made());
    let call =
        |method: &str, params: Value| json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    for bad in [
        call("kicks", json!({})),
        call("announce", json!({})),
        call("announce", json!({"text": ""})),
        call("announce", json!({"text": "two\nlines"})),
        call("announce", json!({"text": "x", "more": 1})),
        call("list", json!({"limit": 0})),
        call("list", json!({"limit": 1_001})),
        call("list", json!({"after": "x"})),
        call("watch", json!({"events": []})),
        call("watch", json!({"events": ["joins"]})),
        call("drain", json!({"undo": "yes"})),
        json!({"jsonrpc": "2.0", "method": "version", "more": 1}),
        json!({"jsonrpc": "1.0", "method": "version"}),
    ] {
        assert!(schema.faults("request", &bad).is_err(), "{bad}");
        let mut refused = true;
        parse(bad.to_string().as_bytes()).answer(|_| {
            refused = false;
            Ok(Json::of("done"))
        });
        assert!(refused, "{bad}");
    }
}
