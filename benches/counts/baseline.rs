//! The counts that the next ones are held against.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// The content of `baseline.toml`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Baseline {
    /// The compiler that it was counted with.
    pub(crate) rustc: String,
    /// Instructions for one operation of each path.
    pub(crate) instructions: BTreeMap<String, f64>,
}

const HEAD: &str = "# Instructions of the hot paths, for one operation each: `cargo bench --bench counts` holds new ones against
# these, and `CHATD_BLESS=1 cargo bench --bench counts` writes this file.

";

impl Baseline {
    /// Reads it; where there is no file, it is empty.
    pub(crate) fn read(file: &Path) -> Result<Self, String> {
        if !file.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
    }

    /// Writes it.
    pub(crate) fn write(&self, file: &Path) -> Result<(), String> {
        let mut text = format!("{HEAD}rustc = {:?}\n\n[instructions]\n", self.rustc);
        for (name, count) in &self.instructions {
            let _ = writeln!(text, "{name} = {count:.1}");
        }
        fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
    }
}
