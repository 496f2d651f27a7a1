//! Checks of passwords, their hashes, and keys. What they complain of is never shown.

use crate::config::PasswordHash;
use crate::config::field::Field;

/// The key and the hash of the sample configuration, which everybody knows.
const PUBLISHED_KEY: &str = "write-something-else-that-is-long-enough";
const PUBLISHED_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$wiBG8uzp3uBhBramwLIOyw$mqPXzEs2h999yZRRs4KCLq4UEcEdbRQfnYd5kcV7zfM";

pub(in crate::config) fn password(field: &mut Field<'_>) -> Option<String> {
    const LONGEST: usize = 200;
    let text = field.text()?;
    if text.is_empty() {
        return field.refuse_help("must not be empty", "delete it to let clients in without a password");
    }
    if text.contains(char::is_control) {
        return field.refuse("must not contain control characters");
    }
    if text.trim() != text {
        return field.refuse("must not begin or end with a space");
    }
    if text.starts_with(':') {
        return field.refuse("must not begin with a colon: clients could not send it");
    }
    if text.len() > LONGEST {
        return field.refuse(&format!("must be at most {LONGEST} bytes long, not {}", text.len()));
    }
    Some(text.to_owned())
}

/// The password of a gateway, which is one word of WEBIRC.
pub(in crate::config) fn gateway_password(field: &mut Field<'_>) -> Option<String> {
    let text = password(field)?;
    if text.contains(' ') {
        return field.refuse_help("must not contain spaces", "it is one word of the command WEBIRC");
    }
    Some(text)
}

/// The hash of an operator's password.
pub(in crate::config) fn hash(field: &mut Field<'_>) -> Option<PasswordHash> {
    let text = field.text()?;
    match text.parse() {
        Ok(hash) => {
            if text == PUBLISHED_HASH {
                field.warn(
                    "is that of the sample configuration, which everybody knows",
                    "make one with `chatctl hash-password`",
                );
            }
            Some(hash)
        }
        Err(message) => field.refuse_help(&message, "make one with `chatctl hash-password`"),
    }
}

pub(in crate::config) fn cloak_key(field: &mut Field<'_>) -> Option<String> {
    /// Characters.
    const SHORTEST: usize = 32;
    const LONGEST: usize = 200;
    let text = field.text()?;
    let help = "such as what `openssl rand -base64 36` writes";
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return field.refuse_help("must be of ASCII without spaces", help);
    }
    if !(SHORTEST..=LONGEST).contains(&text.len()) {
        let message = format!("must have {SHORTEST} to {LONGEST} characters, not {}", text.len());
        return field.refuse_help(&message, help);
    }
    if text == PUBLISHED_KEY {
        let message = "is that of the sample configuration: whoever knows it can tell addresses from cloaks";
        field.warn(message, help);
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_warned_of_is_what_the_sample_has() {
        let sample = include_str!("../../../etc/chatd.toml");
        assert!(sample.contains(&format!("#key = \"{PUBLISHED_KEY}\"\n")));
        assert!(sample.contains(&format!("#password = \"{PUBLISHED_HASH}\"\n")));
    }
}
