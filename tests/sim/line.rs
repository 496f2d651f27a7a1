//! What clients receive, taken apart strictly: what a client could misunderstand is a fault.

/// A message from the server.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) tags: Vec<(&'a str, &'a str)>,
    /// Empty if there is none.
    pub(crate) source: &'a str,
    pub(crate) command: &'a str,
    pub(crate) params: Vec<&'a str>,
}

impl<'a> Line<'a> {
    /// Parses a line without its CR LF.
    pub(crate) fn parse(text: &'a str) -> Result<Self, String> {
        if memchr::memchr3(b'\r', b'\n', 0, text.as_bytes()).is_some() {
            return Err("CR, LF or NUL within a line".to_owned());
        }
        let (tags, rest) = match text.strip_prefix('@') {
            Some(after) => after.split_once(' ').ok_or("tags and nothing else")?,
            None => ("", text),
        };
        if tags.len() > 8191 - 2 || rest.len() > 510 {
            return Err(format!("too long: {} bytes of tags, {} others", tags.len(), rest.len()));
        }
        let (source, rest) = match rest.strip_prefix(':') {
            Some(after) => after.split_once(' ').ok_or("a source and nothing else")?,
            None => ("", rest),
        };
        let (middle, trailing) = match rest.split_once(" :") {
            Some((middle, trailing)) => (middle, Some(trailing)),
            None => (rest, None),
        };
        let mut words = middle.split(' ');
        let command = words.next().unwrap_or_default();
        let mut params: Vec<_> = words.collect();
        if command.is_empty() || params.iter().any(|param| param.is_empty()) || params.len() > 14 {
            return Err("empty or too many parameters".to_owned());
        }
        params.extend(trailing);
        Ok(Self { tags: read_tags(tags)?, source, command, params })
    }

    /// The value of a tag, if it is there.
    pub(crate) fn tag(&self, name: &str) -> Option<&'a str> {
        self.tags.iter().find(|(tag, _)| *tag == name).map(|(_, value)| *value)
    }

    /// The parameter at `index`, or nothing.
    pub(crate) fn param(&self, index: usize) -> &'a str {
        self.params.get(index).copied().unwrap_or_default()
    }

    /// The numeric, if it is one.
    pub(crate) fn numeric(&self) -> Option<u16> {
        (self.command.len() == 3).then(|| self.command.parse().ok()).flatten()
    }

    /// The source's nick.
    pub(crate) fn nick(&self) -> &'a str {
        self.source.split(['!', '@']).next().unwrap_or_default()
    }

    /// The number of the bot that it comes from: bot 7 has the user name `u7`.
    pub(crate) fn bot(&self) -> Option<u32> {
        let (_, rest) = self.source.split_once("!~u")?;
        rest.split_once('@')?.0.parse().ok()
    }
}

fn read_tags(text: &str) -> Result<Vec<(&str, &str)>, String> {
    let mut tags: Vec<(&str, &str)> = Vec::new();
    for tag in text.split(';').filter(|tag| !tag.is_empty()) {
        let (name, value) = tag.split_once('=').unwrap_or((tag, ""));
        if tags.iter().any(|(other, _)| *other == name) {
            return Err(format!("the tag {name} stands twice"));
        }
        tags.push((name, value));
    }
    Ok(tags)
}

/// The form in which names are compared.
pub(crate) fn fold(name: &str) -> String {
    name.to_ascii_lowercase()
}
