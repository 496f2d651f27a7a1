"""The release binaries, and a chatd of the test's own in a folder of its own."""

import json
import os
import pathlib
import re
import signal
import subprocess

from report import Failed, wait

ROOT = pathlib.Path(__file__).resolve().parents[2]


def target():
    """The folder of builds."""
    metadata = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps"],
        cwd=ROOT, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return pathlib.Path(json.loads(metadata.stdout)["target_directory"])


def build():
    """Builds both binaries with `cargo build --release` and returns the folder that they are in.

    `CHATD_BINARIES` may name a folder that has them already, such as that of debug builds.
    """
    if "CHATD_BINARIES" in os.environ:
        return pathlib.Path(os.environ["CHATD_BINARIES"]).resolve()
    subprocess.run(["cargo", "build", "--release", "--bins"], cwd=ROOT, check=True, stdin=subprocess.DEVNULL)
    return target() / "release"


class Daemon:
    """A chatd on a free port of loopback. How it is started, and ended, is up to the test."""

    def __init__(self, binaries, folder):
        self.chatd = binaries / "chatd"
        self.chatctl = binaries / "chatctl"
        self.folder = folder
        self.config = folder / "chatd.toml"
        self.socket = folder / "admin.sock"
        self.pid = None

    def configure(self, text="", port=0):
        """Writes the configuration: a listener, the admin socket, and `text` for the rest."""
        listen = f'[[listen]]\naddress = "127.0.0.1:{port}"\n'
        admin = f'[admin]\nsocket = "{self.socket}"\n'
        (self.folder / "state").mkdir(mode=0o700, exist_ok=True)
        self.config.write_text(f"{text}\n{listen}\n{admin}", encoding="utf-8")

    def command(self):
        """What starts it."""
        return [str(self.chatd), "--config", str(self.config)]

    def environment(self):
        """The environment for it and for chatctl: nothing in it that changes what they do."""
        kept = {name: os.environ[name] for name in ("PATH", "TERM") if name in os.environ}
        return kept | {"LC_ALL": "C.UTF-8", "HOME": str(self.folder),
                       "STATE_DIRECTORY": str(self.folder / "state"), "RUST_BACKTRACE": "1"}

    def ctl(self, *words, status=0):
        """Runs chatctl, which must exit with `status`; returns what it printed, on both streams."""
        done = subprocess.run(
            [str(self.chatctl), "--socket", str(self.socket), *words],
            env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            encoding="utf-8", timeout=60, check=False)
        if done.returncode != status:
            raise Failed(f"chatctl {' '.join(words)}: exit status {done.returncode}, not {status}:\n{done.stdout}")
        return done.stdout

    def items(self, *words):
        """The items of `chatctl list --json`."""
        return [json.loads(line) for line in self.ctl("list", *words, "--json").splitlines()]

    def stats(self):
        """The object of `chatctl stats --json`."""
        return json.loads(self.ctl("stats", "--json"))

    def wait_ready(self):
        """Waits until it answers, and returns the port that it listens on for clients."""
        wait("the admin socket", self.socket.exists)
        version = json.loads(self.ctl("version", "--json"))
        self.pid = version["pid"]
        addresses = [item["address"] for item in self.items("listeners") if item["role"] == "chat"]
        return int(re.fullmatch(r"127\.0\.0\.1:(\d+)", addresses[0])[1])

    def signal(self, number):
        """Sends it a signal."""
        os.kill(self.pid, number)

    def hang_up(self):
        """Sends SIGHUP."""
        self.signal(signal.SIGHUP)
