//! hash-password: from a pipe and from a terminal.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use chatd::password::verify;

use crate::fake::{Outcome, chatctl};

/// What comes of it with this on stdin.
fn hash(line: &str, input: &[u8]) -> Outcome {
    let mut command = chatctl(line);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_line_from_a_pipe_is_hashed_and_nothing_asked() {
    for input in [&b"open sesame\n"[..], b"open sesame\r\nmore\n", b"open sesame"] {
        let text = hash("hash-password", input).done();
        let phc = text.strip_suffix('\n').unwrap();
        assert_eq!(verify(phc, "open sesame"), Some(true), "{phc}");
        phc.parse::<chatd::config::PasswordHash>().expect("the configuration takes it");
    }
    let text = hash("hash-password --json", b"sesame\n").done();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(verify(json["hash"].as_str().unwrap(), "sesame"), Some(true));
}

#[test]
fn what_cannot_be_a_password_is_refused() {
    for (input, words) in [
        (&b""[..], "the password is empty"),
        (b"\n", "the password is empty"),
        (b"\xff\n", "is not UTF-8"),
        (b"a\0b\n", "has a control character"),
        (&[b'x'; 301], "is longer than 300 bytes"),
    ] {
        let message = hash("hash-password", input).failed(1);
        assert!(message.contains(words), "{message}");
    }
}

/// A terminal that script(1) makes, with chatctl on it.
struct Terminal(Child);

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Terminal {
    fn new() -> Self {
        let command = format!("exec {} hash-password", env!("CARGO_BIN_EXE_chatctl"));
        let mut script = Command::new("script");
        script.env_remove("TERM");
        script.args(["-qec", &command, "/dev/null"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(script.spawn().expect("script(1), of bsdutils"))
    }

    /// Reads up to these words; everything before them.
    fn shows(&mut self, words: &str) -> String {
        let mut shown = Vec::new();
        let out = self.0.stdout.as_mut().unwrap();
        while !shown.ends_with(words.as_bytes()) {
            let mut byte = [0];
            assert_eq!(out.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&shown));
            shown.push(byte[0]);
        }
        String::from_utf8(shown).unwrap()
    }

    fn types(&mut self, text: &str) {
        let input = self.0.stdin.as_mut().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        input.flush().unwrap();
    }
}

#[test]
fn a_terminal_is_asked_twice_and_shows_nothing() {
    let mut terminal = Terminal::new();
    terminal.shows("Password: ");
    terminal.types("open sesame\n");
    assert!(!terminal.shows("Once more: ").contains("sesame"));
    terminal.types("open sesame\n");
    let shown = terminal.shows("\r\n") + &terminal.shows("\r\n");
    assert!(!shown.contains("sesame"), "{shown}");
    assert_eq!(verify(shown.trim(), "open sesame"), Some(true), "{shown}");
}

#[test]
fn two_that_differ_and_an_interrupt_are_refused() {
    let mut terminal = Terminal::new();
    terminal.shows("Password: ");
    terminal.types("one\n");
    terminal.shows("Once more: ");
    terminal.types("two\n");
    terminal.shows("chatctl: the two are not the same");
    let mut terminal = Terminal::new();
    terminal.shows("Password: ");
    terminal.types("one\x03");
    terminal.shows("chatctl: interrupted");
    assert_eq!(terminal.0.wait().unwrap().code(), Some(1));
}
