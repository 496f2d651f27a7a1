//! Many worlds, one after the other and as many at a time as there are processors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use chatd::net::fake::{Call, Fault};
use chatd::server::Cause;

use crate::history::History;
use crate::world::{Totals, World};

/// Steps between two times of rest.
const EPOCH: u64 = 1_000;

/// Steps in which all happens that is not rare.
const PLENTY: u64 = 500_000;

/// Calls and ends that are so rare that some hundred thousand steps may lack them.
const RARE_CALLS: [Call; 5] =
    [Call::Bind, Call::RegisterListener, Call::WriteVectored, Call::ShutdownWrite, Call::SetListening];
const RARE_ENDS: [Cause; 3] = [Cause::PingTimeout, Cause::Stalled, Cause::Ban];

/// Steps after which it is said how far it is.
const REPORT: u64 = 5_000_000;

/// Which worlds there are to be.
pub(crate) struct Plan {
    pub(crate) first: u64,
    /// Of each seed.
    pub(crate) steps: u64,
    /// Of all seeds.
    pub(crate) total: u64,
    /// When no further seed is begun.
    pub(crate) end: Option<Instant>,
}

impl Plan {
    /// Runs them all.
    ///
    /// # Panics
    /// When one fails, or all together test too little.
    pub(crate) fn run(&self) {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
        let sum = Mutex::new(Totals::default());
        let begin = Instant::now();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while !failed.load(Ordering::Relaxed) && self.end.is_none_or(|at| Instant::now() < at) {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let left = self.total.saturating_sub(index.saturating_mul(self.steps));
                        if left == 0 {
                            break;
                        }
                        let seed = self.first.wrapping_add(index);
                        match attempt(seed, left.min(self.steps)) {
                            Some(totals) => add(&sum, &totals, begin),
                            None => failed.store(true, Ordering::Relaxed),
                        }
                    }
                });
            }
        });
        let sum = *sum.lock().unwrap_or_else(PoisonError::into_inner);
        println!("{:.0} s, {sum:?}", begin.elapsed().as_secs_f64());
        assert!(!failed.load(Ordering::Relaxed), "a seed has failed: see above");
        let all_seen = sum.deliveries > 0 && sum.barriers > 0 && sum.answers > 0 && sum.jobs > 0;
        assert!(all_seen || sum.steps < 3_000, "it tests too little: {sum:?}");
        let missing = missing(&sum);
        assert!(missing.is_empty() || sum.steps < PLENTY, "never seen: {missing:?}, in {sum:?}");
    }
}

/// Faults, failed calls and ends of connections that have not been seen, but for rare ones.
fn missing(sum: &Totals) -> Vec<String> {
    let faults = Fault::ALL.map(|fault| format!("{fault:?}")).into_iter().zip(sum.happened.faults);
    let errors =
        Call::ALL.into_iter().zip(sum.happened.errors).filter(|(call, _)| !RARE_CALLS.contains(call));
    let ends = Cause::ALL.into_iter().zip(sum.ends).filter(|(cause, _)| !RARE_ENDS.contains(cause));
    let errors = errors.map(|(call, count)| (format!("{call:?}"), count));
    let ends = ends.map(|(cause, count)| (cause.name().to_owned(), count));
    let drains = [("times without new clients".to_owned(), sum.drains)];
    let all = faults.chain(errors).chain(ends).chain(drains);
    all.filter(|(_, count)| *count == 0).map(|(name, _)| name).collect()
}

/// Adds what came of a world, and says now and then how far it is.
fn add(sum: &Mutex<Totals>, totals: &Totals, begin: Instant) {
    let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
    let before = sum.steps / REPORT;
    sum.add(totals);
    if sum.steps / REPORT > before {
        let seconds = begin.elapsed().as_secs_f64();
        println!("{} steps after {seconds:.0} s", sum.steps);
    }
}

/// A world; what came of it, if it did not fail. One that fails is run again, to tell how it came to that.
fn attempt(seed: u64, steps: u64) -> Option<Totals> {
    let again = |history: &History| catch_unwind(AssertUnwindSafe(|| run(seed, steps, history)));
    if let Ok(Ok(totals)) = again(&History::none()) {
        return Some(totals);
    }
    let history = History::of_all();
    let fault = match again(&history) {
        Ok(Ok(_)) => "it fails at times only: there is chance beside the seed".to_owned(),
        Ok(Err(fault)) => fault,
        Err(_) => "it panics, as said above".to_owned(),
    };
    eprintln!("seed {seed}, {history}\n{fault}");
    eprintln!("again: CHATD_SIM_SEED={seed} CHATD_SIM_STEPS={steps} cargo test --test sim");
    None
}

/// A world and what becomes of it.
fn run(seed: u64, steps: u64, history: &History) -> Result<Totals, String> {
    let mut world = World::new(seed, history.clone());
    let outcome = live(&mut world, steps);
    outcome.map_err(|fault| format!("step {}: {fault}", world.step))?;
    world.totals.steps = steps;
    world.totals.happened = world.shell.driver_mut().happened();
    world.totals.ends = world.shell.server().stats().disconnects;
    Ok(world.totals)
}

fn live(world: &mut World, steps: u64) -> Result<(), String> {
    while world.step < steps {
        world.advance()?;
        if world.step.is_multiple_of(EPOCH) {
            world.settle()?;
        }
    }
    world.settle()?;
    world.shut_down()
}
