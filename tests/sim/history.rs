//! The last things that happened, for the report of a failure. They cost more than the simulation, so they are noted
//! only when a seed that has failed is run again.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

/// How many are kept.
const LENGTH: usize = 80;

/// Notes, shared by the world and by whoever reports on it; or nothing.
#[derive(Clone)]
pub(crate) struct History(Option<Rc<RefCell<VecDeque<String>>>>);

impl History {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    pub(crate) fn of_all() -> Self {
        Self(Some(Rc::default()))
    }

    /// Whether anybody wants to know.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn note(&self, step: u64, what: impl FnOnce() -> String) {
        let Some(notes) = &self.0 else { return };
        let mut notes = notes.borrow_mut();
        if notes.len() == LENGTH {
            notes.pop_front();
        }
        notes.push_back(format!("step {step}: {}", what()));
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(notes) = &self.0 else { return Ok(()) };
        f.write_str("the last that happened:")?;
        notes.borrow().iter().try_for_each(|note| write!(f, "\n  {note}"))
    }
}
