//! The names of objects and buckets.

use super::error::StorageError;

/// As in S3, in bytes.
const LONGEST_KEY: usize = 1024;
const LONGEST_BUCKET: usize = 100;

/// What S3 takes without special handling, and what Supabase allows besides.
const SPECIAL: &str = "_!.*'() &$=@;:+,?-";

/// A name of an object. The file lies elsewhere; a name that climbs is refused all the same, because other programs make paths of names.
pub(super) fn check(key: &str) -> Result<(), StorageError> {
    let is_known = |c: char| c.is_ascii_alphanumeric() || c == '/' || SPECIAL.contains(c);
    let climbs = key.split('/').any(|part| part == "." || part == "..");
    if key.is_empty() || key.len() > LONGEST_KEY || climbs || !key.chars().all(is_known) {
        return Err(StorageError::InvalidKey(key.to_owned()));
    }
    Ok(())
}

/// A name for a new bucket.
pub(super) fn check_bucket(name: &str) -> Result<(), StorageError> {
    let is_known = |c: char| c.is_ascii_alphanumeric() || SPECIAL.contains(c);
    let is_good = !name.is_empty()
        && name.len() <= LONGEST_BUCKET
        && name.trim() == name
        && name != "."
        && name != ".."
        && name.chars().all(is_known);
    if is_good {
        Ok(())
    } else {
        Err(StorageError::InvalidBucketName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_and_folders_are_taken() {
        for key in ["a", "a/b.mp4", "a b/(1) & more.txt", "..a/b..", ".hidden"] {
            assert!(check(key).is_ok(), "{key}");
        }
        assert!(check_bucket("demo-videos").is_ok());
    }

    #[test]
    fn names_that_climb_and_strange_characters_are_refused() {
        let long = "x".repeat(LONGEST_KEY + 1);
        for key in [
            "",
            "..",
            "a/../b",
            "./a",
            "a/.",
            "a\\b",
            "ä",
            "a\0b",
            "a%2fb",
            "#",
            long.as_str(),
        ] {
            assert!(matches!(check(key), Err(StorageError::InvalidKey(_))), "{key}");
        }
        for name in ["", "a/b", " a", "..", "ü"] {
            assert!(check_bucket(name).is_err(), "{name}");
        }
    }
}
