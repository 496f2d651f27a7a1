//! Secrets that are not in the configuration itself, but in files that it names, or that whoever starts chatd gives it.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::field::Field;
use super::parse::Parsed;
use super::repeated::REPEATED;
use super::settings::SETTINGS;
use super::{Config, Problem};

/// What the name of a credential begins with, in place of the path of a file.
pub(crate) const CREDENTIAL: &str = "credential:";

/// The name of the credential that stands in place of a path, if one does.
pub(crate) fn credential(path: &Path) -> Option<&str> {
    path.to_str()?.strip_prefix(CREDENTIAL)
}

/// The value that names a file, in the entry of that number.
type Named = fn(&Config, usize) -> Option<&PathBuf>;

/// The settings that name files, and those that stand in the files.
const FILES: [(&str, &str, Named); 5] = [
    ("server.password_file", "server.password", |config, _| config.server.password_file.as_ref()),
    ("cloak.key_file", "cloak.key", |config, _| config.cloak.key_file.as_ref()),
    ("class.password_file", "class.password", |config, at| config.class.get(at)?.password_file.as_ref()),
    ("webirc.password_file", "webirc.password", |config, at| config.webirc.get(at)?.password_file.as_ref()),
    ("oper.password_file", "oper.password", |config, at| config.oper.get(at)?.password_file.as_ref()),
];

/// The files, and credentials, that a configuration names.
pub(crate) fn files(config: &Config) -> impl Iterator<Item = &PathBuf> {
    let most = config.class.len().max(config.webirc.len()).max(config.oper.len()).max(1);
    FILES.into_iter().flat_map(move |(file, _, named)| {
        let once = SETTINGS.iter().any(|setting| setting.name == file);
        (0..if once { 1 } else { most }).filter_map(move |entry| named(config, entry))
    })
}

/// A secret that is to be read.
pub(crate) struct SecretFile {
    /// The setting, such as `server.password`.
    pub(crate) secret: &'static str,
    /// The number of its entry, 0 for what stands once.
    pub(crate) entry: usize,
    /// The file, or [`CREDENTIAL`] and a name.
    pub(crate) path: PathBuf,
    /// Where the text names it.
    pub(crate) span: Range<usize>,
}

impl Parsed {
    /// The secrets that are not in the text.
    pub(crate) fn secret_files(&self) -> Vec<SecretFile> {
        let mut files = Vec::new();
        for (file, secret, named) in FILES {
            for (entry, span) in self.spans_of(file) {
                let path = named(&self.config, entry).cloned();
                files.extend(path.map(|path| SecretFile { secret, entry, path, span }));
            }
        }
        files
    }

    /// Takes the secret that was read, and says what is wrong with it where its file is named.
    pub(crate) fn fill(
        &mut self,
        secret: &'static str,
        entry: usize,
        text: String,
        span: &Range<usize>,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        let value = DeValue::String(Cow::Owned(text));
        let mut field = Field::from_elsewhere(secret, &value, span.clone(), &mut problems);
        if let Some(setting) = SETTINGS.iter().find(|setting| setting.name == secret) {
            (setting.read)(&mut field, &mut self.config);
        }
        if let Some(key) = REPEATED.iter().flat_map(|section| section.keys).find(|key| key.name == secret) {
            (key.read)(&mut field, &mut self.config, entry);
        }
        problems
    }
}
