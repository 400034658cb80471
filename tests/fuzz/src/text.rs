//! How an input is taken apart: lines, and words in a line.

use std::borrow::Cow;

/// The first line, and what is behind it.
pub(crate) fn first_line(input: &[u8]) -> (Cow<'_, str>, &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    (String::from_utf8_lossy(&input[..end]), input.get(end + 1..).unwrap_or_default())
}

/// The entry of this name, or one that an unknown name stands for all the same: a word with a wrong letter in it must not
/// make an input worthless.
pub(crate) fn choose<'a, T>(choices: &'a [(&'static str, T)], word: &str) -> &'a T {
    let known = choices.iter().find(|(name, _)| *name == word);
    let sum = || word.bytes().map(usize::from).sum::<usize>();
    &known.unwrap_or_else(|| &choices[sum() % choices.len()]).1
}
