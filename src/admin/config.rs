//! What the methods about the configuration answer.

use serde::{Deserialize, Serialize};

use super::{Problem, Reloaded};
use crate::config::{Diagnostic, Difference};

/// The shortest time in which a configuration may have to be confirmed, in seconds.
pub const CONFIRM_LEAST: u64 = 5;
/// The longest, in seconds.
pub const CONFIRM_MOST: u64 = 86_400;

/// The result of `config.apply`: that of `reload`, and until when it is to be confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigApplied {
    /// What took effect.
    #[serde(flatten)]
    pub reloaded: Reloaded,
    /// So many seconds are left for `config.confirm`, or the daemon goes back; `None` if nothing needs it.
    pub confirm_seconds: Option<u64>,
}

/// The result of `config.confirm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigConfirmed {
    /// How many seconds were left.
    pub seconds_left: u64,
}

/// The result of `config.status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigStatus {
    /// Since the configuration in force was put there: by the start, by a reload, or by going back.
    pub age_seconds: u64,
    /// So many seconds are left for `config.confirm`, or the daemon goes back; `None` if nothing waits for it.
    pub confirm_seconds: Option<u64>,
    /// Whether the configuration in force is one to which the daemon went back, as nobody had confirmed the one after it.
    pub rolled_back: bool,
}

/// The result of `config.diff`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigDiff {
    /// The file that a reload would read; `None` if it would take what is built in.
    pub file: Option<String>,
    /// How many differences there are.
    pub total: u64,
    /// The first of them, as many as an answer holds.
    pub differences: Vec<ConfigDifference>,
    /// What an operator may want to look at in the file, located like problems.
    pub warnings: Vec<String>,
}

/// A setting that is not in the file as it is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigDifference {
    /// The setting, such as `server.network` or `class["bots"].flood_rate`.
    pub setting: String,
    /// The value in force, as TOML; `None` if there is none, or it is a secret.
    pub running: Option<String>,
    /// The value of the file, as TOML; `None` if there is none, or it is a secret.
    pub file: Option<String>,
    /// Whether it is a secret, of which no value is shown.
    pub secret: bool,
    /// Whether only a restart would put it in force.
    pub restart: bool,
}

impl From<Difference> for ConfigDifference {
    fn from(difference: Difference) -> Self {
        let Difference { setting, before, after, secret, restart } = difference;
        Self { setting, running: before, file: after, secret, restart }
    }
}

impl From<&Diagnostic> for Problem {
    fn from(problem: &Diagnostic) -> Self {
        Self {
            file: Some(problem.file.clone()),
            line: problem.line.map(|line| line as u64),
            column: problem.column.map(|column| column as u64),
            message: problem.message.clone(),
            report: problem.to_string(),
        }
    }
}
