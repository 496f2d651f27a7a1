//! What the tables of settings and of repeated sections say, tried on files made of them.

use chatd::config::{Config, REPEATED, Repeated, SETTINGS, parse};

use super::good;

/// The hash of a password.
pub(super) const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$wiBG8uzp3uBhBramwLIOyQ$mqPXzEs2h999yZRRs4KCLq4UEcEdbRQfnYd5kcV7zfM";

/// One entry of a section with what it must have, as the help of the report on a missing key has it.
pub(super) fn minimal(section: &Repeated) -> String {
    let needed = section.keys.iter().filter_map(|key| key.needed.map(|value| (key.key(), value)));
    let lines = needed.map(|(key, value)| format!("{key} = {}\n", value.replace("$argon2id$...", HASH)));
    format!("[[{}]]\n{}", section.name, lines.collect::<String>())
}

/// Entries that are in order only in the company of others, and these.
fn beside(section: &Repeated) -> String {
    match section.name {
        "oper" => minimal(REPEATED.iter().find(|it| it.name == "oper_class").unwrap()),
        _ => String::new(),
    }
}

/// The least that is in order.
fn least(section: &Repeated) -> String {
    let more = if section.name == "reserve" { "nicks = [\"x\"]\n" } else { "" };
    beside(section) + &minimal(section) + more
}

fn messages(text: &str) -> Vec<String> {
    parse(text).problems.into_iter().map(|problem| problem.message).collect()
}

#[test]
fn both_ends_of_each_range_are_in_it_and_nothing_beyond() {
    for setting in SETTINGS {
        let Some((range, _)) = &setting.range else { continue };
        let with = |value: i64| format!("[{}]\n{} = {value}\n", setting.section(), setting.key());
        let (least, most) = (i64::from(*range.start()), i64::from(*range.end()));
        for value in [least, most] {
            assert_eq!(setting.show(&good(&with(value))), Some(value.to_string()), "{}", setting.name);
        }
        for value in [least - 1, most + 1, i64::MIN, i64::MAX] {
            assert!(!parse(&with(value)).is_good(), "{} = {value}", setting.name);
        }
        let default: u32 = setting.show(&Config::default()).unwrap().parse().unwrap();
        assert!(range.contains(&default), "{}", setting.name);
    }
}

#[test]
fn both_ends_of_each_range_of_an_entry_are_in_it_and_nothing_beyond() {
    for section in REPEATED {
        for key in section.keys {
            let Some((range, _)) = &key.range else { continue };
            let with = |value: i64| format!("{}{} = {value}\n", least(section), key.key());
            let (first, last) = (i64::from(*range.start()), i64::from(*range.end()));
            for value in [first, last] {
                assert_eq!(key.show(&good(&with(value)), 0), Some(value.to_string()), "{}", key.name);
            }
            for value in [first - 1, last + 1] {
                assert!(!parse(&with(value)).is_good(), "{} = {value}", key.name);
            }
        }
    }
}

#[test]
fn an_entry_with_what_it_needs_is_in_order_and_one_without_is_not() {
    for section in REPEATED {
        assert_eq!(section.len(&good(&least(section))), 1, "{}", section.name);
        let needed: Vec<_> = section.keys.iter().filter(|key| key.needed.is_some()).collect();
        let found = messages(&format!("[[{}]]\n", section.name));
        for key in &needed {
            let message = format!("this [[{}]] has no `{}`", section.name, key.key());
            assert!(found.contains(&message), "{message}: {found:?}");
        }
        let reserves_nothing = usize::from(section.name == "reserve");
        assert_eq!(found.len(), needed.len() + reserves_nothing, "{found:?}");
    }
}

#[test]
fn names_are_given_once_whatever_their_case() {
    for section in REPEATED {
        let Some(key) = section.keys.iter().find(|key| key.unique) else { continue };
        let text = least(section) + &minimal(section).replace(" = \"", " = \"\\u0041").replace("A*@", "*@");
        assert!(!messages(&text).iter().any(|it| it.contains("a second time")), "{text}");
        let upper = minimal(section).replace(key.needed.unwrap(), &key.needed.unwrap().to_uppercase());
        let found = messages(&(least(section) + &upper));
        let wanted = format!("`{}` is ", key.name);
        assert!(
            found.iter().any(|it| it.starts_with(&wanted) && it.contains(" a second time, first in line ")),
            "{found:?}"
        );
    }
}

#[test]
fn every_list_of_entries_has_its_bound() {
    for section in REPEATED {
        let wanted = format!("there are more than {} ", section.most);
        let is_complaint = |message: &String| message.starts_with(&wanted);
        let text = minimal(section).repeat(section.most);
        // The report itself is bounded, and complaints about names that are the same come first.
        assert!(!messages(&text).iter().any(is_complaint), "{}", section.name);
        let bare = format!("[[{}]]\n", section.name);
        let text = format!("{bare}= \n{}", bare.repeat(section.most));
        assert!(messages(&text).iter().any(is_complaint), "{}: {:?}", section.name, messages(&text));
    }
}

#[test]
fn what_is_secret_is_known_to_be() {
    let secrets: Vec<_> = SETTINGS.iter().filter(|it| it.secret).map(|it| it.name).collect();
    assert_eq!(secrets, ["server.password", "cloak.key"]);
    let keys = REPEATED.iter().flat_map(|section| section.keys).filter(|key| key.secret);
    assert!(keys.map(|key| key.name).eq(["class.password", "webirc.password", "oper.password"]));
    let text = format!("[server]\npassword = \"a\"\n{}", least(&REPEATED[2]));
    let found: Vec<_> = parse(&text).secrets().map(|(key, span)| (key, text[span].to_owned())).collect();
    let expected = [("password", "\"a\""), ("password", "\"correct-horse-battery\"")];
    assert_eq!(found, expected.map(|(key, value)| (key, value.to_owned())));
}

#[test]
fn prefixes_are_in_the_order_of_their_ranks_and_the_needed_ones_are_there() {
    let with = |letters: &str| format!("[channels]\nprefixes = \"{letters}\"\n");
    for letters in ["qaohv", "ov", "aov", "ohv"] {
        assert_eq!(good(&with(letters)).channels.prefixes.letters(), letters);
    }
    for (letters, message) in [
        ("", "must have `o` and `v` in it, not an empty string"),
        ("ohx", "must be some of the letters `qaohv`, not `ohx`"),
        ("qah", "must have `o` and `v` in it, not `qah`"),
        ("vo", "must have each letter once, the highest rank first, not `vo`"),
        ("oov", "must have each letter once, the highest rank first, not `oov`"),
        ("qaohvv", "must be some of the letters `qaohv`, not `qaohvv`"),
    ] {
        assert_eq!(messages(&with(letters)), [format!("`channels.prefixes` {message}")]);
    }
}

#[test]
fn new_users_may_only_have_hidden_addresses_where_there_is_a_key() {
    let modes = "[users]\ndefault_modes = \"wi\"\n";
    assert_eq!(good(modes).users.default_modes, "wi");
    let key = "[cloak]\nkey = \"0123456789abcdef0123456789abcdef\"\n";
    assert_eq!(good(key).cloak.key.as_deref(), Some("0123456789abcdef0123456789abcdef"));
    assert!(!parse(&key.replace("abcdef\"", "abcde\"")).is_good(), "one character less");
}

#[test]
fn default_modes_are_letters_of_the_tables_each_once() {
    for (section, modes, message) in [
        ("channels", "ntb", "has `b`, which is not a channel mode without a parameter"),
        ("channels", "+nt", "has `+`, which is not a channel mode without a parameter"),
        ("channels", "ntn", "has `n` twice"),
        ("users", "o", "has `o`, which is not a user mode that new users may have"),
        ("users", "é", "has `é`, which is not a user mode that new users may have"),
    ] {
        let found = messages(&format!("[{section}]\ndefault_modes = \"{modes}\"\n"));
        assert_eq!(found, [format!("`{section}.default_modes` {message}")]);
    }
}
