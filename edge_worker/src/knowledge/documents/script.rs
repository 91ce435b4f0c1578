//! What the readers of several formats know of scripts.

/// Whether words stand without a space between them in the script of this letter, so that a line that ends there divides nothing. Korean has spaces.
pub(super) fn is_written_without_spaces(letter: char) -> bool {
    matches!(u32::from(letter),
        // Thai, Lao, Myanmar, Khmer.
        0x0E00..=0x0EFF | 0x1000..=0x109F | 0x1780..=0x17FF
        // Radicals, punctuation, kana, Bopomofo, ideographs and what is between these.
        | 0x2E80..=0x312F | 0x31A0..=0x9FFF | 0xF900..=0xFAFF
        // Full-width punctuation; letters and digits of that width are words as others.
        | 0xFF01..=0xFF0F | 0xFF1A..=0xFF20 | 0xFF3B..=0xFF40 | 0xFF5B..=0xFF9F
        // Further ideographs.
        | 0x20000..=0x3FFFF)
}
