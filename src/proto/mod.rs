//! The IRC wire language: messages, numerics, capabilities, names and bounds. No state, no policy, no I/O.

pub mod caps;
pub mod limits;
