//! The pages of the manual, and the blocks in them.

use std::fs;
use std::path::{Path, PathBuf};

/// A page, by its path in the source.
pub(crate) struct Page {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A fenced block of a page.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Where it begins, as `page:line`.
    pub(crate) place: String,
    /// The word behind the fence.
    pub(crate) language: String,
    /// What `<!-- file: NAME -->` on the line before says: the block is that file for the commands that follow.
    pub(crate) file: Option<String>,
    /// What `<!-- run: WHERE -->` says: it is not run here but there. With a file, `<!-- file: NAME; run: WHERE -->`.
    pub(crate) elsewhere: Option<String>,
    pub(crate) lines: Vec<String>,
}

impl Block {
    pub(crate) fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }
}

/// All pages: the README and what is in `docs/`.
pub(crate) fn pages() -> Vec<Page> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root.join("docs")).expect("the folder of the manual");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let pages = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let name = |path: PathBuf| format!("docs/{}", path.file_name().expect("a name").to_string_lossy());
    let mut names: Vec<_> = pages.map(name).collect();
    names.push("README.md".into());
    names.sort();
    assert!(names.len() > 5, "the pages are found: {names:?}");
    let read = |name: String| Page { text: fs::read_to_string(root.join(&name)).expect("UTF-8"), name };
    names.into_iter().map(read).collect()
}

impl Page {
    /// Its blocks, in order.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut open = false;
        let mut before = "";
        for (index, line) in self.text.lines().enumerate() {
            match line.strip_prefix("```") {
                Some(_) if open => open = false,
                Some(language) => {
                    open = true;
                    let marks = before.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
                    let mark = |name: &str| {
                        let mut marks = marks.unwrap_or_default().split("; ");
                        marks.find_map(|mark| mark.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
                    };
                    blocks.push(Block {
                        place: format!("{}:{}", self.name, index + 1),
                        language: language.to_owned(),
                        file: mark("file"),
                        elsewhere: mark("run"),
                        lines: Vec::new(),
                    });
                }
                None if open => blocks.last_mut().expect("one is open").lines.push(line.to_owned()),
                None => {}
            }
            before = line;
        }
        assert!(!open, "{}: a block is not closed", self.name);
        blocks
    }

    /// Its lines outside of blocks.
    pub(crate) fn outside(&self) -> impl Iterator<Item = &str> {
        let mut open = false;
        self.text.lines().filter(move |line| {
            let fence = line.starts_with("```");
            open ^= fence;
            !open && !fence
        })
    }

    /// What its links name: the text in parentheses behind `](`, but for other sites.
    pub(crate) fn links(&self) -> Vec<&str> {
        let ends = self.text.split("](").skip(1);
        let targets = ends.filter_map(|rest| Some(rest.split_once(')')?.0));
        targets.filter(|target| !target.contains("://")).collect()
    }

    /// The names by which its headings can be linked to.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let headings = self.text.lines().filter(|line| line.starts_with('#') && line.contains("# "));
        let anchor = |line: &str| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        };
        headings.map(anchor).collect()
    }
}
