//! Time stamps, in one spelling each.

/// Offsets that mean UTC; none does as well.
const UTC: [&str; 5] = ["", "Z", "+00", "+0000", "+00:00"];

/// A moment of UTC in ISO 8601, as `2026-08-03T10:00:00.472Z`: no blank, no other name of the zone, no zeros at the end. Any other text
/// as it stands.
pub fn spell(text: &str) -> String {
    respell(text).unwrap_or_else(|| text.to_owned())
}

fn respell(text: &str) -> Option<String> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', ' '])?;
    let (time, rest) = rest.split_at_checked(8)?;
    if !has_shape(date, "0000-00-00") || !has_shape(time, "00:00:00") {
        return None;
    }
    let (fraction, zone) = match rest.strip_prefix('.') {
        None => ("", rest),
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            (1..=9)
                .contains(&digits)
                .then(|| rest.split_at_checked(digits))??
        }
    };
    if !UTC.contains(&zone) {
        return None;
    }
    Some(match fraction.trim_end_matches('0') {
        "" => format!("{date}T{time}Z"),
        fraction => format!("{date}T{time}.{fraction}Z"),
    })
}

/// Whether there is a digit wherever the shape has one, and the same character elsewhere.
fn has_shape(text: &str, shape: &str) -> bool {
    let fits = |(byte, wanted): (u8, u8)| {
        if wanted == b'0' {
            byte.is_ascii_digit()
        } else {
            byte == wanted
        }
    };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_a_moment_are_one() {
        for text in [
            "2026-08-03T10:00:00.472000Z",
            "2026-08-03 10:00:00.472",
            "2026-08-03T10:00:00.472000000+00:00",
            "2026-08-03 10:00:00.4720+00",
            "2026-08-03T10:00:00.472+0000",
        ] {
            assert_eq!(spell(text), "2026-08-03T10:00:00.472Z");
        }
        assert_eq!(spell("2026-08-03T10:00:00.000Z"), "2026-08-03T10:00:00Z");
    }

    #[test]
    fn other_texts_stay() {
        for text in [
            "",
            "yesterday",
            "2026-08-03",
            "2026-08-03T10:00",
            "2026-08-03T10:00:00.Z",
            "2026-08-03T10:00:00.1234567890Z",
            "2026-08-03T10:00:00.47+02:00",
            "2026-08-03t10:00:00Z",
            "2026-08-03T10:00:00Z ",
            "٢026-08-03T10:00:00Z",
            "1779475657.840",
        ] {
            assert_eq!(spell(text), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_spelled_stays_spelled(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,10})?(Z|[+]00:00)?") {
            let once = spell(&text);
            prop_assert_eq!(spell(&once), once);
        }

        #[test]
        fn any_text_is_taken(text in any::<String>()) {
            spell(&text);
        }
    }
}
