//! One form for what is read as the same.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick, is_nfkc_quick};

/// A text in the form in which words are compared: NFKC, in lower case, without what nobody sees inside a word. The text itself where it is
/// that already.
pub fn form(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    let seen: String = text
        .chars()
        .filter(|letter| !is_ignorable(*letter))
        .map(|letter| if is_trade_mark(letter) { ' ' } else { letter })
        .collect();
    let compatible = match is_nfkc_quick(seen.chars()) {
        IsNormalized::Yes => seen,
        _ => seen.nfkc().collect(),
    };
    let folded = fold(&compatible);
    match is_nfc_quick(folded.chars()) {
        IsNormalized::Yes => Cow::Owned(folded),
        _ => Cow::Owned(folded.nfc().collect()),
    }
}

/// Lower case, and what lower case leaves apart: sharp and final s, the dot of a Turkish capital I, the Arabic tatweel.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'ß' => folded.push_str("ss"),
            'ς' => folded.push('σ'),
            '\u{640}' => {}
            _ => folded.push(letter),
        }
    }
    if folded.contains("i\u{307}") {
        folded = folded.replace("i\u{307}", "i");
    }
    folded
}

/// A reader takes them for no letters of the name before them.
fn is_trade_mark(letter: char) -> bool {
    matches!(letter, '\u{2120}' | '\u{2122}')
}

/// Unicode's default ignorables: soft hyphens, zero-width characters, directions, variation selectors, fillers.
fn is_ignorable(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use icu_properties::CodePointSetData;
    use icu_properties::props::DefaultIgnorableCodePoint;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ignorables_are_those_of_unicode() {
        let known = CodePointSetData::new::<DefaultIgnorableCodePoint>();
        for letter in '\0'..=char::MAX {
            assert_eq!(
                is_ignorable(letter),
                known.contains(letter),
                "{:x}",
                u32::from(letter)
            );
        }
    }

    #[test]
    fn what_reads_the_same_has_one_form() {
        for (one, other) in [
            ("con\u{fb01}guration", "configuration"),
            ("Cafe\u{301}", "CAFÉ"),
            ("co\u{ad}op\u{200b}erate\u{feff}", "cooperate"),
            ("ＡＢＣ１２３", "abc123"),
            ("STRASSE", "Straße"),
            ("STRAẞE", "strasse"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("İSTANBUL", "istanbul"),
            ("\u{fee1}\u{feae}\u{fea3}\u{fe92}\u{fe8e}", "مرحبا"),
            ("مـــرحبا", "مرحبا"),
            ("ｶﾞﾗｽ", "ガラス"),
            ("J\u{30c}", "ǰ"),
            ("Parley™", "parley "),
        ] {
            assert_eq!(form(one), form(other), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn a_form_is_its_own_form(text in "\\PC{0,40}") {
            let once = form(&text).into_owned();
            prop_assert_eq!(form(&once), once.as_str());
        }
    }
}
