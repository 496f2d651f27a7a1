//! The facts of the ircdocs parser tests (CC0), in our own words: how lines, tags, sources, masks and server
//! names are read, whatever the client.

use chatd::proto::mask;
use chatd::proto::message::Message;
use chatd::proto::names;

/// A line, then what is in it: tags as key and unescaped value, source, command, parameters.
type Fact<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<&'a str>, &'a str, &'a [&'a str]);

const COOL: Option<&str> = Some("coolguy");
const SRC: Option<&str> = Some("src");

const LINES: &[Fact<'_>] = &[
    // The parameter with a colon takes the rest, spaces and all.
    ("foo bar baz asdf", &[], None, "foo", &["bar", "baz", "asdf"]),
    ("foo bar baz :asdf", &[], None, "foo", &["bar", "baz", "asdf"]),
    (":coolguy foo bar baz asdf", &[], COOL, "foo", &["bar", "baz", "asdf"]),
    (":coolguy foo bar baz :asdf", &[], COOL, "foo", &["bar", "baz", "asdf"]),
    ("foo bar baz :asdf quux", &[], None, "foo", &["bar", "baz", "asdf quux"]),
    ("foo bar baz :", &[], None, "foo", &["bar", "baz", ""]),
    ("foo bar baz ::asdf", &[], None, "foo", &["bar", "baz", ":asdf"]),
    (":coolguy foo bar baz :asdf quux", &[], COOL, "foo", &["bar", "baz", "asdf quux"]),
    (":coolguy foo bar baz :  asdf quux ", &[], COOL, "foo", &["bar", "baz", "  asdf quux "]),
    (":coolguy PRIVMSG bar :lol :) ", &[], COOL, "PRIVMSG", &["bar", "lol :) "]),
    (":coolguy foo bar baz :", &[], COOL, "foo", &["bar", "baz", ""]),
    (":coolguy foo bar baz :  ", &[], COOL, "foo", &["bar", "baz", "  "]),
    (":src JOIN #chan", &[], SRC, "JOIN", &["#chan"]),
    (":src JOIN :#chan", &[], SRC, "JOIN", &["#chan"]),
    (":src AWAY", &[], SRC, "AWAY", &[]),
    (":src AWAY ", &[], SRC, "AWAY", &[]),
    (":src AWAY :", &[], SRC, "AWAY", &[""]),
    ("COMMAND", &[], None, "COMMAND", &[]),
    (":SomeOp MODE #channel :+i", &[], Some("SomeOp"), "MODE", &["#channel", "+i"]),
    (":SomeOp MODE #channel +oo A :B", &[], Some("SomeOp"), "MODE", &["#channel", "+oo", "A", "B"]),
    // A tab separates nothing, and a source may hold colour codes.
    (":cool\tguy foo bar baz", &[], Some("cool\tguy"), "foo", &["bar", "baz"]),
    (":coolguy foo b\tar baz", &[], COOL, "foo", &["b\tar", "baz"]),
    (":coolguy foo b\tar :baz", &[], COOL, "foo", &["b\tar", "baz"]),
    (
        ":c!ag@net\x035w\x03ork.admin P foo :bar baz",
        &[],
        Some("c!ag@net\x035w\x03ork.admin"),
        "P",
        &["foo", "bar baz"],
    ),
    (
        ":c!~ag@n\x02et\x0305w\x0fork.admin P foo :bar",
        &[],
        Some("c!~ag@n\x02et\x0305w\x0fork.admin"),
        "P",
        &["foo", "bar"],
    ),
    // Tags; an empty value is no value.
    ("@a=b;c=32;k;rt=ql7 foo", &[("a", "b"), ("c", "32"), ("k", ""), ("rt", "ql7")], None, "foo", &[]),
    ("@c;h=;a=b :quux ab cd", &[("c", ""), ("h", ""), ("a", "b")], Some("quux"), "ab", &["cd"]),
    ("@asd :coolguy foo bar baz :  ", &[("asd", "")], COOL, "foo", &["bar", "baz", "  "]),
    ("@asd= :coolguy foo bar baz :  ", &[("asd", "")], COOL, "foo", &["bar", "baz", "  "]),
    (
        "@tag1=value1;tag2;vendor1/tag3=value2;vendor2/tag4= :src COMMAND param1 param2 :param3 param3",
        &[("tag1", "value1"), ("tag2", ""), ("vendor1/tag3", "value2"), ("vendor2/tag4", "")],
        SRC,
        "COMMAND",
        &["param1", "param2", "param3 param3"],
    ),
    (
        ":src COMMAND param1 param2 :param3 param3",
        &[],
        SRC,
        "COMMAND",
        &["param1", "param2", "param3 param3"],
    ),
    // Escapes, read one character at a time; one that means nothing loses its backslash, as does a lone one.
    (
        "@a=b\\\\and\\nk;c=72\\s45;d=gh\\:764 foo par1 par2",
        &[("a", "b\\and\nk"), ("c", "72 45"), ("d", "gh;764")],
        None,
        "foo",
        &["par1", "par2"],
    ),
    ("@d=gh\\:764;a=b\\\\and\\nk foo", &[("a", "b\\and\nk"), ("d", "gh;764")], None, "foo", &[]),
    ("@foo=\\\\\\\\\\:\\\\s\\s\\r\\n COMMAND", &[("foo", "\\\\;\\s \r\n")], None, "COMMAND", &[]),
    ("@tag1=value\\\\ntest COMMAND", &[("tag1", "value\\ntest")], None, "COMMAND", &[]),
    ("@tag1=value\\1 COMMAND", &[("tag1", "value1")], None, "COMMAND", &[]),
    ("@tag1=value1\\ COMMAND", &[("tag1", "value1")], None, "COMMAND", &[]),
    // The last of several tags of one name counts; a vendor makes another name.
    (
        "@tag1=1;tag2=3;tag3=4;tag1=5;vendor/tag2=8 COMMAND",
        &[("tag1", "5"), ("tag2", "3"), ("tag3", "4"), ("vendor/tag2", "8")],
        None,
        "COMMAND",
        &[],
    ),
    // Sloppy spacing, as some servers send it.
    (
        ":src 432  #momo :Erroneous Nickname: Illegal characters",
        &[],
        SRC,
        "432",
        &["#momo", "Erroneous Nickname: Illegal characters"],
    ),
    (":src MODE #tckk +n ", &[], SRC, "MODE", &["#tckk", "+n"]),
    (":src MODE #foo-bar +o foobar  ", &[], SRC, "MODE", &["#foo-bar", "+o", "foobar"]),
];

#[test]
fn lines_are_split_as_the_vectors_say() {
    for (line, tags, source, command, params) in LINES {
        let message = Message::parse(line).unwrap_or_else(|| panic!("{line:?} is a message"));
        assert_eq!(message.source, *source, "source of {line:?}");
        assert_eq!(message.command, *command, "command of {line:?}");
        assert_eq!(message.params(), *params, "parameters of {line:?}");
        for (key, value) in *tags {
            assert_eq!(message.tags.get(key).as_deref(), Some(*value), "tag {key} of {line:?}");
        }
        let known = |key: &str| tags.iter().any(|(name, _)| *name == key);
        assert!(message.tags.iter().all(|(key, _)| known(key)), "no other tags in {line:?}");
    }
}

/// A mask, what it matches, what it does not.
const MASKS: &[(&str, &[&str], &[&str])] = &[
    (
        "*@127.0.0.1",
        &["coolguy!ab@127.0.0.1", "cooldud3!~bc@127.0.0.1"],
        &["coolguy!ab@127.0.0.5", "cooldud3!~d@124.0.0.1"],
    ),
    (
        "cool*@*",
        &["coolguy!ab@127.0.0.1", "cooldud3!~bc@127.0.0.1", "cool132!ab@example.com"],
        &["koolguy!ab@127.0.0.5", "cooodud3!~d@124.0.0.1"],
    ),
    (
        "cool!*@*",
        &["cool!guyab@127.0.0.1", "cool!~dudebc@127.0.0.1", "cool!312ab@example.com"],
        &["coolguy!ab@127.0.0.1", "cooldud3!~bc@127.0.0.1", "koolguy!ab@127.0.0.5", "cooodud3!~d@124.0.0.1"],
    ),
    (
        "cool!?username@*",
        &["cool!ausername@127.0.0.1", "cool!~username@127.0.0.1"],
        &["cool!username@127.0.0.1"],
    ),
    ("cool!a?*@*", &["cool!ab@127.0.0.1", "cool!abc@127.0.0.1"], &["cool!a@127.0.0.1"]),
    (
        "cool[guy]!*@*",
        &["cool[guy]!guy@127.0.0.1", "cool[guy]!a@example.com"],
        &["coolg!ab@127.0.0.1", "cool[!ac@127.0.1.1"],
    ),
];

#[test]
fn masks_match_as_the_vectors_say() {
    for (mask, matching, others) in MASKS {
        for text in *matching {
            assert!(mask::matches(mask, text), "{mask} matches {text}");
        }
        for text in *others {
            assert!(!mask::matches(mask, text), "{mask} does not match {text}");
        }
    }
}

#[test]
fn sources_are_split_as_the_vectors_say() {
    for (source, nick, user, host) in [
        ("coolguy", "coolguy", None, None),
        ("coolguy!ag@127.0.0.1", "coolguy", Some("ag"), Some("127.0.0.1")),
        ("coolguy!~ag@localhost", "coolguy", Some("~ag"), Some("localhost")),
        ("coolguy@127.0.0.1", "coolguy", None, Some("127.0.0.1")),
        ("coolguy!ag", "coolguy", Some("ag"), None),
        ("coolguy!ag@net\x035w\x03ork.admin", "coolguy", Some("ag"), Some("net\x035w\x03ork.admin")),
        (
            "coolguy!~ag@n\x02et\x0305w\x0fork.admin",
            "coolguy",
            Some("~ag"),
            Some("n\x02et\x0305w\x0fork.admin"),
        ),
    ] {
        assert_eq!(names::split_source(source), (nick, user, host), "{source:?}");
    }
}

#[test]
fn server_names_are_valid_as_the_vectors_say() {
    for good in [
        "irc.example.com",
        "i.coolguy.net",
        "irc-srv.net.uk",
        "iRC.CooLguY.NeT",
        "gsf.ds342.co.uk",
        "324.net.uk",
        "xn--bcher-kva.ch",
        "services.",
    ] {
        assert!(names::is_server(good), "{good}");
    }
    for bad in [
        "-lol-.net.uk",
        "-lol.net.uk",
        "_irc._sctp.lol.net.uk",
        "irc",
        "com",
        "",
        " ",
        "example. net",
        "ex ample.org",
        " example.org",
        "example.org ",
    ] {
        assert!(!names::is_server(bad), "{bad:?}");
    }
}
