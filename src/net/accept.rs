//! Accepting connections, and what to do when that fails.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use nix::errno::Errno;

use super::conn::{Caller, Conn, Power, Role};
use super::driver::{Credentials, Driver, Origin};
use super::shell::{Gate, GateKind, Shell};
use super::stats::Refused;
use crate::admin::{self, Happening, ListenerStep, RpcError};
use crate::id::ClientId;
use crate::log::Quoted;
use crate::proto::limits::{ACCEPT_PAUSE_MS, ACCEPTS_PER_TURN, ADMIN_CONNECTIONS, ADMIN_SEND_QUEUE};
use crate::server::{Input, Peer};

/// What an error of `accept` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nobody waits.
    Empty,
    /// This connection has failed, the next one may not.
    Next,
    /// Out of descriptors or memory: edge triggering will not tell when that is over, so a timer must.
    Pause,
    /// The listener itself is broken.
    Fatal,
}

/// accept(2): errors pending on the new connection are reported here and are not the listener's.
fn judge(error: &io::Error) -> Verdict {
    if error.kind() == ErrorKind::WouldBlock {
        return Verdict::Empty;
    }
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EBADF | Errno::EINVAL | Errno::ENOTSOCK) => Verdict::Fatal,
        Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => Verdict::Pause,
        // ECONNABORTED, EINTR, EPROTO, EPERM, ENETDOWN, EHOSTUNREACH and whatever else the network reports.
        _ => Verdict::Next,
    }
}

impl<D: Driver> Shell<D> {
    /// Takes over a bound listener, and returns its token.
    ///
    /// # Errors
    /// When it cannot be registered.
    pub(super) fn open_gate(&mut self, kind: GateKind, mut socket: D::Listener) -> io::Result<u64> {
        let token = self.next_gate;
        self.driver.register_listener(&mut socket, token)?;
        self.next_gate += 1;
        let silent = false;
        self.gates.push(Gate { token, kind, socket, paused: None, silent, queued: false, accepted: 0 });
        Ok(token)
    }

    pub(super) fn gate_mut(&mut self, token: u64) -> Option<&mut Gate<D::Listener>> {
        self.gates.iter_mut().find(|gate| gate.token == token)
    }

    /// Takes listeners out, with their timers.
    pub(super) fn take_gates(
        &mut self,
        which: impl Fn(&Gate<D::Listener>) -> bool,
    ) -> Vec<Gate<D::Listener>> {
        let taken: Vec<_> = self.gates.extract_if(.., |gate| which(gate)).collect();
        for gate in &taken {
            if let Some(at) = gate.paused {
                self.timers.remove(&(at, gate.token));
            }
        }
        taken
    }

    pub(super) fn gate_event(&mut self, token: u64) {
        // One that pauses or has its turn later will accept all the same: no need to ask the system now.
        if let Some(gate) = self.gate_mut(token)
            && gate.paused.is_none()
            && !gate.queued
        {
            self.accept(token);
        }
    }

    /// Accepts until nobody waits, up to the listener's share of a turn.
    pub(super) fn accept(&mut self, token: u64) {
        let mut failed = 0;
        for _ in 0..ACCEPTS_PER_TURN {
            let has_room = self.conns.len() < self.room;
            let Some(gate) = self.gate_mut(token).filter(|gate| !gate.silent) else { return };
            let is_chat = gate.kind.is_chat();
            if is_chat && !has_room {
                return self.pause(token, "as many descriptors are in use as may be");
            }
            let index = self.gates.iter().position(|gate| gate.token == token).expect("it was just found");
            match self.driver.accept(&self.gates[index].socket) {
                Ok((stream, origin)) => {
                    self.gates[index].accepted += 1;
                    match origin {
                        Origin::Tcp(address) => self.welcome(stream, address, token),
                        Origin::Unix(peer) => self.welcome_admin(stream, peer, token),
                    }
                }
                Err(error) => match judge(&error) {
                    Verdict::Empty => return,
                    Verdict::Next => {
                        failed += 1;
                        self.refused(Refused::Error, &error);
                        // Not of these connections, then: a policy of the system, say, that lets nobody in.
                        if failed == ACCEPTS_PER_TURN {
                            return self.pause(token, "nothing but errors");
                        }
                    }
                    Verdict::Pause => return self.pause(token, &error),
                    Verdict::Fatal => return self.abandon_gate(token, &error),
                },
            }
        }
        if let Some(gate) = self.gate_mut(token) {
            gate.queued = true;
            self.ready.push(token);
        }
    }

    fn welcome(&mut self, mut stream: D::Stream, address: SocketAddr, gate: u64) {
        // ::ffff:192.0.2.1 is 192.0.2.1, for limits as well as for people.
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        let listener = match self.gates.iter().find(|it| it.token == gate).map(|it| &it.kind) {
            Some(GateKind::Chat { requested, .. }) => requested.clone(),
            _ => return self.driver.close(stream),
        };
        let peer = Peer { address: address.ip(), port: address.port(), listener };
        if self.draining {
            let line = b"ERROR :The server takes no new connections for now, try another one\r\n";
            let _ = self.driver.write(&mut stream, line);
            self.driver.close(stream);
            return self.refused(Refused::Draining, address);
        }
        if self.is_short_of_memory() {
            let _ =
                self.driver.write(&mut stream, b"ERROR :The server is short of memory, try again later\r\n");
            self.driver.close(stream);
            return self.refused(Refused::Memory, address);
        }
        if let Err(why) = self.server.admit(self.now, &peer) {
            // One attempt: whoever cannot take so little has no use for it.
            let line = format!("ERROR :{}\r\n", self.server.refusal(why, peer.address));
            let _ = self.driver.write(&mut stream, line.as_bytes());
            self.driver.close(stream);
            return self.refused(Refused::Server(why), address);
        }
        let Some(id) = self.add(stream, Role::Chat(address.ip(), address.port()), gate) else { return };
        self.chats += 1;
        self.out.open(id.slot, self.server.config().limits.send_queue);
        log::info!("connect client={id} address={address}");
        self.happened(|| Happening::Connect {
            client: id.to_u64(),
            address: address.to_string(),
            listener: peer.listener.to_string(),
        });
        self.tell(Input::Opened { client: id, peer });
    }

    fn welcome_admin(&mut self, mut stream: D::Stream, peer: Credentials, gate: u64) {
        let power = match self.gates.iter().find(|it| it.token == gate).map(|it| &it.kind) {
            Some(GateKind::Admin { power, .. }) => *power,
            _ => return self.driver.close(stream),
        };
        // Those who only look are no reason to keep those out who act.
        let (there, what) = match power {
            Power::Admin => (self.admins - self.monitors, "admin"),
            Power::Monitor => (self.monitors, "monitor"),
        };
        if there >= ADMIN_CONNECTIONS {
            let message =
                format!("there are {ADMIN_CONNECTIONS} {what} connections already; end one of them");
            let line = admin::error_line(RpcError::new(admin::TOO_LARGE, message));
            let _ = self.driver.write(&mut stream, &line);
            self.driver.close(stream);
            return self.refused(Refused::Admin, peer);
        }
        let caller = Caller { peer, power };
        let Some(id) = self.add(stream, Role::Admin(caller), gate) else { return };
        self.admins += 1;
        self.monitors += usize::from(power == Power::Monitor);
        self.out.open(id.slot, ADMIN_SEND_QUEUE);
        log::debug!("admin connect client={id} {caller}");
    }

    /// Gives a stream a slot and registers it; `None` if the system will not.
    fn add(&mut self, stream: D::Stream, role: Role, gate: u64) -> Option<ClientId> {
        let now = self.now.mono_ms;
        let id = self.conns.insert_with(|_| Conn::new(stream, role, gate, now));
        let conn = self.conns.get_mut(id).expect("it was just inserted");
        let stream = conn.stream.as_mut().expect("a new connection has one");
        match self.driver.register(stream, id.to_u64()) {
            Ok(()) => Some(id),
            Err(error) => {
                let conn = self.conns.remove(id).expect("it was just inserted");
                self.driver.close(conn.stream.expect("a new connection has one"));
                self.refused(Refused::Error, &error);
                None
            }
        }
    }

    /// Counts a refusal, and logs it if not too many have been logged.
    pub(super) fn refused(&mut self, why: Refused, what: impl std::fmt::Display) {
        if let Some(count) = self.counters.refuse(why, self.now.mono_ms) {
            log::warn!("refused reason={} count={count} last={}", why.name(), Quoted(&what));
            let limit = why.name().to_owned();
            self.happened(|| Happening::Limit { limit, count, last: Some(what.to_string()) });
        }
    }

    /// Leaves a listener alone for a while. A descriptor that becomes free ends the pause.
    fn pause(&mut self, token: u64, why: impl std::fmt::Display) {
        let at = self.now.mono_ms + ACCEPT_PAUSE_MS;
        if let Some(gate) = self.gate_mut(token) {
            gate.paused = Some(at);
            self.timers.insert((at, token));
            self.refused(Refused::Resources, why);
        }
    }

    /// Ends a pause: the listener accepts again in the next turn.
    pub(super) fn unpause(&mut self, token: u64) {
        let Some(gate) = self.gates.iter_mut().find(|gate| gate.token == token) else { return };
        if let Some(at) = gate.paused.take() {
            self.timers.remove(&(at, token));
            if !gate.queued {
                gate.queued = true;
                self.ready.push(token);
            }
        }
    }

    /// Ends all pauses, as a descriptor has become free.
    pub(super) fn unpause_all(&mut self) {
        for index in 0..self.gates.len() {
            self.unpause(self.gates[index].token);
        }
    }

    fn abandon_gate(&mut self, token: u64, error: &io::Error) {
        for gate in self.take_gates(|gate| gate.token == token) {
            log::error!("listener {} is broken and closed: {error}", gate.kind);
            self.happened(|| Happening::Listener {
                address: gate.kind.to_string(),
                step: ListenerStep::Broken,
            });
            self.driver.close_listener(gate.socket);
        }
    }
}
