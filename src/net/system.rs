//! What the system offers and nothing safe asks it for: the only `unsafe` of chatd.
//!
//! - How much of what was written to a socket its peer has not taken yet (tcp(7), `SIOCOUTQ`; unix(7) has the same). Without it
//!   nobody sees what slow readers cost in the kernel.
//! - The descriptors that the process was started with (`sd_listen_fds(3)`). A number becomes a descriptor with an owner by
//!   saying so.
//! - That the allocator gives back what it keeps (`malloc_trim(3)`). Without it, a page in which one small thing is left of a
//!   crowd stays, and so does the whole of the heap below it.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc;

nix::ioctl_read_bad!(outq, libc::TIOCOUTQ, libc::c_int);

/// Bytes in the kernel's queue of a socket, sent and not acknowledged ones included; 0 for what has no such queue.
pub(super) fn unsent(socket: &impl AsFd) -> u64 {
    let mut count: libc::c_int = 0;
    // SAFETY: the request reads the socket and writes one `int`. The descriptor is borrowed and so open; `count` is a valid place for the `int` that this request writes,
    // and nothing else holds on to it.
    let asked = unsafe { outq(socket.as_fd().as_raw_fd(), &raw mut count) };
    asked.map_or(0, |_| u64::try_from(count).unwrap_or(0))
}

/// The first of the descriptors that a process is started with besides the standard streams.
const FIRST_PASSED: RawFd = 3;

/// So many descriptors that the process was started with; from now on they are closed on exec. To be called before anything
/// else of the process has descriptors.
///
/// # Errors
/// When one of them is not open, or they have been taken before.
pub(super) fn passed(count: usize) -> io::Result<Vec<OwnedFd>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if count == 0 {
        return Ok(Vec::new());
    }
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(io::Error::other("the descriptors have been taken"));
    }
    let own = |number: RawFd| {
        // SAFETY: it takes numbers, no pointer, and changes a flag of what is open under this number, if anything is.
        if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it is open, as the call before has shown. Nobody else of this process owns it: it was there before the process
        // had anything of its own, and `TAKEN` sees to it that it is taken once.
        Ok(unsafe { OwnedFd::from_raw_fd(number) })
    };
    (FIRST_PASSED..).take(count).map(own).collect()
}

/// Has the allocator give the pages back that it keeps and nothing is in. It takes some milliseconds for each hundred
/// megabytes.
pub(super) fn give_memory_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes no pointer, and changes nothing that is in use; it locks what allocations of other threads lock, too.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn what_a_peer_has_not_read_is_counted_and_what_it_has_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut reader = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut writer, _) = listener.accept().unwrap();
        assert_eq!(unsent(&writer), 0);
        writer.set_nonblocking(true).unwrap();
        let mut written = 0_u64;
        let mut sink = vec![0; 64 * 1024];
        while let Ok(count) = writer.write(&sink) {
            written += count as u64;
        }
        let waiting = unsent(&writer);
        assert!((1..=written).contains(&waiting), "{waiting} of {written}");
        while written > 0 {
            written -= reader.read(&mut sink).unwrap() as u64;
        }
        // What acknowledges the last byte may still be on its way.
        while unsent(&writer) > 0 {
            std::thread::yield_now();
        }
        let file = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(unsent(&file), 0, "not a socket");
    }
}
