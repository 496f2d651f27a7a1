//! Records as lines of a file, pipe or terminal.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use log::Level;

use super::writer::Sink;
use super::{Entry, Style};

/// A file, pipe or terminal; writing to it may block.
pub(super) struct Stream {
    file: File,
    style: Style,
    /// Whether the last line was written only in part.
    torn: bool,
}

impl Stream {
    pub(super) fn new(file: File, style: Style) -> Self {
        Self { file, style, torn: false }
    }
}

impl Sink for Stream {
    fn write(&mut self, entry: &Entry) -> io::Result<()> {
        let line = format_line(entry, self.style, self.torn);
        let mut rest = line.as_bytes();
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = &rest[written..];
                    self.torn = !rest.is_empty();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The line for an entry; after a torn one it begins with the end of that line.
fn format_line(entry: &Entry, style: Style, torn: bool) -> String {
    let start = if torn { "\n" } else { "" };
    let text = &entry.text;
    match style {
        Style::Journal => format!("{start}<{}>{text}\n", priority(entry.level)),
        Style::Plain => format!("{start}{} {} {text}\n", utc(entry.time), name(entry.level)),
    }
}

/// The priority of syslog(3).
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

/// A time as RFC 3339 has it, in UTC and whole seconds. What is before 1970 shows as 1970.
fn utc(time: SystemTime) -> String {
    utc_of(time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}

/// So many seconds after 1970 began, as RFC 3339 has it.
pub(crate) fn utc_of(seconds: u64) -> String {
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of the Gregorian calendar, so many days after 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    // Eras of 400 years, and years that begin in March, so that the leap day comes last.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_utc() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_078_012_800, "2004-02-29T00:00:00Z"),
            (1_795_348_800, "2026-11-22T12:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
        assert_eq!(utc(UNIX_EPOCH - Duration::from_secs(5)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn lines_have_the_style_of_their_reader() {
        let entry = |level| Entry { level, time: UNIX_EPOCH, text: "start pid=1".into() };
        let line = |level, style| format_line(&entry(level), style, false);
        assert_eq!(line(Level::Error, Style::Journal), "<3>start pid=1\n");
        assert_eq!(line(Level::Warn, Style::Journal), "<4>start pid=1\n");
        assert_eq!(line(Level::Info, Style::Journal), "<6>start pid=1\n");
        assert_eq!(line(Level::Debug, Style::Journal), "<7>start pid=1\n");
        assert_eq!(line(Level::Info, Style::Plain), "1970-01-01T00:00:00Z info start pid=1\n");
        assert_eq!(format_line(&entry(Level::Info), Style::Journal, true), "\n<6>start pid=1\n");
    }
}
