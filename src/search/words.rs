//! Text as words: the one way in which a query and a hit's text are cut.
//!
//! **Invariant:** the words of a text are those that the index of either database has of it (see `letters`).

use std::ops::Range;

use super::letters::{fold, is_word};

/// The words of a text, as the places of its bytes where they stand.
pub(super) struct Words<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Words<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, position: 0 }
    }
}

impl Iterator for Words<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.text.get(self.position..)?;
        // An accent before any letter is in no word.
        let start = self.position + rest.find(|c| is_word(c) && fold(c).is_some())?;
        let length = self.text[start..].find(|c| !is_word(c)).unwrap_or(self.text.len() - start);
        self.position = start + length;
        Some(start..self.position)
    }
}

/// A word as it counts: in small letters without accents.
pub(super) fn folded(word: &str) -> impl Iterator<Item = char> {
    word.chars().filter_map(fold)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        Words::of(text).map(|range| folded(&text[range]).collect()).collect()
    }

    #[test]
    fn punctuation_and_symbols_are_in_no_word() {
        assert_eq!(words("<a> :is() api.Document.foo, don't"), ["a", "is", "api", "document", "foo", "don", "t"]);
        assert_eq!(words("“two—three” 3.14 x_y\0z 🎉"), ["two", "three", "3", "14", "x", "y", "z"]);
        assert!(words("").is_empty() && words(" -- \u{301} \0").is_empty());
    }

    #[test]
    fn letters_are_folded() {
        assert_eq!(words("Élan ÉTÉ e\u{301}te\u{301} \u{301}x"), ["elan", "ete", "ete", "x"]);
        assert_eq!(words("Поиск ΣΟΦΟΣ Straße ŁÓDŹ İstanbul"), ["поиск", "σοφοσ", "straße", "łodz", "istanbul"]);
        assert_eq!(words("全文検索、日本語"), ["全文検索", "日本語"]);
    }
}
