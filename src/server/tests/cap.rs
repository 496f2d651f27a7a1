//! Lists of capabilities that do not fit a line.

use super::*;

/// The lines of an answer to `CAP LS` or `CAP LIST`: whether more follow, and the capabilities.
fn answer(bench: &mut Bench, subcommand: &str) -> Vec<(bool, String)> {
    let lines = bench.got(0).into_iter();
    let lines = lines.map(|line| {
        assert!(line.len() <= LINE - 2, "{line}");
        let rest = line.split_once(&format!(" {subcommand} ")).expect("an answer").1.to_owned();
        match rest.strip_prefix("* :") {
            Some(words) => (true, words.to_owned()),
            None => (false, rest.strip_prefix(':').expect("the last parameter").to_owned()),
        }
    });
    lines.collect()
}

#[test]
fn long_lists_of_capabilities_take_several_lines_of_which_the_last_has_no_asterisk() {
    // No configuration has such a name, but in time there may be as many capabilities.
    let mut bench = Bench::new(|config| config.server.name = "n".repeat(250));
    let client = bench.open(0);
    bench.say(client, "CAP LS 302");
    let offered = answer(&mut bench, "LS");
    assert!(offered.len() > 1);
    assert!(offered.iter().rev().skip(1).all(|(more, _)| *more) && !offered.last().unwrap().0);
    let words: Vec<_> = offered.iter().flat_map(|(_, words)| words.split(' ')).collect();
    let config = bench.server.config().clone();
    let expected: Vec<_> = caps::TABLE.iter().filter_map(|cap| cap.shown(&config)).collect();
    assert_eq!(words, expected);

    let names: Vec<_> = caps::TABLE.iter().map(|cap| cap.name).collect();
    for names in names.chunks(10) {
        bench.say(client, &format!("CAP REQ :{}", names.join(" ")));
    }
    bench.out.clear();
    bench.say(client, "CAP REQ -server-time");
    bench.out.clear();
    bench.say(client, "CAP LIST");
    let enabled = answer(&mut bench, "LIST");
    assert!(enabled.len() > 1 && enabled[0].0 && !enabled.last().unwrap().0);
    let enabled: Vec<_> = enabled.iter().flat_map(|(_, words)| words.split(' ')).collect();
    assert_eq!(enabled, names.into_iter().filter(|name| *name != "server-time").collect::<Vec<_>>());
}

#[test]
fn clients_from_before_302_get_one_line() {
    let mut bench = Bench::new(|config| config.server.name = "n".repeat(250));
    let client = bench.open(0);
    bench.say(client, "CAP LS");
    let offered = answer(&mut bench, "LS");
    assert!(offered.len() == 1 && !offered[0].0 && !offered[0].1.contains('='), "{offered:?}");
}

#[test]
fn what_is_no_longer_offered_is_taken_from_everybody_and_told_to_those_who_want_to_know() {
    let gone = || {
        let bits = caps::Caps::MULTI_PREFIX;
        let offers = caps::Changes { new: vec![], gone: vec!["multi-prefix"], gone_bits: bits };
        News::Changes { offers, tokens: vec![], lines: vec![] }
    };
    let mut bench = Bench::new(|_| {});
    let (told, other) = (bench.open(0), bench.open(1));
    bench.say(told, "CAP REQ :cap-notify multi-prefix setname");
    bench.say(other, "CAP REQ :multi-prefix setname");
    bench.out.clear();
    bench.server.tell_all(gone(), &mut bench.out);
    assert_eq!(bench.got(1), [""; 0]);
    bench.server.tell_all(gone(), &mut bench.out);
    assert_eq!(bench.got(0), [":chat.localhost CAP * DEL :multi-prefix"]);
    bench.say(told, "CAP LIST");
    assert_eq!(bench.got(0), [":chat.localhost CAP * LIST :cap-notify setname"]);
    bench.say(other, "CAP LIST");
    assert_eq!(bench.got(1), [":chat.localhost CAP * LIST :setname"]);
}
