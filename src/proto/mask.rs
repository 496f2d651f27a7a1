//! Masks: patterns in which `*` stands for any text and `?` for any one character.

use std::cell::OnceCell;

use super::limits::MASK_TEXT;
use super::text::truncate;

/// Whether `mask` matches the whole of `text`, whatever the case of ASCII letters. For one mask against one text;
/// for many masks, [`Subject`] prepares the text once.
pub fn matches(mask: &str, text: &str) -> bool {
    Subject::new(text).matches(mask)
}

/// Why what was given is no mask of at most `most` bytes.
pub fn fault(given: &str, most: usize) -> String {
    if complete(given).len() > most {
        format!("A mask has up to {most} bytes")
    } else {
        "Not a mask of the form nick!user@host".to_owned()
    }
}

/// A text that many masks are held against.
///
/// Making one costs nothing. Most masks are refused or accepted by their ends, the parts before the first and after the
/// last `*`. Only for what lies between, the text is prepared, once: a set of positions for each byte that occurs in it.
/// Then all ways to match a mask are followed at the same time, as a set of the positions in the text that its
/// part so far can end at. Each byte of the mask moves the whole set, 64 positions at a time: a mask takes at most
/// `mask.len() * (text.len() / 64 + 1)` steps, whatever is in it, and no memory. After a star the set is all positions from
/// one on, and that one is found without moving any.
///
/// A text of more than [`MASK_TEXT`] bytes is cut there, between two characters, and matched as though it ended there.
#[derive(Debug)]
pub struct Subject<'a> {
    text: &'a str,
    places: OnceCell<Places>,
}

impl<'a> Subject<'a> {
    /// For matching `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text: truncate(text, MASK_TEXT), places: OnceCell::new() }
    }

    /// The text, as far as masks see it.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Whether `mask` matches the whole of the text, whatever the case of ASCII letters.
    pub fn matches(&self, mask: &str) -> bool {
        let (mask, text) = (mask.as_bytes(), self.text.as_bytes());
        let (mut m, mut begin) = (0, 0);
        loop {
            match (mask.get(m), text.get(begin)) {
                (Some(b'*'), _) => break,
                (Some(b'?'), Some(&byte)) => begin += char_len(byte),
                (Some(byte), Some(other)) if byte.eq_ignore_ascii_case(other) => begin += 1,
                (None, None) => return true,
                _ => return false,
            }
            m += 1;
        }
        // The byte at `m` is a star. What follows the last wildcard must be the end of the text.
        let tail = mask.iter().rposition(|byte| matches!(byte, b'*' | b'?')).map_or(m, |last| last + 1);
        let Some(end) = text.len().checked_sub(mask.len() - tail).filter(|&end| end >= begin) else {
            return false;
        };
        if !text[end..].eq_ignore_ascii_case(&mask[tail..]) {
            return false;
        }
        let middle = &mask[m..tail];
        middle.iter().all(|&byte| byte == b'*')
            || self.places.get_or_init(|| Places::new(text)).lead(begin, end, middle)
    }
}

/// Where each byte occurs in a text of at most [`MASK_TEXT`] bytes. Sets of positions are rows of equal length, the
/// lowest bit of the first word being position 0; the position behind the text is one, too.
#[derive(Debug)]
struct Places {
    /// The row of each byte, the same for both cases of a letter.
    of_byte: [u8; 256],
    /// Row 0 is empty, for bytes that do not occur. Row 1 has where characters begin and where the text ends; row 2, all
    /// other positions of the text.
    rows: Vec<u64>,
    /// Words of a row: 1 to 4, or 8.
    width: usize,
    /// Whether each character is one byte.
    ascii: bool,
}

impl Places {
    fn new(text: &[u8]) -> Self {
        let width = match text.len() / 64 + 1 {
            few @ ..=4 => few,
            _ => 8,
        };
        let mut of_byte = [0; 256];
        let mut used = 3;
        for byte in text.iter().map(u8::to_ascii_lowercase) {
            let row = &mut of_byte[usize::from(byte)];
            if *row == 0 {
                // Valid UTF-8 has fewer than 253 different bytes.
                *row = used;
                used += 1;
            }
        }
        let mut rows = vec![0; usize::from(used) * width];
        let mut add = |row: u8, at: usize| rows[usize::from(row) * width + at / 64] |= 1 << (at % 64);
        for (at, &byte) in text.iter().enumerate() {
            add(of_byte[usize::from(byte.to_ascii_lowercase())], at);
            add(if is_continuation(byte) { 2 } else { 1 }, at);
        }
        add(1, text.len());
        for byte in b'A'..=b'Z' {
            of_byte[usize::from(byte)] = of_byte[usize::from(byte.to_ascii_lowercase())];
        }
        Self { of_byte, rows, width, ascii: text.is_ascii() }
    }

    /// Whether `mask` matches the text between two positions.
    fn lead(&self, begin: usize, end: usize, mask: &[u8]) -> bool {
        match self.width {
            1 => self.lead_in::<1>(begin, end, mask),
            2 => self.lead_in::<2>(begin, end, mask),
            3 => self.lead_in::<3>(begin, end, mask),
            4 => self.lead_in::<4>(begin, end, mask),
            _ => self.lead_in::<8>(begin, end, mask),
        }
    }

    /// The same with rows of `N` words.
    fn lead_in<const N: usize>(&self, begin: usize, end: usize, mask: &[u8]) -> bool {
        let (rows, _) = self.rows.as_chunks::<N>();
        let (starts, rest) = (&rows[1], &rows[2]);
        let mut left = mask.iter();
        let mut reached = [0; N];
        reached[begin / 64] = 1 << (begin % 64);
        while let Some(&byte) = left.next() {
            reached = match byte {
                b'*' => match first(&reached, 0).and_then(|from| self.behind_star(rows, from, &mut left)) {
                    Some(Behind::Set(set)) => set,
                    Some(Behind::All(from)) => return from <= end && has(starts, end),
                    None => return false,
                },
                b'?' if self.ascii => and(&next(&reached), starts),
                // Who is sent into a character is carried to its end by the addition.
                b'?' => and(&sum(&next(&reached), rest), starts),
                _ => next(&and(&reached, self.row(rows, byte))),
            };
            if reached == [0; N] {
                return false;
            }
        }
        has(&reached, end)
    }

    /// What can be reached with the bytes of a mask behind a star that begins at `from`, up to the first whose place is not
    /// certain; `None` if it is nothing. Of a byte between two stars only the first place counts.
    #[inline]
    fn behind_star<const N: usize>(
        &self,
        rows: &[[u64; N]],
        mut from: usize,
        left: &mut std::slice::Iter<'_, u8>,
    ) -> Option<Behind<N>> {
        loop {
            match left.next() {
                Some(b'*') => {}
                Some(b'?') => from = first(&rows[1], from + 1)?,
                Some(&byte) if left.as_slice().first() == Some(&b'*') => {
                    from = first(self.row(rows, byte), from)? + 1;
                }
                Some(&byte) => return Some(Behind::Set(next(&from_on(self.row(rows, byte), from)))),
                None => return Some(Behind::All(from)),
            }
        }
    }

    /// Where a byte occurs.
    #[inline]
    fn row<'a, const N: usize>(&self, rows: &'a [[u64; N]], byte: u8) -> &'a [u64; N] {
        &rows[usize::from(self.of_byte[usize::from(byte)])]
    }
}

/// Positions that can be reached.
enum Behind<const N: usize> {
    Set([u64; N]),
    /// All where characters begin, from this one on, and the mask is at its end.
    All(usize),
}

/// Whether a position is in a set.
fn has<const N: usize>(set: &[u64; N], at: usize) -> bool {
    set[at / 64] >> (at % 64) & 1 == 1
}

/// The lowest position in a set that is not below `from`. May be asked for one behind the end.
#[inline]
fn first<const N: usize>(set: &[u64; N], from: usize) -> Option<usize> {
    let mut word = from / 64;
    let mut bits = *set.get(word)? & (u64::MAX << (from % 64));
    while bits == 0 {
        word += 1;
        bits = *set.get(word)?;
    }
    Some(word * 64 + bits.trailing_zeros() as usize)
}

/// The positions in a set that are not below `from`.
#[inline]
fn from_on<const N: usize>(set: &[u64; N], from: usize) -> [u64; N] {
    let mut rest = *set;
    for (word, bits) in rest.iter_mut().enumerate() {
        *bits &= match from.checked_sub(word * 64) {
            None => u64::MAX,
            Some(below @ ..64) => u64::MAX << below,
            Some(_) => 0,
        };
    }
    rest
}

#[inline]
fn and<const N: usize>(a: &[u64; N], b: &[u64; N]) -> [u64; N] {
    let mut both = *a;
    for (bits, other) in both.iter_mut().zip(b) {
        *bits &= other;
    }
    both
}

/// Each position's successor.
#[inline]
fn next<const N: usize>(set: &[u64; N]) -> [u64; N] {
    let (mut later, mut carry) = (*set, 0);
    for bits in &mut later {
        (*bits, carry) = (*bits << 1 | carry, *bits >> 63);
    }
    later
}

/// The sum of two sets taken as numbers.
#[inline]
fn sum<const N: usize>(a: &[u64; N], b: &[u64; N]) -> [u64; N] {
    let (mut all, mut carry) = (*a, false);
    for (bits, other) in all.iter_mut().zip(b) {
        let (sum, over) = bits.overflowing_add(*other);
        let (sum, more) = sum.overflowing_add(u64::from(carry));
        (*bits, carry) = (sum, over || more);
    }
    all
}

/// The length of the UTF-8 character that begins with `first`.
fn char_len(first: u8) -> usize {
    match first {
        0xf0.. => 4,
        0xe0.. => 3,
        0xc0.. => 2,
        _ => 1,
    }
}

/// Whether a byte of UTF-8 is within a character, not its first.
fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// The full form `nick!user@host` of a user mask: parts that are left out become `*`
/// (`nick`, `user@host` and `nick!user` are all accepted). Runs of `*` become one. A mask
/// that begins with `$` is an extended ban and stays as it is.
pub fn complete(mask: &str) -> String {
    if mask.starts_with('$') {
        return mask.to_owned();
    }
    let (nick, rest) = match mask.split_once('!') {
        Some((nick, rest)) => (nick, Some(rest)),
        None => ("*", None),
    };
    let (nick, user, host) = match (rest, rest.unwrap_or(mask).rsplit_once('@')) {
        (_, Some((user, host))) => (nick, user, host),
        (Some(user), None) => (nick, user, "*"),
        (None, None) if mask.contains(['.', ':']) => ("*", "*", mask),
        (None, None) => (mask, "*", "*"),
    };
    let or_any = |part: &'_ str| if part.is_empty() { "*".to_owned() } else { part.to_owned() };
    let mut full = format!("{}!{}@{}", or_any(nick), or_any(user), or_any(host));
    while full.contains("**") {
        full = full.replace("**", "*");
    }
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_characters_not_bytes() {
        assert!(matches("?", "é") && matches("a?b", "a€b") && !matches("??", "é"));
        assert!(matches("*é", "ééé") && !matches("é?", "é"));
    }

    #[test]
    fn the_whole_text_must_match_and_case_does_not_matter() {
        assert!(matches("", "") && matches("*", "") && matches("***", "abc") && matches("A*C", "abxC"));
        assert!(!matches("", "a") && !matches("a", "") && !matches("a*c", "abcd") && !matches("ab", "abc"));
        assert!(matches("*a*b*c*", "xxaxxbxxcxx") && !matches("*a*c*b*", "abc"));
    }

    /// What matching means, at its simplest: the prefixes of the text that each part of the mask can match.
    fn reference(mask: &str, text: &str) -> bool {
        let text: Vec<char> = text.to_ascii_lowercase().chars().collect();
        let mut ends = vec![false; text.len() + 1];
        ends[0] = true;
        for part in mask.to_ascii_lowercase().chars() {
            let before = ends.clone();
            for at in 0..ends.len() {
                ends[at] = match part {
                    '*' => before[at] || at > 0 && ends[at - 1],
                    _ => at > 0 && before[at - 1] && (part == '?' || part == text[at - 1]),
                };
            }
        }
        ends[text.len()]
    }

    /// All texts of at most `most` characters of an alphabet.
    fn words(alphabet: &[char], most: usize) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut begin = 0;
        for _ in 0..most {
            let end = words.len();
            for at in begin..end {
                let longer = alphabet.iter().map(|&char| format!("{}{char}", words[at]));
                let longer: Vec<_> = longer.collect();
                words.extend(longer);
            }
            begin = end;
        }
        words
    }

    #[test]
    fn every_short_mask_matches_what_it_should() {
        let masks = words(&['*', '?', 'a', 'B', 'é'], 5);
        for text in words(&['a', 'b', 'é'], 4) {
            let subject = Subject::new(&text);
            for mask in &masks {
                assert_eq!(subject.matches(mask), reference(mask, &text), "{mask:?} and {text:?}");
            }
        }
    }

    /// Numbers that are the same at each run (a linear congruential generator).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % bound
        }

        fn word(&mut self, alphabet: &[char], length: usize) -> String {
            (0..length).map(|_| alphabet[self.below(alphabet.len())]).collect()
        }
    }

    #[test]
    fn long_masks_match_what_they_should() {
        let mut numbers = Numbers(7);
        let mut matched = 0;
        for round in 0..1_500 {
            let alphabet: &[char] = if round % 2 == 0 { &['a', 'b'] } else { &['a', 'é', '€', '😀'] };
            let length = numbers.below(130);
            let text = numbers.word(alphabet, length);
            let subject = Subject::new(&text);
            for _ in 0..5 {
                // A mask that matches, with a few characters changed.
                let mut mask: Vec<char> = text.chars().collect();
                for _ in 0..numbers.below(20) {
                    let begin = numbers.below(mask.len() + 1);
                    let most = numbers.below(1 + text.len() / 4);
                    let end = (begin + numbers.below(most + 1)).min(mask.len());
                    let star = ['*', '*', '*', '?', 'a'][numbers.below(5)];
                    mask.splice(begin..end, [star]);
                }
                let mask: String = mask.into_iter().collect();
                matched += usize::from(reference(&mask, &text));
                assert_eq!(subject.matches(&mask), reference(&mask, &text), "{mask:?} and {text:?}");
            }
        }
        assert!((750..6_750).contains(&matched), "both answers are tried: {matched}");
    }

    #[test]
    fn texts_are_matched_up_to_their_bound_whatever_their_length() {
        for length in [62, 63, 64, 127, 128, 255, 256, 510, 511] {
            let text = format!("{}b", "a".repeat(length - 1));
            for (mask, fits) in [("*a?*b", true), ("*a*a*?b", true), ("*b?*", false), ("*?b*?", false)] {
                assert_eq!(matches(mask, &text), fits, "{mask} and {length} bytes");
            }
        }
        let text = format!("{}é", "a".repeat(MASK_TEXT - 1));
        assert_eq!(Subject::new(&text).text(), &text[..MASK_TEXT - 1], "no character is cut in half");
        assert!(matches("*a?a*a", &text) && !matches("*é", &text));
        let mut all: String = ('\u{1}'..='\u{7f}').chain('\u{80}'..='\u{ff}').collect();
        all.push('€');
        assert!(matches("*A?C*z*ÿ?", &all) && !matches("*A?D*ÿ?", &all));
    }

    #[test]
    fn short_masks_are_completed() {
        for (short, full) in [
            ("nick", "nick!*@*"),
            ("n!u@h", "n!u@h"),
            ("u@h", "*!u@h"),
            ("n!u", "n!u@*"),
            ("*.example.org", "*!*@*.example.org"),
            ("2001:db8::1", "*!*@2001:db8::1"),
            ("!@", "*!*@*"),
            ("n@h!u", "n@h!u@*"),
            ("a***b!**@**", "a*b!*@*"),
            ("", "*!*@*"),
            ("$a:x", "$a:x"),
            ("$", "$"),
        ] {
            assert_eq!(complete(short), full, "{short:?}");
        }
    }
}
