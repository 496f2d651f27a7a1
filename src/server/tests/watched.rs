//! What is only made for those who watch.

use super::*;

/// Who has entered or left which channel, as those who watch are told.
fn passed(bench: &mut Bench) -> Vec<(char, String, String)> {
    let told = bench.server.effects().filter_map(|effect| match effect {
        Effect::Event(Event::Joined { nick, channel, .. }) => {
            Some(('+', nick.to_string(), channel.to_string()))
        }
        Effect::Event(Event::Parted { nick, channel, .. }) => {
            Some(('-', nick.to_string(), channel.to_string()))
        }
        _ => None,
    });
    told.collect()
}

#[test]
fn who_enters_and_leaves_channels_is_told_only_while_somebody_wants_to_know() {
    let mut bench = Bench::new(|_| {});
    let client = bench.user(0);
    bench.server.effects().for_each(drop);
    let go = |bench: &mut Bench, channels| {
        bench.input(Input::Watched { channels });
        for line in ["JOIN #a,#b", "JOIN #a", "PART #a :words", "JOIN 0"] {
            bench.input(Input::Line { client, line: line.as_bytes() });
        }
        passed(bench)
    };
    let before = bench.server.effort();
    assert!(go(&mut bench, false).is_empty());
    let nobody = bench.server.effort() - before;
    let nick = bench.server.user(0).unwrap().nick.to_string();
    let expected = [('+', "#a"), ('+', "#b"), ('-', "#a"), ('-', "#b")];
    let told = expected.map(|(sign, channel)| (sign, nick.clone(), channel.to_owned()));
    let before = bench.server.effort();
    assert_eq!(go(&mut bench, true), told);
    let somebody = bench.server.effort() - before;
    assert!(nobody < somebody, "an event is work: {nobody} and {somebody}");
    assert!(go(&mut bench, false).is_empty());
}

#[test]
fn a_refused_operator_is_told_of_with_the_address_that_a_cloak_hides() {
    let mut bench = Bench::new(|config| {
        config.cloak.key = Some("a key of tests, as long as a key must be".to_owned());
        config.users.default_modes = "x".to_owned();
    });
    let guesser = bench.user(0);
    bench.server.effects().for_each(drop);
    bench.say(guesser, "OPER somebody guessed");
    let told = bench.server.effects().find_map(|effect| match effect {
        Effect::Event(Event::OperRefused { mask, address, .. }) => Some((mask, address)),
        _ => None,
    });
    let (mask, address) = told.expect("an event");
    assert!(!mask.contains("127.0.0.1"), "{mask}");
    assert_eq!(address, from("127.0.0.1").address);
}
