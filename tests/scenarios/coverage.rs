//! What the files reach, held against the tables: every numeric and every command. And what is the same for all
//! commands, which no file has to say: their answers to whoever is not registered, and to too few parameters.

use std::collections::BTreeSet;

use chatd::proto::limits::{LINE, PARAMS};
use chatd::proto::message::Message;
use chatd::proto::numeric;
use chatd::server::{COMMANDS, Command, Who};

use crate::core::Core;
use crate::script::{Action, HERE, Step};
use crate::subject::Subject;

/// Every step of every file.
fn steps() -> Vec<Step> {
    crate::files().iter().flat_map(|name| crate::read(name).steps).collect()
}

/// The numeric that a `<` line expects.
fn numeric_of(step: &Step) -> Option<u16> {
    let (_, pattern) = step.text.split_once("< ")?;
    let mut words = pattern.split(' ').skip_while(|word| word.starts_with(['@', ':']));
    words.next().filter(|word| word.len() == 3)?.parse().ok()
}

#[test]
fn every_numeric_is_reached_by_a_scenario() {
    let expected = |step: &Step| matches!(step.action, Action::Expect { .. });
    let reached: BTreeSet<u16> =
        steps().iter().filter(|step| expected(step)).filter_map(numeric_of).collect();
    let missing: Vec<_> = numeric::TABLE.iter().filter(|row| !reached.contains(&row.code)).collect();
    assert!(missing.is_empty(), "no scenario reaches these: {missing:#?}");
}

#[test]
fn every_command_is_sent_by_a_scenario() {
    let mut sent = BTreeSet::new();
    for step in steps() {
        let Action::Send { bytes, .. } = step.action else { continue };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        sent.extend(text.lines().filter_map(Message::parse).map(|it| it.command.to_ascii_uppercase()));
    }
    let missing: Vec<_> =
        COMMANDS.iter().map(|command| command.name).filter(|name| !sent.contains(*name)).collect();
    assert!(missing.is_empty(), "no scenario sends these: {missing:?}");
}

/// A bare server with two clients, of which the second is registered as alice.
fn server() -> Core {
    let mut core = Core::start("");
    core.connect(HERE);
    core.connect(HERE);
    core.send(1, b"NICK alice\r\nUSER alice 0 * :Alice\r\n");
    core.settle(None);
    core
}

/// What the server answers one of the clients.
fn answer(core: &mut Core, client: usize, line: &str) -> Vec<String> {
    core.send(client, format!("{line}\r\n").as_bytes());
    let lines = std::mem::take(&mut core.settle(None)[client].lines);
    lines.into_iter().map(|line| String::from_utf8(line).expect("what is sent is UTF-8")).collect()
}

/// A line with as many parameters.
fn with_parameters(command: &Command, count: usize) -> String {
    format!("{}{}", command.name, " x".repeat(count))
}

#[test]
fn who_is_not_registered_is_told_so_whatever_the_parameters() {
    for command in COMMANDS.iter().filter(|command| command.who == Who::Registered) {
        let mut core = server();
        for count in [0, command.min, PARAMS] {
            let answer = answer(&mut core, 0, &with_parameters(command, count));
            assert_eq!(answer, [":irc.test 451 * :You have not registered"], "{}", command.name);
        }
    }
}

#[test]
fn who_is_registered_cannot_register_again() {
    for command in COMMANDS.iter().filter(|command| command.who == Who::Unregistered) {
        let mut core = server();
        for count in [0, command.min, PARAMS] {
            let answer = answer(&mut core, 1, &with_parameters(command, count));
            assert_eq!(answer, [":irc.test 462 alice :You may not reregister"], "{}", command.name);
        }
    }
}

#[test]
fn too_few_parameters_are_too_few_for_every_command() {
    for command in COMMANDS {
        let (client, nick) = if command.who == Who::Unregistered { (0, "*") } else { (1, "alice") };
        let mut core = server();
        for count in 0..command.min {
            let answer = answer(&mut core, client, &with_parameters(command, count));
            let name = command.name;
            let expected = match command.privilege.map(|needed| needed.names().collect::<String>()) {
                None => format!("461 {nick} {name} :Not enough parameters"),
                // Who may not use it is told no more than that.
                Some(needed) => format!(
                    "481 {nick} :Permission denied: you need the privilege {needed} of a server operator"
                ),
            };
            assert_eq!(answer, [format!(":irc.test {expected}")], "{name}");
        }
    }
}

/// Parameters that no handler should trip over.
fn hostile() -> Vec<String> {
    let many = |word: &str| [word, ","].concat().repeat((LINE - 20) / (word.len() + 1));
    let mut all: Vec<String> = [
        "",
        ":",
        "::",
        ": :",
        ":a b",
        "::a",
        "* *",
        "*",
        ",",
        ",,,",
        "#",
        "#,#",
        "# #",
        "a,a,a a",
        "# +",
        "# -",
        "# +b",
        "# +bbbb : : :",
        "# +k :",
        "# +kl-kl",
        "+",
        "-",
        "0",
        "+ a",
        "- a",
        "-1 -1",
        "\u{1}\u{1}",
        "é",
        "\u{202e}",
        "#\u{7}",
        "a!b@c",
        "!@",
        "@",
        "$",
        "$a:",
        "~$",
        "alice :",
        "alice alice :",
        "#c #c :",
        "#c alice :",
        "=",
        "%",
        "\\",
    ]
    .map(str::to_owned)
    .into();
    all.extend(["a", "#", "alice", "#c", "*!*@*"].map(&many));
    all.extend(["a", "#", "alice", "#c"].map(|word| format!("{0} {0}", &many(word)[..(LINE - 20) / 2])));
    all.extend([":", ": ", "a ", ",", "%", "é"].map(|unit| unit.repeat((LINE - 20) / unit.len())));
    all.push(vec!["x"; PARAMS].join(" "));
    all.push(vec!["x"; PARAMS + 1].join(" "));
    all
}

#[test]
fn no_command_trips_over_its_parameters() {
    for command in COMMANDS {
        let mut core = server();
        let mut here = 1;
        answer(&mut core, here, "JOIN #c");
        for parameters in hostile() {
            let line = format!("{} {parameters}", command.name);
            let lines = [answer(&mut core, 0, &line), answer(&mut core, here, &line)].concat();
            for answer in &lines {
                assert!(answer.len() <= LINE - 2 && !answer.contains(['\r', '\n', '\0']), "{line}: {answer}");
            }
            // The longest answers are HELP and 005; no answer grows with the line beyond one line for each few bytes.
            assert!(lines.len() <= 100 + line.len() / 4, "{line}: {} lines", lines.len());
            if answer(&mut core, here, "PING x").is_empty() {
                core.connect(HERE);
                here = core.settle(None).len() - 1;
                answer(&mut core, here, "NICK alice\r\nUSER alice 0 * :Alice\r\nJOIN #c");
            }
        }
    }
}
