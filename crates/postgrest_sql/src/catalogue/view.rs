//! Which columns of a view show which columns of a table. Keys of the table are keys of the view where all their columns are shown.

use std::collections::HashMap;

use super::relation::Relation;

/// The table and the column that a view's column shows, by the view and its column.
pub(super) type Origins = HashMap<(i64, i16), (i64, i16)>;

/// The origin of every column of every view that is one, through views of views.
pub(super) fn origins(relations: &[Relation]) -> Origins {
    let mut direct = Origins::new();
    let mut views = HashMap::new();
    for relation in relations {
        views.insert(relation.id, relation.is_view);
        if let Some(definition) = &relation.definition {
            for entry in entries(definition) {
                direct.insert((relation.id, entry.column), entry.origin);
            }
        }
    }
    let is_view = |id: i64| views.get(&id).copied().unwrap_or(false);
    let follow = |start: (i64, i16)| {
        let mut place = start;
        // A view cannot show itself, but a damaged catalogue must not hang this.
        for _ in 0..views.len() {
            if !is_view(place.0) {
                return Some(place);
            }
            place = *direct.get(&place)?;
        }
        None
    };
    direct
        .iter()
        .filter_map(|(from, to)| Some((*from, follow(*to)?)))
        .collect()
}

/// Gives views the keys of the tables that they show.
pub(super) fn derive_keys(relations: &mut [Relation], origins: &Origins) {
    let keys: HashMap<i64, Vec<i16>> = relations
        .iter()
        .filter(|relation| !relation.is_view)
        .map(|relation| (relation.id, relation.key.clone()))
        .collect();
    for view in relations.iter_mut().filter(|relation| relation.is_view) {
        let mut tables: Vec<i64> = columns_of(view.id, origins)
            .map(|(_, (table, _))| table)
            .collect();
        tables.sort_unstable();
        tables.dedup();
        for table in tables {
            let key = keys.get(&table).map_or(&[][..], Vec::as_slice);
            let shown: Option<Vec<i16>> = key
                .iter()
                .map(|number| shows(view.id, origins, (table, *number)).first().copied())
                .collect();
            view.key.extend(shown.unwrap_or_default());
        }
    }
}

fn columns_of(view: i64, origins: &Origins) -> impl Iterator<Item = (i16, (i64, i16))> {
    let of_view = origins.iter().filter(move |((relation, _), _)| *relation == view);
    of_view.map(|((_, column), origin)| (*column, *origin))
}

/// The columns of a view that show a column of a table, in the order of the view.
pub(super) fn shows(view: i64, origins: &Origins, column: (i64, i16)) -> Vec<i16> {
    let shown = columns_of(view, origins).filter(|(_, origin)| *origin == column);
    let mut numbers: Vec<i16> = shown.map(|(number, _)| number).collect();
    numbers.sort_unstable();
    numbers
}

/// A column of a view and where it comes from.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    column: i16,
    origin: (i64, i16),
}

/// Reads the target list of a stored query. In the text form of Postgres's node trees each node stands in braces, each list in round
/// brackets, and each field begins with a colon; a backslash takes the next character as it is. The list of the query itself is at the
/// first depth of braces, its entries at the second.
fn entries(tree: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    let (mut depth, mut is_target) = (0_usize, false);
    let mut fields: HashMap<&str, &str> = HashMap::new();
    let mut key = "";
    for token in tokens(tree) {
        match token {
            "{" => {
                depth += 1;
                if depth == 2 {
                    fields.clear();
                }
            }
            "}" => {
                if depth == 2 && is_target {
                    found.extend(entry(&fields));
                }
                depth = depth.saturating_sub(1);
            }
            "(" | ")" => {}
            _ if token.starts_with(':') => {
                key = token;
                if depth == 1 {
                    is_target = token == ":targetList";
                }
            }
            _ if depth == 2 && is_target => {
                fields.insert(key, token);
            }
            _ => {}
        }
    }
    found
}

fn entry(fields: &HashMap<&str, &str>) -> Option<Entry> {
    let number = |name: &str| fields.get(name)?.parse::<i64>().ok();
    let (table, origin) = (number(":resorigtbl")?, number(":resorigcol")?);
    if table == 0 {
        return None;
    }
    Some(Entry {
        column: number(":resno")?.try_into().ok()?,
        origin: (table, origin.try_into().ok()?),
    })
}

/// Braces, brackets and words.
fn tokens(tree: &str) -> impl Iterator<Item = &str> {
    let mut rest = tree;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let mut is_escaped = false;
        let length = if "{}()".contains(first) {
            1
        } else {
            rest.find(|character: char| {
                let ends = !is_escaped && (character.is_whitespace() || "{}()".contains(character));
                is_escaped = !is_escaped && character == '\\';
                ends
            })
            .unwrap_or(rest.len())
        };
        let (token, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_list_of_the_query_itself_is_read_and_none_below() {
        let tree = r"({QUERY :commandType 1 :rtable ({RTE :eref {ALIAS :aliasname a\{b :colnames (\:x)}
            :subquery {QUERY :targetList ({TARGETENTRY :resno 9 :resorigtbl 7 :resorigcol 7})}})
            :targetList ({TARGETENTRY :expr {VAR :varno 1 :resorigtbl 99} :resno 1 :resname i\ d :resorigtbl 16400 :resorigcol 2 :resjunk false}
            {TARGETENTRY :expr {CONST :constvalue 4 [ 1 0 0 0 ]} :resno 2 :resname x :resorigtbl 0 :resorigcol 0})
            :returningList ({TARGETENTRY :resno 3 :resorigtbl 5 :resorigcol 5})})";
        let only = Entry {
            column: 1,
            origin: (16400, 2),
        };
        assert_eq!(entries(tree), [only]);
        assert!(entries("").is_empty() && entries("<>").is_empty());
    }
}
