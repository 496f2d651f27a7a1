//! What other threads do for the server: it takes them any time, they overtake each other, and they fail.

use std::net::IpAddr;

use chatd::net::{Job, Outcome};
use chatd::server::Verdict;

use crate::rng::Rng;
use crate::world::World;

/// The password of the operator, and of nobody else.
pub(crate) const PASSWORD: &str = "sesame";

/// Jobs that are under way, in the order in which they were begun.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    under_way: Vec<Job>,
    /// Nothing more is ever done.
    pub(crate) stalled: bool,
}

impl Jobs {
    pub(crate) fn begin(&mut self, job: Job) {
        let is_save = |job: &Job| matches!(job, Job::Save { .. });
        assert!(!is_save(&job) || !self.under_way.iter().any(is_save), "one save at a time");
        self.under_way.push(job);
    }

    /// The tokens of those who wait for something.
    pub(crate) fn waiting(&self) -> Vec<u64> {
        let waiting = self.under_way.iter().filter_map(|job| match job {
            Job::Verify { client, .. } | Job::Resolve { client, .. } => Some(client.to_u64()),
            Job::Save { .. } | Job::Load => None,
        });
        waiting.collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// The outcome of any of them. Only what is right for the password is good, however long it takes.
    pub(crate) fn finish(&mut self, rng: &mut Rng) -> Option<Outcome> {
        if self.under_way.is_empty() || self.stalled {
            return None;
        }
        let job = self.under_way.remove(rng.below(self.under_way.len() as u64) as usize);
        Some(match job {
            Job::Verify { client, password, .. } => {
                let verdict = if password == PASSWORD { Verdict::Good } else { Verdict::Wrong };
                Outcome::Verified { client, verdict }
            }
            Job::Save { serial, .. } => {
                let problem = rng.one_in(4).then(|| "the disk is full".to_owned());
                Outcome::Saved { serial, problem }
            }
            Job::Resolve { client, address } => {
                let name = match rng.below(3) {
                    0 => None,
                    1 => Some("nonsense".to_owned()),
                    _ => Some(host_name(address)),
                };
                Outcome::Resolved { client, address, name }
            }
            Job::Load => unreachable!("the driver counts them"),
        })
    }
}

impl World {
    /// Other threads begin what they were given, and are done with something. With `chance`, that takes its time.
    pub(crate) fn do_jobs(&mut self, chance: bool) {
        while let Some(job) = self.shell.driver_mut().take_job() {
            self.jobs.begin(job);
        }
        while !chance || self.rng.one_in(10) {
            let Some(outcome) = self.jobs.finish(&mut self.rng) else { break };
            self.totals.jobs += 1;
            self.totals.late += u64::from(self.is_late(&outcome));
            self.note(|| format!("{outcome:?}"));
            self.shell.finished(outcome);
        }
    }

    /// Whether whoever waited for it has left.
    fn is_late(&mut self, outcome: &Outcome) -> bool {
        let (Outcome::Verified { client, .. } | Outcome::Resolved { client, .. }) = outcome else {
            return false;
        };
        let driver = self.shell.driver_mut();
        !self.clients.iter().any(|it| driver.token(it.remote) == Some(client.to_u64()))
    }
}

/// The name of an address: it shows as much.
pub(crate) fn host_name(address: IpAddr) -> String {
    format!("dsl-{}.isp.example", address.to_string().replace('.', "-"))
}
