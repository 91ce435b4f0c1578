//! The names of the migrations that this binary is built for, for `migrate-check`.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../migrations");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let name = entry?.file_name();
        if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".sql")) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    let mut list = "[\n".to_owned();
    for name in &names {
        let (version, name) = name
            .split_once('_')
            .ok_or_else(|| format!("{name}: no <version>_<name>.sql"))?;
        writeln!(list, "    ({version:?}, {name:?}),")?;
    }
    list.push(']');
    fs::write(Path::new(&env::var("OUT_DIR")?).join("migrations.rs"), list)?;
    Ok(())
}
