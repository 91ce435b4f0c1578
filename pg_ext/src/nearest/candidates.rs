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

/// Leaves so many rows, those with the least distances and of these the least ids; returns the others.
pub fn split_best(rows: &mut Vec<(u32, Id)>, count: usize) -> Vec<(u32, Id)> {
    if rows.len() <= count || count == 0 {
        return Vec::new();
    }
    rows.select_nth_unstable(count - 1);
    rows.split_off(count)
}

/// The k-th best similarity of rows given by their distances, which are inner products of unit vectors, negated; none when there are fewer.
pub fn kth(rows: &[(f32, Id)], k: usize) -> Option<f64> {
    if k == 0 || rows.len() < k {
        return None;
    }
    let mut distances: Vec<f32> = rows.iter().map(|(distance, _)| *distance).collect();
    let (_, last, _) = distances.select_nth_unstable_by(k - 1, f32::total_cmp);
    Some(-f64::from(*last))
}

/// In how many of so many signs a row may differ from a query that it is so similar to, `doubt` standard deviations included.
pub fn reach(similarity: f64, dimensions: usize, doubt: f64) -> f64 {
    let dimensions = u32::try_from(dimensions).map_or(f64::INFINITY, f64::from);
    dimensions * similarity.clamp(-1.0, 1.0).acos() / std::f64::consts::PI + doubt * dimensions.sqrt() / 2.0
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
            let mut kept = rows.clone();
            let others = split_best(&mut kept, count);
            prop_assert_eq!(kept.len() + others.len(), rows.len());
            let mut kept: Vec<Id> = kept.into_iter().map(|(_, id)| id).collect();
            kept.sort_unstable();
            let mut wanted: Vec<Id> = sorted.into_iter().map(|(_, id)| id).collect();
            wanted.sort_unstable();
            prop_assert_eq!(kept, wanted);
        }

        #[test]
        fn the_kth_is_that_of_a_sort(rows in prop::collection::vec(-1.0f32..1.0, 0..50), k in 0usize..60) {
            let mut sorted = rows.clone();
            sorted.sort_by(f32::total_cmp);
            let rows: Vec<(f32, Id)> = rows.iter().map(|distance| (*distance, id(0))).collect();
            let found = kth(&rows, k);
            let wanted = k.checked_sub(1).and_then(|place| sorted.get(place)).map(|distance| -f64::from(*distance));
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn the_less_similar_the_further_away() {
        assert_eq!(reach(1.0, 1600, 5.0), 100.0);
        assert!((reach(0.0, 1600, 5.0) - 900.0).abs() < 1e-9);
        assert!((reach(-1.5, 1600, 0.0) - 1600.0).abs() < 1e-9);
        assert!((reach(0.5, 1200, 0.0) - 400.0).abs() < 1e-9);
    }
}
