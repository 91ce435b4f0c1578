//! The words of a text as the database's search keeps and seeks them.

use crate::form::form;
use crate::piece::{Piece, characters, names, parts, pieces};

/// `parley.words`: the words of a text with a space between, those of scripts with spaces first, then pairs of characters, then single
/// characters, then names of several parts. For a query, single characters only where they stand alone, and `<->` between the pairs of a run.
pub fn search_words(text: &str, is_query: bool) -> String {
    let form = form(text);
    let mut words = List::with_capacity(form.len());
    let (mut pairs, mut singles, mut whole) = (List::default(), List::default(), List::default());
    for piece in pieces(&form) {
        match piece {
            Piece::Name(name) => {
                parts(name).for_each(|part| words.push(part));
                names(name).for_each(|name| whole.push(name));
            }
            Piece::Run(run) => {
                let mut before: Option<&str> = None;
                let mut count = 0;
                for character in characters(run) {
                    if let Some(before) = before {
                        pairs.begin(if is_query && count > 1 { "<->" } else { " " });
                        pairs.0.push_str(before);
                        pairs.0.push_str(character);
                    }
                    if !is_query {
                        singles.push(character);
                    }
                    before = Some(character);
                    count += 1;
                }
                if let (true, 1, Some(lone)) = (is_query, count, before) {
                    pairs.push(lone);
                }
            }
        }
    }
    for List(more) in [pairs, singles, whole] {
        if !more.is_empty() {
            words.push(&more);
        }
    }
    words.0
}

#[derive(Default)]
struct List(String);

impl List {
    fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    fn begin(&mut self, separator: &str) {
        if !self.0.is_empty() {
            self.0.push_str(separator);
        }
    }

    fn push(&mut self, word: &str) {
        self.begin(" ");
        self.0.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_there_by_its_parts_and_as_a_whole() {
        for (text, words) in [
            ("iOS/Android", "ios android"),
            ("Visit acme.com!", "visit acme com acme.com"),
            ("report.pdf", "report pdf report.pdf"),
            ("-5 v1.2.3", "5 v1 2 3 v1.2.3"),
            ("支持docker部署", "docker 支持 部署 支 持 部 署"),
            ("用docker.io", "docker io 用 docker.io"),
            ("Parley™, ", "parley"),
            ("?!", ""),
            ("", ""),
        ] {
            assert_eq!(search_words(text, false), words, "{text}");
        }
        assert_eq!(
            search_words("数据库连接, 用 docker", true),
            "docker 数据<->据库<->库连<->连接 用"
        );
        assert_eq!(search_words("数据", true), "数据");
    }

    /// Text of many scripts, with what is easily got wrong beside it.
    fn text() -> impl Strategy<Value = String> {
        proptest::collection::vec(
            prop_oneof![
                "[a-zA-Z0-9 ._@/-]{1,8}",
                "[\u{e01}-\u{e3a}\u{e40}-\u{e4e}]{1,6}",
                "[一-龥ぁ-ヶ가-힣]{1,6}",
                "[À-ɏ\u{300}-\u{36f}Α-ωЀ-ӿ]{1,6}",
                "[\u{ad}\u{200b}-\u{200f}™ﬁｱＡß]{1,3}",
                "\\PC{1,6}",
            ],
            0..12,
        )
        .prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn words_are_their_own_words(text in text()) {
            // A name is cut again, so only what has no joints stays as it is.
            let words = search_words(&text, false);
            for word in words.split(' ').filter(|word| !word.is_empty()) {
                prop_assert_eq!(form(word), word);
                prop_assert!(!word.contains(|letter: char| letter.is_whitespace() || letter.is_control()));
            }
        }

        #[test]
        fn what_stands_in_a_text_is_sought_by_words_of_it(before in text(), query in text(), after in text()) {
            let stored = search_words(&format!("{before} {query} {after}"), false);
            let stored: Vec<&str> = stored.split(' ').collect();
            for word in search_words(&query, true).replace("<->", " ").split(' ').filter(|word| !word.is_empty()) {
                prop_assert!(stored.contains(&word), "{:?} of {:?}", word, query);
            }
        }

        #[test]
        fn two_characters_out_of_a_run_find_it(run in "[一-龥ぁ-ゖァ-ヺ가-힣]{2,20}", from in 0usize..19) {
            let letters: Vec<char> = run.chars().collect();
            let from = from.min(letters.len() - 2);
            let two: String = letters.iter().skip(from).take(2).collect();
            let stored = search_words(&run, false);
            prop_assert!(stored.split(' ').any(|word| word == search_words(&two, true)));
        }
    }
}
