//! Reads the configuration from files: the impure part around [`crate::config`].

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;

use crate::config::secrets::{self, SecretFile};
use crate::config::{Config, Diagnostic, Endpoint, Listen, Parsed, Problem, Severity, motd_lines, parse};
use crate::place;
use crate::proto::limits::{CONFIG_FILE, CONFIG_PROBLEMS, MOTD, SECRET_FILE};

/// The exit status for a configuration that is refused, from sysexits(3): a supervisor that starts chatd again would
/// find the same one.
pub const EX_CONFIG: u8 = 78;

/// A configuration that can be used.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration, with the message of the day and an absolute path of its file.
    pub config: Config,
    /// The file it is from, absolute; `None` for the built-in defaults. Pass it to [`load`] for a reload: then
    /// a file that has vanished is an error and not the same as the defaults.
    pub path: Option<PathBuf>,
    /// What is probably not meant.
    pub warnings: Vec<Diagnostic>,
}

/// What a configuration may refer to that whoever starts chatd gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The names of the sockets that were passed on.
    pub sockets: Vec<String>,
    /// The folder of credentials (`$CREDENTIALS_DIRECTORY`, systemd.exec(5)).
    pub credentials: Option<PathBuf>,
    /// Below which folders files can be read, where a sandbox says so.
    pub readable: Option<Vec<PathBuf>>,
}

impl Given {
    /// What to do about a file that cannot be read because of the sandbox.
    fn beyond(&self, path: &Path) -> Option<String> {
        let readable = self.readable.as_ref()?;
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let within = |folder: &PathBuf| {
            real.starts_with(folder) || folder.canonicalize().is_ok_and(|folder| real.starts_with(folder))
        };
        let help = "it is in a folder that chatd had no file in when it started, and so outside its sandbox: restart chatd, \
            or put it beside the configuration";
        (!readable.iter().any(within)).then(|| help.to_owned())
    }
}

/// The name of the sockets on which chatd listens when the configuration has no `[[listen]]` and they were passed on.
const CHAT: &str = "chat";

impl Loaded {
    /// What is said of it to whoever has it checked: the warnings, and that it is good.
    pub fn verdict(&self) -> String {
        let verdict = match &self.path {
            Some(path) => format!("{}: the configuration is good\n", path.display()),
            None => format!("no {}: the built-in configuration is good\n", place::CONFIG_FILE),
        };
        let warnings = self.warnings.iter().map(|warning| format!("{warning}\n\n"));
        warnings.chain([verdict]).collect()
    }
}

/// Why a configuration cannot be used. `Display` is the complete report, in many lines.
#[derive(Debug)]
pub struct LoadError {
    /// Every error, and the warnings; never empty. They serialize to JSON.
    pub problems: Vec<Diagnostic>,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "\n\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadError {}

/// Reads the configuration file, and the message of the day if it is in a file of its own. Without `path` it is
/// [`place::CONFIG_FILE`] if there is such a file, or else the built-in defaults.
///
/// A relative `motd_file` is looked for beside the configuration file. What a configuration refers to that is not in files is
/// held against what was `given`; where that is not known, as it is only to be checked, nothing is said of it.
///
/// # Errors
/// All problems, when there is an error among them: a file that cannot be read, is no regular file, too large or
/// not UTF-8, whatever [`parse`] finds, and what was not given.
pub fn load(path: Option<&Path>, given: Option<&Given>) -> Result<Loaded, LoadError> {
    let mut loaded = match path {
        Some(path) => load_file(path, given),
        None => load_if_there(Path::new(place::CONFIG_FILE), given),
    }?;
    let listen = &mut loaded.config.listen;
    if given.is_some_and(|given| given.sockets.iter().any(|name| name == CHAT))
        && *listen == Config::default().listen
    {
        *listen = vec![Listen { address: Endpoint::Inherited(CHAT.to_owned()), optional: false }];
    }
    Ok(loaded)
}

fn load_if_there(path: &Path, given: Option<&Given>) -> Result<Loaded, LoadError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Loaded { config: Config::default(), path: None, warnings: Vec::new() })
        }
        _ => load_file(path, given),
    }
}

fn load_file(path: &Path, given: Option<&Given>) -> Result<Loaded, LoadError> {
    let name = path.display().to_string();
    let refuse =
        |message: String| LoadError { problems: vec![Diagnostic::of_file(&*name, Severity::Error, message)] };
    let (bytes, mode) = read(path, CONFIG_FILE).map_err(refuse)?;
    let path = std::path::absolute(path).map_err(|error| refuse(reason(&error)))?;

    let (text, mut problems) = decode(&bytes);
    let mut parsed = parse(&text);
    problems.append(&mut parsed.problems);
    if mode & 0o004 != 0 {
        problems.extend(parsed.secrets().map(|(key, span)| {
            let warning = Problem::warning(span, format!("every user of this machine can read this {key}"));
            warning.help(format!("chmod o-r {name}"))
        }));
    }
    if let Some(given) = given {
        problems.extend(missing_sockets(&parsed, given));
    }
    read_secrets(&mut parsed, &path, given, &mut problems);
    let of_motd = read_motd(&mut parsed, &path, given, &mut problems);
    problems.sort_by_key(|problem| problem.span.start);
    let located = problems.into_iter().map(|problem| Diagnostic::locate(&name, &text, problem));
    let problems: Vec<_> = located.chain(of_motd).collect();
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(LoadError { problems });
    }
    Ok(Loaded { config: parsed.config, path: Some(path), warnings: problems })
}

/// Complains of inherited sockets that are not there.
fn missing_sockets(parsed: &Parsed, given: &Given) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (entry, span) in parsed.spans_of("listen.socket") {
        let Some(name) = parsed.config.listen[entry].address.socket() else { continue };
        if given.sockets.iter().any(|it| it == name) {
            continue;
        }
        let names: Vec<_> = given.sockets.iter().map(|name| format!("`{name}`")).collect();
        let passed = match &*names {
            [] => "none was".to_owned(),
            names => format!("{} {}", names.join(", "), if names.len() == 1 { "was" } else { "were" }),
        };
        let help = format!(
            "{passed}; a socket unit passes it, with FileDescriptorName={name}, and only when chatd starts: \
             a reload cannot add any"
        );
        let message = format!("no socket `{name}` was passed to chatd");
        problems.push(Problem::error(span, message).help(help));
    }
    problems
}

/// Reads the secrets that are in files of their own, or that the unit gives, into the configuration.
fn read_secrets(parsed: &mut Parsed, config_path: &Path, given: Option<&Given>, problems: &mut Vec<Problem>) {
    for SecretFile { secret, entry, path, span } in parsed.secret_files() {
        let name = secrets::credential(&path);
        let place = match (name, given) {
            (None, _) => config_path.parent().unwrap_or(Path::new("/")).join(&path),
            // It is only to be checked, by somebody who has no credentials.
            (Some(_), None) => continue,
            (Some(name), Some(given)) => match &given.credentials {
                Some(folder) => folder.join(name),
                None => {
                    problems.push(
                        Problem::error(span, "chatd was given no credentials").help(load_credential(name)),
                    );
                    continue;
                }
            },
        };
        match read_secret(&place) {
            Ok((text, mode)) => {
                if mode & 0o004 != 0 {
                    let message = format!("every user of this machine can read {}", place.display());
                    problems.push(Problem::warning(span.clone(), message).help("chmod o-r it"));
                }
                problems.extend(parsed.fill(secret, entry, text, &span));
            }
            Err(message) => {
                let problem = Problem::error(span, format!("{} {message}", place.display()));
                let beyond = given.and_then(|given| given.beyond(&place));
                problems.push(name.map(load_credential).or(beyond).into_iter().fold(problem, Problem::help));
            }
        }
    }
}

/// What to do for a credential.
fn load_credential(name: &str) -> String {
    format!("the unit needs LoadCredential={name}:/path/of/the/file; credentials are read when chatd starts")
}

/// The text of a file without the end of its line, and the file's permissions.
fn read_secret(path: &Path) -> Result<(String, u32), String> {
    let (bytes, mode) = read(path, SECRET_FILE)?;
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok((line.strip_suffix('\r').unwrap_or(line).to_owned(), mode))
}

/// Reads `motd_file` into the configuration. What is wrong with the path goes to `problems`, what is wrong in
/// the file is returned.
fn read_motd(
    parsed: &mut Parsed,
    config_path: &Path,
    given: Option<&Given>,
    problems: &mut Vec<Problem>,
) -> Vec<Diagnostic> {
    let Some(relative) = &parsed.config.server.motd_file else { return Vec::new() };
    let path = config_path.parent().unwrap_or(Path::new("/")).join(relative);
    let name = path.display().to_string();
    let bytes = match read(&path, MOTD) {
        Ok((bytes, _)) => bytes,
        Err(message) => {
            let span = parsed.span("server.motd_file").unwrap_or_default();
            let problem = Problem::error(span, format!("{name} {message}"));
            let beyond = given.and_then(|given| given.beyond(&path));
            problems.push(beyond.into_iter().fold(problem, Problem::help));
            return Vec::new();
        }
    };
    let (text, mut faults) = decode(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
    let (lines, of_lines) = motd_lines(&text);
    faults.extend(of_lines.into_iter().map(|fault| {
        let message = format!("the message of the day {}", fault.message);
        Problem { message, ..fault }
    }));
    parsed.config.server.motd = lines;
    parsed.config.server.motd_file = Some(path);
    faults.sort_by_key(|fault| fault.span.start);
    faults.truncate(CONFIG_PROBLEMS);
    faults.into_iter().map(|fault| Diagnostic::locate(&name, &text, fault)).collect()
}

/// Reads a regular file of at most `most` bytes. Returns its permissions, too.
///
/// # Errors
/// What to say after the file's name.
pub(crate) fn read(path: &Path, most: usize) -> Result<(Vec<u8>, u32), String> {
    // Opening a FIFO without a writer would block; nobody must be able to hold up a reload so.
    let open = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path);
    let file: File = open.map_err(|error| reason(&error))?;
    let metadata = file.metadata().map_err(|error| reason(&error))?;
    if !metadata.is_file() {
        let kind = if metadata.is_dir() { "is a directory" } else { "is not a regular file" };
        return Err(kind.to_owned());
    }
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|error| reason(&error))?;
    if bytes.len() > most {
        return Err(format!("is larger than {most} bytes"));
    }
    Ok((bytes, metadata.mode()))
}

fn reason(error: &io::Error) -> String {
    let text = match error.raw_os_error() {
        Some(code) => Errno::from_raw(code).desc().to_owned(),
        None => error.to_string(),
    };
    format!("cannot be read: {text}")
}

/// The bytes as text. Each that is not UTF-8 is replaced by U+FFFD, and the first of them complained of in each
/// line, up to a bound.
fn decode(bytes: &[u8]) -> (String, Vec<Problem>) {
    let mut text = String::with_capacity(bytes.len());
    let mut problems = Vec::new();
    let mut fresh_line = true;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        fresh_line |= chunk.valid().contains('\n');
        let [first, ..] = chunk.invalid() else { continue };
        let start = text.len();
        text.push(char::REPLACEMENT_CHARACTER);
        if fresh_line && problems.len() < CONFIG_PROBLEMS {
            let message = format!("the byte 0x{first:02x} is not UTF-8");
            problems.push(Problem::error(start..text.len(), message).help("save the file as UTF-8"));
        }
        fresh_line = false;
    }
    (text, problems)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use tempfile::TempDir;

    use super::*;

    /// A folder with these files in it, which only their owner can read.
    fn folder(files: &[(&str, &[u8])]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        folder
    }

    /// The report on `chatd.toml` in this folder, without the folder's name.
    fn report(folder: &TempDir) -> String {
        let report = load(Some(&folder.path().join("chatd.toml")), None).unwrap_err().to_string();
        report.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn without_a_file_the_defaults_hold() {
        let folder = folder(&[]);
        let loaded = load_if_there(&folder.path().join("chatd.toml"), None).unwrap();
        assert_eq!((loaded.config, loaded.path), (Config::default(), None));
        assert!(loaded.warnings.is_empty());
    }

    #[test]
    fn a_default_file_that_is_there_is_used_or_refused() {
        let folder = folder(&[("chatd.toml", b"[limits]\ntargets = 7\n")]);
        let path = folder.path().join("chatd.toml");
        let loaded = load_if_there(&path, None).unwrap();
        assert_eq!((loaded.config.limits.targets, loaded.path.as_deref()), (7, Some(&*path)));
        fs::remove_file(&path).unwrap();
        symlink("nowhere", &path).unwrap();
        assert!(load_if_there(&path, None).is_err(), "a link that leads nowhere is a mistake");
    }

    #[test]
    fn the_path_is_made_absolute_for_reloads() {
        let loaded = load(Some(Path::new("etc/chatd.toml")), None).unwrap();
        assert_eq!(loaded.path, Some(std::env::current_dir().unwrap().join("etc/chatd.toml")));
        assert_eq!(
            load(Some(Path::new("")), None).unwrap_err().to_string(),
            ": error: cannot be read: No such file or directory"
        );
    }

    #[test]
    fn only_regular_files_of_a_size_are_read() {
        let missing = folder(&[]);
        assert_eq!(report(&missing), "chatd.toml: error: cannot be read: No such file or directory");
        let path = missing.path().join("chatd.toml");
        fs::create_dir(&path).unwrap();
        assert_eq!(report(&missing), "chatd.toml: error: is a directory");
        fs::remove_dir(&path).unwrap();
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        assert_eq!(report(&missing), "chatd.toml: error: is not a regular file");

        let full = vec![b'\n'; CONFIG_FILE];
        let large = folder(&[("chatd.toml", &full)]);
        assert!(load(Some(&large.path().join("chatd.toml")), None).is_ok());
        fs::write(large.path().join("chatd.toml"), [&*full, b"\n"].concat()).unwrap();
        assert_eq!(report(&large), "chatd.toml: error: is larger than 1048576 bytes");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_found_once_a_line() {
        let text = b"[server]\ndescription = \"Gr\xfc\xdfe\" # \xff\nnetwork = \"a b\"\nmotd = \"\xe9\"\n";
        let expected = "\
chatd.toml:2:18: error: the byte 0xfc is not UTF-8
 2 | description = \"Gr\u{fffd}\u{fffd}e\" # \u{fffd}
   |                  ^
   = help: save the file as UTF-8

chatd.toml:3:11: error: `server.network` must not contain spaces
 3 | network = \"a b\"
   |           ^^^^^
   = help: use hyphens, such as My-Network

chatd.toml:4:9: error: the byte 0xe9 is not UTF-8
 4 | motd = \"\u{fffd}\"
   |         ^
   = help: save the file as UTF-8";
        assert_eq!(report(&folder(&[("chatd.toml", text)])), expected);
    }

    #[test]
    fn the_message_of_the_day_is_read_beside_the_configuration() {
        let config = b"[server]\nmotd_file = \"words/motd.txt\"\n";
        let folder = folder(&[("chatd.toml", config)]);
        fs::create_dir(folder.path().join("words")).unwrap();
        let motd = folder.path().join("words/motd.txt");
        for (text, lines) in [
            ("\u{feff}Hello.\r\n\r\n  K\u{f6}ln\n", &["Hello.", "", "  K\u{f6}ln"][..]),
            ("no newline", &["no newline"]),
            ("", &[]),
        ] {
            fs::write(&motd, text).unwrap();
            let loaded = load(Some(&folder.path().join("chatd.toml")), None).unwrap();
            assert_eq!(loaded.config.server.motd, lines);
            assert_eq!(loaded.config.server.motd_file.as_ref(), Some(&motd));
        }
    }

    #[test]
    fn faults_of_the_message_of_the_day_are_reported_with_those_of_the_configuration() {
        let config = b"[server]\nmotd_file = \"motd.txt\"\nnam = \"x\"\n";
        let folder = folder(&[("chatd.toml", config)]);
        let unknown = "\
chatd.toml:3:1: error: unknown key `nam` in [server]
 3 | nam = \"x\"
   | ^^^
   = help: did you mean `name`?";
        let missing = "\
chatd.toml:2:13: error: motd.txt cannot be read: No such file or directory
 2 | motd_file = \"motd.txt\"
   |             ^^^^^^^^^^";
        assert_eq!(report(&folder), format!("{missing}\n\n{unknown}"));

        let motd = [&b"fine\nnul\0\nlatin \xe9\n"[..], &[b'x'; 370], b"\n", &[b'y'; 372], b"\n"].concat();
        fs::write(folder.path().join("motd.txt"), motd).unwrap();
        let faults = format!(
            "\
motd.txt:2:4: error: the message of the day has a NUL or a lone carriage return in line 2
 2 | nul\\u{{0}}
   |    ^^^^^

motd.txt:3:7: error: the byte 0xe9 is not UTF-8
 3 | latin \u{fffd}
   |       ^
   = help: save the file as UTF-8

motd.txt:5:371: error: the message of the day has 372 bytes in line 5; at most 370 fit
 5 | ... {}yy
   |     {}^^",
            "y".repeat(60),
            " ".repeat(60)
        );
        assert_eq!(report(&folder), format!("{unknown}\n\n{faults}"));
    }

    #[test]
    fn the_message_of_the_day_is_bounded() {
        let folder = folder(&[("chatd.toml", b"[server]\nmotd_file = \"motd.txt\"\n")]);
        let motd = folder.path().join("motd.txt");
        fs::write(&motd, "x\n".repeat(500)).unwrap();
        assert!(load(Some(&folder.path().join("chatd.toml")), None).is_ok());
        fs::write(&motd, "x\n".repeat(501)).unwrap();
        let expected = "\
motd.txt:501:1: error: the message of the day must have at most 500 lines
 501 | x
     | ^";
        assert_eq!(report(&folder), expected);
        fs::write(&motd, "\n".repeat(MOTD + 1)).unwrap();
        assert!(report(&folder).contains("motd.txt is larger than 65536 bytes"), "{}", report(&folder));
    }

    #[test]
    fn sockets_that_were_not_passed_are_located_where_it_is_known() {
        let folder =
            folder(&[("chatd.toml", b"[[listen]]\nsocket = \"chat\"\n[[listen]]\nsocket = \"irc\"\n")]);
        let path = folder.path().join("chatd.toml");
        let load = |names: &[&str]| {
            let sockets = names.iter().map(|&name| name.to_owned()).collect();
            load(Some(&path), Some(&Given { sockets, ..Given::default() }))
        };
        assert!(super::load(Some(&path), None).is_ok(), "to be checked only");
        assert!(load(&["chat", "irc", "admin"]).is_ok());
        let report = load(&["admin", "irc"]).unwrap_err().to_string();
        let expected = "\
chatd.toml:2:10: error: no socket `chat` was passed to chatd
 2 | socket = \"chat\"
   |          ^^^^^^
   = help: `admin`, `irc` were; a socket unit passes it, with FileDescriptorName=chat, and only when chatd starts: \
a reload cannot add any";
        assert_eq!(report.replace(&format!("{}/", folder.path().display()), ""), expected);
        assert!(load(&[]).unwrap_err().to_string().contains("= help: none was; a socket unit"));
    }

    #[test]
    fn sockets_called_chat_stand_for_the_built_in_addresses() {
        let folder = folder(&[("chatd.toml", b"")]);
        let path = folder.path().join("chatd.toml");
        let listen = |text: &str, name: &str| {
            fs::write(&path, text).unwrap();
            let given = Given { sockets: vec![name.to_owned()], ..Given::default() };
            let listen = load(Some(&path), Some(&given)).unwrap().config.listen;
            listen.into_iter().map(|it| it.address.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(listen("", "chat"), ["chat"]);
        assert_eq!(listen("", "other"), ["127.0.0.1:6667", "[::1]:6667"]);
        assert_eq!(listen("[[listen]]\naddress = \"127.0.0.1:7\"\n", "chat"), ["127.0.0.1:7"]);
    }

    #[test]
    fn secrets_are_read_from_files_and_from_credentials_of_the_unit() {
        let text = "[server]\npassword_file = \"password\"\n[cloak]\nkey_file = \"credential:cloak\"\n\
            [[class]]\nname = \"c\"\npassword_file = \"credential:none\"\n\
            [[class]]\nname = \"d\"\npassword_file = \"class d\"\n";
        let key = "0123456789abcdef0123456789abcdef";
        let folder = folder(&[
            ("chatd.toml", text.as_bytes()),
            ("password", b"sesame\n"),
            ("class d", b"two words\r\n"),
            ("cloak", key.as_bytes()),
        ]);
        let path = folder.path().join("chatd.toml");
        let given = Given { credentials: Some(folder.path().to_owned()), ..Given::default() };
        let report = |given: &Given| {
            let report = load(Some(&path), Some(given)).unwrap_err().to_string();
            report.replace(&format!("{}/", folder.path().display()), "")
        };
        let missing = "\
chatd.toml:7:17: error: none cannot be read: No such file or directory
 7 | password_file = (not shown)
   |                 ^^^^^^^^^^^
   = help: the unit needs LoadCredential=none:/path/of/the/file; credentials are read when chatd starts";
        assert_eq!(report(&given), missing);
        let none = report(&Given::default());
        assert_eq!(none.matches("error: chatd was given no credentials").count(), 2, "{none}");

        fs::write(folder.path().join("none"), "x").unwrap();
        fs::set_permissions(folder.path().join("none"), fs::Permissions::from_mode(0o644)).unwrap();
        let loaded = load(Some(&path), Some(&given)).unwrap();
        let config = loaded.config;
        assert_eq!(config.server.password.as_deref(), Some("sesame"));
        assert_eq!(config.cloak.key.as_deref(), Some(key));
        let passwords: Vec<_> = config.class.iter().map(|class| class.password.as_deref()).collect();
        assert_eq!(passwords, [Some("x"), Some("two words")]);
        assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);

        // Its content is held against the same rules, and never shown.
        fs::write(folder.path().join("password"), ":sesame").unwrap();
        let report = report(&given);
        let wanted = "chatd.toml:2:17: error: `server.password` must not begin with a colon";
        assert!(report.starts_with(wanted) && !report.contains("sesame"), "{report}");
        assert!(load(Some(&path), None).is_err(), "files are read when it is only to be checked, too");
        fs::write(folder.path().join("password"), "sesame").unwrap();
        let checked = load(Some(&path), None).unwrap();
        assert_eq!(checked.config.cloak.key, None, "credentials are not");
        let printed = crate::config::print(&config);
        assert!(
            !printed.contains("sesame") && printed.contains("# password is what password_file says"),
            "{printed}"
        );
    }

    #[test]
    fn secrets_that_everybody_can_read_are_warned_of() {
        let folder = folder(&[("chatd.toml", b"[server]\npassword = \"secret\"\n")]);
        let path = folder.path().join("chatd.toml");
        assert!(load(Some(&path), None).unwrap().warnings.is_empty());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let warnings = load(Some(&path), None).unwrap().warnings;
        let place = path.display();
        assert_eq!(
            warnings[0].one_line(),
            format!(
                "{place}:2:12: warning: every user of this machine can read this password (chmod o-r {place})"
            )
        );
        let text = "[cloak]\nkey = \"0123456789abcdef0123456789abcdef\"\n[[webirc]]\nname = \"a\"\n\
            password = \"b\"\nnetworks = [\"::1\"]\n[[class]]\nname = \"c\"\npassword = \"d\"\n";
        fs::write(&path, text).unwrap();
        let warnings = load(Some(&path), None).unwrap().warnings;
        let places: Vec<_> = warnings.iter().map(|it| (it.line.unwrap(), it.message.as_str())).collect();
        let message = |key: &str| format!("every user of this machine can read this {key}");
        assert_eq!(places, [(2, &*message("key")), (5, &*message("password")), (9, &*message("password"))]);
        fs::write(&path, "[admin]\nmode = \"0660\"\n").unwrap();
        assert!(load(Some(&path), None).unwrap().warnings.is_empty());
    }
}
