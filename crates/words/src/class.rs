//! What a character is to whoever cuts words.

use crate::ranges::RANGES;

/// A character of a normal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Between words.
    Space,
    /// May join the parts of a name.
    Joint,
    /// A letter, a digit, or a mark of a script with spaces.
    Word,
    /// A mark that any letter may carry.
    Mark,
    /// A character of a script that puts no spaces between words.
    Unspaced,
    /// A mark of such a script: it belongs to the character before it.
    UnspacedMark,
}

impl Class {
    pub(crate) fn of(letter: char) -> Self {
        match letter {
            'a'..='z' | '0'..='9' => Self::Word,
            '.' | '_' | '@' | '-' => Self::Joint,
            '\0'..='\u{7f}' => Self::Space,
            // Most of what is in the table's second half.
            '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' => Self::Unspaced,
            _ => {
                let code = u32::from(letter);
                let after = RANGES.partition_point(|(_, last, _)| *last < code);
                match RANGES.get(after) {
                    Some((first, _, class)) if *first <= code => *class,
                    _ => Self::Space,
                }
            }
        }
    }

    /// Goes on with a run of characters without spaces.
    pub(crate) fn continues_run(self) -> bool {
        matches!(self, Self::Unspaced | Self::UnspacedMark | Self::Mark)
    }

    /// Begins such a run.
    pub(crate) fn begins_run(self) -> bool {
        matches!(self, Self::Unspaced | Self::UnspacedMark)
    }
}

#[cfg(test)]
mod tests {
    use icu_properties::CodePointMapData;
    use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup};

    use super::*;
    use crate::form;

    #[test]
    fn ranges_are_in_order_and_apart() {
        for (before, after) in RANGES.iter().zip(RANGES.iter().skip(1)) {
            assert!(before.1 < after.0 && after.0 <= after.1, "{before:x?} {after:x?}");
        }
    }

    /// The table against the Unicode data of another library, which may be of an older version: what that one has not assigned is left out.
    #[test]
    fn letters_digits_and_marks_are_in_words_and_nothing_else_is() {
        let categories = CodePointMapData::<GeneralCategory>::new();
        let ignorable = icu_properties::CodePointSetData::new::<DefaultIgnorableCodePoint>();
        let in_words = GeneralCategoryGroup::Letter
            .union(GeneralCategoryGroup::Number)
            .union(GeneralCategoryGroup::NonspacingMark)
            .union(GeneralCategoryGroup::SpacingMark);
        let mut checked = 0;
        for letter in '\u{80}'..=char::MAX {
            let category = categories.get(letter);
            let is_open = matches!(
                category,
                GeneralCategory::Unassigned | GeneralCategory::PrivateUse | GeneralCategory::Surrogate
            );
            let text = letter.to_string();
            if is_open || ignorable.contains(letter) || form(&text) != text {
                continue;
            }
            checked += 1;
            let is_word = Class::of(letter) != Class::Space;
            assert_eq!(
                is_word,
                in_words.contains(category),
                "{:x} {category:?}",
                u32::from(letter)
            );
        }
        assert!(checked > 100_000);
    }
}
