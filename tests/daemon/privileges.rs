//! Becoming an unprivileged user.

use nix::unistd::{User, getgrouplist};

use super::*;

/// Starts chatd with groups beyond those of root, as a login shell of root has them.
fn with_roots_groups(site: &Site, options: &[&str]) -> Command {
    let mut command = site.program("setpriv");
    command.args(["--groups", "0,4,42", CHATD, "--config"]).arg(site.config()).args(options);
    command.current_dir(site.folder.path()).stdin(Stdio::null());
    command
}

/// Asserts that a process is `nobody` in every respect.
fn assert_is_nobody(pid: i32) {
    let nobody = User::from_name("nobody").unwrap().expect("a user of that name");
    assert_eq!(status(pid, "Uid"), vec![nobody.uid.to_string(); 4]);
    assert_eq!(status(pid, "Gid"), vec![nobody.gid.to_string(); 4]);
    let mut expected: Vec<_> =
        getgrouplist(c"nobody", nobody.gid).unwrap().iter().map(ToString::to_string).collect();
    let mut groups = status(pid, "Groups");
    expected.sort();
    groups.sort();
    assert_eq!(groups, expected);
    assert!(!groups.contains(&"0".to_owned()), "root's own group is gone");
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(status(pid, set), ["0000000000000000"], "{set}");
    }
}

/// What there is to see of becoming another user, for somebody who may not.
fn assert_only_root_can() {
    let site = Site::new("user = \"root\"", FREE_PORT);
    for options in [&[][..], &["--daemonize"]] {
        assert_refused(&site.run(options), &["user \"root\": only root can, and this is user"]);
        assert_eq!(site.leftovers(), [""; 0]);
    }
}

#[test]
fn a_daemon_that_root_starts_becomes_the_user_for_good() {
    if !Uid::effective().is_root() {
        return assert_only_root_can();
    }
    let site = Site::new("user = \"nobody\"", FREE_PORT);
    fs::set_permissions(site.folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let output = run(&mut with_roots_groups(&site, &["--daemonize"]));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(!text(&output.stderr).contains("running as root"), "{}", text(&output.stderr));
    let daemon = site.process();
    assert_is_nobody(daemon.pid);
    let socket = fs::symlink_metadata(site.socket()).unwrap();
    let nobody = User::from_name("nobody").unwrap().unwrap();
    assert_eq!((socket.uid(), socket.gid()), (nobody.uid.as_raw(), nobody.gid.as_raw()));
    daemon.signal(Signal::SIGTERM);
    daemon.wait_for_end();
    assert_eq!(site.leftovers(), [""; 0]);
}

#[test]
fn in_the_foreground_too_and_a_pid_file_that_cannot_be_removed_is_emptied() {
    if !Uid::effective().is_root() {
        return assert_only_root_can();
    }
    // The folder is root's, and nobody else may write to it.
    let site = Site::new("user = \"nobody\"", FREE_PORT);
    fs::set_permissions(site.folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = with_roots_groups(&site, &[]);
    let child = Guard(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let pid = i32::try_from(child.0.id()).unwrap();
    let mut child = child;
    let mut lines = BufReader::new(child.0.stderr.take().unwrap()).lines();
    let ready = lines.find(|line| line.as_ref().unwrap().contains(" info ready "));
    assert!(ready.is_some(), "it starts");
    assert_eq!(site.pid(), Some(pid));
    assert_is_nobody(pid);
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    assert_eq!(fs::read_to_string(site.pid_file()).unwrap(), "", "emptied, as the folder is not the user's");
    // And that is no obstacle to the next start.
    let (next, _) = site.detach();
    assert_is_nobody(next.pid);
}

#[test]
fn privileges_that_cannot_be_dropped_end_the_start() {
    if !Uid::effective().is_root() {
        return assert_only_root_can();
    }
    for options in [&[][..], &["--daemonize"]] {
        // Root in a container may lack the right to change its groups.
        let site = Site::new("user = \"nobody\"", FREE_PORT);
        let mut command = site.program("setpriv");
        command.args(["--bounding-set", "-setgid", CHATD, "--config"]).arg(site.config()).args(options);
        assert_refused(&run(&mut command), &["chatd: cannot become user \"nobody\": setgroups: "]);
        assert_eq!(site.leftovers(), [""; 0]);
    }
}

#[test]
fn root_is_warned_and_may_go_on() {
    let daemon = Daemon::start("");
    let warned = daemon.output().iter().any(|line| line.contains("running as root"));
    assert_eq!(warned, Uid::effective().is_root());
}
