//! Which rows can be among the best: a choice that leaves none of them out.

/// A row's id, as the bytes of its uuid; Postgres orders them as bytes too.
pub type Id = [u8; 16];

/// The rows whose distance is within `slack` of the k-th best. Where a distance is wrong by at most half the slack, the k best are among
/// them, and all that tie with the last.
pub fn within_reach(mut rows: Vec<(f32, Id)>, k: usize, slack: f32) -> Vec<Id> {
    if rows.len() > k && k > 0 {
        let (_, last, _) = rows.select_nth_unstable_by(k - 1, |a, b| a.0.total_cmp(&b.0));
        let bound = last.0 + slack;
        rows.retain(|(distance, _)| *distance <= bound);
    }
    rows.into_iter().map(|(_, id)| id).collect()
}

/// So many rows, best first by their codes; ties by id.
pub fn best(mut rows: Vec<(u32, Id)>, count: usize) -> Vec<Id> {
    if rows.len() > count && count > 0 {
        rows.select_nth_unstable(count - 1);
        rows.truncate(count);
    }
    rows.into_iter().map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(number: usize) -> Id {
        (number as u128).to_be_bytes()
    }

    proptest! {
        #[test]
        fn no_row_that_may_be_among_the_best_is_left_out(
            rows in prop::collection::vec((-1.0f32..1.0, -0.05f32..0.05), 0..200), k in 1usize..20
        ) {
            let seen = rows.iter().enumerate().map(|(n, (truth, error))| (truth + error, id(n))).collect();
            let kept = within_reach(seen, k, 0.1001);
            let mut truths: Vec<(f32, Id)> = rows.iter().enumerate().map(|(n, (truth, _))| (*truth, id(n))).collect();
            truths.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            for (_, best) in truths.iter().take(k) {
                prop_assert!(kept.contains(best));
            }
        }

        #[test]
        fn the_best_by_code_are_those_of_a_sort(codes in prop::collection::vec(0u32..20, 0..200), count in 1usize..50) {
            let rows: Vec<(u32, Id)> = codes.iter().enumerate().map(|(n, code)| (*code, id(n))).collect();
            let mut sorted = rows.clone();
            sorted.sort_unstable();
            sorted.truncate(count);
            let mut kept = best(rows, count);
            kept.sort_unstable();
            let mut wanted: Vec<Id> = sorted.into_iter().map(|(_, id)| id).collect();
            wanted.sort_unstable();
            prop_assert_eq!(kept, wanted);
        }
    }
}
