//! Text of scenario files to bytes: escapes and repetition.

/// What `text` stands for: `\r \n \0 \t \s \\ \xHH` are bytes, `{TEXT*N}` is N times TEXT.
pub(crate) fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((unit, count, after)) = repetition(rest) {
            bytes.extend(unescape(unit)?.repeat(count));
            rest = after;
        } else if c == '\\' {
            rest = escape(&rest[1..], &mut bytes)?;
        } else {
            bytes.extend_from_slice(&rest.as_bytes()[..c.len_utf8()]);
            rest = &rest[c.len_utf8()..];
        }
    }
    Ok(bytes)
}

/// Reads one escape, without its backslash; returns what follows it.
fn escape<'a>(rest: &'a str, bytes: &mut Vec<u8>) -> Result<&'a str, String> {
    let c = rest.chars().next().ok_or("a backslash at the end")?;
    bytes.push(match c {
        'r' => b'\r',
        'n' => b'\n',
        't' => b'\t',
        's' => b' ',
        '0' => 0,
        '\\' => b'\\',
        'x' => {
            let digits = rest.get(1..3).ok_or("\\x needs two digits")?;
            bytes.push(u8::from_str_radix(digits, 16).map_err(|e| format!("\\x{digits}: {e}"))?);
            return Ok(&rest[3..]);
        }
        _ => return Err(format!("\\{c} is no escape")),
    });
    Ok(&rest[1..])
}

/// `{unit*count}` at the start of `rest`: the unit, the count, and what follows.
fn repetition(rest: &str) -> Option<(&str, usize, &str)> {
    let (inside, after) = rest.strip_prefix('{')?.split_once('}')?;
    let (unit, count) = inside.rsplit_once('*')?;
    (!unit.is_empty()).then_some((unit, count.parse().ok()?, after))
}

/// Bytes as a scenario file would write them.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        let chars: Vec<char> = chunk.valid().chars().collect();
        for run in chars.chunk_by(|a, b| a == b) {
            let unit = escaped_char(run[0]);
            match run.len() {
                n @ 20.. => text = format!("{text}{{{unit}*{n}}}"),
                n => text.push_str(&unit.repeat(n)),
            }
        }
        for byte in chunk.invalid() {
            text = format!("{text}\\x{byte:02x}");
        }
    }
    text
}

fn escaped_char(c: char) -> String {
    match c {
        '\r' => "\\r".to_owned(),
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        '\0' => "\\0".to_owned(),
        '\\' => "\\\\".to_owned(),
        c if c.is_ascii_control() => format!("\\x{:02x}", u32::from(c)),
        c => c.to_string(),
    }
}

#[test]
fn escapes_and_repetition_become_bytes_and_back() {
    assert_eq!(
        unescape(r"a\r\n\x00\xff\\{ab*3}{x}é").unwrap(),
        "a\r\n\0".bytes().chain([0xff]).chain("\\ababab{x}é".bytes()).collect::<Vec<_>>()
    );
    assert_eq!(escaped("é".repeat(30).as_bytes()), "{é*30}");
    assert_eq!(escaped(b"a\r\n\0\xff\\\x01"), r"a\r\n\0\xff\\\x01");
    assert!(unescape(r"\q").is_err() && unescape("\\").is_err() && unescape(r"\x1").is_err());
}
