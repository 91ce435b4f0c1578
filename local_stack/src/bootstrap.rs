//! The Supabase contract, applied once to a new cluster.

use sqlx::{Connection as _, PgConnection};

use crate::error::Error;

macro_rules! bootstrap_files {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../bootstrap/", $name)))),+]
    };
}

/// The files of `bootstrap/`, in their order.
const FILES: [(&str, &str); 10] = bootstrap_files![
    "00_guard.sql",
    "01_roles.sql",
    "02_database.sql",
    "03_auth_tables.sql",
    "04_auth_claims.sql",
    "05_storage.sql",
    "06_realtime_messages.sql",
    "07_realtime_functions.sql",
    "08_api_reload.sql",
    "09_superuser_statements.sql",
];

/// Applies the contract unless it is there. One transaction for all of it: a start that was killed half-way begins again.
/// `true` when it was applied now.
pub(crate) async fn apply(admin: &mut PgConnection) -> Result<bool, Error> {
    let is_done: bool = sqlx::query_scalar("select to_regnamespace('auth') is not null")
        .fetch_one(&mut *admin)
        .await
        .map_err(Error::database("looking for the Supabase contract"))?;
    if is_done {
        return Ok(false);
    }
    let doing = "applying the Supabase contract";
    let mut transaction = admin.begin().await.map_err(Error::database(doing))?;
    for (file, sql) in FILES {
        sqlx::raw_sql(sql)
            .execute(&mut *transaction)
            .await
            .map_err(|source| Error::Bootstrap { file, source })?;
    }
    transaction.commit().await.map_err(Error::database(doing))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::FILES;

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/bootstrap");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, FILES.map(|(name, _)| name));
    }
}
