//! What is checked of a document's text before it is parsed: the parser makes many times as much of it, and calls itself for
//! each bracket.

use apollo_parser::{Lexer, TokenKind};
use async_graphql::{Pos, ServerError};

use super::{Limits, exceeded};
use crate::code::Code;
use crate::graphql::errors::refusal;

/// The longest name: what suggests a name for an unknown one compares them letter by letter.
const LONGEST_NAME: usize = 128;

/// Checks the number of tokens, the length of names, and how deep brackets stand in each other.
///
/// # Errors
/// Where one of the limits is exceeded, or something is no token of GraphQL.
pub(in crate::graphql) fn check(text: &str, limits: &Limits) -> Result<(), ServerError> {
    let (mut tokens, mut nesting) = (0_usize, 0_usize);
    for token in Lexer::new(text) {
        let token = match token {
            Ok(token) => token,
            Err(error) => {
                let position = Some(position(text, error.index()));
                let message = "the document is not GraphQL: it holds what is no token";
                return Err(refusal(Code::ParseFailed, message, position));
            }
        };
        let here = || Some(position(text, token.index()));
        match token.kind() {
            TokenKind::Whitespace | TokenKind::Comma | TokenKind::Eof => continue,
            TokenKind::LCurly | TokenKind::LParen | TokenKind::LBracket => {
                nesting += 1;
                if nesting > limits.nesting {
                    return Err(exceeded("nesting", limits.nesting, "brackets in each other", here()));
                }
            }
            TokenKind::RCurly | TokenKind::RParen | TokenKind::RBracket => nesting = nesting.saturating_sub(1),
            TokenKind::Name if token.data().len() > LONGEST_NAME => {
                return Err(exceeded("nameLength", LONGEST_NAME, "characters in a name", here()));
            }
            _ => {}
        }
        tokens += 1;
        if tokens > limits.tokens {
            return Err(exceeded("tokens", limits.tokens, "tokens", here()));
        }
    }
    Ok(())
}

/// The line and column of a byte, both from 1.
fn position(text: &str, index: usize) -> Pos {
    let before = text.get(..index).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    Pos { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Option<(String, Option<Pos>)> {
        let error = check(text, &Limits::default()).err()?;
        let extensions = serde_json::to_value(error.extensions).unwrap();
        let limit = extensions["limit"].as_str().or(extensions["code"].as_str()).unwrap().to_owned();
        Some((limit, error.locations.first().copied()))
    }

    #[test]
    fn what_is_within_the_limits_passes() {
        assert_eq!(refusal("{ a }"), None);
        assert_eq!(refusal(&"a ".repeat(15_000)), None);
        assert_eq!(refusal(&("{".repeat(50) + &"}".repeat(50)).repeat(20)), None);
        assert_eq!(refusal(&format!("{{ a{} #{}\n }}", ",".repeat(100_000), "#".repeat(100_000))), None);
        // Brackets within texts are none.
        assert_eq!(refusal(&format!("{{ a(b: \"{0}\", c: \"\"\"{0}\"\"\") }}", "[".repeat(1000))), None);
        assert_eq!(refusal(&"n".repeat(128)), None);
    }

    #[test]
    fn what_is_over_is_refused_at_its_place() {
        let at = |line, column| Some(Pos { line, column });
        assert_eq!(refusal(&"a ".repeat(15_001)), Some(("tokens".to_owned(), at(1, 30_001))));
        assert_eq!(refusal(&format!("{{\n{}", "[".repeat(50))), Some(("nesting".to_owned(), at(2, 50))));
        assert_eq!(refusal(&"({[".repeat(17)).unwrap().0, "nesting");
        assert_eq!(refusal(&format!("{{ {} }}", "n".repeat(129))), Some(("nameLength".to_owned(), at(1, 3))));
        for (text, column) in [("{ a(b: \"", 8), ("\u{0}", 1), ("{ a ? }", 5), ("{ a(b: \"\"\"x) }", 8), ("ü", 1)] {
            assert_eq!(refusal(text), Some(("GRAPHQL_PARSE_FAILED".to_owned(), at(1, column))), "{text}");
        }
    }
}
