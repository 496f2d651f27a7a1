//! The calls of the shell to the played kernel.

use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;

use nix::errno::Errno;

use super::faults::Call;
use super::{FakeDriver, FakeListener, FakeStream, Remote};
use crate::id::ClientId;
use crate::net::driver::{Driver, Origin, Process};
use crate::net::jobs::Job;
use crate::net::listener::{BindError, Bound};
use crate::net::memory::Memory;
use crate::net::supervision::Notice;

impl FakeDriver {
    /// The failure of this call, if it is to fail.
    fn failure(&mut self, call: Call) -> io::Result<()> {
        self.chance.failure(call, self.faults.error)
    }

    /// The same for a call for a connection.
    fn stream_failure(&mut self, call: Call, remote: Remote) -> io::Result<()> {
        let outcome = self.failure(call);
        self.pipes[remote].failed |= outcome.is_err();
        outcome
    }

    fn write_pieces(&mut self, call: Call, remote: Remote, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        if let Err(error) = self.stream_failure(call, remote) {
            self.pipes[remote].unwritable = true;
            return Err(error);
        }
        self.pipes[remote].write(pieces, &mut self.chance, &self.faults)
    }
}

impl Driver for FakeDriver {
    type Stream = FakeStream;
    type Listener = FakeListener;

    fn bind(
        &mut self,
        requested: SocketAddr,
        _optional: bool,
        beside: Option<&FakeListener>,
    ) -> Result<Option<Bound<FakeListener>>, BindError> {
        let failed = self.failure(Call::Bind);
        failed.map_err(|error| BindError::new(requested, error.to_string()))?;
        let mut address = requested;
        if address.port() == 0 {
            address.set_port(self.next_port);
            self.next_port += 1;
        }
        let old = beside.and_then(|listener| self.doors[listener.0].address);
        if self.doors.iter().any(|door| door.open && door.address != old && door.overlaps(address)) {
            return Err(BindError::new(address, "another program listens there"));
        }
        let socket = self.open_door(Some(address));
        Ok(Some(Bound { requested: requested.into(), address, socket }))
    }

    fn register_listener(&mut self, listener: &mut FakeListener, token: u64) -> io::Result<()> {
        let failed = self.failure(Call::RegisterListener);
        let door = &mut self.doors[listener.0];
        if failed.is_err() {
            // Dropped, and with that closed.
            door.open = false;
            return failed;
        }
        assert!(door.token.replace(token).is_none(), "a listener is registered once");
        door.edge = !door.waiting.is_empty();
        Ok(())
    }

    fn close_listener(&mut self, listener: FakeListener) {
        let door = &mut self.doors[listener.0];
        door.open = false;
        for remote in std::mem::take(&mut door.waiting) {
            self.pipes[remote].closed = true;
            self.pipes[remote].destroyed = true;
        }
    }

    fn set_listening(
        &mut self,
        listener: &FakeListener,
        address: SocketAddr,
        listening: bool,
    ) -> io::Result<()> {
        self.failure(Call::SetListening)?;
        let door = &mut self.doors[listener.0];
        assert!(door.address == Some(address) && door.open != listening, "asked for what is not so");
        door.open = listening;
        for remote in std::mem::take(&mut door.waiting) {
            self.pipes[remote].closed = true;
            self.pipes[remote].destroyed = true;
        }
        Ok(())
    }

    fn accept(&mut self, listener: &FakeListener) -> io::Result<(FakeStream, Origin)> {
        self.calls.accepts += 1;
        if self.open.len() >= self.most_open {
            return Err(Errno::EMFILE.into());
        }
        self.failure(Call::Accept)?;
        let door = &mut self.doors[listener.0];
        assert!(door.open, "a closed listener accepts nobody");
        let Some(remote) = door.waiting.pop_front() else { return Err(ErrorKind::WouldBlock.into()) };
        self.pipes[remote].accepted = true;
        self.open.push(remote);
        Ok((FakeStream(remote), self.pipes[remote].origin))
    }

    fn register(&mut self, stream: &mut FakeStream, token: u64) -> io::Result<()> {
        self.stream_failure(Call::Register, stream.0)?;
        self.calls.registers += 1;
        let pipe = &mut self.pipes[stream.0];
        assert!(pipe.token.replace(token).is_none(), "a stream is registered once");
        pipe.edge = true;
        let slot = ClientId::from_u64(token).expect("a connection has an id").slot as usize;
        if self.slots.len() <= slot {
            self.slots.resize(slot + 1, stream.0);
        }
        self.slots[slot] = stream.0;
        Ok(())
    }

    fn close(&mut self, stream: FakeStream) {
        let pipe = &mut self.pipes[stream.0];
        assert!(pipe.accepted && !pipe.closed, "a stream is closed once");
        (pipe.closed, pipe.token) = (true, None);
        if !pipe.up.is_empty() && !pipe.gone {
            pipe.destroyed = true;
            pipe.down.clear();
        }
        pipe.up.clear();
        self.open.retain(|open| *open != stream.0);
    }

    fn read(&mut self, stream: &mut FakeStream, buffer: &mut [u8]) -> io::Result<usize> {
        self.calls.reads += 1;
        self.stream_failure(Call::Read, stream.0)?;
        self.pipes[stream.0].read(buffer, &mut self.chance, &self.faults)
    }

    fn write(&mut self, stream: &mut FakeStream, bytes: &[u8]) -> io::Result<usize> {
        self.calls.writes += 1;
        self.write_pieces(Call::Write, stream.0, &[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, stream: &mut FakeStream, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.calls.vectored += 1;
        self.write_pieces(Call::WriteVectored, stream.0, pieces)
    }

    fn shutdown_write(&mut self, stream: &mut FakeStream) -> io::Result<()> {
        self.stream_failure(Call::ShutdownWrite, stream.0)?;
        let pipe = &mut self.pipes[stream.0];
        if pipe.reset.is_some() {
            return Err(ErrorKind::NotConnected.into());
        }
        pipe.ended = true;
        Ok(())
    }

    fn begin(&mut self, job: Job) -> bool {
        // Reading the configuration is the only job of its kind, so its queue is never full.
        match job {
            Job::Load => self.loads += 1,
            _ if self.busy || self.failure(Call::Begin).is_err() => return false,
            job => self.jobs.push_back(job),
        }
        true
    }

    fn notify(&mut self, notice: Notice) -> bool {
        if !self.deaf {
            self.notices.push(notice);
        }
        !self.deaf
    }

    fn unsent(&self, stream: &FakeStream) -> u64 {
        self.pipes[stream.0].down.len() as u64
    }

    fn give_memory_back(&mut self) {
        self.given_back += 1;
    }

    fn memory(&self) -> Memory {
        self.memory
    }

    fn process(&self) -> Process {
        Process::default()
    }
}
