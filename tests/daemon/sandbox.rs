//! The sandbox that chatd makes for itself, and what goes on inside.

use nix::sys::signal::Signal;
use serde_json::json;

use super::*;

/// What the daemon says of it.
fn sandbox(daemon: &Daemon) -> String {
    daemon.wait_for_output("sandbox landlock=")
}

#[test]
fn every_thread_is_in_it_and_has_no_way_to_privileges() {
    let daemon = Daemon::start("[dns]\nreverse = true\n[throttle]\nconnections = 0\n");
    assert!(sandbox(&daemon).contains("seccomp=on"), "{}", sandbox(&daemon));
    // The first client starts the threads that look up names, a reload the one that reads files.
    daemon.user("ann");
    daemon.rpc("reload", &json!({})).expect("a reload");
    let threads = fs::read_dir(format!("/proc/{}/task", daemon.pid())).expect("the process lives");
    let threads: Vec<_> = threads.map(|thread| thread.expect("an entry").path()).collect();
    assert!(threads.len() >= 3, "the loop, the log, and those that do jobs: {threads:?}");
    for thread in threads {
        let status = fs::read_to_string(thread.join("status")).expect("the thread lives");
        assert!(status.contains("\nSeccomp:\t2\n") && status.contains("\nNoNewPrivs:\t1\n"), "{status}");
    }
}

#[test]
fn a_reload_adds_listeners_and_reads_files_that_were_replaced() {
    let motd = |text: &str, folder: &Path| {
        fs::write(folder.join("new"), text).expect("it is written");
        fs::rename(folder.join("new"), folder.join("motd")).expect("it is renamed");
    };
    let mut daemon = Daemon::start("");
    motd("one\n", daemon.folder());
    let config = "[server]\nmotd_file = \"motd\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n";
    daemon.write_config(config);
    let report = daemon.rpc("reload", &json!({})).expect("a reload");
    assert!(report["changed"].to_string().contains("server.motd_file"), "{report}");
    motd("two\n", daemon.folder());
    daemon.write_config(&format!("{config}[[listen]]\naddress = \"[::1]:0\"\n"));
    let report = daemon.rpc("reload", &json!({})).expect("a reload");
    assert_eq!(report["listeners_added"].as_array().map(Vec::len), Some(1), "{report}");
    assert!(report["changed"].to_string().contains("server.motd"), "{report}");
    daemon.signal(Signal::SIGTERM);
    assert!(daemon.wait_exit().success());
    assert!(!daemon.admin.exists(), "it may remove its socket");
}

#[test]
fn a_file_in_another_folder_takes_a_restart_and_the_report_says_so() {
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    fs::write(elsewhere.path().join("motd"), "hello\n").expect("it is written");
    let config = format!("[server]\nmotd_file = {:?}\n", elsewhere.path().join("motd").display().to_string());
    for on in [true, false] {
        let daemon = Daemon::start(&format!("[server]\nsandbox = {on}\n"));
        let bounded = on && !sandbox(&daemon).contains("landlock=off");
        daemon.write_config(&config);
        let outcome = daemon.rpc("reload", &json!({}));
        if !bounded {
            outcome.expect("nothing is in the way");
            continue;
        }
        let error = outcome.expect_err("it is outside");
        let problem = &error.data.expect("problems")["problems"][0];
        assert_eq!((&problem["line"], &problem["column"]), (&json!(2), &json!(13)));
        let report = problem["report"].as_str().expect("a report");
        assert!(report.contains("cannot be read: Permission denied"), "{report}");
        assert!(report.contains("outside its sandbox: restart chatd, or put it beside"), "{report}");
    }
    // After a restart it is inside.
    let daemon = Daemon::start(&config);
    daemon.rpc("reload", &json!({})).expect("it can be read");
}

#[test]
fn without_it_nothing_is_given_up() {
    let daemon = Daemon::start("[server]\nsandbox = false\n");
    let pid = i32::try_from(daemon.pid()).expect("a process id");
    let own = status(i32::try_from(std::process::id()).expect("a process id"), "Seccomp");
    assert_eq!(status(pid, "Seccomp"), own, "as it was started");
    assert!(daemon.output().iter().all(|line| !line.contains("sandbox landlock")));
}
