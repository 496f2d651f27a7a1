//! What a supervisor is told, and when.

use super::*;
use crate::net::{Notice, Phase, Signal, Status};
use crate::proto::limits::{NOTICE_RETRY_MS, STATUS_MS};

impl Rig {
    /// With a supervisor, which has been told that chatd serves.
    fn supervised(watchdog_ms: Option<u64>) -> Self {
        let mut rig = Self::new();
        rig.shell.supervise(watchdog_ms);
        assert_eq!(rig.notices(), [Notice::Phase(Phase::Serving, Status::default())]);
        rig
    }

    /// What the supervisor has been told since this was last asked.
    fn notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.driver().notices)
    }
}

fn status(users: u64, connections: u64) -> Status {
    Status { users, connections, ..Status::default() }
}

#[test]
fn nobody_is_told_anything_unless_somebody_wants_to_know() {
    let mut rig = Rig::new();
    rig.user("ann");
    rig.shell.signal(Signal::Reload);
    rig.pass(60_000);
    rig.shell.signal(Signal::Stop);
    rig.settle();
    assert_eq!(rig.notices(), []);
}

#[test]
fn numbers_are_told_now_and_then_and_only_when_they_change() {
    let mut rig = Rig::supervised(None);
    assert_eq!(rig.shell.deadline(), None, "nothing wakes an idle loop");
    rig.user("ann");
    rig.user("bob");
    rig.connect();
    rig.settle();
    assert_eq!(rig.notices(), [], "not yet");
    rig.pass(STATUS_MS);
    assert_eq!(rig.notices(), [Notice::Status(Phase::Serving, status(2, 3))]);
    // The PING of the clients, their timeouts and what else comes to pass: told as it changes.
    let bob = rig.user("cat");
    rig.pass(STATUS_MS);
    assert_eq!(rig.notices(), [Notice::Status(Phase::Serving, status(3, 4))]);
    rig.driver().close_remote(bob);
    rig.settle();
    rig.user("cat");
    rig.pass(STATUS_MS);
    assert_eq!(rig.notices(), [], "they are what they were");
}

#[test]
fn a_reload_is_told_when_it_begins_and_when_it_has_come_to_its_end() {
    let mut rig = Rig::supervised(None);
    rig.loads_late = true;
    rig.shell.signal(Signal::Reload);
    rig.settle();
    assert_eq!(rig.notices(), [Notice::Phase(Phase::Reloading, status(0, 0))]);
    rig.pass(10 * STATUS_MS);
    assert_eq!(rig.notices(), [], "it is still being read");
    rig.load();
    assert_eq!(rig.notices(), [Notice::Phase(Phase::Serving, status(0, 0))]);

    rig.file = Err(vec![Diagnostic::of_file("chatd.toml", crate::config::Severity::Error, "bad")]);
    rig.shell.signal(Signal::Reload);
    rig.settle();
    rig.load();
    let refused = Status { refused: true, ..status(0, 0) };
    let expected = [Notice::Phase(Phase::Reloading, status(0, 0)), Notice::Phase(Phase::Serving, refused)];
    assert_eq!(rig.notices(), expected);
    rig.file = Ok(config());
    rig.shell.signal(Signal::Reload);
    rig.settle();
    rig.load();
    let expected = [Notice::Phase(Phase::Reloading, refused), Notice::Phase(Phase::Serving, status(0, 0))];
    assert_eq!(rig.notices(), expected);
}

#[test]
fn a_second_reload_begins_after_the_first_and_is_told_of_as_well() {
    let mut rig = Rig::supervised(None);
    rig.loads_late = true;
    rig.shell.signal(Signal::Reload);
    rig.shell.signal(Signal::Reload);
    rig.settle();
    rig.load();
    rig.load();
    let reloading = Notice::Phase(Phase::Reloading, status(0, 0));
    assert_eq!(rig.notices(), [reloading, reloading, Notice::Phase(Phase::Serving, status(0, 0))]);
}

#[test]
fn stopping_is_told_at_once_and_is_the_last_word() {
    let mut rig = Rig::supervised(None);
    let user = rig.user("ann");
    rig.driver().set_capacity(user, 0);
    rig.loads_late = true;
    rig.shell.signal(Signal::Reload);
    rig.settle();
    rig.notices();
    rig.shell.signal(Signal::Stop);
    assert_eq!(rig.notices(), [Notice::Phase(Phase::Stopping, status(1, 1))]);
    rig.settle();
    rig.load();
    rig.pass(60_000);
    assert!(rig.shell.is_finished());
    assert!(rig.notices().iter().all(|notice| matches!(notice, Notice::Status(Phase::Stopping, _))));
}

#[test]
fn the_watchdog_is_fed_twice_in_its_interval_by_a_loop_that_turns() {
    let mut rig = Rig::supervised(Some(10_000));
    rig.pass(4_999);
    assert_eq!(rig.notices(), []);
    rig.pass(1);
    assert_eq!(rig.notices(), [Notice::Alive]);
    rig.pass(20_000);
    assert_eq!(rig.notices(), [Notice::Alive; 4]);
    // Turns for other reasons do not feed it more often.
    for _ in 0..10 {
        rig.turn_with(&[]);
    }
    assert_eq!(rig.notices(), []);
    // A loop that does not turn feeds nobody, and does not make up for it.
    rig.jump(60_000);
    assert_eq!(rig.notices(), [Notice::Alive]);
    rig.shell.signal(Signal::Stop);
    assert_eq!(rig.notices(), [Notice::Phase(Phase::Stopping, status(0, 0))]);
}

#[test]
fn what_could_not_be_told_is_told_later() {
    let mut rig = Rig::new();
    rig.driver().deaf = true;
    rig.shell.supervise(None);
    assert_eq!(rig.shell.deadline(), Some(rig.now.mono_ms + NOTICE_RETRY_MS), "an idle loop wakes for that");
    rig.shell.supervise(Some(60_000));
    rig.pass(10 * NOTICE_RETRY_MS);
    rig.driver().deaf = false;
    rig.user("ann");
    rig.pass(NOTICE_RETRY_MS);
    assert_eq!(rig.notices(), [Notice::Phase(Phase::Serving, status(1, 1))], "whole, with what is new");
    rig.pass(STATUS_MS);
    assert_eq!(rig.notices(), [], "once");
}
