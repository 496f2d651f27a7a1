//! Draining: no new clients, and those who are there stay until they leave.
//!
//! Whoever connects is to know at once that there is no place for them, and a load balancer that there is none for anybody: so
//! listeners refuse, as if nobody listened, and nobody waits in a backlog that is not looked at. Their sockets stay, as an
//! address below 1024 could not be bound again without privileges, and any other could be somebody else's by then.
//!
//! A socket that was inherited is not chatd's to silence: whoever has passed it on listens with it, too, and passes it on to the next
//! chatd as it is. There, clients are accepted and refused in words.

use std::net::SocketAddr;

use super::driver::Driver;
use super::shell::{GateKind, Shell};
use crate::admin::{Draining, Happening, NOT_DONE, RpcError};

impl<D: Driver> Shell<D> {
    /// Refuses new clients from now on, or takes them again. A reload changes nothing about it, and a restart ends it.
    ///
    /// # Errors
    /// Which listeners cannot take clients again, and why; the others do.
    pub(super) fn set_draining(&mut self, on: bool) -> Result<Draining, RpcError> {
        let changed = std::mem::replace(&mut self.draining, on) != on;
        let connections = self.server.stats().connections;
        if changed {
            log::warn!("drain on={on} connections={connections}");
            self.happened(|| Happening::Drain { on });
        }
        let failed = self.silence_gates(on);
        if failed.is_empty() {
            return Ok(Draining { on, changed, connections });
        }
        let message = format!(
            "new clients are taken again, but not on {}; `chatctl drain --undo` tries again",
            failed.join(", nor on ")
        );
        Err(RpcError::new(NOT_DONE, message))
    }

    /// Has all listeners for chat refuse, or listen again. Returns those that cannot listen again, and why.
    pub(super) fn silence_gates(&mut self, silent: bool) -> Vec<String> {
        let mut failed = Vec::new();
        for gate in self.gates.iter_mut().filter(|gate| gate.silent != silent) {
            let Some(address) = own_address(&gate.kind) else { continue };
            match self.driver.set_listening(&gate.socket, address, !silent) {
                Ok(()) => gate.silent = silent,
                // Those who connect are refused in words.
                Err(error) if silent => log::warn!("drain address={address} problem={error}"),
                Err(error) => failed.push(format!("{address}: {error}")),
            }
        }
        failed
    }
}

/// The address of a listener for chat that is chatd's own.
fn own_address(kind: &GateKind) -> Option<SocketAddr> {
    match kind {
        GateKind::Chat { requested, address } => requested.address().map(|_| *address),
        GateKind::Admin { .. } => None,
    }
}
