//! Media types: what may be answered, and what a body is.

use crate::error::Error;

/// The media types that mean something here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    Json,
    /// An array whose objects have no nulls.
    JsonWithoutNulls,
    /// Exactly one object.
    Object {
        strips_nulls: bool,
    },
    Csv,
    /// A collection of features, made by PostGIS.
    GeoJson,
    OpenApi,
    Any,
    Form,
    Text,
    Xml,
    Bytes,
    Plan(PlanType),
    Other(String),
}

/// `application/vnd.pgrst.plan`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlanType {
    pub(crate) of: Box<MediaType>,
    pub(crate) is_json: bool,
    pub(crate) options: Vec<&'static str>,
}

const PLAN_OPTIONS: [&str; 5] = ["analyze", "verbose", "settings", "buffers", "wal"];

impl MediaType {
    pub(crate) fn parse(text: &str) -> Self {
        let (essence, parameters) = split(text);
        let parameter = |name: &str| {
            let found = parameters.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str())
        };
        let strips_nulls = parameter("nulls") == Some("stripped");
        match essence.as_str() {
            "application/json" => Self::Json,
            "application/vnd.pgrst.array+json" | "application/vnd.pgrst.array" if strips_nulls => {
                Self::JsonWithoutNulls
            }
            "application/vnd.pgrst.array+json" | "application/vnd.pgrst.array" => Self::Json,
            "application/vnd.pgrst.object+json" | "application/vnd.pgrst.object" => {
                Self::Object { strips_nulls }
            }
            "text/csv" => Self::Csv,
            "application/geo+json" => Self::GeoJson,
            "application/openapi+json" => Self::OpenApi,
            "application/x-www-form-urlencoded" => Self::Form,
            "text/plain" => Self::Text,
            "text/xml" => Self::Xml,
            "application/octet-stream" => Self::Bytes,
            "*/*" => Self::Any,
            "application/vnd.pgrst.plan"
            | "application/vnd.pgrst.plan+text"
            | "application/vnd.pgrst.plan+json" => {
                let wanted = parameter("options").unwrap_or_default();
                Self::Plan(PlanType {
                    of: Box::new(parameter("for").map_or(Self::Json, Self::parse)),
                    is_json: essence.ends_with("+json"),
                    options: PLAN_OPTIONS
                        .into_iter()
                        .filter(|option| wanted.split('|').any(|name| name == *option))
                        .collect(),
                })
            }
            _ => Self::Other(text.trim().to_owned()),
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> String {
        let name = match self {
            Self::Json => "application/json",
            Self::JsonWithoutNulls => "application/vnd.pgrst.array+json;nulls=stripped",
            Self::Object { strips_nulls: true } => "application/vnd.pgrst.object+json;nulls=stripped",
            Self::Object { strips_nulls: false } => "application/vnd.pgrst.object+json",
            Self::Csv => "text/csv",
            Self::GeoJson => "application/geo+json",
            Self::OpenApi => "application/openapi+json",
            Self::Any => "*/*",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Text => "text/plain",
            Self::Xml => "text/xml",
            Self::Bytes => "application/octet-stream",
            Self::Other(name) => name,
            Self::Plan(plan) => {
                let format = if plan.is_json { "json" } else { "text" };
                let mut name = format!("application/vnd.pgrst.plan+{format}; for=\"{}\"", plan.of.name());
                if !plan.options.is_empty() {
                    name = format!("{name}; options={}", plan.options.join("|"));
                }
                return name;
            }
        };
        name.to_owned()
    }

    /// Whether rows can be written so.
    fn is_producible(&self) -> bool {
        matches!(
            self,
            Self::Json | Self::JsonWithoutNulls | Self::Object { .. } | Self::Csv | Self::GeoJson | Self::Any
        )
    }

    /// The value of `Content-Type`.
    pub(crate) fn content_type(&self) -> String {
        format!("{}; charset=utf-8", self.name())
    }
}

/// The essence in lower case, and the parameters without the weight.
fn split(text: &str) -> (String, Vec<(String, String)>) {
    let mut parts = text.split(';');
    let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let parameters = parts
        .filter_map(|part| part.split_once('='))
        .map(|(name, value)| {
            (
                name.trim().to_ascii_lowercase(),
                value.trim().trim_matches('"').to_owned(),
            )
        })
        .filter(|(name, _)| name != "q")
        .collect();
    (essence, parameters)
}

/// The types of an `Accept` header, those with the most weight first.
fn accepted(header: Option<&str>) -> Vec<MediaType> {
    let Some(header) = header.filter(|text| !text.trim().is_empty()) else {
        return vec![MediaType::Any];
    };
    let mut types: Vec<(f64, MediaType)> = outside_quotes(header)
        .into_iter()
        .map(|text| (weight(text), MediaType::parse(text)))
        .collect();
    types.sort_by(|(one, _), (two, _)| two.total_cmp(one));
    types.into_iter().map(|(_, media)| media).collect()
}

/// The items of a list whose commas may also stand between quotes.
fn outside_quotes(header: &str) -> Vec<&str> {
    let mut is_quoted = false;
    header
        .split(move |character| {
            is_quoted ^= character == '"';
            character == ',' && !is_quoted
        })
        .collect()
}

fn weight(text: &str) -> f64 {
    let parameter = text
        .split(';')
        .skip(1)
        .find_map(|part| part.trim().strip_prefix("q="));
    parameter.and_then(|text| text.trim().parse().ok()).unwrap_or(1.0)
}

/// The first type that can be answered.
pub(crate) fn negotiate(header: Option<&str>, allows_plans: bool) -> Result<MediaType, Error> {
    let types = accepted(header);
    let fitting = types.iter().find_map(|media| match media {
        MediaType::Any => Some(MediaType::Json),
        MediaType::Plan(plan) => (allows_plans && plan.of.is_producible()).then(|| media.clone()),
        other => other.is_producible().then(|| other.clone()),
    });
    fitting.ok_or_else(|| Error::media_type(&types.iter().map(MediaType::name).collect::<Vec<_>>()))
}

/// Whether the description of the API is a fitting answer.
pub(crate) fn accepts_description(header: Option<&str>) -> Result<(), Error> {
    let types = accepted(header);
    let is_fitting =
        |media: &MediaType| matches!(media, MediaType::OpenApi | MediaType::Json | MediaType::Any);
    if types.iter().any(is_fitting) {
        return Ok(());
    }
    Err(Error::media_type(
        &types.iter().map(MediaType::name).collect::<Vec<_>>(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weightiest_type_that_can_be_answered_wins() {
        let chosen = |header| negotiate(Some(header), false);
        assert_eq!(
            chosen("text/csv;q=0.5, application/json").unwrap(),
            MediaType::Json
        );
        assert_eq!(chosen("image/png, text/csv").unwrap(), MediaType::Csv);
        assert_eq!(chosen("*/*").unwrap(), MediaType::Json);
        assert_eq!(negotiate(None, false).unwrap(), MediaType::Json);
        let error = chosen("image/png").unwrap_err();
        assert_eq!((error.status, error.code.as_str()), (406, "PGRST107"));
    }

    #[test]
    fn parameters_choose_the_form_of_objects_and_plans() {
        assert_eq!(
            MediaType::parse("Application/vnd.pgrst.object+json;nulls=stripped"),
            MediaType::Object { strips_nulls: true }
        );
        let text = "application/vnd.pgrst.plan+json; for=\"text/csv\"; options=wal|analyze|;";
        let plan = MediaType::parse(text);
        assert_eq!(
            plan.content_type(),
            "application/vnd.pgrst.plan+json; for=\"text/csv\"; options=analyze|wal; charset=utf-8"
        );
        assert!(negotiate(Some(text), false).is_err());
        assert_eq!(negotiate(Some(text), true).unwrap(), plan);
    }
}
