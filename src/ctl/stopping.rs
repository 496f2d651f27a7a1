//! Watching a daemon stop, for somebody at a terminal.

use std::io::Write;
use std::sync::mpsc;
use std::time::Duration;

use super::Failure;
use super::daemon::Daemon;
use super::human::counted;
use super::progress::Progress;
use super::style::Style;
use crate::admin::{Request, Stats};

/// Between two looks at who is left.
const PAUSE: Duration = Duration::from_millis(250);

/// Waits until the daemon has stopped, and shows how many connections are left meanwhile. Elsewhere than at a terminal it does
/// not wait. Ctrl-C ends the wait, and does not keep the daemon from stopping.
///
/// # Errors
/// Those of writing.
pub(super) fn watch(daemon: &mut Daemon, out: &mut dyn Write) -> Result<(), Failure> {
    if !Style::stderr().moves {
        return Ok(());
    }
    out.flush()?;
    let progress = Progress::begin("chatd stops");
    let (_never, clock) = mpsc::channel::<()>();
    // A daemon that stops closes this connection at the very end.
    while let Ok(result) = daemon.call(&Request::Stats) {
        let Ok(stats) = serde_json::from_str::<Stats>(result.get()) else { break };
        let left = counted(stats.connections_now, "connection is", "connections are");
        progress.now(format!("chatd stops: {left} left"));
        let _ = clock.recv_timeout(PAUSE);
    }
    drop(progress);
    Ok(writeln!(out, "chatd has stopped")?)
}
