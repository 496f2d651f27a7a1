"""The image that packaging/oci/Containerfile makes, as far as that can be seen without an engine: its instructions are followed on the
files of the Debian that it begins with, and its program is the first process there."""

import json
import pathlib
import re
import signal
import tempfile

import machine
from daemon import ROOT
from machine import UNPRIVILEGED, Machine, person
from report import expect, wait

IMAGE = "image"
CONTAINERFILE = ROOT / "packaging/oci/Containerfile"
SUITE = "bookworm"
# An engine's RUN has a network, and gets these from there.
PACKAGES = ("libgcc-s1", "mount", "passwd", "procps", "systemd-standalone-sysusers", "systemd-standalone-tmpfiles")
HOOKS = (': >"$1/etc/apt/sources.list"; rm -rf "$1"/etc/apt/sources.list.d/*',)
# Waits until all is there, and becomes the program of the image, as its user.
BUILT = "/run/built"
FIRST = f'until [ -e {BUILT} ]; do sleep 0.1; done; exec setpriv --reuid="$0" --regid="$0" --init-groups "$@"'


def instructions():
    """Pairs of an instruction and what it is given."""
    text = re.sub(r"^#.*\n", "", CONTAINERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n", "", text).splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


class Image:
    """A container of the image."""

    def __init__(self, files, package):
        self.files = files
        self.package = package
        self.made = dict(instructions())

    @staticmethod
    def tree():
        """The files that it begins with."""
        return machine.tree(SUITE, PACKAGES, HOOKS, IMAGE)

    def report(self, report):
        """Runs the test."""
        user, program = self.made["USER"], json.loads(self.made["ENTRYPOINT"])
        with tempfile.TemporaryDirectory(prefix="chatd-system-") as name:
            first = (*UNPRIVILEGED, "/bin/bash", "-c", FIRST, user, *program)
            with Machine(self.files, pathlib.Path(name), first) as container:
                report.run("image: packaging/oci/Containerfile", lambda: self.steps(container))

    def steps(self, container):
        """Steps of the test."""
        yield "its instructions make it of the package, without systemd"
        expect(self.made["FROM"] == f"debian:{SUITE}-slim", self.made["FROM"])
        for instruction, given in instructions():
            if instruction == "COPY":
                pattern, folder = given.split()
                expect(self.package.match(pattern), pattern)
                container.write(folder + self.package.name, self.package.read_bytes())
            elif instruction == "RUN":
                container.run("/bin/sh", "-c", given)
            else:
                expect(instruction in ("FROM", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "ENTRYPOINT"), instruction)
        expect(not container.succeeds("sh", "-c", "command -v systemctl"), "systemd is there")
        yield "its program is the first process, and serves on the port that it says"
        container.run("touch", BUILT)
        expect(self.made["EXPOSE"] == str(machine.PORT), self.made["EXPOSE"])
        wait("it listens", lambda: container.run("cat", "/proc/1/comm").strip() == "chatd" and
             container.succeeds("chatctl", "version", user=self.made["USER"]))
        addresses = json.loads(container.run("chatctl", "list", "listeners", "--json", user=self.made["USER"]).splitlines()[0])
        expect(addresses["address"] == f"0.0.0.0:{machine.PORT}", addresses)
        anna = person("anna")
        yield "chatctl works inside, and what it sets is kept in the volume"
        stats = json.loads(container.run("chatctl", "stats", "--json", user=self.made["USER"]))
        expect(stats["users"] == 1, stats)
        container.run("chatctl", "ban", "add", "*@203.0.113.7", "kept", user=self.made["USER"])
        expect("203.0.113.7" in container.read(f"{self.made['VOLUME']}/state.json"), "not kept")
        yield "its signal stops it: clients are told, and the status is 0"
        signals = getattr(signal, self.made["STOPSIGNAL"])
        container.run("kill", f"-{int(signals)}", "1")
        anna.expect("^ERROR ")
        wait("its end", lambda: container.launcher.poll() is not None)
        expect(container.launcher.returncode == 0, f"{container.launcher.returncode}: {container.said()}")
