//! Patterns for received lines: messages with placeholders for what differs from run to run.

use crate::text::unescape;

/// A line to be received.
#[derive(Debug)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
    /// The tag `msgid` only counts where a pattern names it.
    with_id: bool,
}

#[derive(Debug)]
enum Piece {
    Literal(Vec<u8>),
    Number,
    Time,
    Word,
    Text,
}

impl Pattern {
    /// Reads a pattern as a scenario file has it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let line = canonical(&unescape(text)?, true);
        let mut pieces = Vec::new();
        let mut rest = &line[..];
        while !rest.is_empty() {
            let open = rest.iter().position(|&b| b == b'<').unwrap_or(rest.len());
            if open > 0 {
                pieces.push(Piece::Literal(rest[..open].to_vec()));
                rest = &rest[open..];
            }
            let Some(close) = rest.iter().position(|&b| b == b'>') else {
                pieces.extend((!rest.is_empty()).then(|| Piece::Literal(rest.to_vec())));
                break;
            };
            pieces.push(match &rest[..=close] {
                b"<number>" => Piece::Number,
                b"<time>" => Piece::Time,
                b"<word>" => Piece::Word,
                b"<text>" => Piece::Text,
                other => return Err(format!("{} is no placeholder", String::from_utf8_lossy(other))),
            });
            rest = &rest[close + 1..];
        }
        let with_id = line.starts_with(b"@") && text.contains("msgid=");
        Ok(Self { pieces, with_id })
    }

    /// Whether a received line, without its CR LF, is what the pattern says.
    pub(crate) fn matches(&self, line: &[u8]) -> bool {
        matches(&self.pieces, &canonical(line, self.with_id))
    }
}

fn matches(pieces: &[Piece], rest: &[u8]) -> bool {
    let Some((first, pieces)) = pieces.split_first() else { return rest.is_empty() };
    let longest = match first {
        Piece::Literal(literal) => {
            return rest.strip_prefix(&literal[..]).is_some_and(|rest| matches(pieces, rest));
        }
        Piece::Time => {
            let len = TIME.len();
            return rest.len() >= len && is_time(&rest[..len]) && matches(pieces, &rest[len..]);
        }
        Piece::Text => return (0..=rest.len()).any(|len| matches(pieces, &rest[len..])),
        Piece::Number => rest.iter().take_while(|b| b.is_ascii_digit()).count(),
        Piece::Word => rest.iter().take_while(|&&b| b != b' ').count(),
    };
    (1..=longest).rev().any(|len| matches(pieces, &rest[len..]))
}

/// The shape of the tag `time` (IRCv3 server-time): `0` is any digit.
const TIME: &[u8] = b"0000-00-00T00:00:00.000Z";

fn is_time(text: &[u8]) -> bool {
    text.iter().zip(TIME).all(|(b, shape)| if *shape == b'0' { b.is_ascii_digit() } else { b == shape })
}

/// A message in one spelling: tags sorted, a colon before the last parameter. What is no message stays as it is.
fn canonical(line: &[u8], with_id: bool) -> Vec<u8> {
    let Ok(mut rest) = std::str::from_utf8(line) else { return line.to_vec() };
    let mut text = String::new();
    if let Some((tags, after)) = rest.strip_prefix('@').and_then(|rest| rest.split_once(' ')) {
        let mut tags: Vec<_> = tags.split(';').filter(|tag| with_id || !tag.starts_with("msgid=")).collect();
        tags.sort_unstable();
        if !tags.is_empty() {
            text = format!("@{} ", tags.join(";"));
        }
        rest = after;
    }
    if let Some((source, after)) = rest.strip_prefix(':').and_then(|rest| rest.split_once(' ')) {
        text = format!("{text}:{source} ");
        rest = after;
    }
    match rest.split_once(" :").or_else(|| rest.rsplit_once(' ')) {
        Some((first, last)) => format!("{text}{first} :{last}"),
        None => format!("{text}{rest}"),
    }
    .into_bytes()
}

#[test]
fn spelling_makes_no_difference_and_content_does() {
    let pattern = Pattern::parse(":irc.test 332 alice #c hello").unwrap();
    assert!(pattern.matches(b":irc.test 332 alice #c :hello"));
    assert!(!pattern.matches(b":irc.test 332 alice #c :hello "));
    assert!(!pattern.matches(b":irc.test 332 alice  #c :hello"));
    assert!(!pattern.matches(b":irc.test 332 alice #c hel lo"));
    assert!(Pattern::parse("@a=1;+b=2 :x JOIN #c").unwrap().matches(b"@+b=2;a=1 :x JOIN :#c"));
    assert!(!Pattern::parse("@a=1;+b=2 :x JOIN #c").unwrap().matches(b"@+b=2 :x JOIN :#c"));
    assert!(Pattern::parse(":a PRIVMSG b ::)").unwrap().matches(b":a PRIVMSG b ::)"));
    assert!(Pattern::parse(":a PRIVMSG b :").unwrap().matches(b":a PRIVMSG b :"));
    assert!(!Pattern::parse(":a PRIVMSG b :").unwrap().matches(b":a PRIVMSG b"));
    assert!(Pattern::parse("PING x").unwrap().matches(b"PING :x"));
    assert!(Pattern::parse(":x JOIN #c").unwrap().matches(b"@msgid=1 :x JOIN :#c"));
    assert!(!Pattern::parse("@msgid=2 :x JOIN #c").unwrap().matches(b"@msgid=1 :x JOIN :#c"));
}

#[test]
fn placeholders_stand_for_what_they_say() {
    let pattern = Pattern::parse("@time=<time> :s 333 a #c <word> <number>").unwrap();
    assert!(pattern.matches(b"@time=2024-02-03T04:05:06.789Z :s 333 a #c bob!b@h 1700000000"));
    assert!(!pattern.matches(b"@time=2024-02-03T04:05:06Z :s 333 a #c bob!b@h 1700000000"));
    assert!(!pattern.matches(b"@time=2024-02-03T04:05:06.789Z :s 333 a #c bob x 1700000000"));
    assert!(!pattern.matches(b"@time=2024-02-03T04:05:06.789Z :s 333 a #c bob 17x"));
    let pattern = Pattern::parse(":s 371 a :<text>end").unwrap();
    assert!(pattern.matches(b":s 371 a :end") && pattern.matches(b":s 371 a :an end to the end"));
    assert!(!pattern.matches(b":s 371 a :ending"));
    assert!(Pattern::parse(":s 001 <nick>").is_err());
}
