//! Commands that take long, a step at a time.

use super::*;
use crate::proto::limits::RENAME_AT_ONCE;

/// A member of so many channels in which nobody else is ranked, with lists of masks that are dear to hold against
/// a name, and somebody else.
fn burdened(channels: u32) -> (Bench, ClientId, ClientId) {
    let mut bench = Bench::new(|config| {
        config.limits.list_entries = 1_000;
        config.limits.flood_rate = 0;
    });
    let (owner, other) = (bench.user(0), bench.user(1));
    let hostile = "*a".repeat(70);
    for number in 0..channels {
        bench.say(owner, &format!("JOIN #c{number}"));
        bench.say(other, &format!("JOIN #c{number}"));
        for mask in (0..300).step_by(3) {
            let masks = [mask, mask + 1, mask + 2].map(|mask| format!("{hostile}b{mask}")).join(" ");
            let line = format!("MODE #c{number} +bbb {masks}");
            bench.server.handle(
                bench.now,
                Input::Line { client: owner, line: line.as_bytes() },
                &mut bench.out,
            );
        }
        bench.out.clear();
    }
    (bench, owner, other)
}

#[test]
fn a_nick_that_is_held_against_many_masks_takes_several_turns_and_others_have_theirs() {
    let (mut bench, owner, other) = burdened(8);
    bench.say(other, "NICK second");
    assert!(!bench.server.ready(other) && bench.got(1).is_empty(), "it waits");
    bench.say(owner, "PING meanwhile");
    assert_eq!(bench.got(0).len(), 1);
    // Somebody is faster.
    let third = bench.user(2);
    bench.say(third, "NICK second");
    bench.out.clear();
    bench.pass(1_000);
    assert!(bench.server.ready(other) && bench.got(1)[0].contains(" 433 "));

    bench.say(owner, "MODE #c7 -b nobody!*@*");
    bench.say(other, "NICK other");
    bench.out.clear();
    bench.pass(1_000);
    assert!(bench.server.ready(other) && bench.got(0) == [":n1!~u@127.0.0.1 NICK other"]);
}

#[test]
fn a_nick_is_refused_in_the_last_of_many_channels_as_in_the_first() {
    let (mut bench, owner, other) = burdened(8);
    bench.say(owner, "MODE #c7 +N");
    bench.out.clear();
    bench.say(other, "NICK second");
    bench.pass(1_000);
    assert!(bench.server.ready(other) && bench.got(1)[0].contains(" 447 "));
}

#[test]
fn a_message_to_many_channels_goes_on_in_the_next_turn_to_each_once_and_in_order() {
    let (mut bench, _, other) = burdened(8);
    let mut lines = Vec::new();
    bench.say(other, "PRIVMSG #c0,#c1,#c2,#c3,#c4,#c5,#c6,#c7,#c0 :hello");
    assert!(!bench.server.ready(other));
    lines.extend(bench.got(0));
    let first = lines.len();
    while !bench.server.ready(other) {
        bench.input(Input::Tick);
        lines.extend(bench.got(0));
    }
    let expected: Vec<_> =
        (0..8).map(|number| format!(":n1!~u@127.0.0.1 PRIVMSG #c{number} :hello")).collect();
    assert!(first < 8 && lines == expected, "{lines:?}");
}

#[test]
fn wallops_are_put_into_words_once() {
    let mut bench = Bench::with_operator(Privileges::WALLOPS);
    let operator = bench.operator(0);
    for slot in 1..50 {
        let client = bench.user(slot);
        bench.say(client, &format!("MODE n{slot} +w"));
    }
    bench.out.clear();
    let before = (bench.out.encoded(), bench.out.deliveries());
    bench.say(operator, "WALLOPS :hear");
    assert_eq!((bench.out.encoded() - before.0, bench.out.deliveries() - before.1), (1, 49));
}

#[test]
fn masks_that_a_list_must_not_match_are_work_like_those_it_must() {
    let channels = 100;
    let mut bench = Bench::new(|config| {
        config.limits.channels_per_user = channels;
        config.limits.flood_rate = 0;
    });
    let owner = bench.user(0);
    bench.channels(owner, channels);
    let masks = |sign: &str| vec![format!("{sign}#*{}b", "?*".repeat(35)); 6].join(",");
    // Each of the first is held against every name, as none of them matches.
    let work = ["", "!"].map(|sign| {
        let before = bench.server.effort();
        bench.say(owner, &format!("LIST {}", masks(sign)));
        bench.pass(1_000);
        bench.server.effort() - before
    });
    assert_eq!(work[0], work[1]);
}

#[test]
fn a_list_after_many_channels_walks_those_that_are_there() {
    let mut bench = Bench::new(|config| {
        config.limits.channels_per_user = 5_000;
        config.limits.flood_rate = 0;
    });
    let client = bench.user(0);
    bench.channels(client, 5_000);
    bench.say(client, "JOIN 0");
    while !bench.server.ready(client) {
        bench.out.clear();
        bench.pass(20);
    }
    bench.say(client, "JOIN #a");
    bench.out.clear();
    let before = bench.server.effort();
    bench.say(client, "LIST");
    assert_eq!(bench.got(0).len(), 3);
    assert!(bench.server.effort() - before < 100, "{}", bench.server.effort() - before);
}

#[test]
fn what_an_operator_begins_for_themselves_with_each_step_comes_in_slices_and_in_order() {
    let members = RENAME_AT_ONCE as u32 + 10;
    let mut bench = Bench::with_operator(Privileges::JOIN);
    let names: Vec<_> = (0..6).map(|number| format!("#c{number}")).collect();
    for slot in 1..=members {
        let client = bench.user(slot);
        bench.say(client, &format!("JOIN {}", names[..3].join(",")));
        bench.say(client, &format!("JOIN {}", names[3..].join(",")));
        bench.out.clear();
    }
    let operator = bench.operator(0);
    bench.out.clear();
    bench.say(operator, &format!("SAJOIN n0 {}", names.join(",")));
    let mut heard = bench.got(0);
    let entered = |heard: &[String]| heard.iter().filter(|line| line.contains(" JOIN ")).count();
    assert_eq!(entered(&heard), 1, "the rest comes after the list of members: {heard:?}");
    while !bench.server.ready(operator) {
        let waiting = bench.server.working.iter().filter(|id| **id == operator).count();
        assert_eq!(waiting, 1, "waits for its turn once");
        bench.input(Input::Tick);
        heard.extend(bench.got(0));
    }
    heard.retain(|line| !line.contains(" 353 ") && !line.contains("NOTICE"));
    let expected: Vec<_> = names
        .iter()
        .flat_map(|name| {
            let end = format!(":chat.localhost 366 n0 {name} :End of /NAMES list");
            [format!(":n0!~u@127.0.0.1 JOIN {name}"), end]
        })
        .collect();
    assert_eq!(heard, expected);
}
