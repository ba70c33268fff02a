//! The text of a hit with marks where it was hit, as HTML that a page may show as it is.
//!
//! **Invariant:** the only tags are `<mark>` and `</mark>`, each closed before the next; without them and with the entities
//! read, what is left is text of the row.

use std::ops::Range;

use super::query::{Query, Term};
use super::words::{Words, folded};

/// The most words of a snippet.
const SNIPPET_WORDS: usize = 30;
/// How many of them stand before the first hit.
const WORDS_BEFORE: usize = 8;
/// The most characters of a snippet: words may be long, and what is between them.
const SNIPPET_CHARS: usize = 400;
/// How much punctuation around a word is shown with it.
const PUNCTUATION_CHARS: usize = 16;

/// The whole text, with marks.
#[must_use]
pub fn mark(text: &str, query: &Query) -> String {
    let words: Vec<_> = Words::of(text).collect();
    let hits = merge(hits(text, &words, query).map(|hit| words[hit.start].start..words[hit.end - 1].end));
    let mut html = String::with_capacity(text.len() + 32);
    write(&mut html, text, 0..text.len(), &hits);
    html
}

/// The part of the text around its first hit, with marks, in one line; nothing where it was not hit. An ellipsis stands
/// where the text goes on.
#[must_use]
pub fn snippet(text: &str, query: &Query) -> String {
    let words: Vec<_> = Words::of(text).collect();
    let Some(first) = hits(text, &words, query).next() else { return String::new() };
    let shown = window(text, &words, &first);
    let hits = hits(text, &words, query).map(|hit| words[hit.start].start..words[hit.end - 1].end);
    let hits = merge(hits.take_while(|hit| hit.start < shown.end));
    let mut html = String::new();
    if !text[..shown.start].trim().is_empty() {
        html.push('…');
    }
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    html.push_str(&line(&{
        let mut part = String::new();
        write(&mut part, text, shown.clone(), &hits);
        part
    }));
    if !text[shown.end..].trim().is_empty() {
        html.push('…');
    }
    html
}

/// Where terms stand, as places among the words, in order of their beginnings.
fn hits<'a>(text: &'a str, words: &'a [Range<usize>], query: &'a Query) -> impl Iterator<Item = Range<usize>> {
    (0..words.len()).filter_map(move |start| {
        let lengths = query.terms().iter().filter(|term| begins(text, &words[start..], term));
        lengths.map(|term| term.words().len()).max().map(|length| start..start + length)
    })
}

/// Whether the words begin with the term.
fn begins(text: &str, words: &[Range<usize>], term: &Term) -> bool {
    let wanted = term.words();
    let Some(words) = words.get(..wanted.len()) else { return false };
    words.iter().zip(wanted).enumerate().all(|(index, (range, wanted))| {
        let mut letters = folded(&text[range.clone()]);
        wanted.chars().all(|letter| letters.next() == Some(letter))
            && (letters.next().is_none() || (term.is_prefix() && index + 1 == term.words().len()))
    })
}

/// Hits that overlap, as one.
fn merge(hits: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut merged: Vec<Range<usize>> = Vec::new();
    for hit in hits {
        match merged.last_mut() {
            Some(last) if hit.start < last.end => last.end = last.end.max(hit.end),
            _ => merged.push(hit),
        }
    }
    merged
}

/// The bytes of the text to show, for a first hit at those words.
fn window(text: &str, words: &[Range<usize>], first: &Range<usize>) -> Range<usize> {
    let hit = words[first.start].start;
    let mut start = hit;
    for word in words[..first.start].iter().rev().take(WORDS_BEFORE) {
        if text[word.start..hit].chars().count() > SNIPPET_CHARS / 3 {
            break;
        }
        start = word.start;
    }
    let before = text[..start].chars().rev().take(PUNCTUATION_CHARS).take_while(|c| !c.is_whitespace());
    let before: usize = before.map(char::len_utf8).sum();
    // Whatever stands there that is no punctuation is the end of another word.
    if Words::of(&text[start - before..start]).next().is_none() {
        start -= before;
    }
    let limit = text[start..].char_indices().nth(SNIPPET_CHARS).map_or(text.len(), |(length, _)| start + length);
    let shown = words.iter().filter(|word| word.start >= start).take(SNIPPET_WORDS);
    let last = shown.take_while(|word| word.end <= limit).last().map_or(hit, |word| word.end);
    if last <= hit {
        return start..limit;
    }
    let after = text[last..].chars().take(PUNCTUATION_CHARS).take_while(|c| !c.is_whitespace());
    let after: usize = after.map(char::len_utf8).sum();
    if Words::of(&text[last..last + after]).next().is_none() { start..last + after } else { start..last }
}

/// Writes that part of the text, the hits in it marked.
fn write(html: &mut String, text: &str, part: Range<usize>, hits: &[Range<usize>]) {
    let mut position = part.start;
    for hit in hits {
        let (start, end) = (hit.start.max(position), hit.end.min(part.end));
        if start >= end {
            continue;
        }
        escape(html, &text[position..start]);
        html.push_str("<mark>");
        escape(html, &text[start..end]);
        html.push_str("</mark>");
        position = end;
    }
    escape(html, &text[position..part.end]);
}

fn escape(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn marked(text: &str, query: &str) -> String {
        mark(text, &Query::parse(query))
    }

    #[test]
    fn marks_what_was_hit_and_escapes_the_rest() {
        for (text, query, expected) in [
            ("Grid & subgrid", "grid", "<mark>Grid</mark> &amp; subgrid"),
            ("<a>", "a", "&lt;<mark>a</mark>&gt;"),
            (r#"it's "so""#, "so", "it&#39;s &quot;<mark>so</mark>&quot;"),
            (
                "Service worker, service, worker",
                "\"service worker\"",
                "<mark>Service worker</mark>, <mark>service, worker</mark>",
            ),
            ("Service worker", "service worker", "<mark>Service</mark> <mark>worker</mark>"),
            ("Gridlines", "grid*", "<mark>Gridlines</mark>"),
            ("Gridlines", "grid", "Gridlines"),
            ("Cafe\u{301} Élan", "café elan", "<mark>Cafe\u{301}</mark> <mark>Élan</mark>"),
            ("a b a b a", "\"a b a\"", "<mark>a b a b a</mark>"),
            ("a b c", "\"a b\" a", "<mark>a b</mark> c"),
            ("grid flex", "grid -flex", "<mark>grid</mark> flex"),
            ("nothing", "", "nothing"),
        ] {
            assert_eq!(marked(text, query), expected, "{query}");
        }
    }

    #[test]
    fn a_snippet_is_around_the_first_hit() {
        let query = Query::parse("hit");
        assert_eq!(snippet("no such word", &query), "");
        assert_eq!(snippet("", &query), "");
        assert_eq!(snippet("(A hit\n\n  in  short.)", &query), "(A <mark>hit</mark> in short.)");
        let long = format!("{}the 'hit' and a hit {}", "before ".repeat(50), "after ".repeat(50));
        let expected = format!(
            "…{}the &#39;<mark>hit</mark>&#39; and a <mark>hit</mark> {}…",
            "before ".repeat(7),
            "after ".repeat(18).trim_end()
        );
        assert_eq!(snippet(&long, &query), expected);
    }

    #[test]
    fn a_snippet_has_an_end_whatever_the_text() {
        let query = Query::parse("x*");
        for text in [
            "x".repeat(100_000),
            format!("{} x {}", "-".repeat(100_000), "-".repeat(100_000)),
            format!("{} x {}", "語".repeat(100_000), "語".repeat(100_000)),
            "x ".repeat(100_000),
        ] {
            let html = snippet(&text, &query);
            assert!(html.contains("<mark>x") && html.chars().count() < 2 * SNIPPET_CHARS, "{html}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_the_text(text in r#"(?s)([ab&<'"\n é-]|.){0,120}"#, query in "[ab \"*é]{0,8}") {
            let query = Query::parse(&query);
            let plain = |html: &str| {
                let text = html.replace("<mark>", "").replace("</mark>", "");
                prop_assert!(!text.contains(['<', '>', '"', '\'']));
                let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
                Ok(text.replace("&amp;", "&"))
            };
            prop_assert_eq!(plain(&mark(&text, &query))?, text.clone());
            let html = snippet(&text, &query);
            prop_assert_eq!(html.is_empty(), !mark(&text, &query).contains("<mark>"));
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let shown = plain(&html)?;
            let shown = shown.strip_prefix('…').unwrap_or(&shown);
            prop_assert!(line.contains(shown.strip_suffix('…').unwrap_or(shown).trim()));
        }
    }
}
