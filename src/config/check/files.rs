//! Checks of paths, permissions, and the names of users and groups.

use std::path::PathBuf;

use crate::config::field::{Field, quoted};
use crate::config::secrets::{CREDENTIAL, credential};
use crate::place::LONGEST_PATH;

/// A path that chatd can open whatever its working directory is.
fn absolute(field: &mut Field<'_>) -> Option<PathBuf> {
    let path = file_name(field)?;
    if path.is_absolute() {
        return Some(path);
    }
    field.refuse_help(
        &format!("must be an absolute path, not {}", quoted(&path.to_string_lossy())),
        "it begins with `/`",
    )
}

fn file_name(field: &mut Field<'_>) -> Option<PathBuf> {
    let text = field.text()?;
    if text.is_empty() || text.ends_with('/') || text.contains('\0') {
        return field.refuse(&format!("must be the path of a file, not {}", quoted(text)));
    }
    Some(text.into())
}

pub(in crate::config) fn motd_file(field: &mut Field<'_>) -> Option<PathBuf> {
    file_name(field)
}

/// Where a secret is: a file, or a credential of the unit.
pub(in crate::config) fn secret_file(field: &mut Field<'_>) -> Option<PathBuf> {
    const LONGEST: usize = 255;
    let path = file_name(field)?;
    let Some(name) = credential(&path) else { return Some(path) };
    if name.is_empty() || name.len() > LONGEST || name.starts_with('.') || name.contains('/') {
        let message = format!("must name a credential after `{CREDENTIAL}`, not {}", quoted(name));
        return field.refuse_help(
            &message,
            "such as \"credential:password\", with LoadCredential=password:... in the unit",
        );
    }
    Some(path)
}

pub(in crate::config) fn pid_file(field: &mut Field<'_>) -> Option<PathBuf> {
    absolute(field)
}

pub(in crate::config) fn directory(field: &mut Field<'_>) -> Option<PathBuf> {
    absolute(field)
}

pub(in crate::config) fn socket(field: &mut Field<'_>) -> Option<PathBuf> {
    let path = absolute(field)?;
    if path.as_os_str().len() > LONGEST_PATH {
        let message = format!("must be at most {LONGEST_PATH} bytes long, not {}", path.as_os_str().len());
        return field.refuse_help(&message, "the kernel takes no longer path for a socket");
    }
    Some(path)
}

pub(in crate::config) fn mode(field: &mut Field<'_>) -> Option<u32> {
    let mode = permissions(field)?;
    if mode & 0o002 != 0 {
        field.warn("lets every user of this machine control chatd", "\"0660\" lets the socket's group do so");
    }
    Some(mode)
}

pub(in crate::config) fn monitor_mode(field: &mut Field<'_>) -> Option<u32> {
    let mode = permissions(field)?;
    if mode & 0o002 != 0 {
        let what = "lets every user of this machine see who is connected, and from where";
        field.warn(what, "\"0660\" lets the socket's group do so");
    }
    Some(mode)
}

/// The permissions of a socket.
fn permissions(field: &mut Field<'_>) -> Option<u32> {
    let is_octal =
        |text: &str| matches!(text.len(), 3 | 4) && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    if let Some(digits) = field.digits() {
        let example = if is_octal(digits) { digits } else { "660" };
        let help = format!("in quotes: mode = \"{example:0>4}\"");
        return field.refuse_help("must be a string of octal digits, not a number", help);
    }
    let text = field.text()?;
    let mode = u32::from_str_radix(text, 8).ok().filter(|&mode| is_octal(text) && mode <= 0o777);
    let Some(mode) = mode else {
        let message = format!("must be three octal digits with or without a leading 0, not {}", quoted(text));
        return field.refuse_help(&message, "such as \"0660\": owner and group may connect");
    };
    if mode & 0o600 != 0o600 {
        let help = "chatd itself must be able to connect, to tell a live socket from a dead one";
        return field.refuse_help("must let the owner read and write", help);
    }
    Some(mode)
}

/// The name of a user or group.
pub(in crate::config) fn account(field: &mut Field<'_>) -> Option<String> {
    const LONGEST: usize = 32;
    let text = field.text()?;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$');
    if text.is_empty() || text.len() > LONGEST || text.starts_with('-') || !text.bytes().all(good) {
        return field.refuse(&format!(
            "must be a name of at most {LONGEST} letters, digits, `_`, `-` and `.`, not {}",
            quoted(text)
        ));
    }
    Some(text.to_owned())
}
