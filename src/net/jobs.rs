//! Jobs that can block: what the loop has done on other threads, and what becomes of it.
//!
//! The server asks for them by effects and is answered by inputs. A job that cannot be begun is answered at once: nobody
//! waits for something that nobody does.

use std::net::IpAddr;
use std::panic::{self, AssertUnwindSafe};

use super::driver::Driver;
use super::resolve;
use super::shell::Shell;
use super::{Loader, Loading};
use crate::config::{Diagnostic, Severity};
use crate::id::ClientId;
use crate::load::LoadError;
use crate::log::Quoted;
use crate::password;
use crate::server::{Input, State, Verdict};
use crate::state_file::StateFile;

/// Why a reload cannot begin.
pub(super) const NO_READER: &str = "there is no thread to read it; restart chatd";

/// Something to be done on another thread.
#[derive(Debug, PartialEq, Eq)]
pub enum Job {
    /// Read the configuration again.
    Load,
    /// [`Effect::Verify`].
    Verify {
        /// For whom.
        client: ClientId,
        /// A PHC string.
        hash: String,
        /// What was given.
        password: String,
    },
    /// [`Effect::Save`].
    Save {
        /// Which.
        serial: u64,
        /// What is to be in the file.
        state: Box<State>,
    },
    /// [`Effect::Resolve`].
    Resolve {
        /// For whom.
        client: ClientId,
        /// Their address.
        address: IpAddr,
    },
}

/// What came of a [`Job`].
#[derive(Debug)]
pub enum Outcome {
    /// Of [`Job::Load`].
    Loaded(Box<Loading>),
    /// Of [`Job::Verify`].
    Verified {
        /// For whom.
        client: ClientId,
        /// What came of it.
        verdict: Verdict,
    },
    /// Of [`Job::Save`].
    Saved {
        /// Which.
        serial: u64,
        /// Why it is not on disk.
        problem: Option<String>,
    },
    /// Of [`Job::Resolve`].
    Resolved {
        /// For whom.
        client: ClientId,
        /// The address that was looked up.
        address: IpAddr,
        /// The name that leads back to it.
        name: Option<String>,
    },
}

impl Job {
    /// The answer when it cannot be begun: too many wait, or there is no thread for it.
    fn refused(&self) -> Outcome {
        match *self {
            Self::Load => Outcome::Loaded(Box::new(Err(unread(NO_READER)))),
            Self::Verify { client, .. } => Outcome::Verified { client, verdict: Verdict::Busy },
            Self::Save { serial, .. } => {
                Outcome::Saved { serial, problem: Some("there is no thread to write it".to_owned()) }
            }
            Self::Resolve { client, address } => Outcome::Resolved { client, address, name: None },
        }
    }

    /// The answer when doing it has met a bug.
    fn broken(&self) -> Outcome {
        match *self {
            Self::Load => {
                Outcome::Loaded(Box::new(Err(unread("chatd failed while it read this; its log says where"))))
            }
            Self::Save { serial, .. } => {
                let problem = "chatd failed while it wrote it; its log says where".to_owned();
                Outcome::Saved { serial, problem: Some(problem) }
            }
            Self::Verify { .. } | Self::Resolve { .. } => self.refused(),
        }
    }
}

/// Why a configuration was not read, for whoever has asked.
pub(super) fn unread(message: &str) -> LoadError {
    LoadError { problems: vec![Diagnostic::of_file("configuration", Severity::Error, message)] }
}

/// What jobs are done with. Threads share it and nothing else.
pub(super) struct Tools {
    pub(super) loader: Loader,
    /// None where there is no place for it.
    pub(super) state: Option<StateFile>,
}

impl Tools {
    /// Does a job. A panic is logged by the panic hook and answered: somebody waits.
    pub(super) fn run(&self, job: Job) -> Outcome {
        let broken = job.broken();
        // Nothing of what a job has used is used again after a panic but for what it only reads.
        panic::catch_unwind(AssertUnwindSafe(|| self.attempt(job))).unwrap_or(broken)
    }

    fn attempt(&self, job: Job) -> Outcome {
        match job {
            Job::Load => Outcome::Loaded(Box::new((self.loader)())),
            Job::Verify { client, hash, password } => {
                let verdict = match password::verify(&hash, &password) {
                    Some(true) => Verdict::Good,
                    Some(false) => Verdict::Wrong,
                    None => Verdict::Busy,
                };
                Outcome::Verified { client, verdict }
            }
            Job::Save { serial, state } => {
                let written = match &self.state {
                    Some(file) => file.write(&state.text()),
                    None => Err("there is no place for it; set [server] state_directory".to_owned()),
                };
                Outcome::Saved { serial, problem: written.err() }
            }
            Job::Resolve { client, address } => {
                Outcome::Resolved { client, address, name: resolve::name_of(address) }
            }
        }
    }
}

/// The state file, as the loop sees it: one save at a time, and only the newest of those that wait.
#[derive(Default)]
pub(super) struct Saving {
    /// A save is being written.
    under_way: bool,
    /// What is to be written after it: it has all that older ones had.
    next: Option<(u64, Box<State>)>,
    /// The last one failed.
    failing: bool,
    /// The newest save that has been answered, and why it is not on disk.
    last: (u64, Option<String>),
}

impl Saving {
    /// The newest save that has been answered, and why it is not on disk.
    pub(super) fn last(&self) -> (u64, Option<&str>) {
        (self.last.0, self.last.1.as_deref())
    }

    /// Whether something is not on disk yet that somebody waits for.
    pub(super) fn is_busy(&self) -> bool {
        self.under_way
    }
}

impl<D: Driver> Shell<D> {
    /// Has done what the server has asked for.
    pub(super) fn begin_job(&mut self, job: Job) {
        match job {
            Job::Save { serial, state } if self.saving.under_way => self.saving.next = Some((serial, state)),
            Job::Save { serial, state } => self.save(serial, state),
            job => self.start(job),
        }
    }

    /// Begins a job; one that cannot be begun has its outcome now.
    fn start(&mut self, job: Job) {
        let refused = job.refused();
        if !self.driver.begin(job) {
            self.refused.push_back(refused);
        }
    }

    fn save(&mut self, serial: u64, state: Box<State>) {
        self.saving.under_way = true;
        self.start(Job::Save { serial, state });
    }

    /// A job is done. Belongs to a turn, as an event does.
    pub fn finished(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Loaded(loading) => self.loaded(*loading),
            other => {
                self.answer_job(other);
                self.apply_effects();
            }
        }
    }

    /// Gives the server the outcome of a job that it has asked for.
    pub(super) fn answer_job(&mut self, outcome: Outcome) {
        let input = match outcome {
            Outcome::Loaded(_) => return,
            Outcome::Verified { client, verdict } => Input::Verified { client, verdict },
            Outcome::Resolved { client, address, name } => Input::Resolved { client, address, name },
            Outcome::Saved { serial, problem } => {
                self.note_save(problem.as_deref());
                self.saving.last = (serial, problem.clone());
                if let Some((serial, state)) = self.saving.next.take() {
                    self.save(serial, state);
                }
                Input::Saved { serial, problem }
            }
        };
        let saved = matches!(input, Input::Saved { .. });
        self.server.handle(self.now, input, &mut self.out);
        if saved {
            self.release_saved();
        }
    }

    /// Logs a save that failed, and the first that did not after it.
    fn note_save(&mut self, problem: Option<&str>) {
        self.saving.under_way = false;
        match problem {
            Some(problem) => log::error!("state is not saved reason={}", Quoted(problem)),
            None if self.saving.failing => log::info!("state is saved again"),
            None => {}
        }
        self.saving.failing = problem.is_some();
    }
}
