//! Which of the subscribers of a table want this row.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;

use super::catalogue::Known;
use super::change::{Cell, Change};
use super::filter::{Filter, Verdict, judge};
use super::registry::Candidate;

/// Those whose filters all hold. What only Postgres can decide is asked once for all that ask the same.
pub(super) async fn wanting<'c>(
    connection: &mut PgConnection,
    known: &Known,
    change: &Change,
    candidates: Vec<&'c Candidate>,
) -> sqlx::Result<Vec<&'c Candidate>> {
    let mut open: Vec<(&'c Candidate, Vec<&'c Filter>)> = Vec::new();
    for candidate in candidates {
        let filters = candidate.request().map_or(&[][..], |wanted| &wanted.filters);
        if let Some(questions) = questions(known, change, filters) {
            open.push((candidate, questions));
        }
    }
    let distinct: HashSet<&Filter> = open
        .iter()
        .flat_map(|(_, questions)| questions)
        .copied()
        .collect();
    let mut groups: HashMap<_, Vec<&Filter>> = HashMap::new();
    for filter in distinct {
        let kind = (&filter.column, filter.operator, filter.is_negated);
        groups.entry(kind).or_default().push(filter);
    }
    let mut holding: HashSet<&Filter> = HashSet::new();
    for group in groups.values() {
        let answers = ask(connection, known, change, group).await?;
        let pairs = group.iter().zip(answers);
        holding.extend(pairs.filter_map(|(filter, holds)| holds.then_some(*filter)));
    }
    let is_wanting = |questions: &[&Filter]| questions.iter().all(|filter| holding.contains(filter));
    let wanting = open.into_iter().filter(|(_, questions)| is_wanting(questions));
    Ok(wanting.map(|(candidate, _)| candidate).collect())
}

/// The conditions that are still open. `None` when one fails already.
fn questions<'f>(known: &Known, change: &Change, filters: &'f [Filter]) -> Option<Vec<&'f Filter>> {
    let mut open = Vec::new();
    for filter in filters {
        let place = known.place(&filter.column)?;
        match judge(filter, known.column(place)?, change.cell(place)) {
            Verdict::Yes => {}
            Verdict::No => return None,
            Verdict::Ask => open.push(filter),
        }
    }
    Some(open)
}

/// Asks conditions that differ in their value alone. One that fails, because its column has another type by now, does not hold,
/// and takes none of the others with it.
async fn ask(
    connection: &mut PgConnection,
    known: &Known,
    change: &Change,
    filters: &[&Filter],
) -> sqlx::Result<Vec<bool>> {
    match ask_together(connection, known, change, filters).await {
        Err(error) if error.as_database_error().is_some() => {
            tracing::debug!(%error, "a filter fails");
            let mut answers = Vec::with_capacity(filters.len());
            for filter in filters {
                let answer = match ask_together(connection, known, change, &[filter]).await {
                    Err(error) if error.as_database_error().is_some() => false,
                    other => other?.contains(&true),
                };
                answers.push(answer);
            }
            Ok(answers)
        }
        other => other,
    }
}

async fn ask_together(
    connection: &mut PgConnection,
    known: &Known,
    change: &Change,
    filters: &[&Filter],
) -> sqlx::Result<Vec<bool>> {
    let nobody = || Ok(vec![false; filters.len()]);
    let Some(first) = filters.first() else {
        return nobody();
    };
    let Some(place) = known.place(&first.column) else {
        return nobody();
    };
    let (Some(column), Cell::Text(text)) = (known.column(place), change.cell(place)) else {
        return nobody();
    };
    let condition = first.condition(&column.sql_type, "operand");
    let statement = format!(
        "select coalesce({condition}, false)
        from unnest($2::text[]) with ordinality as o (operand, number)
        order by number"
    );
    let operands: Vec<&str> = filters.iter().map(|filter| filter.value.as_str()).collect();
    sqlx::query_scalar(&statement)
        .bind(&**text)
        .bind(operands)
        .fetch_all(connection)
        .await
}
