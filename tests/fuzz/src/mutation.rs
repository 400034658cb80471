//! A plain mutator, for machines without libFuzzer: seeds, words of the dictionary and chance. The same number gives the
//! same inputs.

use std::fs;

use connectors_tests::dice::Dice;

/// How long an input may grow, in bytes.
const LONGEST: usize = 4 * 1024;

/// Texts that mean something to one parser or another, in libFuzzer's form.
const DICTIONARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/dictionary.txt");

/// Makes inputs out of seeds.
#[derive(Debug)]
pub struct Mutator {
    chance: Dice,
    seeds: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
}

impl Mutator {
    /// A mutator whose every choice follows from `number`.
    #[must_use]
    pub fn new(number: u64, seeds: Vec<Vec<u8>>) -> Self {
        let dictionary = fs::read_to_string(DICTIONARY).unwrap();
        let quoted = dictionary.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
        Self { chance: Dice::new(number), seeds, words: quoted.map(unescaped).collect() }
    }

    /// The next input: a seed that was changed in one to eight places.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut input = self.a_seed();
        for _ in 0..=self.chance.below(8) {
            self.change(&mut input);
        }
        input.truncate(LONGEST);
        input
    }

    fn a_seed(&mut self) -> Vec<u8> {
        let at = self.chance.below(self.seeds.len());
        self.seeds[at].clone()
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.chance.below(input.len() + 1);
        let end = (at + self.chance.below(16)).min(input.len());
        match self.chance.below(8) {
            0 if at < input.len() => input[at] ^= 1 << self.chance.below(8),
            1 if at < input.len() => input[at] = self.chance.byte(),
            2 => input.insert(at, self.chance.byte()),
            3 => drop(input.drain(at..end)),
            4 => {
                let part = input[at..end].to_vec();
                let to = self.chance.below(input.len() + 1);
                input.splice(to..to, part.repeat(1 + self.chance.below(4)));
            }
            5 => {
                let other = self.a_seed();
                let from = self.chance.below(other.len() + 1);
                let to = (from + self.chance.below(64)).min(other.len());
                input.splice(at..end, other[from..to].iter().copied());
            }
            _ => {
                let word = self.chance.below(self.words.len());
                let end = if self.chance.below(2) == 0 { at } else { end };
                input.splice(at..end, self.words[word].iter().copied());
            }
        }
    }
}

/// `\\`, `\"` and `\xNN`, as libFuzzer has them.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        bytes.push(match (first, behind) {
            (b'\\', [b'x', high, low, ..]) => {
                rest = &behind[3..];
                let digits = [*high, *low];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            (b'\\', [escaped, ..]) => {
                rest = &behind[1..];
                *escaped
            }
            _ => *first,
        });
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_gives_the_same_inputs_again_and_another_gives_others() {
        let inputs = |number| {
            let mut mutator = Mutator::new(number, vec![b"a seed of some length".to_vec(), b"another".to_vec()]);
            (0..100).map(|_| mutator.next_input()).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
    }

    #[test]
    fn words_are_read_as_libfuzzer_reads_them() {
        assert_eq!(unescaped(r#"\x00a\"\\"#), b"\0a\"\\");
    }
}
