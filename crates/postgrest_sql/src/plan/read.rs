//! Reading a relation.

use super::tree::{Root, build};
use super::{Context, Explain, Plan};
use crate::error::Error;
use crate::headers::Count;
use crate::respond::{Answered, Expectation};
use crate::sql::{Wrapped, Writer, write_count, write_wrapped};

pub(super) fn plan(context: Context<'_>, name: &str) -> Result<Plan, Error> {
    let relation = context.named(name);
    context.catalogue.find_relation(&relation)?;
    let root = Root {
        source: relation.clone(),
        relation,
        alias: None,
        is_narrowed: true,
        max_rows: context.settings.max_rows,
    };
    let node = build(&context, &root)?;
    context.check_preferences()?;
    let statement = write_wrapped(
        &node,
        None,
        Wrapped::Rows,
        &context.media,
        context.counting(&node),
        false,
    );
    let mut shape = context.shape(Answered::Read {
        location: format!("/{name}"),
        canonical: context.parameters.canonical.clone(),
    });
    if context.expects_one() {
        shape.expectation = Expectation::OneRow;
    }
    let mut applied = context.preferences.clone();
    (
        applied.resolution,
        applied.representation,
        applied.missing_default,
    ) = (None, None, None);
    applied.max_affected = None;
    shape.applied = applied.applied();
    let mut plan = context.plan(statement, true, shape);
    if matches!(context.preferences.count, Some(Count::Planned | Count::Estimated)) {
        let mut writer = Writer::default();
        writer.raw("explain (format json) ");
        write_count(&mut writer, &node);
        plan.count = Some(Explain {
            statement: writer.finish(),
        });
    }
    Ok(plan)
}
