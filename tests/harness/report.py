"""What a test that needs Debian packages says: its steps as they pass, and how many did."""

import json
import shutil
import sys
import time


class Failed(Exception):
    """A step that did not do what it should, with what was seen instead."""


class Report:
    """Counts steps. A failed one ends its test; the other tests still run."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def run(self, name, test):
        """Runs a test: a generator that yields the name of each step before it does it."""
        print(f"\n{name}", flush=True)
        steps = test()
        step, begun = None, time.monotonic()
        try:
            while True:
                following = next(steps, None)
                if step is not None:
                    self._say("ok", step, begun)
                    self.passed += 1
                if following is None:
                    return
                step, begun = following, time.monotonic()
        except Failed as failure:
            self._say("FAILED", step or "set-up", begun)
            print(f"\n{failure}\n", flush=True)
            self.failed += 1
        finally:
            steps.close()

    @staticmethod
    def _say(verdict, step, begun):
        print(f"  {verdict:6}  {time.monotonic() - begun:5.1f} s  {step}", flush=True)

    def end(self):
        """Prints the closing line and returns the exit status."""
        print(f"\n{self.passed} passed, {self.failed} failed", flush=True)
        return 0 if self.passed and not self.failed else 1


def need(programs):
    """Ends the program, saying what to install, unless all programs are there: a map to Debian's packages."""
    missing = {package for program, package in programs.items() if shutil.which(program) is None}
    if missing:
        refuse(f"This test needs Debian packages: apt-get install {' '.join(sorted(missing))}")


def refuse(why):
    """Ends the program before any test, as a failure."""
    print(why, file=sys.stderr)
    print("\n0 passed, 1 failed", flush=True)
    sys.exit(1)


def expect(held, otherwise):
    """Fails with what was there instead."""
    if not held:
        raise Failed(otherwise if isinstance(otherwise, str) else json.dumps(otherwise, indent=1))


def wait(what, condition, patience=30.0):
    """Waits until the condition gives something true, and returns that; `what` names it for the failure."""
    end = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {patience:.0f} s")
        time.sleep(0.02)
