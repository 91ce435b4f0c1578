//! What a backend remembers of each trigger: its arguments, read and checked, and its plans.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::rc::Rc;

use pgrx::pg_sys::Oid;

use super::aggregate::{ARGUMENT_COUNT, Aggregate, Misuse};
use super::statement::{Statement, quote, write};
use crate::error::{Failure, sqlstate};
use crate::pg::{Column, Event, Plan, Session, Trigger};

/// More triggers than a database has. Beyond it everything is forgotten and built anew, so that a backend which sees tables come and
/// go for months does not grow.
const MAX_TRIGGERS: usize = 1024;

thread_local! {
    static KEPT: RefCell<HashMap<Oid, Rc<Kept>>> = RefCell::new(HashMap::new());
}

/// One trigger.
pub struct Kept {
    /// What it keeps.
    pub aggregate: Aggregate,
    /// The child's key column.
    pub key: Column,
    /// The child's value column.
    pub value: Option<Column>,
    /// Who installed the extension, once that was asked for.
    pub installer: Cell<Option<Oid>>,
    event: Event,
    child: String,
    origin: Origin,
    plans: RefCell<Vec<(Statement, Rc<Plan>)>>,
}

/// What the rest was made from; another trigger definition, table name or column type makes it anew.
struct Origin {
    relation: Oid,
    relation_name: (Oid, CString),
    arguments: Vec<CString>,
    key: CString,
    value: CString,
}

/// The trigger's entry, made or made anew where it has to be.
pub fn kept(trigger: &Trigger<'_>) -> Result<Rc<Kept>, Failure> {
    let oid = trigger.oid();
    let known = KEPT.with_borrow(|kept| kept.get(&oid).filter(|kept| kept.is_of(trigger)).cloned());
    if let Some(known) = known {
        return Ok(known);
    }
    let made = Rc::new(Kept::new(trigger)?);
    // What is replaced is dropped outside the borrow: freeing a plan calls into Postgres.
    let replaced = KEPT.with_borrow_mut(|kept| {
        let forgotten = if kept.len() >= MAX_TRIGGERS {
            std::mem::take(kept)
        } else {
            HashMap::new()
        };
        (kept.insert(oid, Rc::clone(&made)), forgotten)
    });
    drop(replaced);
    Ok(made)
}

impl Kept {
    fn new(trigger: &Trigger<'_>) -> Result<Self, Failure> {
        let arguments: Vec<CString> = trigger.arguments().map(CStr::to_owned).collect();
        let texts: Vec<String> = arguments
            .iter()
            .map(|text| text.to_string_lossy().into_owned())
            .collect();
        let aggregate = Aggregate::parse(&texts)?;
        let [_, key, .., value, _] = arguments.as_slice() else {
            return Err(Misuse::ArgumentCount.into());
        };
        let (key, value) = (key.clone(), value.clone());
        let (schema, name) = trigger.relation_name();
        let child = format!("{}.{}", quote(&schema), quote(&name.to_string_lossy()));
        let column = |name: &CStr| {
            trigger.column(name).ok_or_else(|| {
                let name = name.to_string_lossy();
                Failure::new(
                    sqlstate::UNDEFINED_COLUMN,
                    format!("column child.{name} does not exist"),
                )
            })
        };
        Ok(Self {
            key: column(&key)?,
            value: aggregate.value.is_some().then(|| column(&value)).transpose()?,
            aggregate,
            installer: Cell::new(None),
            event: trigger.event(),
            child,
            origin: Origin {
                relation: trigger.relation_oid(),
                relation_name: (trigger.relation_schema(), name),
                arguments,
                key,
                value,
            },
            plans: RefCell::new(Vec::new()),
        })
    }

    fn is_of(&self, trigger: &Trigger<'_>) -> bool {
        let origin = &self.origin;
        origin.relation == trigger.relation_oid()
            && self.event == trigger.event()
            && trigger.has_relation_name(origin.relation_name.0, &origin.relation_name.1)
            && trigger
                .arguments()
                .eq(origin.arguments.iter().map(CString::as_c_str))
            && trigger.has_column(&origin.key, self.key)
            && self
                .value
                .is_none_or(|column| trigger.has_column(&origin.value, column))
    }

    /// The plan of a statement for parameters of these types.
    pub fn plan(&self, session: &Session, statement: Statement, types: &[Oid]) -> Result<Rc<Plan>, Failure> {
        let is_wanted = |known: &&(Statement, Rc<Plan>)| known.0 == statement && known.1.types() == types;
        if let Some((_, plan)) = self.plans.borrow().iter().find(is_wanted) {
            return Ok(Rc::clone(plan));
        }
        let text = write(statement, &self.aggregate, &self.child, self.event);
        let plan = Rc::new(session.prepare(&text, types)?);
        self.plans.borrow_mut().push((statement, Rc::clone(&plan)));
        Ok(plan)
    }
}

/// Whether the trigger was given as many arguments as it needs; checked before anything else.
pub fn has_all_arguments(trigger: &Trigger<'_>) -> bool {
    trigger.arguments().len() == ARGUMENT_COUNT
}

impl From<Misuse> for Failure {
    fn from(misuse: Misuse) -> Self {
        Failure::new(sqlstate::TRIGGER_PROTOCOL, misuse.to_string())
    }
}
