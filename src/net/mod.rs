//! The shell: everything with a file descriptor, one mio `Poll`, one thread.

mod listener;
mod socket_file;

use std::fmt;
use std::io;
use std::rc::Rc;

use serde::Serialize;

use crate::config::Config;

pub use listener::{BindError, Listeners};
pub use socket_file::AdminSocket;

/// Reads the configuration again, for a reload: the file, and the files that it names.
pub type Loader = Box<dyn FnMut() -> Result<Config, Vec<Problem>>>;

/// Why a configuration is refused, for the log and for `chatctl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file, or the address, that it is about.
    pub place: String,
    /// Line in that file, from 1; 0 when it is about the whole.
    pub line: u32,
    /// Column in that line, from 1; 0 when it is about the whole.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.place, self.message),
            line => write!(f, "{}:{line}:{}: {}", self.place, self.column, self.message),
        }
    }
}

/// All that [`run`] needs.
pub struct Setup {
    /// The configuration in force.
    pub config: Rc<Config>,
    /// Reads it again.
    pub loader: Loader,
    /// Where chat clients connect.
    pub listeners: Listeners,
    /// Where operators connect.
    pub admin: AdminSocket,
    /// How many log records have been dropped since the start. The level is set by [`log::set_max_level`].
    pub log_dropped: Box<dyn Fn() -> u64>,
    /// Called when the loop is set up and handles signals, before its first turn: from here on a signal
    /// ends in a clean stop, so this is when the daemon says that it is ready.
    pub ready: Box<dyn FnOnce()>,
}

/// Serves until a signal or an operator says stop. Removes the admin socket's files before it returns.
///
/// # Errors
/// When the loop cannot be set up, or the system refuses to wait for events.
pub fn run(setup: Setup) -> io::Result<()> {
    let Setup { admin: AdminSocket { listener, file }, listeners, .. } = setup;
    drop((listener, listeners.bound));
    file.remove();
    Err(io::ErrorKind::Unsupported.into())
}
