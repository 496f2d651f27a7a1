//! `chatctl hash-password`: a password from the terminal or a pipe, and its hash on stdout. Needs no daemon.

use std::io::{self, BufRead, IsTerminal, Write};
use std::os::fd::AsFd;

use nix::sys::termios::{self, LocalFlags, SetArg, SpecialCharacterIndices, Termios};
use serde_json::json;

use super::Failure;
use crate::password;

/// The longest password, in bytes: with OPER and a name in front of it, it fits a line of IRC.
const LONGEST: usize = 300;
/// Ctrl-C, which ends the input of a password as the end of a line does.
const INTERRUPT: u8 = 0x03;

/// Asks for a password, twice at a terminal, and prints its hash.
///
/// # Errors
/// The password will not do, or the hash cannot be printed.
pub(super) fn run(json: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let stdin = io::stdin();
    let password = if stdin.is_terminal() { ask_twice(&stdin) } else { line(&mut stdin.lock()) };
    let password = password.and_then(checked).map_err(Failure::Password)?;
    let hash = password::hash(&password).map_err(Failure::Password)?;
    if json {
        writeln!(out, "{}", json!({ "hash": hash }))?;
    } else {
        writeln!(out, "{hash}")?;
    }
    Ok(())
}

fn ask_twice(terminal: &io::Stdin) -> Result<Vec<u8>, String> {
    let _silence =
        Silence::begin(terminal).map_err(|error| format!("the terminal cannot be silenced: {error}"))?;
    let first = ask(terminal, "Password: ")?;
    let second = ask(terminal, "Once more: ")?;
    if first == second { Ok(first) } else { Err("the two are not the same".to_owned()) }
}

fn ask(terminal: &io::Stdin, prompt: &str) -> Result<Vec<u8>, String> {
    // stdout is for the hash.
    let _ = write!(io::stderr(), "{prompt}");
    let line = line(&mut terminal.lock());
    let _ = writeln!(io::stderr());
    line
}

/// A line without its end, or what there is of it.
fn line(input: &mut impl BufRead) -> Result<Vec<u8>, String> {
    let mut line = Vec::new();
    loop {
        let chunk = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            chunk => chunk.map_err(|error| format!("the password cannot be read: {error}"))?,
        };
        let end = chunk.iter().position(|&byte| matches!(byte, b'\n' | INTERRUPT));
        let count = end.map_or(chunk.len(), |end| end + 1);
        line.extend_from_slice(&chunk[..count]);
        input.consume(count);
        // Longer ones are refused: how much longer makes no difference.
        if end.is_some() || count == 0 || line.len() > LONGEST + 2 {
            break;
        }
    }
    if line.last() == Some(&INTERRUPT) {
        return Err("interrupted".to_owned());
    }
    line.pop_if(|byte| *byte == b'\n');
    line.pop_if(|byte| *byte == b'\r');
    Ok(line)
}

/// What a client can send as the last parameter of OPER.
fn checked(password: Vec<u8>) -> Result<String, String> {
    if password.len() > LONGEST {
        return Err(format!("the password is longer than {LONGEST} bytes"));
    }
    let password = String::from_utf8(password).map_err(|_| "the password is not UTF-8".to_owned())?;
    if password.is_empty() {
        Err("the password is empty".to_owned())
    } else if password.contains(char::is_control) {
        Err("the password has a control character in it".to_owned())
    } else {
        Ok(password)
    }
}

/// A terminal that shows nothing of what is typed, until this is dropped. Ctrl-C ends the line and is no signal meanwhile,
/// so that nothing can end the process and leave the terminal silent.
struct Silence<'a> {
    terminal: &'a io::Stdin,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn begin(terminal: &'a io::Stdin) -> nix::Result<Self> {
        let before = termios::tcgetattr(terminal.as_fd())?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO | LocalFlags::ISIG);
        silent.control_chars[SpecialCharacterIndices::VEOL as usize] = INTERRUPT;
        termios::tcsetattr(terminal.as_fd(), SetArg::TCSAFLUSH, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(self.terminal.as_fd(), SetArg::TCSANOW, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_without_its_end() {
        for (input, expected) in
            [("one\ntwo\n", "one"), ("one\r\n", "one"), ("one", "one"), ("", ""), ("\n", "")]
        {
            assert_eq!(line(&mut input.as_bytes()), Ok(expected.as_bytes().to_vec()), "{input:?}");
        }
        assert_eq!(line(&mut &b"on\x03e\n"[..]), Err("interrupted".to_owned()));
        let endless = vec![b'x'; 10_000];
        assert!(line(&mut io::BufReader::with_capacity(64, &*endless)).unwrap().len() < 500);
    }

    #[test]
    fn a_password_is_what_can_be_sent() {
        let check = |text: &[u8]| checked(text.to_vec());
        assert_eq!(check("open \u{e9}".as_bytes()).as_deref(), Ok("open \u{e9}"));
        assert!(check(&[b'x'; LONGEST]).is_ok());
        for bad in [&b""[..], b"a\tb", b"\xff", &[b'x'; LONGEST + 1]] {
            check(bad).unwrap_err();
        }
    }
}
