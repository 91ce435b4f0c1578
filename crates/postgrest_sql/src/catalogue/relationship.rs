//! The ways from one relation to another: foreign keys, tables between two others, and functions that say so.

use std::collections::HashMap;

use serde::Deserialize;

use super::Name;
use super::relation::Relation;
use super::view::{Origins, shows};

/// A foreign key as the database declares it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ForeignKey {
    name: String,
    from: i64,
    from_columns: Vec<i16>,
    to: i64,
    to_columns: Vec<i16>,
    /// Whether the columns are a key of the table that has them.
    is_unique: bool,
}

/// A function from a row of one relation to rows of another.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Computed {
    schema: String,
    name: String,
    from: i64,
    to: i64,
    is_single: bool,
}

/// A way from one relation to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Relationship {
    pub(crate) from: Name,
    pub(crate) to: Name,
    pub(crate) kind: Kind,
    pub(crate) to_is_view: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Pairs of columns, those of `from` first.
    ManyToOne {
        constraint: String,
        columns: Vec<(String, String)>,
    },
    OneToMany {
        constraint: String,
        columns: Vec<(String, String)>,
    },
    OneToOne {
        constraint: String,
        columns: Vec<(String, String)>,
    },
    ManyToMany(Junction),
    /// A function that takes a row of `from`.
    Computed {
        function: Name,
        is_single: bool,
    },
}

/// The relation between two others. Pairs are of a column of the end and one of the junction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Junction {
    pub(crate) relation: Name,
    pub(crate) from_constraint: String,
    pub(crate) to_constraint: String,
    pub(crate) from_columns: Vec<(String, String)>,
    pub(crate) to_columns: Vec<(String, String)>,
}

impl Relationship {
    pub(crate) fn is_self(&self) -> bool {
        self.from == self.to
    }

    /// Whether there is at most one row at the other end.
    pub(crate) fn is_to_one(&self) -> bool {
        match &self.kind {
            Kind::ManyToOne { .. } | Kind::OneToOne { .. } => true,
            Kind::OneToMany { .. } | Kind::ManyToMany(_) => false,
            Kind::Computed { is_single, .. } => *is_single,
        }
    }

    /// The foreign key and its pairs of columns, where it is one.
    pub(crate) fn key(&self) -> Option<(&str, &[(String, String)])> {
        match &self.kind {
            Kind::ManyToOne { constraint, columns }
            | Kind::OneToMany { constraint, columns }
            | Kind::OneToOne { constraint, columns } => Some((constraint, columns)),
            Kind::ManyToMany(_) | Kind::Computed { .. } => None,
        }
    }

    /// The columns of `from` that joining needs.
    pub(crate) fn needed_columns(&self) -> Vec<&str> {
        let pairs = match &self.kind {
            Kind::ManyToMany(junction) => junction.from_columns.as_slice(),
            _ => self.key().map_or(&[][..], |(_, columns)| columns),
        };
        pairs.iter().map(|(column, _)| column.as_str()).collect()
    }
}

/// All relationships between exposed relations, by where they begin.
pub(super) fn derive(
    relations: &[Relation],
    keys: &[ForeignKey],
    computed: &[Computed],
    origins: &Origins,
    exposed: &[String],
) -> HashMap<Name, Vec<Relationship>> {
    let by_id: HashMap<i64, &Relation> = relations.iter().map(|relation| (relation.id, relation)).collect();
    let direct: Vec<Direct<'_>> = keys
        .iter()
        .flat_map(|key| direct(key, relations, &by_id, origins))
        .collect();
    let mut all: Vec<Relationship> = direct.iter().flat_map(Direct::both_ways).collect();
    all.extend(junctions(&direct));
    let functions: Vec<Relationship> = computed
        .iter()
        .filter_map(|function| computed_way(function, &by_id))
        .collect();
    // A function of the same name as the table it leads to stands for what the keys say.
    all.retain(|way| {
        !functions.iter().any(|other| {
            matches!(&other.kind, Kind::Computed { function, .. } if *function == way.to && other.from == way.from)
        })
    });
    all.extend(functions);
    let is_exposed = |name: &Name| exposed.contains(&name.schema);
    all.retain(|way| {
        let through = match &way.kind {
            Kind::ManyToMany(junction) => is_exposed(&junction.relation),
            _ => true,
        };
        through && is_exposed(&way.from) && is_exposed(&way.to)
    });
    let mut grouped: HashMap<Name, Vec<Relationship>> = HashMap::new();
    for way in all {
        grouped.entry(way.from.clone()).or_default().push(way);
    }
    grouped
}

/// A foreign key between two relations, either of which may be a view that shows its columns.
struct Direct<'a> {
    key: &'a ForeignKey,
    from: &'a Relation,
    to: &'a Relation,
    columns: Vec<(String, String)>,
    from_numbers: Vec<i16>,
}

impl Direct<'_> {
    fn both_ways(&self) -> [Relationship; 2] {
        let (constraint, columns) = (self.key.name.clone(), self.columns.clone());
        let reversed: Vec<(String, String)> = columns
            .iter()
            .map(|(from, to)| (to.clone(), from.clone()))
            .collect();
        let back = constraint.clone();
        let (there, back) = if self.key.is_unique {
            (
                Kind::OneToOne { constraint, columns },
                Kind::OneToOne {
                    constraint: back,
                    columns: reversed,
                },
            )
        } else {
            (
                Kind::ManyToOne { constraint, columns },
                Kind::OneToMany {
                    constraint: back,
                    columns: reversed,
                },
            )
        };
        let way = |from: &Relation, to: &Relation, kind| Relationship {
            from: from.id(),
            to: to.id(),
            kind,
            to_is_view: to.is_view,
        };
        [way(self.from, self.to, there), way(self.to, self.from, back)]
    }
}

/// A key between its own tables, and between the views that show all its columns.
fn direct<'a>(
    key: &'a ForeignKey,
    relations: &'a [Relation],
    by_id: &HashMap<i64, &'a Relation>,
    origins: &Origins,
) -> Vec<Direct<'a>> {
    let ends = |table: i64, columns: &[i16]| -> Vec<(&'a Relation, Vec<i16>)> {
        let own = by_id.get(&table).map(|relation| (*relation, columns.to_vec()));
        let views = relations
            .iter()
            .filter(|relation| relation.is_view)
            .flat_map(|view| {
                let shown: Vec<Vec<i16>> = columns
                    .iter()
                    .map(|number| shows(view.id, origins, (table, *number)))
                    .collect();
                combinations(&shown)
                    .into_iter()
                    .map(move |numbers| (view, numbers))
            });
        own.into_iter().chain(views).collect()
    };
    let (froms, tos) = (ends(key.from, &key.from_columns), ends(key.to, &key.to_columns));
    let mut found = Vec::new();
    for (from, from_numbers) in &froms {
        for (to, to_numbers) in &tos {
            let columns: Option<Vec<(String, String)>> = from_numbers
                .iter()
                .zip(to_numbers)
                .map(|(one, two)| {
                    Some((
                        from.column_name(*one)?.to_owned(),
                        to.column_name(*two)?.to_owned(),
                    ))
                })
                .collect();
            if let Some(columns) = columns {
                found.push(Direct {
                    key,
                    from,
                    to,
                    columns,
                    from_numbers: from_numbers.clone(),
                });
            }
        }
    }
    found
}

/// Every choice of one from each; none when there is nothing to choose from.
fn combinations(choices: &[Vec<i16>]) -> Vec<Vec<i16>> {
    let start = if choices.is_empty() {
        Vec::new()
    } else {
        vec![Vec::new()]
    };
    choices.iter().fold(start, |chosen, next| {
        let extend = |one: &Vec<i16>| {
            let one = one.clone();
            next.iter()
                .map(move |number| one.iter().copied().chain([*number]).collect::<Vec<_>>())
        };
        chosen.iter().flat_map(extend).collect()
    })
}

/// Two keys of one relation make a way between what they point to, when together they are within its primary key.
fn junctions(direct: &[Direct<'_>]) -> Vec<Relationship> {
    let is_candidate = |way: &&Direct<'_>| !way.key.is_unique;
    let mut found = Vec::new();
    for one in direct.iter().filter(is_candidate) {
        for two in direct.iter().filter(is_candidate) {
            let is_other = one.from.id == two.from.id && one.key.name != two.key.name;
            let mut numbers = one.from_numbers.iter().chain(&two.from_numbers);
            if !is_other || !numbers.all(|number| one.from.key.contains(number)) {
                continue;
            }
            let swapped = |way: &Direct<'_>| {
                way.columns
                    .iter()
                    .map(|(from, to)| (to.clone(), from.clone()))
                    .collect()
            };
            found.push(Relationship {
                from: one.to.id(),
                to: two.to.id(),
                to_is_view: two.to.is_view,
                kind: Kind::ManyToMany(Junction {
                    relation: one.from.id(),
                    from_constraint: one.key.name.clone(),
                    to_constraint: two.key.name.clone(),
                    from_columns: swapped(one),
                    to_columns: swapped(two),
                }),
            });
        }
    }
    found
}

fn computed_way(function: &Computed, by_id: &HashMap<i64, &Relation>) -> Option<Relationship> {
    let (from, to) = (by_id.get(&function.from)?, by_id.get(&function.to)?);
    Some(Relationship {
        from: from.id(),
        to: to.id(),
        to_is_view: to.is_view,
        kind: Kind::Computed {
            function: Name::new(&function.schema, &function.name),
            is_single: function.is_single,
        },
    })
}
