//! What goes wrong on the played machine, and how often.

use std::io;

use nix::errno::Errno;

/// How often each fault happens, in 1,000 chances.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// A read or write says `WouldBlock` although it could go on; readiness is told again.
    pub would_block: u32,
    /// A read gives a part of what there is, often one byte: the rest comes after it, so readiness is told again.
    pub short_read: u32,
    /// A write takes a part only, often one byte; writability is told again.
    pub short_write: u32,
    /// An event tells a registered stream or listener that all is ready.
    pub spurious: u32,
    /// Readiness that has begun is not told of by this poll, but by a later one, or by none if more comes before that. It is
    /// never kept back until a stream is registered anew: the kernel loses no readiness, and the shell registers each stream once
    /// and so could not get over that. What it must get over is that much else happens before it is told.
    pub late: u32,
    /// A call fails, with an error that it may fail with: see [`Call::errors`].
    pub error: u32,
}

/// A fault of a stream or a listener by itself: see the fields of [`Faults`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Fault {
    WouldBlock,
    ShortRead,
    ShortWrite,
    Spurious,
    Late,
}

impl Fault {
    /// Every fault, in the order of their counters.
    pub const ALL: [Self; 5] =
        [Self::WouldBlock, Self::ShortRead, Self::ShortWrite, Self::Spurious, Self::Late];
}

impl Faults {
    fn rate(&self, fault: Fault) -> u32 {
        match fault {
            Fault::WouldBlock => self.would_block,
            Fault::ShortRead => self.short_read,
            Fault::ShortWrite => self.short_write,
            Fault::Spurious => self.spurious,
            Fault::Late => self.late,
        }
    }
}

/// How often what went wrong so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    /// By [`Fault::ALL`].
    pub faults: [u64; Fault::ALL.len()],
    /// Calls that failed by chance or as asked for, by [`Call::ALL`].
    pub errors: [u64; Call::ALL.len()],
}

/// Calls that can be made to fail: all of [`Driver`](crate::net::Driver) that can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Call {
    Bind,
    RegisterListener,
    Accept,
    Register,
    Read,
    Write,
    WriteVectored,
    ShutdownWrite,
    /// To begin a job: an error means that too many wait.
    Begin,
    SetListening,
}

impl Call {
    /// Every call, in the order of their counters.
    pub const ALL: [Self; 10] = [
        Self::Bind,
        Self::RegisterListener,
        Self::Accept,
        Self::Register,
        Self::Read,
        Self::Write,
        Self::WriteVectored,
        Self::ShutdownWrite,
        Self::Begin,
        Self::SetListening,
    ];

    /// What it fails with now and then. A listener that is broken for good is not among them.
    pub fn errors(self) -> &'static [Errno] {
        match self {
            Self::Bind => &[Errno::EADDRINUSE, Errno::EADDRNOTAVAIL, Errno::EACCES, Errno::EMFILE],
            Self::RegisterListener | Self::Register => &[Errno::ENOSPC, Errno::ENOMEM],
            Self::Accept => &[
                Errno::ECONNABORTED,
                Errno::EPROTO,
                Errno::EPERM,
                Errno::ENETDOWN,
                Errno::EMFILE,
                Errno::ENFILE,
                Errno::ENOBUFS,
                Errno::ENOMEM,
            ],
            Self::Read => &[Errno::ECONNRESET, Errno::ETIMEDOUT, Errno::EHOSTUNREACH, Errno::ENOMEM],
            Self::Write | Self::WriteVectored => {
                &[Errno::ECONNRESET, Errno::EPIPE, Errno::ETIMEDOUT, Errno::ENOBUFS]
            }
            Self::ShutdownWrite => &[Errno::ENOTCONN, Errno::ENOBUFS],
            Self::Begin => &[Errno::EAGAIN],
            Self::SetListening => &[Errno::EADDRINUSE],
        }
    }
}

/// How often the shell made calls that cost something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Accepts, failed ones included.
    pub accepts: u64,
    /// Reads.
    pub reads: u64,
    /// Writes of one piece.
    pub writes: u64,
    /// Writes of several pieces.
    pub vectored: u64,
    /// Streams registered.
    pub registers: u64,
}

/// Chooses what goes wrong.
#[derive(Debug)]
pub(super) struct Chance {
    state: u64,
    /// Failures that were asked for.
    pub(super) asked: Vec<(Call, Errno)>,
    pub(super) happened: Happened,
}

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: seed, asked: Vec::new(), happened: Happened::default() }
    }

    /// A number below `bound` (the generator `SplitMix64`).
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    fn chosen(&mut self, in_a_thousand: u32) -> bool {
        in_a_thousand > 0 && self.below(1_000) < in_a_thousand as usize
    }

    pub(super) fn happens(&mut self, fault: Fault, faults: &Faults) -> bool {
        let happens = self.chosen(faults.rate(fault));
        self.happened.faults[fault as usize] += u64::from(happens);
        happens
    }

    /// A part of `len`, which is not zero, but not nothing: one byte as often as any other number.
    pub(super) fn part(&mut self, len: usize) -> usize {
        if self.below(2) == 0 { 1 } else { 1 + self.below(len) }
    }

    /// The failure of this call, if it is to fail.
    pub(super) fn failure(&mut self, call: Call, in_a_thousand: u32) -> io::Result<()> {
        if let Some(index) = self.asked.iter().position(|(failing, _)| *failing == call) {
            self.happened.errors[call as usize] += 1;
            return Err(self.asked.remove(index).1.into());
        }
        if self.chosen(in_a_thousand) {
            self.happened.errors[call as usize] += 1;
            let errors = call.errors();
            return Err(errors[self.below(errors.len())].into());
        }
        Ok(())
    }
}
