//! `nearest`: the rows of one tenant whose vectors are nearest to a query.
//!
//! Both kernels read the same narrow copies of the app's vectors, which are rows as any others, so a search sees what its snapshot sees.
//! `query` is what may be asked, `simd` the two sums over a row, `candidates` which rows can be among the best, `sql` the surface with its
//! statements. The rows stream from the executor straight into the sums: nothing is copied but ids. The last comparison, by the app's own
//! vectors, is the portable kernel's statement, so where an answer is exact it is the same to the last bit.

mod candidates;
mod query;
mod simd;
pub mod sql;
