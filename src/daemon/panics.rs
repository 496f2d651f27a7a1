//! Panics: a bug in chatd leaves one line in the log, and the process ends with an error.

use std::any::Any;
use std::fmt::Display;
use std::panic;
use std::thread;

use crate::log::{Handle, Quoted};
use crate::proto::limits;

/// From now on a panic is logged, where its message on stderr would be lost or tear lines. It then unwinds
/// as ever: out of `main`, if it is the loop's, and so to exit status 101.
pub(super) fn log_them(log: Handle) {
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map_or("unknown".to_owned(), ToString::to_string);
        log::error!("{}", describe(thread::current().name(), &place, info.payload()));
        log.flush(limits::LOG_FLUSH);
    }));
}

fn describe(thread: Option<&str>, place: impl Display, payload: &dyn Any) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let message = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let (thread, message) = (thread.unwrap_or("unnamed"), message.unwrap_or("unknown"));
    format!("panic thread={} at={place} message={}", Quoted(thread), Quoted(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_one_line_that_names_the_place() {
        let line = describe(Some("main"), "src/x.rs:1:2", &"index out of range\nreally");
        assert_eq!(line, r#"panic thread=main at=src/x.rs:1:2 message="index out of range\nreally""#);
        let line = describe(None, "src/x.rs:1:2", &String::from("formatted"));
        assert_eq!(line, "panic thread=unnamed at=src/x.rs:1:2 message=formatted");
        assert!(describe(None, "src/x.rs:1:2", &7_u8).ends_with("message=unknown"));
    }
}
