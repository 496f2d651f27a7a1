use clap::CommandFactory;

use super::*;
use crate::admin::{METHODS, Method};

fn request(line: &str) -> Request {
    let words = std::iter::once("chatctl").chain(line.split_whitespace());
    Args::try_parse_from(words)
        .unwrap_or_else(|error| panic!("{line}: {error}"))
        .verb
        .request()
        .expect(line)
        .0
}

#[test]
fn the_command_line_is_well_formed() {
    Args::command().debug_assert();
}

/// Verbs that are more or less than one request. All others are a method of the protocol each.
const MORE: [&str; 5] = ["completions", "config check", "hash-password", "help", "top"];

/// All verbs with their names, such as `ban` and `ban add`.
fn verbs() -> Vec<(String, clap::Command)> {
    fn below(name: &str, command: &clap::Command, found: &mut Vec<(String, clap::Command)>) {
        for verb in command.get_subcommands() {
            let name = format!("{name} {}", verb.get_name()).trim().to_owned();
            found.push((name.clone(), verb.clone()));
            // The verb that is clap's own has all others below it.
            if name != "help" {
                below(&name, verb, found);
            }
        }
    }
    let mut command = Args::command();
    command.build();
    let mut found = Vec::new();
    below("", &command, &mut found);
    found
}

#[test]
fn every_method_has_a_verb_and_every_verb_a_method() {
    // chatctl has its own help, and ends what it watches by leaving.
    let is_verb = |method: &&Method| !["help", "unwatch"].contains(&method.name);
    let mut methods: Vec<_> = METHODS.iter().filter(is_verb).collect();
    methods.sort_by_key(|method| method.name);
    let mut expected: Vec<_> =
        methods.iter().map(|method| method.name.replace('_', "-").replace('.', " ")).collect();
    expected.extend(MORE.map(str::to_owned));
    expected.sort();
    let mut leaves: Vec<_> = verbs()
        .into_iter()
        .filter(|(name, verb)| name == "help" || !verb.has_subcommands())
        .map(|(name, _)| name)
        .collect();
    leaves.sort();
    assert_eq!(leaves, expected);
}

#[test]
fn every_verb_has_help_and_an_example_of_itself() {
    for (name, verb) in verbs().iter().filter(|(name, _)| name != "help") {
        assert!(verb.get_about().is_some_and(|about| !about.to_string().is_empty()), "{name}");
        let example = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
        let itself = format!("chatctl {name}");
        assert!(example.starts_with("Example") && example.contains(&itself), "{name}: {example}");
        for argument in verb.get_arguments() {
            assert!(argument.get_help().is_some(), "{name}: {argument}");
        }
    }
}

#[test]
fn examples_are_commands() {
    for (name, verb) in verbs().iter().filter(|(name, verb)| name != "help" && !verb.has_subcommands()) {
        for line in verb.get_after_help().unwrap().to_string().lines().skip(1) {
            let at = line.find("chatctl ").unwrap_or_else(|| panic!("{name}: {line}"));
            let line = line[at..].split([')', '|', '>', '<', '&']).next().unwrap().replace('\'', "");
            let words: Vec<_> = line.split_whitespace().collect();
            let verb = Args::try_parse_from(&words).unwrap_or_else(|error| panic!("{line}: {error}")).verb;
            if let Ok((made, _)) = verb.request() {
                assert_eq!(made.method().name.replace('_', "-").replace('.', " "), *name);
            } else {
                assert!(MORE.contains(&name.as_str()) || name == "busiest", "{name}");
            }
        }
    }
}

#[test]
fn times_have_bounds() {
    let refused = |line: &str| {
        let words = std::iter::once("chatctl").chain(line.split_whitespace());
        Args::try_parse_from(words).unwrap_err().to_string()
    };
    assert_eq!(
        request("config apply --confirm-within 60s"),
        Request::ConfigApply { confirm_within: Some(60) }
    );
    assert_eq!(request("config apply"), Request::ConfigApply { confirm_within: None });
    for wrong in ["4s", "0", "2d", "soon"] {
        assert!(refused(&format!("config apply --confirm-within {wrong}")).contains("it must be"), "{wrong}");
    }
    for wrong in ["0.1", "0", "-1", "NaN", "inf", "3601", "soon"] {
        let text = refused(&format!("top --interval={wrong}"));
        assert!(text.contains("it must be from 0.2 to 3600 seconds"), "{text}");
    }
}

#[test]
fn words_become_sentences() {
    let kick = |target, channel: Option<&str>, reason: Option<&str>| Request::Kick {
        target,
        channel: channel.map(str::to_owned),
        reason: reason.map(str::to_owned),
    };
    let bob = || Target::Nick("bob".into());
    assert_eq!(request("kick bob"), kick(bob(), None, None));
    assert_eq!(
        request("kick bob that is enough --channel #c"),
        kick(bob(), Some("#c"), Some("that is enough"))
    );
    assert_eq!(request("kick --id 5 that is enough"), kick(Target::Id(5), None, Some("that is enough")));
    assert_eq!(request("kick --id 5"), kick(Target::Id(5), None, None));
    assert_eq!(
        request("announce -- --json is an option"),
        Request::Announce { text: "--json is an option".into() }
    );
    assert_eq!(request("shutdown"), Request::Shutdown { reason: None });
    let ban = |mask: &str, duration, kind: Option<&str>| Request::BanAdd {
        mask: mask.into(),
        reason: "open proxies".into(),
        duration,
        kind: kind.map(str::to_owned),
    };
    assert_eq!(request("ban add *@192.0.2.* open proxies"), ban("*@192.0.2.*", None, None));
    assert_eq!(
        request("ban add --duration 1d --kind kline 192.0.2.0/24 open proxies"),
        ban("192.0.2.0/24", Some(86_400), Some("kline"))
    );
    assert_eq!(request("ban add --duration 0 a@b open proxies"), ban("a@b", None, None));
    assert_eq!(request("user info --id 7"), Request::UserInfo { target: Target::Id(7) });
    for wrong in ["ban add a@b", "ban add --duration soon a@b no", "user info", "user info bob --id 7"] {
        let words = std::iter::once("chatctl").chain(wrong.split_whitespace());
        assert!(Args::try_parse_from(words).is_err(), "{wrong}");
    }
    let mode = |modes: &str| Request::ChannelMode { channel: "#c".into(), modes: modes.into() };
    assert_eq!(request("channel mode #c +o-b bob *!*@x"), mode("+o-b bob *!*@x"));
    assert_eq!(request("channel mode #c -ov bob bob --json"), mode("-ov bob bob"));
    assert_eq!(request("channel mode --json #c -- -h bob"), mode("-h bob"));
    assert!(Args::try_parse_from(["chatctl", "channel", "topic", "#c", "x", "--clear"]).is_err());
    let empty = Args::try_parse_from(["chatctl", "channel", "topic", "#c", ""]).unwrap_err().to_string();
    assert!(empty.contains("--clear takes the topic away"), "{empty}");
    assert!(Args::try_parse_from(["chatctl", "kick"]).is_err());
    assert!(Args::try_parse_from(["chatctl", "announce"]).is_err());
}
