//! The IRC wire language: messages, numerics, capabilities, names and bounds. No state, no policy, no I/O.

pub mod caps;
pub mod duration;
pub mod extban;
pub mod format;
pub mod hostmask;
pub mod isupport;
pub mod limits;
pub mod mask;
pub mod message;
pub mod modes;
pub mod names;
pub mod network;
pub mod numeric;
pub mod pattern;
pub mod text;
