//! Text from files, servers and names, made fit for a terminal: what could move the cursor, change colours or turn the
//! direction of reading is shown as an escape.

use std::borrow::Cow;

/// The text with control characters and those that steer the direction of reading or break lines as `\u{..}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if is_printable(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if steers(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Whether [`printable`] would leave the text as it is.
pub fn is_printable(text: &str) -> bool {
    !text.chars().any(steers)
}

/// The text as [`printable`] shows it, at most `most` characters of it: a longer one ends in `…`.
pub fn shortened(text: &str, most: usize) -> String {
    // Escapes only lengthen: no more characters of the text than are shown have to be looked at.
    let looked_at = text.char_indices().nth(most + 1).map_or(text, |(end, _)| &text[..end]);
    let shown = printable(looked_at);
    if shown.chars().count() <= most {
        return shown.into_owned();
    }
    shown.chars().take(most.saturating_sub(1)).chain((most > 0).then_some('…')).collect()
}

/// Whether a character does something else than to appear.
fn steers(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        || character.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        let cases = [
            ("\u{1b}[31mred\u{1b}[0m", r"\u{1b}[31mred\u{1b}[0m"),
            ("a\tb\r\nc\u{0}", r"a\u{9}b\u{d}\u{a}c\u{0}"),
            ("\u{7f}\u{9b}2J", r"\u{7f}\u{9b}2J"),
            ("\u{202e}gpj.exe\u{202c}", r"\u{202e}gpj.exe\u{202c}"),
            ("\u{200e}\u{200f}\u{202a}\u{2066}\u{2069}\u{feff}", r"\u{200e}\u{200f}\u{202a}\u{2066}\u{2069}\u{feff}"),
            ("one\u{2028}two\u{2029}", r"one\u{2028}two\u{2029}"),
        ];
        for (text, expected) in cases {
            assert_eq!(printable(text), expected);
        }
    }

    #[test]
    fn ordinary_text_of_any_script_stays_as_it_is() {
        for text in ["", "features.0.weight", "Grüße", "絵画", "\u{1f3a8}", "a\u{301}", r"C:\pictures\u{1}"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn long_text_is_cut_by_characters_and_says_so() {
        assert_eq!(shortened("Grüße", 5), "Grüße");
        assert_eq!(shortened("Grüße!", 5), "Grüß…");
        assert_eq!(shortened("\u{1b}\u{1b}", 7), r"\u{1b}…");
        assert_eq!(shortened("\u{1b}[2J", 9), r"\u{1b}[2J");
        assert_eq!(shortened(&"x".repeat(65_536), 3), "xx…");
        assert_eq!(shortened("abc", 0), "");
        assert_eq!(shortened("", 0), "");
    }
}
