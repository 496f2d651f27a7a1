//! Conversations as text, on the bare server and on the real binary. `README.md` beside this file says how they read.

#[path = "../common/bare.rs"]
mod bare;
#[path = "../common/mod.rs"]
mod common;
mod config;
mod core;
mod coverage;
mod live;
mod pattern;
mod run;
mod script;
mod subject;
mod text;

use std::fs;
use std::path::Path;

use crate::script::Script;

/// The folder of the scenario files.
fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios"))
}

fn read(name: &str) -> Script {
    let text = fs::read_to_string(folder().join(format!("{name}.txt"))).expect("the file is read");
    Script::parse(&text).unwrap_or_else(|error| panic!("{name}.txt:{error}"))
}

fn run_on_core(name: &str) {
    let script = read(name);
    let mut subject = core::Core::start(&script.config);
    if let Err(error) = run::run(&format!("{name}.txt"), &script, &mut subject) {
        panic!("on the bare server\n{error}");
    }
}

fn run_live(name: &str) {
    let script = read(name);
    if script.core_only {
        return;
    }
    let mut subject = live::Live::start(&script.config);
    if let Err(error) = run::run(&format!("{name}.txt"), &script, &mut subject) {
        panic!("on the real binary\n{error}");
    }
}

/// The names of the files, sorted.
fn files() -> Vec<String> {
    let mut files: Vec<_> = fs::read_dir(folder())
        .expect("the folder is read")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".txt").map(str::to_owned))
        .collect();
    files.sort();
    files
}

/// Makes a test of each file for each subject, and checks that no file was forgotten.
macro_rules! scenarios {
    ($($name:ident)*) => {
        mod on {
            mod core { $(#[test] fn $name() { crate::run_on_core(stringify!($name)); })* }
            mod live { $(#[test] fn $name() { crate::run_live(stringify!($name)); })* }
        }

        #[test]
        fn every_file_is_listed() {
            assert_eq!(crate::files(), [$(stringify!($name)),*], "the list in main.rs, sorted");
        }
    };
}

scenarios! {
    admin
    admin_info
    auditorium
    auditorium_away
    auditorium_late
    authenticate
    away
    away_notify
    awkward
    bad_input
    bans
    bans_end
    bans_hidden
    bounds
    caller_id
    caller_id_silence
    cap
    cap_lines
    cap_reload
    class_limits
    classes
    client_tags
    cloak_default
    cloak_reload
    cloaks
    connect_throttle
    cuts
    deaf
    die
    echo
    extended_bans
    extended_isupport
    extended_join
    extended_monitor
    extended_monitor_host
    filter_exempt
    filters
    forward
    forward_later
    help
    invite
    invite_kept_away
    invite_list
    invite_notify
    invite_rank
    isupport
    isupport_reload
    join
    join_modes
    join_throttle
    kick
    kill
    knock
    labels
    labels_nested
    lines
    list
    lists
    lockdown
    mode_ban
    mode_channel
    mode_content
    mode_key_limit
    mode_limits
    mode_user
    monitor
    monitor_full
    motd
    msgids
    multiline
    multiline_errors
    multiline_missed
    multiline_timeout
    names
    names_forms
    nick
    nick_modes
    notice
    notices
    notices_filter
    notices_own_nick
    oper
    oper_busy
    oper_class
    oper_reload
    override_oper
    part
    password
    ping
    pre_away
    prefix_q
    private
    privmsg
    queries
    quit
    ranks
    refused
    registration
    reload
    rename
    rename_case
    rename_oper
    rename_ranks
    reserve
    sa
    sa_bounds
    secret
    secure_only
    see_all
    server_queries
    server_time
    server_time_exact
    setname
    shutdown
    silence
    stats
    stats_lists
    stats_oper
    statusmsg
    tag_deny
    tags
    target_changes
    targets
    throttle
    timeouts
    topic
    utf8only
    wallops
    webirc
    who
    whois
    whois_idle
    whowas
    whox
}
