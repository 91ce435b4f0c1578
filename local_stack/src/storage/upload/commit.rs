//! From a file in its place to a row that names it, and back again where that is refused.

use uuid::Uuid;

use super::Target;
use crate::storage::caller;
use crate::storage::core::{Core, Shared};
use crate::storage::error::StorageError;
use crate::storage::objects::{self, NewObject};

/// Tries the row and takes it back: whoever may not write is told so before they send the file.
pub(in crate::storage) async fn probe(
    core: &Core,
    target: &Target,
    row: &NewObject,
) -> Result<(), StorageError> {
    let mut tx = core.begin_as(&target.caller, target.operation).await?;
    let tried = objects::write(&mut tx, row, target.is_upsert).await;
    tx.rollback().await?;
    tried
}

/// Writes the row of a file that is in its place, and removes the file that it replaces. When it fails the new file is gone. It goes on when
/// the client has left: a row that is half decided could name a file that somebody just removed.
pub(in crate::storage) async fn commit(
    core: &Shared,
    target: Target,
    row: NewObject,
) -> Result<Uuid, StorageError> {
    let core = core.clone();
    let task = tokio::spawn(async move {
        let version = row.version.clone();
        match write(&core, &target, row).await {
            Ok((id, replaced)) => {
                if let Some(replaced) = replaced {
                    core.files.remove(&replaced);
                }
                Ok(id)
            }
            Err(Failure::Refused(error)) => {
                core.files.remove(&version);
                Err(error)
            }
            // Nobody knows. A file without a row is removed at the next start; a row without a file would be worse.
            Err(Failure::Unknown(error)) => Err(error),
        }
    });
    task.await
        .unwrap_or_else(|error| Err(StorageError::File(std::io::Error::other(error))))
}

/// What did not go well, and whether the row may be there all the same.
enum Failure {
    Refused(StorageError),
    Unknown(StorageError),
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::Refused(error)
    }
}

async fn write(core: &Core, target: &Target, row: NewObject) -> Result<(Uuid, Option<String>), Failure> {
    let mut tx = core.begin().await?;
    let present = objects::hold(&mut tx, &row.bucket, &row.name).await?;
    caller::assume(&target.caller, &mut tx, target.operation).await?;
    objects::write(&mut tx, &row, target.is_upsert).await?;
    match tx.commit().await {
        Ok(()) => Ok(match present {
            Some((id, version)) => (id, version),
            None => (row.id, None),
        }),
        // A trigger that waits for the end of the transaction refuses here, and says so with a code.
        Err(error) if error.as_database_error().is_some() => Err(Failure::Refused(error.into())),
        Err(error) => Err(Failure::Unknown(error.into())),
    }
}
