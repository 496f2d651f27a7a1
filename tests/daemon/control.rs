//! The real chatctl and the real daemon: how reloads end, and what is compared.

use serde_json::json;

use super::*;

/// Runs chatctl: its exit status, and what it said on stdout and stderr.
fn chatctl(daemon: &Daemon, words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatctl"));
    command.arg("--socket").arg(&daemon.admin).args(words).stdin(Stdio::null());
    let output = run(&mut command);
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_reload_ends_when_it_is_in_force_or_refused_and_its_exit_status_says_which() {
    let daemon = Daemon::start("");
    daemon.write_config("[server]\nmotd = \"new\"\n");
    let (status, said, _) = chatctl(&daemon, &["reload"]);
    assert_eq!((status, said.as_str()), (Some(0), "reloaded\n  changed          server.motd\n"));
    let mut ann = daemon.connect();
    ann.send("NICK ann\r\nUSER ann 0 * :ann");
    ann.expect(" 372 ann :- new");

    // A file that is bad, and an address that cannot be had.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    for (config, why) in [
        ("[server]\nmotd = 7\n".to_owned(), "chatd.toml:2:8: error: "),
        (format!("[[listen]]\naddress = \"{address}\"\n"), "another program listens there"),
    ] {
        daemon.write_config(&config);
        let (status, said, complaint) = chatctl(&daemon, &["reload"]);
        assert_eq!((status, said.as_str()), (Some(1), ""), "{complaint}");
        assert!(complaint.starts_with("chatctl: ") && complaint.contains(why), "{complaint}");
        let (status, said, complaint) = chatctl(&daemon, &["reload", "--json"]);
        assert!(status == Some(1) && said.starts_with("{\"error\":"), "{said}{complaint}");
    }
    let mut bob = daemon.connect();
    bob.send("NICK bob\r\nUSER bob 0 * :bob");
    bob.expect(" 372 bob :- new");
    ann.sync();

    // With nobody to ask there is no telling.
    let gone = daemon.folder().join("gone.sock");
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatctl"));
    command.args(["reload", "--socket"]).arg(gone);
    assert_eq!(run(&mut command).status.code(), Some(3));
}

#[test]
fn secrets_that_the_unit_gives_are_compared_reloaded_and_never_shown() {
    const KEYS: [&str; 2] = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let give = |key: &str| {
        fs::write(folder.path().join("new"), key).expect("it is written");
        fs::rename(folder.path().join("new"), folder.path().join("cloak")).expect("it is renamed");
    };
    give(KEYS[0]);
    let config = "[cloak]\nkey_file = \"credential:cloak\"\n";
    let daemon = Daemon::start_with(config, |command| {
        command.env("CREDENTIALS_DIRECTORY", folder.path());
    });
    daemon.wait_for_output("sandbox landlock=");
    let diff = || {
        let (status, said, complaint) = chatctl(&daemon, &["config", "diff"]);
        assert_eq!((status, complaint.as_str()), (Some(0), ""));
        assert!(KEYS.iter().all(|key| !said.contains(key)), "{said}");
        said
    };
    assert!(diff().ends_with("chatd.toml is what is in force\n"), "{}", diff());
    give(KEYS[1]);
    assert!(diff().contains("cloak.key  (a secret, changed)\n"), "{}", diff());
    let report = daemon.rpc("reload", &json!({})).expect("a reload");
    assert_eq!(report["changed"], json!(["cloak.key"]));
    assert!(diff().ends_with("chatd.toml is what is in force\n"), "{}", diff());
    fs::remove_file(folder.path().join("cloak")).expect("it is removed");
    let (status, _, complaint) = chatctl(&daemon, &["config", "diff"]);
    assert_eq!(status, Some(1));
    assert!(complaint.contains("the unit needs LoadCredential=cloak:/path/of/the/file"), "{complaint}");
    // Whoever only checks the file has no credentials, and nothing is said of them.
    let path = daemon.config_path();
    let (status, said, _) = chatctl(&daemon, &["config", "check", path.to_str().expect("a path")]);
    assert_eq!(status, Some(0), "{said}");
}
