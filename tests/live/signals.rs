//! Signals: reload, stop, stop now, and many of them.

use nix::sys::signal::Signal;

use super::*;
use crate::common::Client;

/// Makes a client that takes nothing more: its socket's buffers are full, and so is its share of the server's.
fn deaf(daemon: &Daemon) -> Client {
    let mut deaf = daemon.user("deaf");
    let mut talker = daemon.user("talker");
    let line = format!("PRIVMSG deaf :{}", "x".repeat(400));
    while stats(daemon)["send_queue_bytes"].as_u64().unwrap() < 200_000 {
        for _ in 0..100 {
            talker.send(&line);
        }
        talker.sync();
    }
    talker.send("QUIT");
    talker.expect_end();
    deaf.send("PING :unheard");
    deaf
}

#[test]
fn stopping_tells_everybody_and_does_not_wait_for_the_deaf_for_ever() {
    let mut daemon = Daemon::start(&format!("{OPEN}[timeouts]\nshutdown = 1\n"));
    let mut user = daemon.user("ann");
    let _deaf = deaf(&daemon);
    daemon.signal(Signal::SIGTERM);
    let lines = user.expect_end();
    assert!(lines.iter().any(|line| line.contains(" NOTICE ann :")), "{lines:?}");
    assert!(lines.last().unwrap().starts_with("ERROR :"), "{lines:?}");
    assert!(daemon.wait_exit().success());
    daemon.wait_for_output("stopped clients_cut_off=1");
    assert!(!daemon.admin.exists(), "the admin socket's file is gone");
    assert_eq!(fs::read_dir(daemon.folder()).unwrap().count(), 1, "nothing but the configuration is left");
}

#[test]
fn a_second_signal_stops_at_once() {
    let mut daemon = Daemon::start(&format!("{OPEN}[timeouts]\nshutdown = 60\n"));
    let _deaf = deaf(&daemon);
    daemon.signal(Signal::SIGINT);
    daemon.wait_for_output("shutdown connections=1");
    assert!(daemon.rpc("version", &json!({})).is_ok(), "an operator can still ask");
    daemon.signal(Signal::SIGTERM);
    assert!(daemon.wait_exit().success());
    assert!(!daemon.admin.exists());
}

#[test]
fn with_nobody_there_it_stops_at_once() {
    let mut daemon = Daemon::start("[timeouts]\nshutdown = 60\n");
    daemon.signal(Signal::SIGTERM);
    assert!(daemon.wait_exit().success());
}

#[test]
fn a_good_file_takes_effect_and_nobody_is_dropped() {
    let daemon = Daemon::start(OPEN);
    let mut user = daemon.user("ann");
    daemon.write_config(&format!("[server]\nmotd = \"A new day\"\npassword = \"sesame\"\n{OPEN}"));
    daemon.signal(Signal::SIGHUP);
    let line = daemon.wait_for_output("reload changed=");
    assert!(line.contains("server.motd") && line.contains("server.password"), "{line}");
    user.send("MOTD");
    assert!(user.expect(" 372 ").contains("A new day"));
    let mut stranger = daemon.connect();
    stranger.send("NICK bob\r\nUSER u 0 * :u");
    stranger.expect(" 464 ");
}

#[test]
fn a_bad_or_vanished_file_changes_nothing_and_the_log_says_why() {
    let daemon = Daemon::start(&format!("[server]\nmotd = \"Old\"\n{OPEN}"));
    let mut user = daemon.user("ann");
    daemon.write_config(&format!("[server]\nmotd = \"New\"\nnetwrok = \"x\"\n{OPEN}"));
    daemon.signal(Signal::SIGHUP);
    let line = daemon.wait_for_output("reload refused: ");
    assert!(line.contains("chatd.toml:3:1") && line.contains("network"), "{line}");
    daemon.wait_for_outputs("reload refused: nothing has changed", 1);
    let error = daemon.rpc("reload", &json!({})).unwrap_err();
    let problem = &error.data.unwrap()["problems"][0];
    assert_eq!((&problem["line"], &problem["column"]), (&json!(3), &json!(1)));

    fs::remove_file(daemon.config_path()).unwrap();
    daemon.signal(Signal::SIGHUP);
    daemon.wait_for_outputs("reload refused: nothing has changed", 3);
    user.send("MOTD");
    assert!(user.expect(" 372 ").contains("Old"));
}

#[test]
fn who_asks_for_a_reload_over_irc_is_told_what_came_of_it() {
    let operator = "[[oper_class]]\nname = \"all\"\nprivileges = [\"rehash\"]\n[[oper]]\nname = \"root\"\nclass = \"all\"\n\
         password = '$argon2id$v=19$m=19456,t=2,p=1$wiBG8uzp3uBhBramwLIOyw$mqPXzEs2h999yZRRs4KCLq4UEcEdbRQfnYd5kcV7zfM'\n";
    let daemon = Daemon::start(&format!("{OPEN}{operator}"));
    let (mut ann, mut bob) = (daemon.user("ann"), daemon.user("bob"));
    ann.send("OPER root example");
    ann.expect(" MODE ann :+o");
    let mut rehash = || {
        ann.send("REHASH");
        ann.expect(" 382 ann chatd.toml ");
        ann.expect(" NOTICE ann :*** The configuration ").split_once(":*** ").unwrap().1.trim_end().to_owned()
    };
    // The warnings, that the hash is the published one and that others may read it, come first in the file.
    daemon.write_config(&format!("{operator}[server]\nnetwrok = \"x\"\nfoo = 1\n{OPEN}"));
    let told = rehash();
    let problem = "The configuration stays as it was: chatd.toml:9:1: ";
    assert!(
        told.starts_with(problem) && told.contains("netwrok") && told.ends_with("(and 3 more)"),
        "{told}"
    );
    fs::remove_file(daemon.config_path()).unwrap();
    let told = rehash();
    assert!(told.starts_with("The configuration stays as it was: chatd.toml: "), "{told}");
    daemon.write_config(&format!("[server]\nmotd = \"New\"\n{OPEN}{operator}"));
    assert_eq!(rehash(), "The configuration is read: changed server.motd");
    assert_eq!(rehash(), "The configuration is read: nothing has changed");
    assert!(bob.sync().is_empty(), "nobody else hears of it");
}

#[test]
fn listeners_are_exchanged_under_clients_that_stay() {
    let daemon = Daemon::start(OPEN);
    let mut user = daemon.user("ann");
    let config = |more: &str| format!("{OPEN}[[listen]]\naddress = \"{}\"\n{more}", daemon.addr);
    daemon.write_config(&config("[[listen]]\naddress = \"127.0.0.1:0\"\n"));
    let report = daemon.rpc("reload", &json!({})).unwrap();
    let added: std::net::SocketAddr = report["listeners_added"][0].as_str().unwrap().parse().unwrap();
    let mut other = Client::connect(added);
    other.register("bob");
    // An address that this machine does not have: all of the file is refused.
    daemon.write_config(&config("[[listen]]\naddress = \"192.0.2.1:6667\"\n"));
    let error = daemon.rpc("reload", &json!({})).unwrap_err();
    assert!(error.data.unwrap()["problems"][0]["message"].as_str().unwrap().contains("192.0.2.1:6667"));
    Client::connect(added).register("cat");
    // Gone from the file, gone from the machine.
    daemon.write_config(&config(""));
    let report = daemon.rpc("reload", &json!({})).unwrap();
    assert_eq!(report["listeners_removed"], json!([added.to_string()]));
    assert!(std::net::TcpStream::connect(added).is_err());
    user.sync();
    other.sync();
    daemon.user("dan");
}

#[test]
fn a_storm_of_signals_is_one_reload_after_the_other_and_chat_goes_on() {
    let mut daemon = Daemon::start(OPEN);
    let mut user = daemon.user("ann");
    for _ in 0..50 {
        for _ in 0..20 {
            daemon.signal(Signal::SIGHUP);
        }
        user.sync();
    }
    daemon.wait_for_output("reload changed=");
    let listed = daemon.rpc("list", &json!({})).unwrap();
    assert_eq!(listed["items"][0]["nick"], "ann");
    // Both kinds pending at once, in whatever order the kernel has them.
    for _ in 0..20 {
        daemon.signal(Signal::SIGHUP);
    }
    daemon.signal(Signal::SIGTERM);
    for _ in 0..20 {
        daemon.signal(Signal::SIGHUP);
    }
    assert!(user.expect_end().last().unwrap().starts_with("ERROR :"));
    drop(user);
    assert!(daemon.wait_exit().success());
}
