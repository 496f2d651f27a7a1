//! The manual pages against the tables and types that they describe.

use chatd::admin::*;
use chatd::proto::limits;
use chatd::server::Cause;
use serde::Serialize;
use serde_json::Value;

use crate::busy::{busy_channel, busy_client};
use crate::config::config_diff;
use crate::details::{ban_item, channel_details, channel_topic, filter_item, user_details};
use crate::lists::{channel, connection, listener, oper, user};

const CHATCTL: &str = include_str!("../../packaging/man/chatctl.1");
const ADMIN: &str = include_str!("../../packaging/man/chatd-admin.7");
const README: &str = include_str!("../../README.md");

/// The lines of a page from the one that starts so to the next that starts with `until`.
fn block<'a>(page: &'a str, start: &str, until: &[&str]) -> Vec<&'a str> {
    let mut lines = page.lines().skip_while(|line| *line != start);
    assert_eq!(lines.next(), Some(start), "the page has no such line");
    lines.take_while(|line| !until.iter().any(|end| line.starts_with(end))).collect()
}

/// An option as the page or clap has it: verb, names, and the name of the value.
type Opt = (String, Vec<String>, Option<String>);

/// The words of an `.It` line behind a macro, as `a , -b` in `Fl a , -b Ar c`.
fn words<'a>(line: &'a str, mac: &str) -> Vec<&'a str> {
    let mut current = "";
    let mut found = Vec::new();
    for word in line.split_whitespace().skip(1) {
        match word {
            "Fl" | "Ar" | "Cm" | "Op" | "Oo" | "Oc" => current = word,
            "," | "..." => {}
            _ if current == mac || (mac == "Ar" && current == "Op") => found.push(word),
            _ => {}
        }
    }
    found
}

/// What chatctl(1) has under OPTIONS and VERBS: each verb with its positional arguments, and the options.
fn documented() -> (Vec<(String, Vec<String>)>, Vec<Opt>) {
    let (mut verbs, mut options) = (Vec::new(), Vec::new());
    let mut verb = String::new();
    for line in block(CHATCTL, ".Sh DESCRIPTION", &[".Sh ENVIRONMENT"]) {
        if line.starts_with(".It Cm ") {
            verb = words(line, "Cm").join(" ");
            verbs.push((verb.clone(), words(line, "Ar").into_iter().map(str::to_owned).collect()));
        } else if line.starts_with(".It Fl ") {
            let names = words(line, "Fl").into_iter().map(|name| format!("-{name}")).collect();
            options.push((verb.clone(), names, words(line, "Ar").first().map(|&value| value.to_owned())));
        }
    }
    (verbs, options)
}

fn value_name(arg: &clap::Arg) -> String {
    arg.get_value_names()
        .map_or_else(|| arg.get_id().to_string(), |names| names[0].to_string())
        .to_lowercase()
}

/// The same of clap.
fn defined() -> (Vec<(String, Vec<String>)>, Vec<Opt>) {
    let mut command = chatd::ctl::command();
    command.build();
    let option = |verb: &str, arg: &clap::Arg| {
        let short = arg.get_short().map(|short| format!("-{short}"));
        let long = arg.get_long().map(|long| format!("--{long}"));
        let value = arg.get_action().takes_values().then(|| value_name(arg));
        (verb.to_owned(), short.into_iter().chain(long).collect(), value)
    };
    let mut options: Vec<Opt> = command.get_arguments().map(|arg| option("", arg)).collect();
    let mut verbs = Vec::new();
    for (name, verb) in leaves(&command) {
        let positional = verb.get_positionals().map(value_name).collect();
        // The page calls clap's own verb's argument what it is.
        let positional = if name == "help" { vec!["verb".to_owned()] } else { positional };
        let own = |arg: &&clap::Arg| !arg.is_positional() && !arg.is_global_set() && arg.get_id() != "help";
        options.extend(verb.get_arguments().filter(own).map(|arg| option(&name, arg)));
        verbs.push((name, positional));
    }
    (verbs, options)
}

/// The verbs that have none of their own, each with its name, such as `channel info`.
fn leaves(command: &clap::Command) -> Vec<(String, &clap::Command)> {
    let mut found = Vec::new();
    for verb in command.get_subcommands() {
        let name = verb.get_name();
        if name != "help" && verb.has_subcommands() {
            found.extend(leaves(verb).into_iter().map(|(rest, leaf)| (format!("{name} {rest}"), leaf)));
        } else {
            found.push((name.to_owned(), verb));
        }
    }
    found
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

#[test]
fn chatctl_1_has_every_verb_and_option() {
    let (verbs, options) = documented();
    let (real_verbs, real_options) = defined();
    assert!(verbs.is_sorted(), "verbs by name");
    assert_eq!(verbs, sorted(real_verbs));
    assert_eq!(sorted(options), sorted(real_options));
}

#[test]
fn the_readme_has_every_verb() {
    // Cells of its table: `chatctl list [users]`, `chatctl stats`.
    let rows = || README.lines().filter(|line| line.starts_with("| `chatctl "));
    for (verb, _) in defined().0.iter().filter(|(verb, _)| verb != "help") {
        let begun = [format!("`chatctl {verb} "), format!("`chatctl {verb}`")];
        assert!(
            rows().any(|row| begun.iter().any(|cell| row.contains(cell))),
            "README.md lacks chatctl {verb}"
        );
    }
}

#[test]
fn chatctl_1_has_every_value_and_default() {
    for (name, verb) in leaves(&chatd::ctl::command()) {
        let start =
            CHATCTL.lines().find(|line| line.starts_with(".It Cm") && words(line, "Cm").join(" ") == name);
        let text = block(CHATCTL, start.unwrap(), &[".It Cm", ".Sh"]);
        for value in verb.get_positionals().flat_map(clap::Arg::get_possible_values) {
            let name = format!(".Cm {}", value.get_name());
            assert!(text.iter().any(|line| line.starts_with(&name)), "{verb}: {name}");
        }
    }
    for arg in chatd::ctl::command().get_arguments() {
        for default in arg.get_default_values().iter().filter_map(|value| value.to_str()) {
            assert!(CHATCTL.contains(&format!("Default: {default}.")), "{arg:?}");
        }
    }
}

/// A method's part of chatd-admin(7), or that of the items of a list.
fn section(name: &str) -> Vec<&'static str> {
    block(ADMIN, &format!(".Ss {name}"), &[".Ss", ".Sh"])
}

/// A line of the page without the punctuation that follows its macro.
fn bare(line: &str) -> &str {
    line.trim_end_matches([' ', ',', '.', ':'])
}

fn items<'a>(lines: &[&'a str], mac: &str) -> Vec<&'a str> {
    let start = format!(".It {mac} ");
    lines.iter().filter_map(|line| line.strip_prefix(start.as_str())).collect()
}

#[test]
fn chatd_admin_7_has_every_method_and_parameter() {
    let methods = block(ADMIN, ".Sh METHODS", &[".Sh"]);
    let names: Vec<_> = methods.iter().filter_map(|line| line.strip_prefix(".Ss ")).collect();
    let names: Vec<_> = names.into_iter().filter(|name| !name.starts_with("Items of")).collect();
    assert_eq!(names, METHODS.iter().map(|method| method.name).collect::<Vec<_>>());
    for method in METHODS {
        let text = section(method.name);
        assert!(text.contains(&format!("{}.", method.help).as_str()), "{}: {}", method.name, method.help);
        let params: Vec<_> = method
            .params
            .iter()
            .map(|param| {
                let required = if param.required { ", required" } else { "" };
                format!("{} Pq {}{required}", param.name, param.kind.name())
            })
            .collect();
        assert_eq!(items(&text, "Fa"), params, "{}", method.name);
        assert_eq!(text.contains(&"No parameters."), params.is_empty(), "{}", method.name);
        for param in method.params {
            let expected = match param.kind {
                Kind::Choice(words) | Kind::Words(words) => {
                    words.iter().map(|word| format!(".Ql {word}")).collect()
                }
                Kind::Integer(min, max) if max < u64::MAX => vec![format!("from {min} to {max}")],
                _ => vec![],
            };
            for words in expected {
                assert!(text.iter().any(|line| line.contains(&words)), "{}: {words}", method.name);
            }
        }
    }
}

/// The members of a result, in the order in which they are written.
fn members<T: Serialize>(result: &T) -> Vec<String> {
    // A map of serde_json is sorted; the text is not.
    let text = Json::of(result);
    let value: Value = serde_json::from_str(text.as_str()).unwrap();
    let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
    keys.sort_by_key(|key| text.as_str().find(&format!("\"{key}\":")));
    keys
}

#[test]
fn chatd_admin_7_has_every_member_of_every_result() {
    let credentials = PeerCredentials { pid: 1, uid: 1, gid: 1 };
    let admin = ConnectionItem { peer: Some(credentials), ..connection() };
    let mut extra = members(&user_details());
    extra.retain(|member| !members(&user_details().item).contains(member));
    for (name, members) in [
        ("announce", members(&Announced { users: 0 })),
        ("ban.add", members(&ban_item())),
        ("ban.del", members(&ban_item())),
        ("ban.list", members(&Page::<u8> { items: vec![], next: Some(String::new()) })),
        ("busiest", members(&Busiest::<u8> { items: vec![], next: Some(String::new()), period_ms: 0 })),
        ("Items of busiest clients", members(&busy_client())),
        ("Items of busiest channels", members(&busy_channel())),
        ("channel.info", members(&channel_details())),
        ("channel.mode", members(&ModesChanged { name: String::new(), modes: String::new() })),
        ("channel.topic", members(&channel_topic())),
        ("config.apply", members(&ConfigApplied::default())),
        ("config.confirm", members(&ConfigConfirmed { seconds_left: 0 })),
        ("config.diff", members(&config_diff())),
        ("config.status", members(&ConfigStatus::default())),
        ("drain", members(&Draining { on: true, changed: true, connections: 0 })),
        ("filter.add", members(&filter_item())),
        ("filter.del", members(&filter_item())),
        ("filter.list", members(&FilterList { total: 0, filters: vec![] })),
        ("filter.test", members(&FilterVerdict { verdict: String::new(), filter: None, matching: vec![] })),
        ("help", members(&Help::default())),
        ("kick", members(&Kicked { id: 0, nick: None, channel: None })),
        ("list", members(&Page::<u8> { items: vec![], next: Some(String::new()) })),
        ("Items of list users", members(&user(0, "", &[]))),
        ("Items of list channels", members(&channel("", 0, ""))),
        ("Items of list connections", members(&admin)),
        ("Items of list listeners", members(&listener())),
        ("lockdown", members(&Lockdown { on: true, changed: true })),
        ("log_level", members(&LogLevel { level: String::new(), before: None })),
        ("oper.list", members(&Page::<u8> { items: vec![], next: Some(String::new()) })),
        ("Items of oper.list", members(&oper())),
        ("reload", members(&Reloaded::default())),
        ("shutdown", members(&ShuttingDown { connections: 0, timeout_seconds: 0 })),
        ("stats", members(&Stats::default())),
        ("unwatch", members(&Unwatched { ended: true })),
        ("user.info", extra),
        ("version", members(&Version { name: String::new(), version: String::new(), pid: 0 })),
        ("watch", members(&Watching { events: vec![] })),
    ] {
        assert_eq!(items(&section(name), "Va"), members, "{name}");
    }
    let nested = |name: &str, members: Vec<String>| {
        for member in members {
            let line = format!(".Va {member}");
            assert!(section(name).iter().any(|have| bare(have) == line), "{name}: {line}");
        }
    };
    nested("Items of list connections", members(&credentials));
    nested("config.diff", members(&config_diff().differences[0]));
    nested("channel.info", members(&channel_details().lists[0]));
    nested("channel.info", members(&channel_details().lists[0].entries[0]));
    for method in METHODS {
        nested("help", members(method));
        method.params.iter().for_each(|param| nested("help", members(param)));
    }
    for cause in Cause::ALL {
        let name = format!(".Ql {}", cause.name());
        assert!(section("stats").iter().any(|line| bare(line) == name), "{name}");
    }
}

#[test]
fn chatd_admin_7_has_every_error_and_bound() {
    let errors = block(ADMIN, ".Sh ERROR CODES", &[".Sh"]);
    let codes: Vec<i64> = errors.iter().filter_map(|line| line.strip_prefix(".It ")?.parse().ok()).collect();
    let known = [
        PARSE_ERROR,
        INVALID_REQUEST,
        METHOD_NOT_FOUND,
        INVALID_PARAMS,
        NOT_FOUND,
        REFUSED,
        TOO_LARGE,
        NOT_DONE,
        NOT_ALLOWED,
    ];
    assert_eq!(codes, known);
    let problem =
        Problem { file: None, line: None, column: None, message: String::new(), report: String::new() };
    let mut named = members(&problem);
    named.extend(members(&Problems { problems: vec![] }));
    named.extend(members(&RpcError { data: Some(Value::Null), ..RpcError::new(0, "") }));
    for member in named {
        let line = format!(".Va {member}");
        assert!(errors.iter().any(|have| bare(have) == line), "{line}");
    }
    let bounds = section("Bounds").join(" ");
    for bound in [
        format!("A line holds {} bytes", limits::ADMIN_LINE),
        format!("A batch holds {} requests", limits::ADMIN_BATCH),
        format!("holds about {} bytes", limits::ADMIN_REPLY),
        format!("more than {} seconds", limits::ADMIN_STALL_MS / 1_000),
        format!("more than {} bytes of answers", limits::ADMIN_SEND_QUEUE / 2),
        format!("may be {} connections", limits::ADMIN_CONNECTIONS),
        format!("Of each, {} may watch events", limits::WATCHERS),
        format!("more than {} bytes waiting", limits::WATCH_QUEUE),
        format!("at most {} events are told", limits::WATCH_LINES),
        format!("at most {} times", limits::WATCH_LOOKS),
    ] {
        assert!(bounds.contains(&bound), "{bound}");
    }
    assert!(section("ban.add").join(" ").contains(&format!("at most {} bytes", limits::BAN_REASON)));
    assert!(section("ban.add").join(" ").contains(&format!("at most {} bans", limits::SERVER_BANS)));
    assert!(section("busiest").join(" ").contains(&format!("{} if absent", limits::ADMIN_BUSIEST_DEFAULT)));
    let masks = format!("1 to {} masks of at most {} bytes", limits::WATCH_MASKS, limits::WATCH_MASK);
    assert!(section("watch").join(" ").contains(&masks));
    let differences = format!("most {}", limits::ADMIN_DIFFERENCES);
    assert!(section("config.diff").join(" ").contains(&differences));
    let times = format!("from {CONFIRM_LEAST} seconds to {} hours", CONFIRM_MOST / 3_600);
    assert!(section("config.apply").join(" ").contains(&times));
    assert!(CHATCTL.contains(&times));
    let entries = format!("most {}", limits::ADMIN_ENTRIES);
    assert!(section("channel.info").join(" ").contains(&entries));
    assert!(section("channel.mode").join(" ").contains(&format!("At most {} parameters", limits::MODES)));
    assert!(section("list").join(" ").contains(&format!("{} if absent", limits::ADMIN_PAGE_DEFAULT)));
}
