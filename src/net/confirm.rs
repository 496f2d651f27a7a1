//! A configuration that is to be confirmed: unless somebody does so in time, the daemon goes back to the one before.
//!
//! What it goes back to is the last configuration that nobody needed to confirm, or that was confirmed. A reload that comes
//! meanwhile takes effect, whoever asks for it, and waits to be confirmed with what was there before: a signal from a
//! script must not keep what has locked its operator out. All of it is in memory; the file is left as it is, so that a
//! restart takes what is in the file.

use std::rc::Rc;

use super::driver::Driver;
use super::reload::{Listeners, happening};
use super::shell::Shell;
use crate::admin::{ConfigApplied, ConfigConfirmed, ConfigDiff, ConfigStatus, NOT_DONE, Reloaded, RpcError};
use crate::config::{self, Config, Diagnostic, Listen};
use crate::load::Loaded;
use crate::log::Quoted;
use crate::proto::limits::ADMIN_DIFFERENCES;

/// What the daemon goes back to, and when.
pub(super) struct Pending {
    before: Rc<Config>,
    /// In milliseconds of the monotonic clock.
    at: u64,
}

impl<D: Driver> Shell<D> {
    /// When the daemon goes back, in milliseconds of the monotonic clock.
    pub(super) fn rollback_at(&self) -> Option<u64> {
        self.reloading.pending.as_ref().filter(|_| self.stopping.is_none()).map(|pending| pending.at)
    }

    /// How many seconds are left to confirm the configuration; `None` if it need not be.
    pub(super) fn confirm_seconds(&self) -> Option<u64> {
        self.rollback_at().map(|at| at.saturating_sub(self.now.mono_ms).div_ceil(1_000))
    }

    /// A reload has taken effect in place of `before`.
    pub(super) fn note_reload(&mut self, report: &Reloaded, before: Rc<Config>, confirm_within: Option<u64>) {
        if report.changed.is_empty() {
            return;
        }
        self.reloading.since_ms = self.now.mono_ms;
        self.reloading.rolled_back = false;
        let Some(seconds) = confirm_within else { return };
        let at = self.now.mono_ms + seconds * 1_000;
        match &mut self.reloading.pending {
            Some(pending) => pending.at = at,
            None => self.reloading.pending = Some(Pending { before, at }),
        }
        log::info!("reload waits to be confirmed seconds={seconds}");
    }

    /// The answer to `config.apply`.
    pub(super) fn applied(&self, reloaded: &Result<Reloaded, RpcError>) -> Result<ConfigApplied, RpcError> {
        let reloaded = reloaded.as_ref().map_err(Clone::clone)?.clone();
        Ok(ConfigApplied { reloaded, confirm_seconds: self.confirm_seconds() })
    }

    /// Keeps the configuration in force.
    ///
    /// # Errors
    /// Nothing waits for that.
    pub(super) fn confirm(&mut self) -> Result<ConfigConfirmed, RpcError> {
        let Some(seconds_left) = self.confirm_seconds() else {
            let message = if self.reloading.rolled_back {
                "nothing waits to be confirmed: time was up, and the configuration before is in force; \
                 `chatctl config diff` shows what the file has otherwise"
            } else {
                "nothing waits to be confirmed; `chatctl config status` shows since when what is in force"
            };
            return Err(RpcError::new(NOT_DONE, message));
        };
        self.reloading.pending = None;
        log::info!("reload confirmed seconds_left={seconds_left}");
        Ok(ConfigConfirmed { seconds_left })
    }

    /// The answer to `config.status`.
    pub(super) fn config_status(&self) -> ConfigStatus {
        ConfigStatus {
            age_seconds: (self.now.mono_ms - self.reloading.since_ms) / 1_000,
            confirm_seconds: self.confirm_seconds(),
            rolled_back: self.reloading.rolled_back,
        }
    }

    /// What a configuration that was read has otherwise than the one in force.
    pub(super) fn difference(&self, loaded: &Loaded) -> ConfigDiff {
        let mut all = config::differences(self.server.config(), &loaded.config);
        let total = all.len() as u64;
        all.truncate(ADMIN_DIFFERENCES);
        ConfigDiff {
            file: loaded.path.as_ref().map(|path| path.display().to_string()),
            total,
            differences: all.into_iter().map(Into::into).collect(),
            warnings: loaded.warnings.iter().map(Diagnostic::one_line).collect(),
        }
    }

    /// Goes back when time is up and nobody has confirmed the configuration. An address that can no longer be listened on is no
    /// reason to keep the rest: it is logged, and the next reload tries it again.
    pub(super) fn roll_back_if_due(&mut self) {
        if self.rollback_at().is_none_or(|at| at > self.now.mono_ms) {
            return;
        }
        let Some(Pending { before, .. }) = self.reloading.pending.take() else { return };
        let listeners = self.prepare_what_can_be(&before.listen);
        let loaded = Loaded { config: (*before).clone(), path: None, warnings: Vec::new() };
        let report = Ok(self.commit(loaded, listeners));
        self.happened(|| happening(&report));
        self.reloading.since_ms = self.now.mono_ms;
        self.reloading.rolled_back = true;
        let changed = report.map_or_else(|_| String::new(), |report| report.changed.join(","));
        log::warn!("reload rolled back: nobody has confirmed it changed={}", Quoted(changed));
    }

    /// Opens those listeners that can be opened.
    fn prepare_what_can_be(&mut self, wanted: &[Listen]) -> Listeners {
        let mut wanted = wanted.to_vec();
        loop {
            let errors = match self.prepare(&wanted) {
                Ok(listeners) => return listeners,
                Err(errors) => errors,
            };
            for error in &errors {
                log::error!("reload rolled back but for one address: {error}");
            }
            let before = wanted.len();
            wanted.retain(|listen| {
                let place = listen.address.address().map(|address| address.to_string());
                errors.iter().all(|error| Some(&error.place) != place.as_ref())
            });
            // Each round has fewer.
            if wanted.len() == before || wanted.is_empty() {
                return Listeners::default();
            }
        }
    }
}
