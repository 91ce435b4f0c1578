//! What a bucket allows.

use sqlx::PgConnection;

use super::error::StorageError;

/// The columns that decide.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Bucket {
    pub(super) public: bool,
    file_size_limit: Option<i64>,
    allowed_mime_types: Option<Vec<String>>,
}

/// With the rights that the connection has now.
pub(super) async fn find(tx: &mut PgConnection, id: &str) -> Result<Bucket, StorageError> {
    sqlx::query_as(
        "select coalesce(public, false) as public, file_size_limit, allowed_mime_types
        from storage.buckets
        where id = $1",
    )
    .bind(id)
    .fetch_optional(tx)
    .await?
    .ok_or(StorageError::NoSuchBucket)
}

impl Bucket {
    /// How many bytes a file may have. What stands for an empty folder is empty.
    pub(super) fn largest_file(&self, name: &str, project: u64) -> u64 {
        if is_empty_folder(name) {
            return 0;
        }
        let own = self.file_size_limit.and_then(|limit| u64::try_from(limit).ok());
        own.map_or(project, |own| own.min(project))
    }

    /// Whether a file may say that it is of this type.
    pub(super) fn check_type(&self, name: &str, mime: &str) -> Result<(), StorageError> {
        match &self.allowed_mime_types {
            Some(allowed) if !allowed.is_empty() && !is_empty_folder(name) => {
                if allowed.iter().any(|pattern| fits(pattern, mime)) {
                    Ok(())
                } else {
                    Err(StorageError::InvalidMimeType(mime.to_owned()))
                }
            }
            _ => Ok(()),
        }
    }
}

fn is_empty_folder(name: &str) -> bool {
    name.ends_with(".emptyFolderPlaceholder")
}

/// As Supabase compares: parameters such as a charset belong to the subtype, and `*/*` fits nothing but itself.
fn fits(pattern: &str, mime: &str) -> bool {
    let (Some((wanted, wanted_kind)), Some((has, kind))) = (pattern.split_once('/'), mime.split_once('/'))
    else {
        return false;
    };
    wanted == has && (wanted_kind == "*" || wanted_kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(limit: Option<i64>, types: Option<&[&str]>) -> Bucket {
        Bucket {
            public: false,
            file_size_limit: limit,
            allowed_mime_types: types.map(|types| types.iter().map(|text| (*text).to_owned()).collect()),
        }
    }

    #[test]
    fn smaller_of_both_limits_counts() {
        assert_eq!(bucket(None, None).largest_file("a", 10), 10);
        assert_eq!(bucket(Some(5), None).largest_file("a", 10), 5);
        assert_eq!(bucket(Some(50), None).largest_file("a", 10), 10);
        assert_eq!(
            bucket(None, None).largest_file("a/.emptyFolderPlaceholder", 10),
            0
        );
    }

    #[test]
    fn types_and_patterns_are_compared() {
        let videos = bucket(None, Some(&["video/*", "audio/mpeg"]));
        for mime in ["video/mp4", "video/webm", "audio/mpeg"] {
            assert!(videos.check_type("a", mime).is_ok(), "{mime}");
        }
        for mime in ["audio/ogg", "text/plain", "video", "", "*/*", "xvideo/mp4"] {
            assert!(videos.check_type("a", mime).is_err(), "{mime}");
        }
        assert!(bucket(None, None).check_type("a", "x").is_ok());
        assert!(bucket(None, Some(&[])).check_type("a", "x").is_ok());
    }
}
