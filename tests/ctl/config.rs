//! `chatctl config`, and `chatctl completions`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use chatd::admin::{
    ConfigApplied, ConfigConfirmed, ConfigDiff, ConfigDifference, ConfigStatus, Json, NOT_DONE, Reloaded,
    Request, RpcError,
};
use serde_json::{Value, json};

use crate::ask;
use crate::fake::{Fake, Outcome, chatctl};

/// A value, a secret, and what needs a restart.
pub(crate) fn config_diff() -> ConfigDiff {
    let difference = |setting: &str, running: Option<&str>, file: Option<&str>| ConfigDifference {
        setting: setting.into(),
        running: running.map(str::to_owned),
        file: file.map(str::to_owned),
        secret: false,
        restart: false,
    };
    ConfigDiff {
        file: Some("/etc/chatd/chatd.toml".into()),
        total: 5,
        differences: vec![
            ConfigDifference { restart: true, ..difference("server.name", Some("\"a.example\""), None) },
            ConfigDifference { secret: true, ..difference("server.password", None, None) },
            difference("class[\"b\"]", None, Some("{ name = \"b\" }")),
        ],
        warnings: vec!["/etc/chatd/chatd.toml:2:1: a warning".into()],
    }
}

#[test]
fn differences_are_told_setting_by_setting() {
    let (request, text) = ask("config diff", &Json::of(&config_diff()));
    assert_eq!(request, Request::ConfigDiff);
    assert_eq!(
        text,
        "\
warning: /etc/chatd/chatd.toml:2:1: a warning
--- in force
+++ /etc/chatd/chatd.toml
server.name  (needs a restart)
  - \"a.example\"
  + not set
server.password  (a secret, changed)
class[\"b\"]
  - not set
  + { name = \"b\" }
and 2 more
5 differences; \"chatctl config apply\" puts what it can in force; 1 needs a restart
"
    );
    let none = ConfigDiff { file: Some("/etc/chatd/chatd.toml".into()), ..ConfigDiff::default() };
    assert_eq!(ask("config diff", &Json::of(&none)).1, "/etc/chatd/chatd.toml is what is in force\n");
    let none = ask("config diff", &Json::of(&ConfigDiff::default())).1;
    assert_eq!(none, "what is built in is what is in force\n");
}

#[test]
fn what_is_applied_is_told_with_what_keeps_it() {
    let applied = |confirm_seconds| {
        let reloaded = Reloaded { changed: vec!["server.network".into()], ..Reloaded::default() };
        Json::of(&ConfigApplied { reloaded, confirm_seconds })
    };
    let told = "reloaded\n  changed          server.network\n";
    assert_eq!(
        ask("config apply --confirm-within 2m", &applied(Some(120))),
        (
            Request::ConfigApply { confirm_within: Some(120) },
            format!("{told}goes back in 2m 0s, unless this keeps it: chatctl config confirm\n")
        )
    );
    let (request, text) = ask("config apply", &applied(None));
    assert_eq!((request, text.as_str()), (Request::ConfigApply { confirm_within: None }, told));
    let confirmed = Json::of(&ConfigConfirmed { seconds_left: 45 });
    let text = "confirmed, with 45s left\n".to_owned();
    assert_eq!(ask("config confirm", &confirmed), (Request::ConfigConfirm, text));
    let late = Fake::answering(|_| Err(RpcError::new(NOT_DONE, "nothing waits to be confirmed")));
    assert_eq!(late.run("config confirm").failed(1), "chatctl: nothing waits to be confirmed\n");
}

#[test]
fn the_state_of_the_configuration_is_told() {
    let status = |confirm_seconds, rolled_back| {
        let status = ConfigStatus { age_seconds: 75, confirm_seconds, rolled_back };
        let (request, text) = ask("config status", &Json::of(&status));
        assert_eq!(request, Request::ConfigStatus);
        text
    };
    assert_eq!(status(None, false), "in force      since 1m 15s\nconfirmed     nothing waits for that\n");
    assert!(
        status(Some(9), false).contains("no; goes back in 9s, unless this keeps it: chatctl config confirm")
    );
    assert!(status(None, true).contains("went back, as nobody had confirmed what was applied"));
}

#[test]
fn a_file_is_checked_as_chatd_checks_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chatd.toml");
    for (text, status) in [
        ("[server]\nnetwork = \"Good\"\n", 0),
        ("[server]\nnetwork = \"not good\"\nnam = \"x\"\n", 78),
        ("[server]\npassword = \"everybody can read this\"\n", 0),
    ] {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let mut chatd = Command::new(env!("CARGO_BIN_EXE_chatd"));
        let expected: Outcome =
            chatd.arg("--check-config").arg("--config").arg(&path).output().unwrap().into();
        let found: Outcome = chatctl("config check").arg(&path).output().unwrap().into();
        assert_eq!(found, expected, "{text}");
        assert_eq!(found.status, Some(status), "{}", found.stderr);
        let json: Outcome = chatctl("config check --json").arg(&path).output().unwrap().into();
        let document: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(json.status, Some(status));
        if status == 0 {
            assert_eq!(document["file"], json!(path));
        } else {
            assert_eq!(document["error"]["data"]["problems"][1]["line"], 3);
        }
    }
    let missing: Outcome = chatctl("config check").arg(folder.path().join("none")).output().unwrap().into();
    assert!(missing.failed(78).contains("none: error: cannot be read: No such file"));
}

#[test]
fn completions_are_printed_without_a_daemon() {
    let outcome: Outcome = chatctl("completions bash").output().unwrap().into();
    assert!(outcome.done().contains("complete -F _chatctl"));
    let outcome: Outcome = chatctl("completions zsh chatd").output().unwrap().into();
    assert!(outcome.done().starts_with("#compdef chatd\n"));
    let outcome: Outcome = chatctl("completions tcsh").output().unwrap().into();
    assert!(outcome.failed(2).contains("bash, fish, zsh"));
}

#[test]
fn what_is_no_terminal_gets_neither_colours_nor_progress() {
    // A daemon that takes its time.
    let fake = Fake::answering(|_| {
        let (_open, clock) = std::sync::mpsc::channel::<()>();
        let _ = clock.recv_timeout(std::time::Duration::from_millis(1_500));
        Ok(Json::of(&config_diff()))
    });
    let mut command = fake.command("config diff");
    let outcome: Outcome = command.env("TERM", "xterm-256color").output().unwrap().into();
    assert!(!outcome.done().contains('\x1b'));
}
