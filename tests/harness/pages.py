"""The manual: blocks of its pages that say where they are run, the commands in them, and what those are shown to print.

`tests/manual.rs` has the rules. This is for what `cargo test` cannot do.
"""

import re

from daemon import ROOT
from report import expect

# As in tests/manual/compare.rs: what differs from run to run.
PARTS = re.compile(r"(?P<size>\d[\d.,]* (?:B|KiB|MiB|GiB)\b)|(?P<time>\d[\d.,]* ?(?:µs|ms|s|m|h|d|w)\b(?: \d+(?:s|m|h|d|w)\b)*)"
                   r"|(?P<number>\d[\d.,]*)|(?P<anything>\.\.\.)|(?P<space>\s+)")
INSTEAD = {"size": r"\d[\d.,]* (?:B|KiB|MiB|GiB)", "time": r"\d[\d.,]* ?(?:µs|ms|s|m|h|d|w)(?: \d+(?:s|m|h|d|w))*", "number": r"\d[\d.,]*",
           "anything": r"(?s:.*?)", "space": r"\s+"}


class Block:
    """A fenced block with a mark that says where it is run, and perhaps that it is a file."""

    def __init__(self, place, marks, language, text):
        self.place = place
        self.file = marks.get("file")
        self.language = language
        self.text = text

    def commands(self):
        """Its commands, each with what it is shown to print."""
        found, goes_on, end = [], False, None
        for line in self.text.splitlines():
            if re.match(r"[$#] ", line) and not goes_on and end is None:
                found.append([line[2:], ""])
                document = re.search(r"<<'?(\w+)'?", line)
                end = document[1] if document else None
            elif goes_on or end is not None:
                found[-1][0] += f"\n{line}"
                end = None if line == end else end
            else:
                found[-1][1] += f"{line}\n"
            goes_on = end is None and not found[-1][1] and line.rstrip().endswith(("\\", "|", "&&"))
        expect(found, f"{self.place}: no command")
        return found


def pages(place):
    """The pages that have blocks for this place, each with these."""
    found = {}
    for block in blocks(place):
        found.setdefault(block.place.split(":")[0], []).append(block)
    return found


def blocks(place):
    """The blocks marked with `run: place`, page by page, the README first, in order."""
    found = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"^<!-- ([^\n]*) -->\n```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            marks = dict(mark.split(": ", 1) for mark in match[1].split("; ") if ": " in mark)
            if marks.get("run") == place:
                line = text.count("\n", 0, match.start()) + 2
                found.append(Block(f"{path.relative_to(ROOT)}:{line}", marks, match[2], match[3]))
    expect(found, f"no page has a block for {place}")
    return found


def as_shown(shown, printed, whole=True):
    """Fails unless this is what the manual shows, but for what differs from run to run."""
    pattern, at, shown = "", 0, shown.strip()
    for part in PARTS.finditer(shown):
        pattern += re.escape(shown[at:part.start()]) + INSTEAD[part.lastgroup]
        at = part.end()
    pattern += re.escape(shown[at:])
    held = re.fullmatch(pattern, printed.strip()) if whole else re.search(pattern, printed)
    expect(held, f"the manual shows\n{shown}\nand it prints\n{printed}")
