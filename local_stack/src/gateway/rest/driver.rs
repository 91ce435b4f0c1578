//! Between Postrust and the database, for one request: what PostgREST does there and Postrust does not.

use std::sync::Arc;

use postrust_core::db::{Db, DbError, FetchedThen, RawRows, Tx};
use postrust_sql::SqlParam;

/// A database that binds null for the marker and applies a function's own timeout.
pub(in crate::gateway) struct Driver<D> {
    inner: D,
    marker: Arc<str>,
    timeout: Option<String>,
}

impl<D> Driver<D> {
    /// `marker` is a text that no client can know. `timeout` overrides the one of the role.
    pub(super) fn new(inner: D, marker: Arc<str>, timeout: Option<String>) -> Self {
        Self {
            inner,
            marker,
            timeout,
        }
    }
}

impl<D: Db> Db for Driver<D> {
    type Tx<'a>
        = DriverTx<D::Tx<'a>>
    where
        Self: 'a;

    async fn begin(&self) -> Result<Self::Tx<'_>, DbError> {
        Ok(DriverTx {
            inner: self.inner.begin().await?,
            marker: self.marker.clone(),
            timeout: self.timeout.clone(),
        })
    }
}

/// A transaction of [`Driver`].
pub(in crate::gateway) struct DriverTx<T> {
    inner: T,
    marker: Arc<str>,
    timeout: Option<String>,
}

impl<T: Tx> DriverTx<T> {
    /// The parameters as they are bound. The session's settings are queued before the first statement, the role's timeout among
    /// them, so that the function's comes last here.
    fn ready(&mut self, params: &[SqlParam]) -> Vec<SqlParam> {
        if let Some(timeout) = self.timeout.take() {
            self.inner.queue(
                "select set_config('statement_timeout', $1, true)",
                &[SqlParam::Text(timeout)],
            );
        }
        with_nulls(params, &self.marker)
    }
}

/// An argument of type json arrives with its quotes, any other without.
fn with_nulls(params: &[SqlParam], marker: &str) -> Vec<SqlParam> {
    let is_marker = |text: &str| {
        text == marker || text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) == Some(marker)
    };
    params
        .iter()
        .map(|param| match param {
            SqlParam::Text(text) if is_marker(text) => SqlParam::Null,
            other => other.clone(),
        })
        .collect()
}

impl<T: Tx> Tx for DriverTx<T> {
    async fn execute(&mut self, sql: &str, params: &[SqlParam]) -> Result<u64, DbError> {
        let params = self.ready(params);
        self.inner.execute(sql, &params).await
    }

    async fn fetch_json(
        &mut self,
        sql: &str,
        params: &[SqlParam],
    ) -> Result<Vec<serde_json::Value>, DbError> {
        let params = self.ready(params);
        self.inner.fetch_json(sql, &params).await
    }

    async fn fetch_values(
        &mut self,
        sql: &str,
        params: &[SqlParam],
    ) -> Result<Vec<Vec<serde_json::Value>>, DbError> {
        let params = self.ready(params);
        self.inner.fetch_values(sql, &params).await
    }

    async fn fetch_raw(
        &mut self,
        sql: &str,
        params: &[SqlParam],
        count_column: &str,
    ) -> Result<RawRows, DbError> {
        let params = self.ready(params);
        self.inner.fetch_raw(sql, &params, count_column).await
    }

    async fn commit(self) -> Result<(), DbError> {
        self.inner.commit().await
    }

    fn queue(&mut self, sql: &str, params: &[SqlParam]) {
        self.inner.queue(sql, params);
    }

    async fn fetch_json_then(&mut self, sql: &str, params: &[SqlParam], then: &str) -> FetchedThen {
        let params = self.ready(params);
        self.inner.fetch_json_then(sql, &params, then).await
    }

    async fn fetch_json_then_and_commit(mut self, sql: &str, params: &[SqlParam], then: &str) -> FetchedThen {
        let params = self.ready(params);
        self.inner.fetch_json_then_and_commit(sql, &params, then).await
    }

    async fn fetch_json_and_commit(
        mut self,
        sql: &str,
        params: &[SqlParam],
    ) -> Result<Vec<serde_json::Value>, DbError> {
        let params = self.ready(params);
        self.inner.fetch_json_and_commit(sql, &params).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marker_becomes_null_with_and_without_quotes_and_nothing_else_does() {
        let params = ["M", "\"M\"", "", "xM", "null"].map(|text| SqlParam::Text(text.to_owned()));
        let bound = with_nulls(&params, "M");
        assert!(matches!(
            bound.as_slice(),
            [
                SqlParam::Null,
                SqlParam::Null,
                SqlParam::Text(_),
                SqlParam::Text(_),
                SqlParam::Text(_)
            ]
        ));
    }
}
