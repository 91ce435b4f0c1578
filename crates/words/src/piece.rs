//! A form in pieces: names of scripts with spaces, and runs of characters of scripts without.

use crate::class::Class;

/// What stands between two spaces, or two changes of script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Words and what may join them: `acme.com`, `-5`, `e-mail`.
    Name(&'a str),
    /// Characters, with their marks, of a script that puts no spaces between words.
    Run(&'a str),
}

/// The pieces of a form, in their order.
pub fn pieces(form: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = form;
    std::iter::from_fn(move || {
        let begin = rest
            .char_indices()
            .find(|(_, letter)| Class::of(*letter) != Class::Space)?;
        let text = rest.get(begin.0..)?;
        let is_run = Class::of(begin.1).begins_run();
        let end = text
            .char_indices()
            .find(|(_, letter)| {
                let class = Class::of(*letter);
                class == Class::Space
                    || if is_run {
                        !class.continues_run()
                    } else {
                        class.begins_run()
                    }
            })
            .map_or(text.len(), |(place, _)| place);
        let (piece, after) = text.split_at_checked(end)?;
        rest = after;
        Some(if is_run {
            Piece::Run(piece)
        } else {
            Piece::Name(piece)
        })
    })
}

/// The words of a name: what stands between its joints.
pub fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(is_joint).filter(|part| !part.is_empty())
}

/// What in a name are several parts with one joint between each two.
pub fn names(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = name;
    std::iter::from_fn(move || {
        loop {
            let begin = rest.find(|letter| !is_joint(letter))?;
            let text = rest.get(begin..)?;
            let (mut end, mut has_joint, mut was_joint) = (0, false, false);
            for (place, letter) in text.char_indices() {
                if is_joint(letter) {
                    if was_joint {
                        break;
                    }
                } else {
                    has_joint |= was_joint;
                    end = place + letter.len_utf8();
                }
                was_joint = is_joint(letter);
            }
            let (found, after) = text.split_at_checked(end)?;
            rest = after;
            if has_joint {
                return Some(found);
            }
        }
    })
}

/// The characters of a run, each with its marks.
pub fn characters(run: &str) -> impl Iterator<Item = &str> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let mut letters = rest.char_indices();
        letters.next()?;
        let end = letters
            .find(|(_, letter)| Class::of(*letter) == Class::Unspaced)
            .map_or(rest.len(), |(place, _)| place);
        let (character, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(character)
    })
}

fn is_joint(letter: char) -> bool {
    matches!(letter, '.' | '_' | '@' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_joint_between_two_parts() {
        let found = |text| names(text).collect::<Vec<_>>();
        assert_eq!(found("acme.com"), ["acme.com"]);
        assert_eq!(found("-a.b--c-d_e-.f"), ["a.b", "c-d_e"]);
        assert!(found("a--b").is_empty());
        assert!(found("-5").is_empty());
        assert!(found("...").is_empty());
        assert_eq!(parts("-a.b--c").collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn marks_stay_with_their_characters() {
        assert_eq!(
            characters("น\u{e49}\u{e4d}าม").collect::<Vec<_>>(),
            ["น\u{e49}\u{e4d}", "า", "ม"]
        );
        assert_eq!(
            characters("\u{e49}\u{e4d}า").collect::<Vec<_>>(),
            ["\u{e49}\u{e4d}", "า"]
        );
    }
}
