//! What a person types, as terms. Pure; both the SQL and the marks are made from it.
//!
//! **Invariant:** every input is a query, if only one that asks for nothing, and what is typed never reaches a database but
//! as words of letters and digits: the operators of FTS5 and of `tsquery` are punctuation or words like others.

use super::words::{Words, folded};

/// The most words that a query has, those to leave out among them; what is typed after them is not looked at.
pub const MAX_WORDS: usize = 32;
/// The most characters of a word; a longer one stands for every word that begins with as many of its characters.
pub const MAX_WORD_LENGTH: usize = 255;

/// What to search for: a hit has all terms and none of those to leave out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
    excluded: Vec<Term>,
}

/// Words that follow each other in one text: one word, or a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    words: Vec<String>,
    is_prefix: bool,
}

impl Query {
    /// Reads what was typed.
    ///
    /// Words are separated by blanks, commas and semicolons; `"quoted words"` follow each other, as do the parts of
    /// `api.Document.title`. A star at the end, `lay*` or `"grid lay"*`, lets the last word be the beginning of one. A
    /// minus before a word or a quotation, `-flex`, leaves out what has it, unless there is nothing else in the query:
    /// then `-webkit-box` is what it looks like. A quotation that is not closed ends with the text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (mut query, mut budget, mut rest) = (Self::default(), MAX_WORDS, text);
        while budget > 0 {
            rest = rest.trim_start_matches(is_separator);
            if rest.is_empty() {
                break;
            }
            let excludes = rest.strip_prefix('-').filter(|after| {
                after.starts_with(|c| is_quote(c) || Words::of(c.encode_utf8(&mut [0; 4])).next().is_some())
            });
            let (typed, is_prefix, after) = next_part(excludes.unwrap_or(rest));
            rest = after;
            let Some(term) = Term::of(typed, is_prefix, budget) else { continue };
            budget -= term.words.len();
            if excludes.is_some() { &mut query.excluded } else { &mut query.terms }.push(term);
        }
        if query.terms.is_empty() {
            query.terms = std::mem::take(&mut query.excluded);
        }
        query
    }

    /// Whether there is nothing to search for, and so nothing to be found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// What a hit has: at least one term, unless the query is empty.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// What a hit has not.
    #[must_use]
    pub fn excluded(&self) -> &[Term] {
        &self.excluded
    }

    /// All words in the order in which they were typed, as one phrase; none where a word before the last may be the
    /// beginning of one, which FTS5 cannot say within a phrase.
    #[must_use]
    pub(super) fn whole(&self) -> Option<Term> {
        let (last, before) = self.terms.split_last()?;
        if before.iter().any(|term| term.is_prefix) {
            return None;
        }
        let words = self.terms.iter().flat_map(|term| term.words.iter().cloned()).collect();
        Some(Term { words, is_prefix: last.is_prefix })
    }
}

impl Term {
    /// The words of what was typed, at most `budget` of them.
    fn of(typed: &str, mut is_prefix: bool, budget: usize) -> Option<Self> {
        let mut words = Vec::new();
        for range in Words::of(typed) {
            if words.len() == budget {
                is_prefix = false;
                break;
            }
            let mut letters = folded(&typed[range]);
            words.push(letters.by_ref().take(MAX_WORD_LENGTH).collect());
            if letters.next().is_some() {
                is_prefix = true;
                break;
            }
        }
        (!words.is_empty()).then_some(Self { words, is_prefix })
    }

    /// The words, in small letters without accents; there is at least one.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether the last word may be the beginning of one.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        self.is_prefix
    }
}

/// What was typed up to the next blank or quotation, or the next quotation; whether a star ends it; and what follows.
fn next_part(text: &str) -> (&str, bool, &str) {
    if let Some(quoted) = text.strip_prefix(is_quote) {
        let (quoted, after) = quoted.split_once(is_quote).unwrap_or((quoted, ""));
        let starred = after.strip_prefix('*');
        return (quoted, starred.is_some(), starred.unwrap_or(after));
    }
    let (part, after) = text.split_at(text.find(|c| is_separator(c) || is_quote(c)).unwrap_or(text.len()));
    // A star ends a word: that of `:*` does not.
    let starred =
        part.strip_suffix('*').is_some_and(|word| Words::of(word).last().is_some_and(|w| w.end == word.len()));
    (part, starred, after)
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || c == ',' || c == ';'
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A query in one line: phrases in brackets, stars and minuses as they are understood.
    fn understood(text: &str) -> String {
        let query = Query::parse(text);
        let show = |sign: &str, term: &Term| {
            format!("{sign}[{}]{}", term.words.join(" "), if term.is_prefix { "*" } else { "" })
        };
        let terms = query.terms.iter().map(|term| show("", term));
        terms.chain(query.excluded.iter().map(|term| show("-", term))).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_phrases_prefixes_and_exclusions() {
        for (typed, expected) in [
            ("Grid layout", "[grid] [layout]"),
            ("grid,layout; flex", "[grid] [layout] [flex]"),
            (r#""Grid layout" flex"#, "[grid layout] [flex]"),
            ("“Grid layout” flex", "[grid layout] [flex]"),
            ("api.Document.title", "[api document title]"),
            ("<a> :is() C++", "[a] [is] [c]"),
            ("gri* lay*", "[gri]* [lay]*"),
            (r#""grid lay"* x"#, "[grid lay]* [x]"),
            ("api.Doc*", "[api doc]*"),
            ("grid -flex", "[grid] -[flex]"),
            (r#"grid -"flex box" -in*"#, "[grid] -[flex box] -[in]*"),
            ("well-known", "[well known]"),
        ] {
            assert_eq!(understood(typed), expected, "{typed}");
        }
    }

    #[test]
    fn odd_input_is_a_query_as_well() {
        for (typed, expected) in [
            ("", ""),
            (" \t\n", ""),
            ("*", ""),
            ("- -- --- \"\" '' ()", ""),
            ("🎉 … ¿?", ""),
            ("\0", ""),
            ("a\0b", "[a b]"),
            (r#""grid layout"#, "[grid layout]"),
            (r#"a"b c"d"#, "[a] [b c] [d]"),
            ("-webkit-box", "[webkit box]"),
            ("-a -b", "[a] [b]"),
            ("grid --main", "[grid] [main]"),
            ("grid - flex", "[grid] [flex]"),
            ("grid:*", "[grid]"),
            ("gr*d", "[gr d]"),
            ("name : grid AND NOT flex OR NEAR(a b, 2)", "[name] [grid] [and] [not] [flex] [or] [near a] [b] [2]"),
            ("'x' & !y | z <-> w:AB*", "[x] [y] [z] [w ab]*"),
            ("{name description}: ^grid + x", "[name] [description] [grid] [x]"),
            ("全文検索 поиск*", "[全文検索] [поиск]*"),
        ] {
            assert_eq!(understood(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn a_query_has_an_end() {
        let many = "word ".repeat(20_000);
        assert_eq!(Query::parse(&many).terms.len(), MAX_WORDS);
        let phrase = Query::parse(&format!("\"{many}\"*"));
        assert_eq!((phrase.terms.len(), phrase.terms[0].words.len(), phrase.terms[0].is_prefix), (1, MAX_WORDS, false));
        let long = Query::parse(&format!("\"a {} b\" c", "é".repeat(100_000)));
        assert_eq!(long.terms[0].words[1], "e".repeat(MAX_WORD_LENGTH));
        assert!(long.terms[0].is_prefix && long.terms[0].words.len() == 2 && long.terms.len() == 2);
        assert!(Query::parse(&"-\"".repeat(50_000)).is_empty());
    }

    proptest! {
        #[test]
        fn any_text_is_a_query(text in r#"(?s)[-"*: a-zÀ-ž0-9'&|!<>()\PC\x00]{0,80}"#) {
            let query = Query::parse(&text);
            let terms = || query.terms.iter().chain(&query.excluded);
            prop_assert!(terms().map(|term| term.words.len()).sum::<usize>() <= MAX_WORDS);
            prop_assert!(terms().all(|term| !term.words.is_empty()));
            prop_assert!(!query.terms.is_empty() || query.excluded.is_empty());
            for word in terms().flat_map(|term| &term.words) {
                // A word is one word, and the same one, when it is read again.
                prop_assert_eq!(Words::of(word).map(|r| folded(&word[r]).collect::<String>()).collect::<Vec<_>>(), [word.clone()]);
            }
        }
    }
}
