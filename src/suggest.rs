//! "Did you mean": the nearest of a few known words.

/// The candidate that `word` is most likely a slip of, if any is near enough: at most a third of its
/// letters away, counting insertions, deletions, replacements and swapped neighbours; case does not count.
pub(crate) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// A longer word is a slip of nothing, and comparing costs the product of the lengths.
    const LONGEST: usize = 32;
    let word: Vec<char> = word.chars().take(LONGEST + 1).map(|c| c.to_ascii_lowercase()).collect();
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.chars().collect::<Vec<_>>()), candidate))
        .filter(|&(distance, candidate)| distance <= candidate.len().div_ceil(3))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i);
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 4] = ["users", "channels", "connections", "listeners"];

    #[test]
    fn slips_of_the_finger_find_their_word() {
        for (slip, word) in [
            ("user", "users"),
            ("Channels", "channels"),
            ("chanels", "channels"),
            ("connectoins", "connections"),
            ("listenres", "listeners"),
        ] {
            assert_eq!(closest(slip, WORDS), Some(word), "{slip}");
        }
    }

    #[test]
    fn other_words_find_nothing() {
        for word in ["", "bans", "nothing at all", &"users".repeat(100)] {
            assert_eq!(closest(word, WORDS), None, "{word}");
        }
    }
}
