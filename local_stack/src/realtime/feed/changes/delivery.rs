//! One change, from its candidates to their sinks.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sqlx::PgConnection;

use super::catalogue::Known;
use super::change::{Change, Kind};
use super::conditions;
use super::data::{NO_KEY, NO_RIGHT, View};
use super::letters::Letters;
use super::registry::{Candidate, Rights};
use super::render::Values;
use super::visibility;

/// One change on its way.
pub(super) struct Delivery<'a> {
    pub(super) change: &'a Change,
    pub(super) known: &'a Known,
    /// The columns that each of the roles may select.
    pub(super) readable: HashMap<&'a str, Arc<HashSet<String>>>,
}

impl<'a> Delivery<'a> {
    /// Decides everything before anything is sent, so that nothing is sent twice when the connection fails on the way.
    pub(super) async fn prepare(
        &self,
        connection: &mut PgConnection,
        candidates: &'a [Candidate],
    ) -> sqlx::Result<Letters<'a>> {
        let mut letters = Letters::default();
        let mut open = Vec::new();
        for candidate in candidates {
            match self.problem(&candidate.rights.role) {
                Some(error) => letters.error(candidate, || self.view(candidate).error(error)),
                None => open.push(candidate),
            }
        }
        let wanting = conditions::wanting(connection, self.known, self.change, open).await?;
        let seeing = self.seeing(connection, wanting).await?;
        if !seeing.is_empty() {
            let values = Values::write(connection, self.known, self.change).await?;
            for candidate in seeing {
                letters.change(candidate, || self.view(candidate).data(&values));
            }
        }
        Ok(letters)
    }

    fn view<'b>(&'b self, candidate: &'b Candidate) -> View<'b> {
        View {
            known: self.known,
            change: self.change,
            readable: self.readable.get(candidate.rights.role.as_str()).map(Arc::as_ref),
            select: candidate.request().and_then(|wanted| wanted.select.as_deref()),
        }
    }

    /// Why a role is told no more than that something changed.
    fn problem(&self, role: &str) -> Option<&'static str> {
        if self.change.kind == Kind::Delete {
            return None;
        }
        let columns = &self.known.table.columns;
        if !columns.iter().any(|column| column.is_key) {
            return Some(NO_KEY);
        }
        let readable = self.readable.get(role);
        let may_read = |name: &str| readable.is_some_and(|names| names.contains(name));
        let is_hidden = columns
            .iter()
            .any(|column| column.is_key && !may_read(&column.name));
        is_hidden.then_some(NO_RIGHT)
    }

    /// Those who may see the row. Without row level security, and of a row that is gone, everybody may.
    async fn seeing<'c>(
        &self,
        connection: &mut PgConnection,
        candidates: Vec<&'c Candidate>,
    ) -> sqlx::Result<Vec<&'c Candidate>> {
        if !self.known.table.has_row_security || self.change.kind == Kind::Delete {
            return Ok(candidates);
        }
        let distinct: HashSet<&Rights> = candidates.iter().map(|candidate| &*candidate.rights).collect();
        let callers: Vec<&Rights> = distinct.into_iter().collect();
        let answers = visibility::ask(connection, self.known, self.change, &callers).await?;
        let seeing = callers.iter().zip(answers).filter(|(_, may_see)| *may_see);
        let seeing: HashSet<&Rights> = seeing.map(|(rights, _)| *rights).collect();
        let may_see = |candidate: &&Candidate| seeing.contains(&*candidate.rights);
        Ok(candidates.into_iter().filter(may_see).collect())
    }
}
