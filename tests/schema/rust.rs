//! Types of the admin protocol, as their source has them: members, documentation, and what serde makes of them.

use std::collections::BTreeMap;
use std::fs;

/// A member of a type, or of a variant.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) help: String,
    /// What `#[serde(...)]` says of it.
    pub(crate) serde: String,
}

/// A variant of an enum, as it is spelt in JSON.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) members: Vec<Member>,
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    Struct(Vec<Member>),
    /// An enum, and the member that names its variant if they have members.
    Enum(Option<String>, Vec<Variant>),
}

#[derive(Clone, Debug)]
pub(crate) struct Type {
    pub(crate) help: String,
    /// The name of its parameter, if it has one.
    pub(crate) parameter: Option<String>,
    pub(crate) shape: Shape,
}

/// What stands before an item.
#[derive(Default)]
struct Head {
    help: Vec<String>,
    serde: String,
    serializes: bool,
}

impl Head {
    /// Whether the line belongs to it.
    fn takes(&mut self, line: &str) -> bool {
        if let Some(text) = line.strip_prefix("///") {
            self.help.push(text.trim().to_owned());
        } else if let Some(rest) = line.strip_prefix("#[serde(") {
            rest.trim_end_matches(")]").clone_into(&mut self.serde);
        } else if line.starts_with("#[") {
            self.serializes |= line.contains("Serialize");
        } else {
            return false;
        }
        true
    }

    /// The documentation as text.
    fn help(&self) -> String {
        let text = self.help.join(" ");
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some((before, link)) = rest.split_once("[`") {
            let (path, after) = link.split_once("`]").expect("a link ends");
            out.extend([before, "`", path.rsplit("::").next().unwrap_or(path), "`"]);
            rest = after;
        }
        out + rest
    }
}

/// A value of an attribute: `untagged` has none, `tag = "kind"` has `kind`.
pub(crate) fn value<'a>(serde: &'a str, name: &str) -> Option<&'a str> {
    serde.split(", ").find_map(|part| part.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'))
}

/// All types of `src/admin/` that can be serialized, by name.
pub(crate) fn types() -> BTreeMap<String, Type> {
    let mut types = BTreeMap::new();
    let files = fs::read_dir("src/admin").expect("the folder of the protocol");
    for file in files.map(|entry| entry.expect("an entry").path()) {
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut lines = text.lines();
        let mut head = Head::default();
        while let Some(line) = lines.next() {
            if head.takes(line) {
                continue;
            }
            let head = std::mem::take(&mut head);
            let item = line.strip_suffix(" {").filter(|_| head.serializes);
            if let Some(name) = item.and_then(|item| item.strip_prefix("pub struct ")) {
                let (name, parameter) = match name.split_once('<') {
                    Some((name, rest)) => (name, Some(rest.trim_end_matches('>').to_owned())),
                    None => (name, None),
                };
                let shape = Shape::Struct(members(&mut lines, ""));
                types.insert(name.to_owned(), Type { help: head.help(), parameter, shape });
            } else if let Some(name) = item.and_then(|item| item.strip_prefix("pub enum ")) {
                let tag = value(&head.serde, "tag").map(str::to_owned);
                assert_eq!(value(&head.serde, "rename_all"), Some("lowercase"), "{name}: as all others");
                let shape = Shape::Enum(tag, variants(&mut lines));
                types.insert(name.to_owned(), Type { help: head.help(), parameter: None, shape });
            }
        }
    }
    types
}

/// The members up to the end of an item that is indented so.
fn members<'a>(lines: &mut impl Iterator<Item = &'a str>, indent: &str) -> Vec<Member> {
    let end = format!("{indent}}}");
    let (mut head, mut members) = (Head::default(), Vec::new());
    for line in lines.by_ref().take_while(|line| line.trim_end_matches(',') != end) {
        let line = line.trim();
        if head.takes(line) {
            continue;
        }
        let head = std::mem::take(&mut head);
        let (name, kind) = line.trim_start_matches("pub ").split_once(": ").expect("a member has a type");
        members.push(Member {
            name: name.to_owned(),
            kind: kind.trim_end_matches(',').to_owned(),
            help: head.help(),
            serde: head.serde,
        });
    }
    members
}

fn variants<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Vec<Variant> {
    let (mut head, mut all) = (Head::default(), Vec::new());
    while let Some(line) = lines.next().filter(|line| *line != "}") {
        let line = line.trim();
        if head.takes(line) {
            continue;
        }
        let head = std::mem::take(&mut head);
        let name = line.trim_end_matches([',', '{', ' ']).to_lowercase();
        let members = if line.ends_with('{') { members(lines, "    ") } else { Vec::new() };
        all.push(Variant { name, help: head.help(), members });
    }
    all
}
