//! The state file at the start.

use super::*;

const EMPTY: &str = "{\n  \"version\": 1\n}\n";

impl Site {
    fn state_file(&self) -> PathBuf {
        self.state.path().join("state.json")
    }
}

#[test]
fn a_state_file_that_is_broken_refuses_the_start_and_is_left_alone() {
    for options in [&[][..], &["--daemonize"]] {
        let site = Site::new("", FREE_PORT);
        let path = site.state_file();
        for (content, words) in [
            ("{\n  \"version\": 1,\n  \"colour\": 7\n}\n", ":3:10: error: unknown field `colour`"),
            ("{ \"version\": 1", ":1:14: error: EOF while parsing an object"),
            ("{ \"version\": 99 }", ":1:1: error: it is of version 99, which a newer chatd has written"),
        ] {
            fs::write(&path, content).unwrap();
            let place = format!("chatd: {}{words}", path.display());
            assert_refused(
                &site.run(options),
                &[&place, "help: put a good copy of it there, or move it away"],
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
            assert_eq!(site.leftovers(), [""; 0]);
        }
        fs::write(&path, EMPTY).unwrap();
        let (daemon, _) = site.detach();
        daemon.signal(Signal::SIGTERM);
        daemon.wait_for_end();
        assert_eq!(fs::read_to_string(&path).unwrap(), EMPTY);
    }
}

#[test]
fn a_state_directory_that_is_named_and_cannot_be_used_refuses_the_start() {
    let site = Site::new("", &format!("{FREE_PORT}\n[server]\nstate_directory = \"/nonexistent/state\"\n"));
    let words = "chatd: the state directory /nonexistent/state does not exist; make it, as a folder";
    assert_refused(&site.run(&[]), &[words]);
    assert_eq!(site.leftovers(), [""; 0]);
}

#[test]
fn a_state_directory_has_one_daemon() {
    let (site, other) = (Site::new("", FREE_PORT), Site::new("", FREE_PORT));
    let (_daemon, _) = site.detach();
    let mut second = other.command(&[]);
    second.env("STATE_DIRECTORY", site.state.path());
    assert_refused(&run(&mut second), &["is another chatd's, which is running"]);
    assert_eq!(other.leftovers(), [""; 0]);
}

#[test]
fn with_no_place_for_state_and_none_named_it_starts_with_a_warning() {
    let site = Site::new("", FREE_PORT);
    let mut command = site.command(&[]);
    if Uid::effective().is_root() {
        // Root has a place.
        fs::set_permissions(site.folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
        command = site.program("setpriv");
        command.args(["--reuid", "nobody", "--clear-groups", CHATD, "--config"]).arg(site.config());
    }
    command.env_remove("STATE_DIRECTORY").env_remove("XDG_STATE_HOME").env("HOME", "/dev/null");
    let mut child = Guard(command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let mut said = String::new();
    for line in BufReader::new(child.0.stderr.take().unwrap()).lines() {
        said += &(line.unwrap() + "\n");
        if said.contains(" info ready ") {
            break;
        }
    }
    assert!(said.contains("what operators set is forgotten at a restart"), "{said}");
    assert!(
        said.contains("the state directory /dev/null/.local/state/chatd cannot be made: Not a directory"),
        "{said}"
    );
}

#[test]
fn the_folder_that_systemd_made_for_root_is_given_to_the_user() {
    if !Uid::effective().is_root() {
        return;
    }
    let site = Site::new("user = \"nobody\"", FREE_PORT);
    fs::set_permissions(site.folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let (_daemon, _) = site.detach();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    assert_eq!(fs::metadata(site.state.path()).unwrap().uid(), nobody.uid.as_raw());
}
