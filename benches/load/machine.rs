//! What the machine says of processes and of itself: /proc, processors, descriptors.

use std::fs;
use std::io;
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::Pid;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Time on a processor, of all its threads, as the scheduler counts it: to the nanosecond.
    pub(crate) cpu: Duration,
    /// Ticks in user space. A tick is some milliseconds, so only shares are made of these.
    user: u64,
    /// Ticks in the kernel.
    system: u64,
}

impl Usage {
    /// What was used since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(earlier.cpu),
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }

    /// The share of user space, from 0 to 1; none when no tick has passed.
    pub(crate) fn user_share(self) -> Option<f64> {
        let all = self.user + self.system;
        (all > 0).then(|| float(self.user) / float(all))
    }
}

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// Resident now (`VmRSS`).
    pub(crate) resident: u64,
    /// The most that was resident (`VmHWM`).
    pub(crate) peak: u64,
}

/// A count as a number to divide: exact below 2⁵³.
pub(crate) fn float(count: u64) -> f64 {
    f64::from((count >> 32) as u32) * 4_294_967_296.0 + f64::from(count as u32)
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{what} is not as expected"))
}

/// What the process has used until now.
pub(crate) fn usage(pid: u32) -> io::Result<Usage> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end while this looks.
        let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        let first = text.split_whitespace().next().and_then(|word| word.parse::<u64>().ok());
        nanoseconds += first.ok_or_else(|| malformed("schedstat"))?;
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may contain anything; after it, state is field 3 (proc(5)).
    let rest = stat.rsplit_once(')').ok_or_else(|| malformed("stat"))?.1;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |number: usize| {
        let text = fields.get(number - 3).and_then(|text| text.parse::<u64>().ok());
        text.ok_or_else(|| malformed("stat"))
    };
    Ok(Usage { cpu: Duration::from_nanos(nanoseconds), user: field(14)?, system: field(15)? })
}

/// The memory of the process.
pub(crate) fn memory(pid: u32) -> io::Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kibibytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        number.map(|number| number * 1024).ok_or_else(|| malformed(name))
    };
    Ok(Memory { resident: kibibytes("VmRSS:")?, peak: kibibytes("VmHWM:")? })
}

/// Packets with data that TCP on this machine has sent so far: on loopback one for each send, or for each
/// 64 KiB of a longer one. Counting them costs the server nothing, unlike tracing it.
pub(crate) fn data_packets() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/net/netstat")?;
    let mut rows = text.lines().filter_map(|line| line.strip_prefix("TcpExt: "));
    let (names, values) = (rows.next(), rows.next());
    let position = names.and_then(|row| row.split(' ').position(|name| name == "TCPOrigDataSent"));
    let value = position.and_then(|at| values?.split(' ').nth(at)?.parse().ok());
    value.ok_or_else(|| malformed("TCPOrigDataSent"))
}

/// Lets this process and its children have as many descriptors as the system allows; says how many.
pub(crate) fn raise_descriptors() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 1024 };
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map_or(soft, |()| hard)
}

/// The processors of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Processors {
    /// Where servers run.
    pub(crate) server: usize,
    /// Where the generator runs.
    pub(crate) generator: usize,
}

impl Processors {
    /// The first two that this process may use; none if there is but one.
    pub(crate) fn find() -> Option<Self> {
        let allowed = sched_getaffinity(Pid::from_raw(0)).ok()?;
        let mut usable = (0..CpuSet::count()).filter(|&cpu| allowed.is_set(cpu).unwrap_or(false));
        Some(Self { server: usable.next()?, generator: usable.next()? })
    }
}

/// Keeps this thread, and whatever it starts from now on, on one processor.
pub(crate) fn stay_on(processor: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(processor)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// Kernel and processor, for the report.
pub(crate) fn describe() -> (String, String) {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned();
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let processor = model.map_or_else(|| "unknown".to_owned(), |(_, name)| name.to_owned());
    (kernel, processor)
}
