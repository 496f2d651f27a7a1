"""What the manual does on a machine that has booted."""

from pages import as_shown, blocks
from service import Operator

# Where root is when the page begins, and where the README's package has been made.
HOME = "/root"
YES = "/etc/apt/apt.conf.d/90tests"


class Manual(Operator):
    """A machine of somebody who does what the manual says."""

    def __init__(self, machine, package):
        super().__init__(machine)
        self.package = package

    def followed(self):
        """The manual, page by page"""
        yield "a package has been made, as the README says"
        self.machine.write(f"{HOME}/target/package/{self.package.name}", self.package.read_bytes())
        # What a person answers.
        self.machine.write(YES, 'APT::Get::Assume-Yes "true";\nDPkg::Options "--force-confold";\n')
        for block in blocks("tests/system"):
            if block.file:
                yield f"{block.place}: {block.file}"
                self.machine.write(block.file, block.text)
                continue
            for command, shown in block.commands():
                yield f"{block.place}: {command}"
                # systemd stops what is started often; nobody but a test does that.
                self.run("systemctl", "reset-failed")
                said = self.run("bash", "-c", f"cd {HOME} && {{ {command}\n}}", status=1 if "error" in shown else 0)
                if shown:
                    as_shown(shown, said)
