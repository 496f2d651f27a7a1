//! A configuration that is far from the default one.

use chatd::config::{
    Action, Ban, Channels, Class, Cloak, Config, Dns, Events, Exempt, Facility, Filter, Limits, Listen,
    LogTarget, Oper, OperClass, Privileges, Reserve, TagDeny, Throttle, Timeouts, Users, Webirc,
};
use chatd::proto::modes::Prefixes;
use chatd::proto::network::Network;

use super::tables::HASH;

/// A configuration with no default in it, and text that is not easy to write in TOML.
pub(super) fn unusual() -> Config {
    let mut config = Config::default();
    config.server.name = "irc.example.org".into();
    config.server.network = "Ex\"am'ple\\".into();
    config.server.description = "Größe 'x' \"y\" \\ #".into();
    config.server.motd =
        ["", "  'a' \"\"\" b\\", "\u{2}bold\u{3}4\ttab\u{7f}", "", "日本", ""].map(str::to_owned).to_vec();
    config.server.password = Some("p'a\"s\\s # wörd".to_owned());
    config.listen = ["0.0.0.0:1", "[::]:65535", "[fe80::1%3]:0"]
        .map(|address| Listen { address: address.parse().unwrap(), optional: false })
        .to_vec();
    config.admin.socket = Some("/a dir/'s.sock".into());
    config.admin.mode = 0o600;
    config.admin.group = Some("adm".to_owned());
    config.monitor.socket = Some("/a dir/m.sock".into());
    config.monitor.mode = 0o640;
    config.monitor.group = Some("mon".to_owned());
    config.log.target = Some(LogTarget::Stderr);
    config.log.level = log::LevelFilter::Off;
    config.log.facility = Facility::Local7;
    config.daemon.pid_file = Some("/run/x.pid".into());
    config.daemon.user = Some("_x".to_owned());
    config.daemon.group = Some("y-1".to_owned());
    config.limits = Limits {
        connections: 1_000_000,
        connections_per_address: 1,
        channels_per_user: 2,
        nick_length: 9,
        user_length: 32,
        channel_length: 128,
        topic_length: 3,
        kick_length: 4,
        away_length: 5,
        realname_length: 16,
        targets: 6,
        list_entries: 7,
        monitor_entries: 12,
        accept_entries: 13,
        silence_entries: 14,
        whowas_entries: 0,
        multiline_bytes: 512,
        multiline_lines: 2,
        target_changes: 15,
        target_change_rate: 0,
        knock_seconds: 0,
        send_queue: 1 << 30,
        flood_burst: 8,
        flood_rate: 0,
        lines_per_turn: 9,
        bytes_per_turn: 512,
        deliveries_per_turn: 11,
        sends_per_turn: 17,
    };
    config.server.location = Some("Köln".to_owned());
    config.server.organization = Some("\"x\"".to_owned());
    config.server.contact = Some(String::new());
    config.server.icon = Some("http://x/?a=b&c=%20".to_owned());
    config.server.state_directory = Some("/var/lib/x y".into());
    config.server.sandbox = false;
    config.channels = Channels { prefixes: Prefixes::of("qaohv").unwrap(), default_modes: String::new() };
    config.users = Users { default_modes: "iw".to_owned() };
    config.throttle = Throttle { connections: 0, seconds: 1, ipv4_prefix: 24, ipv6_prefix: 48 };
    config.cloak =
        Cloak { key: Some("\"'\\#".repeat(10)), key_file: None, suffix: "users.example".to_owned() };
    config.dns = Dns { reverse: true, timeout: 60 };
    config.tags.deny = TagDeny { every: true, names: vec!["draft/react".to_owned(), "x-y".to_owned()] };
    config.lockdown.networks = networks(&["10.0.0.0/8", "::1"]);
    config.timeouts = Timeouts { registration: 1, ping_interval: 2, ping_timeout: 3, shutdown: 4 };
    entries(&mut config);
    config
}

fn networks(texts: &[&str]) -> Vec<Network> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn entries(config: &mut Config) {
    config.class = vec![
        Class {
            name: "Bots_1.x".to_owned(),
            networks: networks(&["192.0.2.0/24", "2001:db8::/32", "::ffff:10.0.0.1"]),
            listeners: config.listen[..2].iter().map(|listen| listen.address.clone()).collect(),
            password: Some("two words".to_owned()),
            connections: Some(1),
            connections_per_address: Some(2),
            send_queue: Some(1 << 20),
            flood_burst: Some(3),
            flood_rate: Some(0),
            ping_interval: Some(4),
            ping_timeout: Some(5),
            exempt: Exempt::BANS.with(Exempt::TARGETS),
            ..Class::default()
        },
        Class { name: "everybody".to_owned(), ..Class::default() },
    ];
    config.webirc = vec![Webirc {
        name: "web".to_owned(),
        password: "'\"\\".to_owned(),
        networks: networks(&["::/0"]),
        ..Webirc::default()
    }];
    config.oper_class = vec![OperClass {
        name: "all".to_owned(),
        title: "does \"it\" all".to_owned(),
        privileges: Privileges::TABLE.iter().fold(Privileges::NONE, |all, word| all.with(word.bit.into())),
    }];
    config.oper = vec![
        Oper {
            name: "alice".to_owned(),
            password: HASH.parse().unwrap(),
            class: "all".to_owned(),
            masks: ["*@10.0.0.0/8", "~a?@*.example.org", "*@::1"].map(|mask| mask.parse().unwrap()).to_vec(),
            tls: true,
            ..Oper::default()
        },
        Oper {
            name: "bob".to_owned(),
            password: HASH.parse().unwrap(),
            class: "all".to_owned(),
            ..Oper::default()
        },
    ];
    config.reserve = vec![Reserve {
        nicks: vec!["*Serv".to_owned(), "[x]?\\".to_owned()],
        channels: vec!["#*é".to_owned()],
        reason: "'no'".to_owned(),
    }];
    config.filter = vec![Filter {
        name: "f".to_owned(),
        pattern: r#"\s"'[^a]+\p{Cyrillic}"#.parse().unwrap(),
        on: Events::QUIT.with(Events::AWAY),
        action: Action::Kill,
        reason: "x".to_owned(),
    }];
    let ban = |mask: &str| Ban { mask: mask.parse().unwrap(), reason: "\t".trim().to_owned() + "y" };
    config.ban = ["192.0.2.7", "*@*.example.org", "a@2001:db8::/48"].map(ban).to_vec();
}
