//! What goes to whom, before any of it is sent.

use std::collections::HashMap;
use std::sync::Arc;

use super::registry::{Candidate, ChangeSink};

/// What decides the text: the role, and for all but errors the selected columns.
type Contents<'a> = (&'a str, Option<Option<&'a [String]>>);

/// Collects the messages of one change: one for each subscription and text, with the numbers of all its requests.
#[derive(Default)]
pub(super) struct Letters<'a> {
    texts: HashMap<Contents<'a>, Arc<str>>,
    letters: Vec<Letter<'a>>,
    places: HashMap<(u64, Contents<'a>), usize>,
}

struct Letter<'a> {
    sink: &'a Arc<dyn ChangeSink>,
    ids: Vec<i64>,
    text: Arc<str>,
}

impl<'a> Letters<'a> {
    /// A candidate gets a change. The text is made once for all that get the same.
    pub(super) fn change(&mut self, candidate: &'a Candidate, make: impl FnOnce() -> String) {
        let select = candidate.request().and_then(|wanted| wanted.select.as_deref());
        self.add(candidate, (&candidate.rights.role, Some(select)), make);
    }

    /// A candidate is told only that there was a change.
    pub(super) fn error(&mut self, candidate: &'a Candidate, make: impl FnOnce() -> String) {
        self.add(candidate, (&candidate.rights.role, None), make);
    }

    fn add(&mut self, candidate: &'a Candidate, contents: Contents<'a>, make: impl FnOnce() -> String) {
        let Some(request) = candidate.request() else {
            return;
        };
        let text = self.texts.entry(contents).or_insert_with(|| make().into());
        let place = self.places.entry((candidate.key, contents)).or_insert_with(|| {
            self.letters.push(Letter {
                sink: &candidate.sink,
                ids: Vec::new(),
                text: Arc::clone(text),
            });
            self.letters.len() - 1
        });
        if let Some(letter) = self.letters.get_mut(*place) {
            letter.ids.push(request.id);
        }
    }

    /// Hands everything over.
    pub(super) fn send(self) {
        for letter in self.letters {
            letter.sink.change(letter.ids, letter.text);
        }
    }
}
