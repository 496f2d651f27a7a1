//! What operators set while chatd runs: in force at once, kept by a restart once it is acknowledged, and refused in words
//! when it cannot be kept.

use std::fs;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use super::*;
use common::Client;

/// Somebody who may ban, with the password `example`.
const OPER: &str = r#"
[[oper_class]]
name = "all"
privileges = ["ban"]
[[oper]]
name = "root"
password = '$argon2id$v=19$m=19456,t=2,p=1$wiBG8uzp3uBhBramwLIOyw$mqPXzEs2h999yZRRs4KCLq4UEcEdbRQfnYd5kcV7zfM'
class = "all"
"#;

/// Starts chatd with this folder for its state.
fn start(config: &str, state: &Path) -> Daemon {
    Daemon::start_with(config, |command| {
        command.env("STATE_DIRECTORY", state);
    })
}

/// Ends chatd without a chance to save anything, and starts it again.
fn restart(mut daemon: Daemon, config: &str, state: &Path) -> Daemon {
    daemon.signal(Signal::SIGKILL);
    daemon.wait_exit();
    drop(daemon);
    start(config, state)
}

/// Runs chatctl: its exit status, and what it said on stdout and stderr.
fn chatctl(daemon: &Daemon, words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatctl"));
    command.arg("--socket").arg(&daemon.admin).args(words).stdin(Stdio::null());
    let output = command.output().expect("chatctl runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What chatctl prints when all is well.
fn done(daemon: &Daemon, words: &[&str]) -> String {
    let (status, said, complaint) = chatctl(daemon, words);
    assert_eq!((status, complaint.as_str()), (Some(0), ""), "{words:?}");
    said
}

fn operator(daemon: &Daemon) -> Client {
    let mut oper = daemon.user("oper");
    oper.send("OPER root example");
    oper.expect(" 381 oper ");
    oper
}

/// A client that connects from another address of this machine.
fn from(daemon: &Daemon, last: u8) -> Client {
    Client::connect_from(Ipv4Addr::new(127, 0, 0, last), daemon.addr)
}

/// Says hello, and returns what chatd says until it closes the connection.
fn refusal(mut client: Client, nick: &str) -> String {
    client.send(&format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}"));
    client.expect_end().join("\n")
}

#[test]
fn bans_that_were_acknowledged_hold_when_chatd_is_killed_and_comes_back() {
    let config = format!("{OPEN}{OPER}");
    let state = tempfile::tempdir().unwrap();
    let daemon = start(&config, state.path());
    let mut oper = operator(&daemon);
    oper.send("KLINE 1d *mallory@127.0.0.1 :Not you");
    oper.expect("The K-line of *mallory@127.0.0.1 is set for 1d: Not you");
    let daemon = restart(daemon, &config, state.path());
    assert!(
        refusal(daemon.connect(), "mallory").contains("ERROR :Closing Link: 127.0.0.1 (Banned: Not you)")
    );
    let said = done(&daemon, &["ban", "add", "127.0.0.3", "Nor", "you"]);
    assert!(said.starts_with("added\nban           127.0.0.3\nkind          dline\n"), "{said}");
    let daemon = restart(daemon, &config, state.path());
    assert!(refusal(daemon.connect(), "mallory").contains("Banned: Not you"));
    assert_eq!(from(&daemon, 3).expect_end(), ["ERROR :You are banned from this server: Nor you"]);
    daemon.user("ann").sync();
    let list = done(&daemon, &["ban", "list"]);
    let rows: Vec<Vec<_>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["MASK", "KIND", "SET", "BY", "AGE", "ENDS", "REASON"]);
    assert_eq!(rows[1][..3], ["*mallory@127.0.0.1", "kline", "oper!~oper@127.0.0.1"]);
    let uid = format!("{})", nix::unistd::geteuid());
    assert_eq!(rows[2][..5], ["127.0.0.3", "dline", "admin", "(uid", &uid]);
    assert_eq!(rows.len(), 3);

    done(&daemon, &["ban", "del", "*mallory@127.0.0.1"]);
    let daemon = restart(daemon, &config, state.path());
    daemon.user("mallory").sync();
    let missing = chatctl(&daemon, &["ban", "del", "*mallory@127.0.0.1"]);
    let words = "chatctl: there is no K-line of *mallory@127.0.0.1; `chatctl ban list` shows all\n";
    assert_eq!(missing, (Some(1), String::new(), words.to_owned()));
}

#[test]
fn who_is_an_operator_is_listed() {
    let daemon = Daemon::start(&format!("{OPEN}{OPER}"));
    assert_eq!(done(&daemon, &["oper", "list"]), "no operators\n");
    let _oper = operator(&daemon);
    daemon.user("ann").sync();
    let list = done(&daemon, &["oper", "list"]);
    let row: Vec<_> = list.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..4], ["oper", "~oper@127.0.0.1", "root", "all"]);
    assert_eq!(list.lines().count(), 2);
    // The id leads back to the user.
    assert!(done(&daemon, &["user", "info", "--id", row[6]]).starts_with("nick          oper\n"));
}

/// Starts chatd on a disk that is full for files of more than some kilobytes.
fn with_a_full_disk(config: &str, state: &Path) -> Daemon {
    start_through(&["sh", "-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""], config, state)
}

/// Starts chatd with a disk of 64 KiB for its state, which only it sees; the folder as others can reach it comes along.
fn with_a_small_disk(config: &str, state: &Path) -> (Daemon, PathBuf) {
    let mount = format!("-t tmpfs -o size=64k,mode=0700 tmpfs '{}'", state.display());
    let daemon = start_with_mount(&mount, config, state);
    let seen = format!("/proc/{}/root{}", daemon.pid(), state.display());
    (daemon, seen.into())
}

#[test]
fn with_no_room_left_on_the_disk_a_ban_holds_and_is_saved_with_the_next_one() {
    if !may_mount() {
        return;
    }
    let config = format!("{OPEN}{OPER}");
    let state = tempfile::tempdir().unwrap();
    let (daemon, disk) = with_a_small_disk(&config, state.path());
    done(&daemon, &["ban", "add", "192.0.2.1", "before"]);
    let mut filler = fs::File::create(disk.join("filler")).unwrap();
    while filler.write_all(&[b'x'; 1024]).is_ok() {}
    drop(filler);

    let (status, _, complaint) = chatctl(&daemon, &["ban", "add", "127.0.0.3", "meanwhile"]);
    let words = "chatctl: done, but not saved, so that a restart undoes it: ";
    assert!(status == Some(1) && complaint.starts_with(words), "{complaint}");
    assert!(complaint.ends_with("state.json.new: No space left on device\n"), "{complaint}");
    daemon.wait_for_output("state is not saved");
    assert_eq!(masks_on_disk(&disk), ["192.0.2.1"], "the old file is whole");
    assert!(!disk.join("state.json.new").exists(), "and no part of a new one is left");
    assert!(refusal(from(&daemon, 3), "ann").contains("meanwhile"), "it is in force");
    daemon.user("bob").sync();

    fs::remove_file(disk.join("filler")).unwrap();
    done(&daemon, &["ban", "add", "192.0.2.2", "after"]);
    daemon.wait_for_output("state is saved again");
    let mut masks = masks_on_disk(&disk);
    masks.sort();
    assert_eq!(masks, ["127.0.0.3", "192.0.2.1", "192.0.2.2"]);
}

/// The masks in the state file, in their order.
fn masks_on_disk(state: &Path) -> Vec<String> {
    let text = fs::read_to_string(state.join("state.json")).unwrap();
    let content: Value = serde_json::from_str(&text).unwrap();
    let mask = |ban: &Value| ban["mask"].as_str().unwrap().to_owned();
    content["bans"].as_array().unwrap().iter().map(mask).collect()
}

#[test]
fn what_a_full_disk_does_not_take_is_said_to_who_asked_and_chatd_goes_on() {
    let config = format!("{OPEN}{OPER}");
    let state = tempfile::tempdir().unwrap();
    let daemon = with_a_full_disk(&config, state.path());
    let (long, mut kept) = ("x".repeat(300), Vec::new());
    let (refused, complaint) = loop {
        let mask = format!("192.0.2.{}", 100 + kept.len());
        let (status, _, complaint) = chatctl(&daemon, &["ban", "add", &mask, &long]);
        if status == Some(1) {
            break (mask, complaint);
        }
        assert_eq!(status, Some(0), "{complaint}");
        assert!(kept.len() < 50, "the disk is never full");
        kept.push(mask);
    };
    let words = "chatctl: done, but not saved, so that a restart undoes it: ";
    assert!(!kept.is_empty() && complaint.starts_with(words), "{complaint}");
    assert!(complaint.ends_with("state.json.new: File too large\n"), "{complaint}");
    daemon.wait_for_output("state is not saved");
    assert_eq!(masks_on_disk(state.path()), kept, "the old file is whole");
    assert_eq!(fs::read_dir(state.path()).unwrap().count(), 1, "and no part of a new one is left");

    // Over IRC it is the same.
    let mut oper = operator(&daemon);
    oper.send("KLINE *mallory@127.0.0.1 :Not you");
    oper.expect("K-line of *mallory@127.0.0.1 is in force, but a restart will forget it: ");
    assert!(refusal(daemon.connect(), "mallory").contains("Banned: Not you"));
    oper.send("UNKLINE *mallory@127.0.0.1");
    oper.expect("K-line of *mallory@127.0.0.1 is taken away, but a restart will bring it back: ");
    daemon.user("mallory").sync();
    assert_eq!(chatctl(&daemon, &["lockdown", "on"]).0, Some(1));

    // What fits is saved again, with all that was not.
    done(&daemon, &["ban", "del", &refused]);
    daemon.wait_for_output("state is saved again");
    assert_eq!(masks_on_disk(state.path()), kept);
    let daemon = restart(daemon, &config, state.path());
    assert_eq!(done(&daemon, &["ban", "list"]).lines().count(), 1 + kept.len());
    assert_eq!(done(&daemon, &["lockdown"]), "lockdown is on\n");
}

const LOCKABLE: &str = r#"
[lockdown]
networks = ["127.0.0.2"]
[[class]]
name = "staff"
networks = ["127.0.0.4"]
password = "sesame"
exempt = ["lockdown"]
"#;

#[test]
fn the_panic_switch_and_filters_hold_at_once_and_after_a_restart() {
    const CLOSED: &str = "No new connections are accepted for now, try again later";
    let config = format!("{OPEN}{LOCKABLE}");
    let state = tempfile::tempdir().unwrap();
    let daemon = start(&config, state.path());
    let mut ann = daemon.user("ann");
    let mut late = daemon.connect();
    late.send("NICK late");
    wait_until("late is known", || stats(&daemon)["connections_now"] == 2);
    assert_eq!(done(&daemon, &["lockdown", "on"]), "lockdown is now on\n");
    done(&daemon, &["filter", "add", "coins", "free .*coins", "No", "ads"]);
    late.send("USER late 0 * :late");
    assert_eq!(late.expect_end(), [format!("ERROR :Closing Link: 127.0.0.1 ({CLOSED})")]);

    let holds = |daemon: &Daemon| {
        assert_eq!(daemon.connect().expect_end(), [format!("ERROR :{CLOSED}")]);
        assert!(refusal(from(daemon, 4), "guest").contains(CLOSED));
        let mut staff = from(daemon, 4);
        staff.send("PASS sesame");
        staff.register("staff");
        let mut bob = from(daemon, 2);
        bob.register("bob");
        staff.send("PRIVMSG bob :get free c\u{2}oins");
        staff.expect("FAIL PRIVMSG TEXT_REFUSED :No ads");
        staff.send("PRIVMSG bob :hello");
        assert!(bob.expect("PRIVMSG").ends_with(" PRIVMSG bob :hello"));
        assert_eq!(stats(daemon)["lockdown"], true);
        bob.send("QUIT");
        bob.expect_end();
    };
    holds(&daemon);
    ann.send("PRIVMSG ann :still here");
    ann.expect("PRIVMSG ann :still here");
    let mut daemon = restart(daemon, &config, state.path());
    holds(&daemon);
    assert_eq!(done(&daemon, &["lockdown", "off"]), "lockdown is now off\n");
    done(&daemon, &["filter", "del", "coins"]);
    // An orderly end keeps it as well.
    daemon.signal(Signal::SIGTERM);
    daemon.wait_exit();
    drop(daemon);
    let daemon = start(&config, state.path());
    let mut ann = daemon.user("ann");
    ann.send("PRIVMSG ann :free coins");
    ann.expect("PRIVMSG ann :free coins");
}
