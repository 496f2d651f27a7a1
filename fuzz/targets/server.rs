//! Sequences of inputs into the server. The input is a script; each line begins with a letter:
//!
//! | first | what happens |
//! |---|---|
//! | `0` to `7` | that client sends the rest of the line |
//! | `-` and a digit | that client's connection ends |
//! | `!` and a digit | that client sends too long a line |
//! | `t` and a number | so many milliseconds pass |
//! | `r` | the configuration is read again |
//! | `x`, `k` and a digit | an operator disconnects that client, removes it from `#x` |
//! | `n` | an operator sends the rest of the line to everybody |
//! | others | a client, by number, sends the rest of the line |
//!
//! A rest that begins with a byte from 128 on has a command of the table in its place.

#![no_main]

use chatd::server::COMMANDS;
use chatd_fuzz::{CLIENTS, World};
use libfuzzer_sys::fuzz_target;

/// The longest time that passes at once, in milliseconds.
const LONGEST: u64 = 1_000_000;

fuzz_target!(|data: &[u8]| {
    let mut world = World::new();
    for step in data.split(|&byte| byte == b'\n') {
        if !world.count() {
            break;
        }
        act(&mut world, step);
    }
    world.shut_down();
    for number in 0..CLIENTS {
        world.take(number);
    }
});

fn act(world: &mut World, step: &[u8]) {
    let Some((&first, rest)) = step.split_first() else { return };
    let number = usize::from(rest.first().copied().unwrap_or(0)) % CLIENTS;
    // What an operator types has been checked: it is never empty and has no control characters.
    let text = || {
        let text: String =
            String::from_utf8_lossy(rest).chars().filter(|char| !char.is_control()).take(300).collect();
        if text.is_empty() { "text".to_owned() } else { text }
    };
    match first {
        b'-' => world.close(number),
        b'!' => world.oversized(number),
        b't' => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).take(7);
            let ms = digits.fold(0, |ms, digit| ms * 10 + u64::from(digit - b'0'));
            world.advance(ms.min(LONGEST));
        }
        b'r' => world.reload(),
        b'x' => world.kill(number, &text()),
        b'k' => world.kick(number, &text()),
        b'n' => world.announce(&text()),
        client => {
            let mut line = Vec::new();
            match rest.split_first() {
                Some((&byte @ 128.., rest)) => {
                    line.extend_from_slice(
                        COMMANDS[usize::from(byte - 128) % COMMANDS.len()].name.as_bytes(),
                    );
                    line.extend_from_slice(rest);
                }
                _ => line.extend_from_slice(rest),
            }
            world.line(usize::from(client) % CLIENTS, &line);
        }
    }
}
