//! System calls that chatd has no use for and that whoever has taken it over would want: they fail.
//!
//! What is forbidden is listed, not what is allowed. Which calls a C library makes for ordinary things differs from one to the
//! next and changes with each version, so that a list of those that are allowed would end a chatd that did nothing wrong, on a system that
//! nobody has tried. Where there is systemd, which keeps such lists for each of its versions, the unit has one on top.
//!
//! A forbidden call is refused as not permitted, which every caller can handle, and does not end the process.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Is, SeccompCondition as Condition,
    SeccompFilter, SeccompRule as Rule, TargetArch,
};

/// Whatever their arguments.
const FORBIDDEN: &[libc::c_long] = &[
    // Other programs.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    // File systems and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_quotactl,
    libc::SYS_fanotify_init,
    libc::SYS_mknodat,
    // Privileges, which chatd has given up by now.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_capset,
    libc::SYS_personality,
    // The machine.
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    // Where faults of the kernel are found most often.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
];

/// Those that only this kind of processor has.
#[cfg(target_arch = "x86_64")]
const OLD: &[libc::c_long] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_mknod,
    libc::SYS_uselib,
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[libc::c_long] = &[];

/// The same calls by other numbers, for programs with short pointers (x32).
#[cfg(target_arch = "x86_64")]
const ALIASES: &[i64] = &[0, 0x4000_0000];
#[cfg(not(target_arch = "x86_64"))]
const ALIASES: &[i64] = &[0];

/// Kinds of sockets that there may be: chat, admin socket and log, and what the C library asks for addresses of this machine.
const FAMILIES: [libc::c_int; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Forbids them to this process, and to all threads that it will have.
///
/// # Errors
/// Why they are not, in words: an old kernel, or a processor that nobody has written this for.
pub(super) fn forbid() -> Result<(), String> {
    for program in programs()? {
        seccompiler::apply_filter_all_threads(&program).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// The filters; of all that apply to a call, the strictest holds.
fn programs() -> Result<[BpfProgram; 2], String> {
    let denied = compile(rules().map_err(|error| error.to_string())?, libc::EPERM)?;
    // What it is asked for stands in memory, where a filter cannot look; a library that is told that there is no such call
    // makes its threads with `clone`.
    let absent = compile(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)?;
    Ok([denied, absent])
}

fn compile(rules: BTreeMap<i64, Vec<Rule>>, errno: libc::c_int) -> Result<BpfProgram, String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| error.to_string())?;
    let aliased =
        ALIASES.iter().flat_map(|alias| rules.iter().map(move |(call, rules)| (call | alias, rules.clone())));
    let errno = SeccompAction::Errno(errno.unsigned_abs());
    SeccompFilter::new(aliased.collect(), SeccompAction::Allow, errno, arch)
        .and_then(BpfProgram::try_from)
        .map_err(|error| error.to_string())
}

/// When which call is refused; a call without a rule always is.
fn rules() -> Result<BTreeMap<i64, Vec<Rule>>, seccompiler::BackendError> {
    let mut rules: BTreeMap<i64, Vec<Rule>> =
        FORBIDDEN.iter().chain(OLD).map(|&call| (call, Vec::new())).collect();
    let number = |value: libc::c_int| u64::from(value.unsigned_abs());
    let has = |argument, bits: u64, value| Condition::new(argument, Length::Qword, Is::MaskedEq(bits), value);

    // A thread is one of this process; anything else would be another process.
    let thread = number(libc::CLONE_THREAD);
    rules.insert(libc::SYS_clone, vec![Rule::new(vec![has(0, thread, 0)?])?]);
    let other = |family| Condition::new(0, Length::Dword, Is::Ne, number(family));
    let others = FAMILIES.into_iter().map(other).collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_socket, vec![Rule::new(others)?]);

    // Memory that was written to is not run.
    let both = number(libc::PROT_WRITE | libc::PROT_EXEC);
    let exec = number(libc::PROT_EXEC);
    rules.insert(libc::SYS_mmap, vec![Rule::new(vec![has(2, both, both)?])?]);
    for call in [libc::SYS_mprotect, libc::SYS_pkey_mprotect] {
        rules.insert(call, vec![Rule::new(vec![has(2, exec, exec)?])?]);
    }
    let exec = number(libc::SHM_EXEC);
    rules.insert(libc::SYS_shmat, vec![Rule::new(vec![has(2, exec, exec)?])?]);
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::thread;

    use super::*;

    #[test]
    fn what_is_forbidden_fails_and_what_chatd_needs_does_not() {
        // A filter cannot be taken away again: it is that of a thread which ends, and of those that it starts.
        let programs = programs().unwrap();
        let tried = thread::spawn(move || {
            for program in &programs {
                seccompiler::apply_filter(program).unwrap();
            }
            let raw = socket2::Socket::new(socket2::Domain::VSOCK, socket2::Type::STREAM, None);
            let denied = [
                Command::new("/bin/true").status().map(drop),
                raw.map(drop),
                nix::sched::unshare(nix::sched::CloneFlags::empty()).map_err(Into::into),
                nix::unistd::chroot("/").map_err(Into::into),
            ];
            let codes = denied.map(|outcome| outcome.unwrap_err().raw_os_error());
            assert_eq!(codes, [Some(libc::EPERM); 4]);
            assert_eq!(thread::spawn(|| 7).join().unwrap(), 7, "threads can be started");
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            std::os::unix::net::UnixDatagram::unbound().unwrap();
            assert!(std::net::ToSocketAddrs::to_socket_addrs("localhost:1").is_ok(), "names are looked up");
            std::fs::read_dir("/proc/self/fd").unwrap().count()
        });
        assert!(tried.join().unwrap() > 0);
    }
}
