use super::super::cloak::Cloak;
use super::super::tests::Bench;
use super::super::{Input, State};
use super::*;

fn ban(kind: BanKind, mask: &str, expires_unix_ms: Option<u64>) -> Ban {
    let text = |text: &str| text.to_owned();
    Ban { kind, mask: text(mask), reason: text("r"), by: text("b"), set_unix_ms: 0, expires_unix_ms }
}

#[test]
fn addresses_are_found_in_networks_of_every_length() {
    let mut bench = Bench::new(|config| {
        let mask = "2001:db8::/33".parse().unwrap();
        config.ban = vec![config::Ban { mask, reason: "r".to_owned() }];
    });
    for mask in ["192.0.2.0/24", "198.51.100.7", "10.0.0.0/9"] {
        bench.server.set_ban(ban(BanKind::Address, mask, None)).unwrap();
    }
    bench.server.set_ban(ban(BanKind::User, "bob@203.0.113.0/24", None)).unwrap();
    bench.server.check(&bench.out);
    let banned =
        |bench: &Bench, text: &str| bench.server.bans.address_reason(text.parse().unwrap()).is_some();
    for yes in ["192.0.2.255", "198.51.100.7", "10.127.255.255", "2001:db8:7fff::1"] {
        assert!(banned(&bench, yes), "{yes}");
    }
    for no in ["192.0.3.0", "198.51.100.8", "10.128.0.0", "203.0.113.1", "2001:db8:8000::1", "::1"] {
        assert!(!banned(&bench, no), "{no}");
    }
    bench.server.unset_ban(BanKind::Address, "192.0.2.7/24").unwrap();
    assert!(!banned(&bench, "192.0.2.255") && banned(&bench, "198.51.100.7"));
    bench.server.check(&bench.out);
}

#[test]
fn bans_are_saved_and_restored_without_those_that_have_ended() {
    let mut bench = Bench::new(|_| {});
    let now = 1_000_000;
    let kept = bench.server.set_ban(ban(BanKind::User, "bob@*.example.org", Some(now + 1))).unwrap();
    bench.server.set_ban(ban(BanKind::Address, "192.0.2.1", Some(now))).unwrap();
    let text = bench.server.state().text();
    let mut next = Bench::new(|_| {});
    next.server.restore(State::parse(&text).unwrap());
    assert_eq!(next.server.bans().collect::<Vec<_>>(), [&kept]);
    next.server.check(&next.out);
}

#[test]
fn masks_that_mean_too_many_are_refused_and_the_suffix_of_cloaks_counts_for_nothing() {
    let mut bench = Bench::new(|config| {
        config.cloak = config::Cloak {
            key: Some("0123456789".repeat(4)),
            key_file: None,
            suffix: "users.example".to_owned(),
        };
    });
    let cloak = "abcdefghij.klmnopqrst.uvwxyz2345.users.example";
    for (mask, good) in [
        ("*@*", false),
        ("~*@*.*.?*", false),
        ("*@*.com", false),
        ("bob@0.0.0.0/7", false),
        ("*@2001::/15", false),
        ("*@*.users.example", false),
        ("*@*Users.Example", false),
        ("*@????*.users.example", false),
        ("*@*.exampl?", false),
        ("*@*sers.example", false),
        ("*@??????????.*", false),
        ("*@*.uvwxyz2345.users.example", true),
        (&format!("*@{cloak}"), true),
        ("*@*.endusers.example", true),
        ("*@*.info", true),
        ("b?b*@*", false),
        ("bobby@*", true),
        ("*@10.0.0.0/8", true),
        ("*@2001::/16", true),
    ] {
        let set = bench.server.set_ban(ban(BanKind::User, mask, None));
        assert_eq!(set.err(), (!good).then_some(BanError::TooWide), "{mask}");
    }
}

#[test]
fn a_client_is_meant_by_the_cloak_that_it_has_and_by_the_one_that_would_be_made_today() {
    for (changed, letter, meant) in
        [(false, "a", true), (false, "b", false), (true, "a", true), (true, "b", true), (true, "c", false)]
    {
        let key = |letter: &str| Some(letter.repeat(40));
        let mut bench = Bench::new(|config| config.cloak.key = key("a"));
        bench.user(0);
        if changed {
            let mut config = (*bench.server.config).clone();
            config.cloak.key = key("b");
            bench.input(Input::Reload(config.into()));
        }
        let cloak = Cloak::new(&letter.repeat(40), &bench.server.config.cloak.suffix);
        let mask = format!("*@{}", cloak.address("127.0.0.1".parse().unwrap()));
        bench.server.set_ban(ban(BanKind::User, &mask, None)).unwrap();
        bench.input(Input::Tick);
        let gone = bench.got(0).iter().any(|line| line.contains("Banned: r"));
        assert_eq!(gone, meant, "changed {changed}, made with {letter}");
    }
}

#[test]
fn those_who_are_meant_are_looked_for_a_slice_at_a_time() {
    let mut bench = Bench::new(|config| config.limits.flood_rate = 0);
    let all = 2 * SLICE_ITEMS as u32 + 1;
    for slot in 0..all {
        bench.open(slot);
    }
    bench.out.clear();
    bench.server.set_ban(ban(BanKind::Address, "127.0.0.1", None)).unwrap();
    for left in [all - SLICE_ITEMS as u32, 1, 0] {
        assert_eq!(bench.server.deadline(), Some(0));
        bench.input(Input::Tick);
        assert_eq!(bench.server.stats().connections, u64::from(left));
    }
    assert!(!bench.server.bans.is_sweeping());
}

#[test]
fn a_ban_in_the_file_that_an_operator_has_edited_is_read_or_named() {
    let text = |kind: &str, mask: &str| {
        format!(
            "{{\"version\":1,\"bans\":[{{\"kind\":\"{kind}\",\"mask\":\"{mask}\",\"reason\":\"r\",\
             \"by\":\"b\",\"set_unix_ms\":0,\"expires_unix_ms\":null}}]}}"
        )
    };
    let mut bench = Bench::new(|_| {});
    bench.server.restore(State::parse(&text("address", "192.0.2.7/24")).unwrap());
    assert_eq!(bench.server.bans().next().map(|ban| &*ban.mask), Some("192.0.2.0/24"));
    assert!(bench.server.unset_ban(BanKind::Address, "192.0.2.7/24").is_ok());
    for (kind, mask, message) in [
        ("address", "nowhere", "the mask `nowhere` of a D-line is neither an address nor a network"),
        ("user", "bob", "the mask `bob` of a K-line must be user@host, an address or a network"),
    ] {
        let (_, _, said) = State::parse(&text(kind, mask)).unwrap_err();
        assert_eq!(said, message);
    }
}

#[test]
fn a_list_has_every_ban_that_stays_whatever_comes_and_goes_meanwhile() {
    let mut bench = Bench::new(|config| {
        let ban = |mask: &str| config::Ban { mask: mask.parse().unwrap(), reason: "r".to_owned() };
        config.ban = vec![ban("192.0.2.0/24"), ban("bob@192.0.2.0/24")];
    });
    for mask in ["z@first.example", "a@second.example", "m@third.example"] {
        bench.server.set_ban(ban(BanKind::User, mask, None)).unwrap();
    }
    let mut seen = Vec::new();
    let mut place = 0;
    while let Some((at, info)) = bench.server.ban_from(place) {
        place = at + 1;
        if info.mask.starts_with('z') {
            bench.server.unset_ban(BanKind::User, "z@first.example").unwrap();
            bench.server.set_ban(ban(BanKind::Address, "198.51.100.1", None)).unwrap();
            bench.server.check(&bench.out);
        }
        seen.push((info.kind, info.mask, info.set.is_some()));
    }
    let expected = [
        (BanKind::Address, "192.0.2.0/24", false),
        (BanKind::User, "bob@192.0.2.0/24", false),
        (BanKind::User, "z@first.example", true),
        (BanKind::User, "a@second.example", true),
        (BanKind::User, "m@third.example", true),
        (BanKind::Address, "198.51.100.1", true),
    ];
    assert_eq!(seen, expected.map(|(kind, mask, set)| (kind, mask.to_owned(), set)));
    assert_eq!(bench.server.ban_from(u64::MAX), None);
}

#[test]
fn a_new_ban_is_held_against_those_who_are_there_and_older_ones_are_not_again() {
    let mut bench = Bench::new(|_| {});
    let mut before = Bench::new(|_| {});
    before.server.set_ban(ban(BanKind::User, "~u@127.0.0.1", None)).unwrap();
    bench.user(0);
    // Before the first input there is nobody, so that nobody is looked for.
    bench.server.restore(State::parse(&before.server.state().text()).unwrap());
    bench.server.set_ban(ban(BanKind::User, "other@127.0.0.1", None)).unwrap();
    bench.input(Input::Tick);
    assert_eq!(bench.server.stats().connections, 1);
    bench.server.set_ban(ban(BanKind::User, "~u@127.0.0.1", None)).unwrap();
    bench.input(Input::Tick);
    assert_eq!(bench.server.stats().connections, 0);
}

#[test]
fn when_many_bans_end_at_once_each_turn_ends_some() {
    let mut bench = Bench::new(|_| {});
    let all = SLICE_ITEMS + 1;
    let ends = bench.now.unix_ms + 1_000;
    for number in 0..all {
        let mask = format!("10.{}.{}.1", number / 256, number % 256);
        bench.server.set_ban(ban(BanKind::Address, &mask, Some(ends))).unwrap();
    }
    while bench.server.bans.is_sweeping() {
        bench.input(Input::Tick);
    }
    (bench.now.unix_ms, bench.now.mono_ms) = (ends, bench.now.mono_ms + 1_000);
    bench.input(Input::Tick);
    assert_eq!(bench.server.bans().count(), all - SLICE_ITEMS);
    assert!(bench.server.deadline().is_some_and(|at| at <= bench.now.mono_ms));
    bench.input(Input::Tick);
    assert_eq!(bench.server.bans().count(), 0);
    bench.server.check(&bench.out);
}

#[test]
fn there_are_so_many_bans_and_no_more() {
    let mut bench = Bench::new(|_| {});
    let address = |number: usize| format!("10.{}.{}.1", number / 256, number % 256);
    for number in 0..SERVER_BANS {
        bench.server.set_ban(ban(BanKind::Address, &address(number), None)).unwrap();
    }
    let more = ban(BanKind::Address, &address(SERVER_BANS), None);
    assert_eq!(bench.server.set_ban(more), Err(BanError::Full));
    bench.server.set_ban(ban(BanKind::Address, &address(0), Some(5))).unwrap();
    bench.server.check(&bench.out);
}

#[test]
fn whatever_reason_an_operator_can_give_is_one_that_a_restart_reads() {
    let read = |reason: &str| {
        let given = Ban { reason: reason.to_owned(), ..ban(BanKind::User, "bobby@*", None) };
        serde_json::from_str::<Ban>(&serde_json::to_string(&given).unwrap()).is_ok()
    };
    assert!(read("\u{2}bold\u{2},\ttab and \u{3}4red") && read(&"x".repeat(300)));
    assert!(!read("two\r\nlines") && !read("a\0b") && !read(&"x".repeat(301)));
}
