//! Commands that take long, a step at a time.

use std::collections::BTreeSet;

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

/// What the client of a neighbour makes of what it hears of somebody.
struct View {
    nick: &'static str,
    channels: BTreeSet<String>,
}

impl View {
    fn hear(&mut self, line: &str) {
        let (source, rest) = line[1..].split_once(' ').unwrap();
        let words: Vec<_> = rest.split(' ').collect();
        let theirs = source.split('!').next() == Some(self.nick);
        match *words.as_slice() {
            ["QUIT", ..] if theirs => self.channels.clear(),
            ["JOIN", name] if theirs => assert!(self.channels.insert(name.to_owned()), "twice: {line}"),
            ["NICK", _] if theirs => {
                assert!(!self.channels.is_empty(), "of somebody unknown: {line}");
                self.nick = "other";
            }
            ["KICK", name, nick, _] if nick == self.nick => {
                assert!(self.channels.remove(name), "of somebody unknown: {line}");
            }
            ["353", _, _, name, ref names @ ..] => {
                let listed = |it: &&str| it.trim_start_matches([':', '@']) == self.nick;
                if names.iter().any(listed) {
                    self.channels.insert(name.to_owned());
                }
            }
            _ => {}
        }
    }
}

#[test]
fn whatever_happens_while_others_are_shown_another_host_they_see_somebody_who_is_there_once() {
    const MEMBERS: u32 = 700;
    let names: BTreeSet<_> = (0..80).map(|number| format!("#c{number}")).collect();
    let mut bench = Bench::with_operator(Privileges::NICK);
    let mut config = (**bench.server.config()).clone();
    config.cloak.key = Some("an-example-key-of-enough-characters!".to_owned());
    config.limits.channels_per_user = 100;
    config.limits.flood_rate = 0;
    bench.input(Input::Reload(Rc::new(config)));
    crowd(&mut bench, MEMBERS);
    let [founder, mover] = [0, 1].map(|slot| ClientId { slot, generation: slot + 1 });
    for name in &names {
        bench.say(founder, &format!("JOIN {name}"));
        let index = bench.server.index_of(name).unwrap();
        for slot in 1..MEMBERS {
            bench.server.channel_mut(index).add(slot, 0);
            bench.server.client_mut(slot).and_then(Client::user_mut).unwrap().channels.push(index);
        }
        bench.out.clear();
    }
    let (late, operator) = (bench.user(MEMBERS), bench.operator(MEMBERS + 1));
    bench.out.clear();
    let mut all = names.clone();
    all.insert("#crowd".to_owned());
    let mut views: Vec<_> = (0..=MEMBERS)
        .map(|slot| View {
            nick: "n1",
            channels: if slot == MEMBERS { BTreeSet::new() } else { all.clone() },
        })
        .collect();
    let mut hear = |bench: &mut Bench| {
        for (slot, view) in (0..).zip(&mut views).filter(|(slot, _)| *slot != 1) {
            let bytes: Vec<u8> = bench.out.spans(slot).flatten().copied().collect();
            String::from_utf8(bytes).unwrap().lines().for_each(|line| view.hear(line));
        }
        bench.out.clear();
    };
    bench.say(mover, "MODE n1 +x");
    hear(&mut bench);
    assert!(!bench.server.ready(mover), "it takes several turns");
    bench.say(late, "JOIN #c7,#c70");
    bench.say(founder, "KICK #c6 n1 :x");
    bench.say(founder, "KICK #c60 n1 :x");
    bench.say(operator, "SANICK n1 other");
    hear(&mut bench);
    while !bench.server.ready(mover) || !bench.server.ready(late) {
        bench.input(Input::Tick);
        hear(&mut bench);
    }
    let left: BTreeSet<_> = all.into_iter().filter(|name| name != "#c6" && name != "#c60").collect();
    let joined = BTreeSet::from(["#c7", "#c70"].map(str::to_owned));
    for (slot, view) in views.iter().enumerate().filter(|(slot, _)| *slot != 1) {
        let expected = if slot == MEMBERS as usize { &joined } else { &left };
        assert_eq!((view.nick, &view.channels), ("other", expected), "{slot}");
    }
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
