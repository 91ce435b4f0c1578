//! Functions that can be called.

use serde::Deserialize;

use super::Name;

/// A function of an exposed schema.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Function {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) returns: Returns,
    volatility: String,
    /// `name=value`, those that have to be set before it is called.
    pub(crate) settings: Vec<String>,
}

/// An argument that goes in.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Argument {
    /// Empty where it has none.
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) declared_type: String,
    /// The type that values are read as.
    pub(crate) call_type: String,
    pub(crate) is_required: bool,
    pub(crate) is_variadic: bool,
}

/// What a function returns.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Returns {
    pub(crate) schema: String,
    /// The type, or the relation whose rows it returns.
    pub(crate) name: String,
    pub(crate) is_set: bool,
    pub(crate) is_composite: bool,
}

impl Function {
    pub(crate) fn id(&self) -> Name {
        Name::new(&self.schema, &self.name)
    }

    /// Whether a call cannot write.
    pub(crate) fn only_reads(&self) -> bool {
        self.volatility != "v"
    }

    pub(crate) fn returns_void(&self) -> bool {
        self.returns.schema == "pg_catalog" && self.returns.name == "void"
    }

    /// Whether values come back instead of rows.
    pub(crate) fn returns_scalar(&self) -> bool {
        !self.returns.is_composite
    }

    /// The resource whose relationships its rows have.
    pub(crate) fn resource(&self) -> &str {
        if self.returns.is_composite && self.returns.name != "record" {
            &self.returns.name
        } else {
            &self.name
        }
    }

    /// The one argument without a name, if that is all it takes.
    pub(crate) fn nameless_argument(&self) -> Option<&Argument> {
        match self.arguments.as_slice() {
            [only] if only.name.is_empty() => Some(only),
            _ => None,
        }
    }

    /// As it is written in an error.
    pub(crate) fn signature(&self) -> String {
        let arguments: Vec<String> = self
            .arguments
            .iter()
            .map(|argument| format!("{} => {}", argument.name, argument.declared_type))
            .collect();
        format!("{}.{}({})", self.schema, self.name, arguments.join(", "))
    }
}
