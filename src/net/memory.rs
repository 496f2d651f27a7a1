//! How much memory there is, and what to do when it comes to an end.
//!
//! Rust ends the process when memory cannot be allocated, and Linux ends it when its control group has no more. So chatd stops
//! growing before that: it refuses new chat connections when nine tenths of a limit are used, and all send queues together
//! hold no more than a quarter of what the rest leaves, or those for whom most waits are disconnected. What else clients make grow has
//! bounds of its own, by client.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};

use super::driver::Driver;
use super::shell::Shell;
use crate::proto::limits::{MEMORY_CHECK_ACCEPTS, MEMORY_CHECK_MS};

/// What is used of a limit, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// In use.
    pub used: u64,
    /// The most that may be in use; 0 where no limit is known.
    pub limit: u64,
}

impl Memory {
    /// Whether so much is used that nobody new should be let in.
    fn is_short(self) -> bool {
        self.limit > 0 && self.used > self.limit / 10 * 9
    }

    /// Whether less is left than of another limit, as a share.
    fn is_tighter_than(self, other: Self) -> bool {
        let share = |used: u64, limit: u64| u128::from(used) * u128::from(limit);
        other.limit == 0 || share(self.used, other.limit) > share(other.used, self.limit)
    }
}

/// What the shell knows of memory.
#[derive(Debug, Default)]
pub(super) struct Watch {
    last: Memory,
    /// What all send queues of chat connections may hold together, in bytes.
    queues: u64,
    /// When to look again, in milliseconds of the monotonic clock.
    due_ms: u64,
    /// How many connections may be accepted before that.
    left: u32,
}

impl Watch {
    /// What all send queues of chat connections may hold together, in bytes.
    pub(super) fn queues(&self) -> Option<u64> {
        (self.last.limit > 0).then_some(self.queues)
    }
}

impl<D: Driver> Shell<D> {
    /// Looks at how much memory is used, and logs when it becomes short or no longer is.
    pub(super) fn watch_memory(&mut self) -> Memory {
        let before = self.memory.last;
        let now = self.driver.memory();
        // A queue may take twice what it holds, and as much again while it grows.
        let others = now.used.saturating_sub(self.counters.waiting);
        let queues = now.limit.saturating_sub(others) / 4;
        let due_ms = self.now.mono_ms + MEMORY_CHECK_MS;
        self.memory = Watch { last: now, queues, due_ms, left: MEMORY_CHECK_ACCEPTS };
        match (before.is_short(), now.is_short()) {
            (false, true) => {
                log::warn!("memory short used={} limit={}, new connections are refused", now.used, now.limit);
            }
            (true, false) => log::info!("memory used={} limit={}", now.used, now.limit),
            _ => {}
        }
        now
    }

    /// Looks again, now and then, while send queues hold a good part of what they may. They may hold less than when somebody
    /// came last: the kernel keeps things for those who do not read, too, and that is not in the queues.
    pub(super) fn watch_queues(&mut self) {
        if self.counters.waiting > self.memory.queues / 2 && self.now.mono_ms >= self.memory.due_ms {
            self.watch_memory();
        }
    }

    /// Whether nobody new should be let in. Asked for each who comes; the system is asked now and then.
    pub(super) fn is_short_of_memory(&mut self) -> bool {
        if self.memory.left == 0 || self.now.mono_ms >= self.memory.due_ms {
            self.watch_memory();
        }
        self.memory.left -= 1;
        self.memory.last.is_short()
    }
}

/// Limits of this process that it has memory for, as the kernel names its use of them in `/proc/self/status`.
const RESOURCES: [(Resource, &str); 2] = [(Resource::RLIMIT_AS, "VmSize"), (Resource::RLIMIT_DATA, "VmData")];

/// Where the limits of this process are.
#[derive(Debug)]
pub(super) struct Sources {
    /// Its control groups (version 2), from its own up.
    groups: Vec<PathBuf>,
    /// The memory of the machine, in bytes.
    machine: Option<u64>,
}

impl Sources {
    pub(super) fn find() -> Self {
        let mut groups = Vec::new();
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        if let Some(path) = own.lines().find_map(|line| line.strip_prefix("0::/")) {
            let root = Path::new("/sys/fs/cgroup");
            let up = root.join(path);
            let up = up.ancestors().take_while(|folder| folder.starts_with(root));
            groups.extend(up.filter(|folder| folder.join("memory.max").exists()).map(Path::to_owned));
        }
        let machine = field(&fs::read_to_string("/proc/meminfo").unwrap_or_default(), "MemTotal");
        Self { groups, machine }
    }

    /// The limit of which most is used.
    pub(super) fn tightest(&self) -> Memory {
        let mut tightest = Memory::default();
        let mut consider = |memory: Memory| {
            if memory.limit > 0 && memory.is_tighter_than(tightest) {
                tightest = memory;
            }
        };
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let used = |name| field(&status, name).unwrap_or(0);
        for (resource, name) in RESOURCES {
            if let Ok((limit, _)) = getrlimit(resource)
                && limit != RLIM_INFINITY
            {
                consider(Memory { used: used(name), limit });
            }
        }
        self.groups.iter().filter_map(|folder| of_group(folder)).for_each(&mut consider);
        if let Some(limit) = self.machine {
            consider(Memory { used: used("VmRSS"), limit });
        }
        tightest
    }
}

/// What a control group uses that the kernel cannot take back, if there is a limit.
fn of_group(folder: &Path) -> Option<Memory> {
    let read = |name| fs::read_to_string(folder.join(name)).ok();
    // "max" where there is none.
    let limit = read("memory.max")?.trim().parse().ok()?;
    let current: u64 = read("memory.current")?.trim().parse().ok()?;
    let stat = read("memory.stat")?;
    let cache = ["active_file ", "inactive_file "];
    let cache = stat.lines().filter_map(|line| cache.iter().find_map(|name| line.strip_prefix(name)));
    let cache: u64 = cache.filter_map(|bytes| bytes.parse::<u64>().ok()).sum();
    Some(Memory { used: current.saturating_sub(cache), limit })
}

/// A field of `/proc/self/status` or `/proc/meminfo`, which is in KiB.
pub(super) fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_tenths_of_a_limit_are_enough() {
        assert!(!Memory { used: 90, limit: 100 }.is_short() && Memory { used: 91, limit: 100 }.is_short());
        assert!(!Memory { used: 91, limit: 0 }.is_short(), "no limit is known");
        assert!(Memory { used: 1, limit: 2 }.is_tighter_than(Memory { used: 1 << 40, limit: 1 << 60 }));
        assert!(Memory { used: 0, limit: 2 }.is_tighter_than(Memory::default()));
        assert!(!Memory { used: 1, limit: 2 }.is_tighter_than(Memory { used: 2, limit: 3 }));
    }

    #[test]
    fn what_the_kernel_can_take_back_of_a_group_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name, text| fs::write(folder.path().join(name), text).unwrap();
        assert_eq!(of_group(folder.path()), None);
        write("memory.max", "max\n");
        write("memory.current", "5000\n");
        write("memory.stat", "anon 2000\nfile 2500\ninactive_file 1500\nactive_file 500\nsock 400\n");
        assert_eq!(of_group(folder.path()), None);
        write("memory.max", "8000\n");
        assert_eq!(of_group(folder.path()), Some(Memory { used: 3000, limit: 8000 }));
    }

    #[test]
    fn this_machine_has_a_limit() {
        let memory = Sources::find().tightest();
        assert!(memory.used > 100_000 && memory.limit > memory.used, "{memory:?}");
    }
}
