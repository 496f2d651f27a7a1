//! Sockets that systemd has bound and passes on: the protocol of `sd_listen_fds(3)`.

use crate::net::Inherited;
use crate::proto::limits::PASSED;

/// What systemd sets for the process that it starts.
///
/// The variables stay in the environment: they name the process that they are meant for, and chatd starts no other.
#[derive(Debug, Default)]
struct Environment {
    /// `$LISTEN_PID`
    pid: Option<String>,
    /// `$LISTEN_FDS`
    count: Option<String>,
    /// `$LISTEN_FDNAMES`
    names: Option<String>,
}

/// Takes the sockets that were passed to this process, if any were. To be called first, before the process opens anything.
///
/// # Errors
/// A sentence: what was passed cannot be what is meant.
pub(super) fn inherited() -> Result<Inherited, String> {
    let variable = |name| std::env::var(name).ok();
    let environment = Environment {
        pid: variable("LISTEN_PID"),
        count: variable("LISTEN_FDS"),
        names: variable("LISTEN_FDNAMES"),
    };
    let names = names(&environment, std::process::id())?;
    let count = names.len();
    Inherited::take(names)
        .map_err(|error| format!("LISTEN_FDS says that {count} sockets were passed to chatd, but: {error}"))
}

/// The names of what was passed to the process of this id, in order.
fn names(environment: &Environment, pid: u32) -> Result<Vec<String>, String> {
    let meant = environment.pid.as_deref().is_some_and(|meant| meant.parse() == Ok(pid));
    let Some(count) = environment.count.as_deref().filter(|_| meant) else { return Ok(Vec::new()) };
    let number = count.parse::<usize>().ok().filter(|&number| number <= PASSED);
    let number = number.ok_or_else(|| format!("LISTEN_FDS is {count:?}, not a number up to {PASSED}"))?;
    // What systemd calls those that have no name.
    let mut names = vec!["unknown".to_owned(); number];
    let given = environment.names.as_deref().unwrap_or_default().split(':').filter(|name| !name.is_empty());
    for (name, given) in names.iter_mut().zip(given) {
        given.clone_into(name);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(pid: &str, count: &str, given: Option<&str>) -> Result<Vec<String>, String> {
        let text = |text: &str| Some(text.to_owned());
        names(&Environment { pid: text(pid), count: text(count), names: given.and_then(text) }, 7)
    }

    #[test]
    fn sockets_have_the_names_that_they_were_passed_with() {
        assert_eq!(passed("7", "2", Some("chat:admin")).unwrap(), ["chat", "admin"]);
        assert_eq!(passed("7", "2", None).unwrap(), ["unknown", "unknown"]);
        assert_eq!(passed("7", "2", Some("chat")).unwrap(), ["chat", "unknown"]);
        assert_eq!(passed("7", "1", Some("chat:admin")).unwrap(), ["chat"]);
        assert_eq!(passed("7", "0", Some("")).unwrap(), [""; 0]);
    }

    #[test]
    fn what_is_meant_for_another_process_is_left_alone() {
        for pid in ["8", "", "x", "-7"] {
            assert_eq!(passed(pid, "2", Some("chat:admin")).unwrap(), [""; 0], "{pid}");
        }
        assert_eq!(names(&Environment::default(), 7).unwrap(), [""; 0]);
        let unmeant = Environment { count: Some("1".to_owned()), ..Environment::default() };
        assert_eq!(names(&unmeant, 7).unwrap(), [""; 0]);
    }

    #[test]
    fn a_number_that_is_none_is_refused() {
        for count in ["-1", "many", "", "1000000"] {
            let error = passed("7", count, None).unwrap_err();
            assert!(error.starts_with(&format!("LISTEN_FDS is {count:?}, not a number up to ")), "{error}");
        }
    }
}
