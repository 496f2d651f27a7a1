//! `chatctl completions`: what makes a shell complete command lines, made of their one definition.

use std::io::Write;

use clap_complete::{Shell, generate};

use super::Failure;

/// Prints what makes `shell` complete the command line of `program`.
///
/// # Errors
/// Those of writing.
pub(super) fn run(shell: &str, program: &str, out: &mut dyn Write) -> Result<(), Failure> {
    Ok(out.write_all(&script(shell, program))?)
}

/// The script for one of [`SHELLS`](super::args::SHELLS) and one of [`PROGRAMS`](super::args::PROGRAMS).
fn script(shell: &str, program: &str) -> Vec<u8> {
    let shell = match shell {
        "fish" => Shell::Fish,
        "zsh" => Shell::Zsh,
        _ => Shell::Bash,
    };
    let mut command = if program == "chatd" { crate::daemon::command() } else { super::command() };
    let mut script = Vec::new();
    generate(shell, &mut command, program, &mut script);
    script
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::{env, fs};

    use super::super::args::{PROGRAMS, SHELLS};
    use super::*;

    /// Where packages find what is installed: each as it is called there.
    fn place(shell: &str, program: &str) -> String {
        match shell {
            "fish" => format!("fish/{program}.fish"),
            "zsh" => format!("zsh/_{program}"),
            _ => format!("bash/{program}"),
        }
    }

    #[test]
    fn what_packages_install_is_what_is_printed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/completions");
        for (shell, program) in SHELLS.into_iter().flat_map(|shell| PROGRAMS.map(|program| (shell, program)))
        {
            let (path, script) = (folder.join(place(shell, program)), script(shell, program));
            if env::var_os("CHATD_BLESS").is_some() {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, &script).unwrap();
            }
            let there = fs::read(&path).unwrap_or_default();
            assert!(
                there == script,
                "{} is not what chatctl completions {shell} {program} prints; CHATD_BLESS=1 writes it anew",
                path.display()
            );
        }
    }

    #[test]
    fn scripts_know_verbs_options_and_values() {
        for shell in SHELLS {
            let text = String::from_utf8(script(shell, "chatctl")).unwrap();
            for word in ["kick", "confirm-within", "listeners", "busiest"] {
                assert!(text.contains(word), "{shell}: {word}");
            }
            let text = String::from_utf8(script(shell, "chatd")).unwrap();
            assert!(text.contains("check-config"), "{shell}");
        }
    }
}
