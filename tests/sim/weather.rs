//! What goes wrong on the machine, and how often: that changes from time to time.

use chatd::net::fake::{Faults, Memory};

use crate::rng::Rng;
use crate::world::World;

/// Calm, or so much of everything, or a storm of a few things.
pub(crate) fn random(rng: &mut Rng) -> Faults {
    let mut chance = |choices: &[u32]| rng.pick(choices);
    match chance(&[0, 0, 1, 2, 2]) {
        0 => Faults::default(),
        1 => Faults { would_block: 50, short_read: 50, short_write: 50, spurious: 50, late: 50, error: 0 },
        _ => {
            let often = [0, 0, 0, 50, 300, 950];
            Faults {
                would_block: chance(&often),
                short_read: chance(&often),
                short_write: chance(&often),
                spurious: chance(&often),
                late: chance(&often),
                error: chance(&[0, 0, 0, 1, 1, 5, 30]),
            }
        }
    }
}

impl World {
    pub(crate) fn change_weather(&mut self) {
        let faults = random(&mut self.rng);
        let most_open = self.rng.pick(&[6, 12, usize::MAX, usize::MAX]);
        let busy = self.rng.one_in(4);
        // Enough, none for anybody new, or little for what waits for slow readers.
        let memory = [(0, 0), (95, 100), (1_000, 200_000)].map(|(used, limit)| Memory { used, limit });
        let memory = if self.scarce { self.rng.pick(&memory) } else { Memory::default() };
        let driver = self.shell.driver_mut();
        (driver.faults, driver.most_open, driver.busy, driver.memory) = (faults, most_open, busy, memory);
        self.note(|| format!("{faults:?}, at most {most_open} open, busy: {busy}, {memory:?}"));
    }

    /// Nothing goes wrong any more.
    pub(crate) fn calm(&mut self) {
        let driver = self.shell.driver_mut();
        (driver.faults, driver.most_open, driver.busy) = (Faults::default(), usize::MAX, false);
        driver.memory = Memory::default();
    }
}
