//! Messages of several lines on their way in (IRCv3 client-batch and multiline): what is kept until the last line is here.

use super::response::Response;

/// A batch that a client has begun.
pub(super) struct Batch {
    /// As the client wrote it.
    pub(super) reference: Box<str>,
    /// `None` when it has failed: the rest of it is ignored.
    pub(super) unsent: Option<Unsent>,
    /// When it was last added to, in monotonic milliseconds.
    pub(super) used_ms: u64,
}

/// A message whose last line is awaited. Its lines and their text are within `limits.multiline_lines` and
/// `limits.multiline_bytes`.
pub(super) struct Unsent {
    pub(super) target: Box<str>,
    /// Client-only tags.
    pub(super) tags: Box<str>,
    /// `PRIVMSG` or `NOTICE`, from the first line on.
    pub(super) command: Option<&'static str>,
    pub(super) lines: Lines,
    /// The labelled response to the command that began it.
    pub(super) response: Option<Response>,
}

/// The text of a message, line by line.
#[derive(Default)]
pub(super) struct Lines {
    text: String,
    /// Where each line ends in the text, and whether it goes on with the one before it.
    ends: Vec<(u32, bool)>,
    /// How many lines are not joined to the one before them.
    breaks: usize,
}

impl Lines {
    /// Adds a line, joined to the one before it or not.
    pub(super) fn push(&mut self, line: &str, joined: bool) {
        let joined = joined && !self.ends.is_empty();
        self.breaks += usize::from(!joined && !self.ends.is_empty());
        self.text.push_str(line);
        self.ends.push((self.text.len() as u32, joined));
    }

    /// The lines, and whether each is joined to the one before it.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, bool)> {
        let mut start = 0;
        self.ends.iter().map(move |&(end, joined)| {
            let line = &self.text[start as usize..end as usize];
            start = end;
            (line, joined)
        })
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of the whole text, with a line feed where a line ends.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.breaks
    }

    /// The whole text, with a line feed where a line ends.
    pub(super) fn whole(&self) -> String {
        let mut whole = String::with_capacity(self.bytes());
        for (index, (line, joined)) in self.iter().enumerate() {
            if index > 0 && !joined {
                whole.push('\n');
            }
            whole.push_str(line);
        }
        whole
    }

    /// Whether there is no text in it.
    pub(super) fn is_blank(&self) -> bool {
        self.text.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_as_they_went_in_and_line_feeds_count() {
        let mut lines = Lines::default();
        assert!(lines.is_blank() && lines.bytes() == 0);
        // There is nothing before the first line that it could be joined to.
        let given = [("hello ", true), ("", false), ("how is ", false), ("everyone?", true)];
        for (line, joined) in given {
            lines.push(line, joined);
        }
        assert_eq!(lines.whole(), "hello \n\nhow is everyone?");
        assert_eq!((lines.len(), lines.bytes()), (4, lines.whole().len()));
        let kept: Vec<_> = lines.iter().collect();
        assert_eq!(kept, [("hello ", false), ("", false), ("how is ", false), ("everyone?", true)]);
    }
}
