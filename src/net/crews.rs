//! Who does which job: a crew of threads for each kind, so that none waits for work of another kind.

use std::sync::Arc;

use mio::Waker;

use super::jobs::{Job, Outcome, Tools};
use super::worker::{Craft, Crew, Done, Reporter, Results, results};
use crate::proto::limits::{LOADER_QUEUE, RESOLVER_QUEUE, RESOLVERS, SAVER_QUEUE, VERIFIER_QUEUE, VERIFIERS};

/// The kinds of jobs: what the threads are called, how many there are at most, and how many jobs may wait for them.
const KINDS: [(&str, usize, usize); 4] = [
    ("chatd-loader", 1, LOADER_QUEUE),
    ("chatd-verifier", VERIFIERS, VERIFIER_QUEUE),
    ("chatd-saver", 1, SAVER_QUEUE),
    ("chatd-resolver", RESOLVERS, RESOLVER_QUEUE),
];

/// The row of a job in [`KINDS`].
fn kind(job: &Job) -> usize {
    match job {
        Job::Load => 0,
        Job::Verify { .. } => 1,
        Job::Save { .. } => 2,
        Job::Resolve { .. } => 3,
    }
}

/// An outcome with the crew that it is from.
type Told = (usize, Outcome);

/// All crews, and the one queue in which they report.
pub(super) struct Crews {
    crews: [Crew<Job, Told>; KINDS.len()],
    results: Results<Done<Told>>,
}

impl Crews {
    /// Crews that do jobs with these tools, and wake the loop by this.
    pub(super) fn new(tools: Tools, waker: Waker) -> Self {
        let (reporter, results): (Reporter<_>, _) = results(waker);
        let craft: Craft<Job, Told> = Arc::new(move |job| (kind(&job), tools.run(job)));
        let crew = |(name, most, queue)| Crew::new(name, most, queue, reporter.clone(), Arc::clone(&craft));
        Self { crews: KINDS.map(crew), results }
    }

    /// Has a job done; false if it cannot be begun.
    pub(super) fn give(&mut self, job: Job) -> bool {
        self.crews[kind(&job)].give(job)
    }

    /// What has come of jobs since this was last asked, oldest first. Those who are free again go on with what waits.
    pub(super) fn outcomes(&mut self) -> Vec<Outcome> {
        let Self { crews, results } = self;
        let done = results.drain().map(|Done { thread, result: (kind, outcome) }| {
            crews[kind].freed(thread);
            outcome
        });
        done.collect()
    }
}
