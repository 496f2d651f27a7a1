"""Debian machines to install packages on: containers with a real systemd as their first process, or with none.

A machine shares the network of the test, which is one of its own (`run` sees to it): there is nothing but loopback. All that a
machine changes is in memory. It ends with the test, however that ends: each process of the chain test, `unshare`, first process is
killed by the kernel when the one before it is gone, and all of the machine with its first process.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess

from daemon import target
from irc import Client
from report import Failed, wait

HERE = pathlib.Path(__file__).resolve().parent
# The release, and the version of its systemd.
SUITES = {"bookworm": "252", "trixie": "257"}
PACKAGES = ("dbus", "iproute2", "libgcc-s1", "passwd", "procps", "rsyslog", "systemd", "systemd-sysv")
# What waits for hardware, a person at a console, or a network.
MASKED = (
    "apt-daily.timer", "apt-daily-upgrade.timer", "console-getty.service", "dev-hugepages.mount", "e2scrub_all.timer",
    "e2scrub_reap.service", "fstrim.timer", "getty.target", "sys-fs-fuse-connections.mount", "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
)
HOOKS = (
    # No identity of the machine that the tree was made on.
    ': >"$1/etc/machine-id"; rm -f "$1/var/lib/dbus/machine-id"; echo machine >"$1/etc/hostname"',
    'printf "127.0.0.1 localhost machine\\n::1 localhost\\n" >"$1/etc/hosts"',
    # The log of the kernel is that of the machine that the tests run on.
    'sed -i "/imklog/s/^/#/" "$1/etc/rsyslog.conf"',
    'ln -sf /lib/systemd/system/multi-user.target "$1/etc/systemd/system/default.target"',
    *(f'ln -sf /dev/null "$1/etc/systemd/system/{unit}"' for unit in MASKED),
)
# What reaches past the machine: modules, clocks, devices, the log of the kernel.
DROPPED = ("sys_module", "sys_rawio", "sys_time", "sys_boot", "syslog", "wake_alarm", "mac_admin", "mac_override",
           "block_suspend")
PRIVILEGES = ",".join(f"-{name}" for name in DROPPED)
UNPRIVILEGED = ("setpriv", "--bounding-set", PRIVILEGES, "--inh-caps", PRIVILEGES, "--")
SYSTEMD = (*UNPRIVILEGED, "/lib/systemd/systemd", "--unit=multi-user.target")
# A first process that does nothing but wait for those who have lost their parent, as every first process must.
NOTHING = (*UNPRIVILEGED, "/bin/bash", "-c", "while sleep 1000; do :; done")
PORT = 6667
CGROUPS = "chatd-tests-"
# What `boot` leaves when it has done its part.
MARK = "/run/.begun"
ENTER = r"""
mkdir -p /sys/fs/cgroup/entered && echo $$ >/sys/fs/cgroup/entered/cgroup.procs
exec "$@"
"""


def tree(suite, packages=PACKAGES, customized=HOOKS, name=None):
    """The folder with the files of a fresh Debian, made if there is none: 20 to 60 seconds, and 210 MB."""
    name = name or suite
    recipe = "\n".join((suite, *packages, *customized))
    folder = target() / "system"
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    with open(folder / f"{name}.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            for old in folder.glob(f"{name}-*"):
                shutil.rmtree(old)
            new = folder / f"{name}-new"
            hooks = [f"--customize-hook={hook}" for hook in customized]
            done = subprocess.run(
                ["mmdebstrap", "--quiet", "--variant=apt", "--components=main", f"--include={','.join(packages)}",
                 # If the power fails, it is made again.
                 "--dpkgopt=force-unsafe-io", '--aptopt=Acquire::Retries "5"', *hooks, suite, str(new)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False)
            if done.returncode != 0:
                raise Failed(f"mmdebstrap {suite}: exit status {done.returncode}\n{done.stdout}")
            new.rename(made)
    return made


class Machine:
    """A machine of a release, that boots with `first` as its first process. Ends at the end of `with`."""

    def __init__(self, files, folder, first=SYSTEMD):
        self.files = files
        self.folder = folder
        self.first = first
        self.mounted = folder / "cgroup"
        self.cgroup = self.mounted / f"{CGROUPS}{os.getpid()}"
        self.launcher = None
        self.pid = None
        self.handle = None

    def __enter__(self):
        try:
            self._launch()
            self._wait_booted()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.handle is not None:
            try:
                signal.pidfd_send_signal(self.handle, signal.SIGKILL)
            except ProcessLookupError:
                pass
            os.close(self.handle)
            self.handle = None
        if self.launcher:
            if self.pid is None:
                self.launcher.kill()
            # It ends when the first process has, and that when the kernel has ended all others.
            self.launcher.wait()
            self.launcher = None
        if self.mounted.is_dir():
            try:
                wait("the control groups are empty", lambda: remove_empty(self.cgroup))
            finally:
                # Whatever happened: who removes this folder must not find the groups of others in it.
                subprocess.run(["umount", "--lazy", str(self.mounted)], check=True, stdin=subprocess.DEVNULL)
                self.mounted.rmdir()

    def _launch(self):
        self.mounted.mkdir()
        subprocess.run(["mount", "-t", "cgroup2", "cgroup2", str(self.mounted)], check=True, stdin=subprocess.DEVNULL)
        # Those of tests that were killed.
        for old in self.mounted.glob(f"{CGROUPS}*"):
            remove_empty(old)
        inside, outside = self.cgroup / "machine", self.cgroup / "launcher"
        inside.mkdir(parents=True)
        outside.mkdir()
        root = self.folder / "machine"
        root.mkdir(exist_ok=True)
        join = 'echo $$ >"$0/cgroup.procs" && exec "$@"'
        with open(self.folder / "boot.out", "wb") as out:
            # `unshare` is in the group that becomes the root of the machine's groups, and leaves it as soon as that has
            # been made: a process of another PID namespace has no place there.
            self.launcher = subprocess.Popen(
                ["sh", "-c", join, str(inside), "setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork",
                 "--kill-child=KILL", "--uts", "--ipc", "--cgroup", "--", str(HERE / "boot"), str(self.files), str(root),
                 *self.first],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        self.pid = wait("the machine's first process", self._first_process)
        self.handle = os.pidfd_open(self.pid)
        (outside / "cgroup.procs").write_text(str(self.launcher.pid), encoding="ascii")

    def _first_process(self):
        launcher = self.launcher.pid
        try:
            children = pathlib.Path(f"/proc/{launcher}/task/{launcher}/children").read_text(encoding="ascii").split()
        except FileNotFoundError:
            children = []
        if self.launcher.poll() is not None:
            raise Failed(f"the machine did not start:\n{self.said()}")
        return int(children[0]) if children else None

    def said(self):
        """What was said before systemd took over."""
        return (self.folder / "boot.out").read_text(encoding="utf-8", errors="replace")

    def _wait_booted(self):
        wait("the machine starts", self._has_begun)
        if self.first is not SYSTEMD:
            return

        def state():
            said = self.run("systemctl", "is-system-running", status=None).strip().splitlines()
            return said[-1] if said and said[-1] in ("running", "degraded", "maintenance") else None

        try:
            found = wait("systemd has booted", state, 120)
        except Failed as failure:
            raise Failed(f"{failure}\n{self.said()}") from None
        if found != "running":
            raise Failed(f"the machine is {found}:\n{self.run('systemctl', '--failed', '--no-pager')}")

    def _has_begun(self):
        """Whether `boot` has done its part."""
        if self.launcher.poll() is not None:
            raise Failed(f"the machine did not start:\n{self.said()}")
        return pathlib.Path(f"/proc/{self.pid}/root{MARK}").exists()

    def run(self, *words, status=0, user=None, given=None, patience=120):
        """Runs a command inside, which must exit with `status` (None: any); returns what it printed, on both streams."""
        command = [*UNPRIVILEGED, "/bin/sh", "-c", ENTER, "sh"]
        if user:
            command += ["runuser", "-u", user, "--"]
        done = subprocess.run(
            ["nsenter", "--target", str(self.pid), "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--root", "--wd", "--",
             "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "TERM=dumb", "DEBIAN_FRONTEND=noninteractive",
             *command, *map(str, words)],
            input=given, stdin=subprocess.DEVNULL if given is None else None, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=patience, check=False)
        said = done.stdout.decode("utf-8", errors="replace")
        if status is not None and done.returncode != status:
            raise Failed(f"{' '.join(map(str, words))}: exit status {done.returncode}, not {status}:\n{said}")
        return said

    def succeeds(self, *words, **options):
        """Whether a command exits with 0."""
        try:
            self.run(*words, **options)
        except Failed:
            return False
        return True

    def write(self, path, text):
        """Writes a file inside; one that is there keeps its owner and mode."""
        data = text if isinstance(text, bytes) else text.encode()
        self.run("sh", "-c", 'mkdir -p "${0%/*}" && cat >"$0"', path, given=data)

    def read(self, path):
        """Reads a file inside."""
        return self.run("cat", path)


def person(nick, **options):
    """A user of the chatd on a machine."""
    try:
        return Client(PORT, nick, **options)
    except OSError as error:
        raise Failed(f"{nick} cannot connect: {error}") from None


def remove_empty(cgroup):
    """Removes a control group and those below it, if no process is in them; says whether it is gone."""
    for folder, _, _ in os.walk(cgroup, topdown=False):
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            pass
        except OSError:
            return False
    return True
