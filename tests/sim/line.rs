//! What clients receive, taken apart strictly: what a client could misunderstand is a fault.

use std::collections::BTreeMap;

/// A message from the server.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) tags: BTreeMap<String, String>,
    /// Empty if there is none.
    pub(crate) source: String,
    pub(crate) command: String,
    pub(crate) params: Vec<String>,
}

impl Line {
    /// Parses a line without its CR LF.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8: {error}"))?;
        if text.contains(['\r', '\n', '\0']) {
            return Err("CR, LF or NUL within a line".to_owned());
        }
        let (tags, rest) = match text.strip_prefix('@') {
            Some(after) => after.split_once(' ').ok_or("tags and nothing else")?,
            None => ("", text),
        };
        if tags.len() > 8191 - 2 || rest.len() > 510 {
            return Err(format!("too long: {} bytes of tags, {} others", tags.len(), rest.len()));
        }
        let mut line =
            Self { tags: read_tags(tags)?, source: String::new(), command: String::new(), params: vec![] };
        let mut rest = rest;
        if let Some(after) = rest.strip_prefix(':') {
            let (source, after) = after.split_once(' ').ok_or("a source and nothing else")?;
            source.clone_into(&mut line.source);
            rest = after;
        }
        let (middle, trailing) = match rest.split_once(" :") {
            Some((middle, trailing)) => (middle, Some(trailing)),
            None => (rest, None),
        };
        let mut words = middle.split(' ');
        words.next().unwrap_or_default().clone_into(&mut line.command);
        line.params = words.map(str::to_owned).collect();
        if line.command.is_empty() || line.params.iter().any(String::is_empty) || line.params.len() > 14 {
            return Err("empty or too many parameters".to_owned());
        }
        line.params.extend(trailing.map(str::to_owned));
        Ok(line)
    }

    /// The parameter at `index`, or nothing.
    pub(crate) fn param(&self, index: usize) -> &str {
        self.params.get(index).map_or("", String::as_str)
    }

    /// The numeric, if it is one.
    pub(crate) fn numeric(&self) -> Option<u16> {
        (self.command.len() == 3).then(|| self.command.parse().ok()).flatten()
    }

    /// The source's nick.
    pub(crate) fn nick(&self) -> &str {
        self.source.split(['!', '@']).next().unwrap_or_default()
    }

    /// The number of the bot that it comes from: bot 7 has the user name `u7`.
    pub(crate) fn bot(&self) -> Option<u32> {
        let (_, rest) = self.source.split_once("!~u")?;
        rest.split_once('@')?.0.parse().ok()
    }
}

fn read_tags(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut tags = BTreeMap::new();
    for tag in text.split(';').filter(|tag| !tag.is_empty()) {
        let (name, value) = tag.split_once('=').unwrap_or((tag, ""));
        if tags.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(format!("the tag {name} stands twice"));
        }
    }
    Ok(tags)
}

/// The form in which names are compared.
pub(crate) fn fold(name: &str) -> String {
    name.to_ascii_lowercase()
}
