//! The test data of RFC 8785, which the crate `serde_json_canonicalizer` ships beside its sources.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use parley_tests::{Session, with_both_kernels};

use crate::json::literal;

/// The folder of the test data, found by asking cargo where the crate's sources are.
fn resources() -> anyhow::Result<PathBuf> {
    let cargo = |arguments: &[&str]| -> anyhow::Result<String> {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()?;
        anyhow::ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?)
    };
    let version = cargo(&["-vV"])?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("cargo names no host")?;
    let metadata = cargo(&["metadata", "--format-version", "1", "--filter-platform", host])?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let manifest = metadata
        .get("packages")
        .and_then(serde_json::Value::as_array)
        .and_then(|packages| {
            packages
                .iter()
                .find(|package| package["name"] == "serde_json_canonicalizer")
        })
        .and_then(|package| package["manifest_path"].as_str())
        .context("cargo knows no serde_json_canonicalizer")?;
    Ok(Path::new(manifest)
        .parent()
        .context("a manifest without a folder")?
        .join("tests/resources"))
}

/// Asserts that both kernels make the expected text of the input, byte by byte.
async fn assert_canonical(session: &mut Session, input: &Path, expected: &Path) -> anyhow::Result<()> {
    let json = std::fs::read_to_string(input)?;
    let expected = std::fs::read_to_string(expected)?;
    for kernel in ["parley_portable", "parley_native"] {
        let canonical = session
            .text(&format!(
                "select {kernel}.canonical_json({}::jsonb)",
                literal(&json)
            ))
            .await?;
        assert_eq!(
            canonical,
            expected.trim_end_matches('\n'),
            "{kernel}: {}",
            input.display()
        );
        let digest = session
            .text(&format!(
                "select {kernel}.content_digest({}::jsonb)",
                literal(&json)
            ))
            .await?;
        let hash = format!(
            "select encode(sha256(convert_to({}, 'UTF8')), 'hex')",
            literal(&canonical)
        );
        assert_eq!(
            digest,
            session.text(&hash).await?,
            "{kernel}: {}",
            input.display()
        );
    }
    Ok(())
}

#[test]
fn test_data_of_the_rfc_comes_out_as_it_says() -> anyhow::Result<()> {
    with_both_kernels(async |session| {
        let folder = resources()?;
        let mut compared = 0;
        for entry in std::fs::read_dir(folder.join("testdata/input"))? {
            let input = entry?.path();
            let name = input.file_name().context("a file without a name")?;
            assert_canonical(session, &input, &folder.join("testdata/output").join(name)).await?;
            compared += 1;
        }
        assert_eq!(compared, 6, "arrays, french, structures, unicode, values, weird");
        for name in ["rfc_example", "rfc_sorting"] {
            let file = |part: &str| folder.join(format!("{name}.{part}.json"));
            assert_canonical(session, &file("input"), &file("expected")).await?;
        }
        anyhow::Ok(())
    })
}
