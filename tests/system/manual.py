"""What the manual does on machines: each page has one of its own, on which the package is, unless the page itself installs it."""

from pages import as_shown, pages
from service import Operator

# Where root is, and where the README's package has been made.
HOME = "/root"
ANSWERS = "/etc/apt/apt.conf.d/90tests"
# Who the pages say is there.
PEOPLE = ("alice", "mona")
BOOTED, PLAIN = pages("tests/system"), pages("tests/system, without systemd")


class Manual(Operator):
    """A machine of somebody who does what a page says."""

    def __init__(self, machine, package, blocks):
        super().__init__(machine)
        self.package = package
        self.blocks = blocks

    def followed(self):
        """Steps: its blocks, in order."""
        yield "the machine has people, and the package"
        place = f"target/package/{self.package.name}"
        self.machine.write(f"{HOME}/{place}", self.package.read_bytes())
        # What a person answers.
        self.machine.write(ANSWERS, 'APT::Get::Assume-Yes "true";\n')
        for name in PEOPLE:
            self.run("useradd", "--create-home", name)
        if "apt-get install" not in self.blocks[0].text:
            self.run("apt-get", "install", f"{HOME}/{place}")
        for block in self.blocks:
            if block.file:
                yield f"{block.place}: {block.file}"
                self.machine.write(block.file, block.text)
                continue
            for command, shown in block.commands():
                yield f"{block.place}: {command}"
                # systemd stops what is started often; nobody but a test does that.
                self.machine.succeeds("systemctl", "reset-failed")
                said = self.run("bash", "-c", f"cd {HOME} && {{ {command}\n}}", status=1 if "error" in shown else 0)
                if shown:
                    as_shown(shown, said)
