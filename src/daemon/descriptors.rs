//! The limit on open descriptors, which bounds the connections.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::config::Config;
use crate::proto::limits;

/// Raises the limit as far as the system lets this process. Returns a warning when not as many
/// connections fit as the configuration promises.
pub(super) fn raise_limit(config: &Config) -> Option<String> {
    let (soft, hard) = match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok(limits) => limits,
        Err(error) => return Some(format!("the limit on descriptors cannot be read: {}", error.desc())),
    };
    let raised = setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok();
    shortage(if raised { hard } else { soft }, config)
}

/// What is wrong with a limit of so many descriptors.
fn shortage(limit: u64, config: &Config) -> Option<String> {
    let own = (config.listen.len() + limits::OTHER_DESCRIPTORS) as u64;
    let wanted = u64::from(config.limits.connections);
    let fit = limit.saturating_sub(own + limits::SPARE_DESCRIPTORS);
    (fit < wanted).then(|| {
        format!(
            "limits.connections is {wanted}, but only {limit} descriptors may be open (ulimit -n, LimitNOFILE=): \
             about {fit} connections fit"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_too_low_is_told_with_the_numbers() {
        let mut config = Config::default();
        config.limits.connections = 1_000;
        assert_eq!(shortage(2_000, &config), None);
        let warning = shortage(1_000, &config).unwrap();
        assert!(warning.contains("limits.connections is 1000, but only 1000 descriptors"), "{warning}");
        let warning = shortage(3, &config).unwrap();
        assert!(warning.ends_with("about 0 connections fit"), "{warning}");
    }
}
