//! From a request to what is to be run.

mod action;
mod call;
mod choice;
mod mutate;
mod narrow;
mod node;
mod read;
mod relationship;
mod spread;
mod tree;

use action::Action;
pub(crate) use action::Resource;

pub(crate) use call::{Arguments, Call};
pub(crate) use choice::choose;
pub(crate) use mutate::{Conflict, Mutation, MutationKind};
pub(crate) use node::{Join, Node, OrderBy, Resolved, SelectColumn, Spread, SpreadColumn, Where};

use crate::catalogue::{Catalogue, Name};
use crate::error::Error;
use crate::headers::{Count, MediaType, Preferences, Range, Representation, accepts_description, negotiate};
use crate::query::Parameters;
use crate::request::Request;
use crate::respond::Response;
use crate::respond::{Expectation, Shape, allowed, description};
use crate::settings::Settings;
use crate::sql::Statement;

/// What a request comes to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A statement is to be run.
    Run(Box<Plan>),
    /// The answer is known without the database.
    Answer(Response),
}

/// How a transaction ends when everything went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionEnd {
    /// What was written stays.
    Commit,
    /// What was written goes.
    Rollback,
}

/// A second statement that gives the planner's guess of how many rows there are, as `explain (format json)` does.
#[derive(Clone, Debug)]
pub struct Explain {
    /// Its one row has one column of JSON.
    pub statement: Statement,
}

/// A statement, in which transaction it runs, and what its row becomes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Gives one row for [`Row`](crate::Row), or lines of a plan when [`is_explain`](Self::is_explain).
    pub statement: Statement,
    /// To be run after it.
    pub count: Option<Explain>,
    /// The schema of the request; it is first on the search path.
    pub schema: String,
    /// Whether the transaction is read only.
    pub is_read_only: bool,
    /// The isolation level that a function asks for, in SQL's words.
    pub isolation: Option<String>,
    /// Settings of the function, for the transaction.
    pub settings: Vec<(String, String)>,
    /// `Prefer: timezone=`
    pub timezone: Option<String>,
    /// How the transaction ends.
    pub end: TransactionEnd,
    /// Whether the row has to be looked at before the transaction may end: the answer can still be a refusal.
    pub is_conditional: bool,
    /// Whether the statement is an `explain`.
    pub is_explain: bool,
    pub(crate) shape: Shape,
}

/// What planning needs at every step.
pub(crate) struct Context<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) settings: &'a Settings,
    pub(crate) request: &'a Request<'a>,
    pub(crate) parameters: &'a Parameters,
    pub(crate) preferences: &'a Preferences,
    /// The schema of the request.
    pub(crate) schema: String,
    /// The range of the root, of query and header together.
    pub(crate) range: Range,
    pub(crate) media: MediaType,
    /// The value of `Content-Profile`.
    pub(crate) profile: Option<String>,
}

/// Plans a request.
///
/// # Errors
///
/// What the caller is told when it cannot be served.
pub fn plan(request: &Request<'_>, catalogue: &Catalogue, settings: &Settings) -> Result<Outcome, Error> {
    let (schema, is_named) = schema(request, settings)?;
    let resource = Resource::parse(request.path)?;
    let action = Action::of(&resource, request.method)?;
    let preferences = Preferences::of(request, settings.allows_tx_override);
    let parameters = Parameters::parse(request.query, matches!(action, Action::Call { is_read: true }))?;
    let range = root_range(request, &parameters, &action)?;
    let accept = request.header("accept");
    let profile = (is_named || settings.schemas.len() > 1).then(|| schema.clone());
    if let Action::Describe = action {
        accepts_description(accept)?;
        return Ok(Outcome::Answer(description(catalogue, &schema, profile)));
    }
    let context = Context {
        catalogue,
        settings,
        request,
        parameters: &parameters,
        preferences: &preferences,
        range,
        media: MediaType::Json,
        profile,
        schema,
    };
    if let Action::Info = action {
        return allowed(&context, &resource).map(Outcome::Answer);
    }
    let plan = match (&resource, action) {
        (Resource::Relation(name), Action::Read) => read::plan(context.negotiated()?, name)?,
        (Resource::Relation(name), Action::Mutate(change)) => {
            mutate::plan(context.negotiated()?, name, change)?
        }
        (Resource::Function(name), Action::Call { is_read }) => {
            call::plan(context.negotiated()?, name, is_read)?
        }
        _ => {
            return Err(Error::new(
                404,
                "PGRST125",
                "Invalid path specified in request URL",
            ));
        }
    };
    Ok(Outcome::Run(Box::new(plan)))
}

impl Context<'_> {
    /// With the media type of the answer.
    fn negotiated(mut self) -> Result<Self, Error> {
        self.media = negotiate(self.request.header("accept"), self.settings.allows_plans)?;
        Ok(self)
    }

    /// A name in the schema of the request.
    pub(crate) fn named(&self, name: &str) -> Name {
        Name::new(&self.schema, name)
    }

    /// Refuses preferences that nobody knows, where that is wished.
    fn check_preferences(&self) -> Result<(), Error> {
        let invalid = &self.preferences.invalid;
        if self.preferences.is_strict == Some(true) && !invalid.is_empty() {
            return Err(Error::preferences(invalid));
        }
        Ok(())
    }

    /// A plan with what all have in common.
    fn plan(&self, statement: Statement, is_read_only: bool, shape: Shape) -> Plan {
        let rolls_back = self.preferences.rolls_back.unwrap_or(self.settings.rolls_back);
        Plan {
            statement,
            count: None,
            schema: self.schema.clone(),
            is_read_only,
            isolation: None,
            settings: Vec::new(),
            timezone: self.preferences.timezone.clone(),
            end: if rolls_back {
                TransactionEnd::Rollback
            } else {
                TransactionEnd::Commit
            },
            is_conditional: shape.expectation != Expectation::None && !is_read_only,
            is_explain: matches!(self.media, MediaType::Plan(_)),
            shape,
        }
    }

    /// What of the answer is the same for all.
    fn shape(&self, action: crate::respond::Answered) -> Shape {
        Shape {
            media: self.media.clone(),
            profile: self.profile.clone(),
            applied: None,
            range: self.range,
            count: self.preferences.count,
            max_rows: self.settings.max_rows,
            is_head: self.request.method == "HEAD",
            answered: action,
            expectation: Expectation::None,
            max_affected: None,
        }
    }

    fn expects_one(&self) -> bool {
        matches!(self.media, MediaType::Object { .. })
    }

    /// How all rows are counted, those of a tree with this range.
    fn counting(&self, node: &Node) -> crate::sql::Counting {
        use crate::sql::Counting;
        if !self.preferences.counts() {
            return Counting::None;
        }
        if node.range.is_all() {
            return Counting::Page;
        }
        let is_estimate = self.preferences.count == Some(Count::Estimated);
        Counting::Query {
            most: self
                .settings
                .max_rows
                .filter(|_| is_estimate)
                .map(|rows| rows.saturating_add(1)),
        }
    }

    fn returns_rows(&self) -> bool {
        self.preferences.representation == Some(Representation::Full)
    }
}

/// The schema that a request names: those that read in one header, those that write in another.
fn schema(request: &Request<'_>, settings: &Settings) -> Result<(String, bool), Error> {
    let header = match request.method {
        "POST" | "PATCH" | "PUT" | "DELETE" => "content-profile",
        _ => "accept-profile",
    };
    match request.header(header) {
        None => Ok((settings.schemas.first().cloned().unwrap_or_default(), false)),
        Some(name) if settings.schemas.iter().any(|schema| schema == name) => Ok((name.to_owned(), true)),
        Some(name) => Err(Error::schema(name, &settings.schemas)),
    }
}

fn root_range(request: &Request<'_>, parameters: &Parameters, action: &Action) -> Result<Range, Error> {
    let of_query = parameters.root_range();
    if matches!(action, Action::Mutate(action::Change::Upsert)) && !of_query.is_all() {
        return Err(Error::new(
            400,
            "PGRST114",
            "limit/offset querystring parameters are not allowed for PUT",
        ));
    }
    let header = request.header("range").filter(|_| request.method == "GET");
    let of_header = header.map(Range::of_header).transpose()?.unwrap_or_default();
    Ok(if of_query.limit == Some(0) {
        of_query
    } else {
        of_query.within(of_header)
    })
}
