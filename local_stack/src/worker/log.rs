//! What the worker says: all of it into a file, and what is a problem onto the terminal too.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, PipeReader, PipeWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

/// The name of the file in the data directory.
const NAME: &str = "worker.log";

/// Problems shown of one run of the worker. A database that is away for long would fill the terminal.
const SHOWN: usize = 50;

/// The file. A start of the stack begins it anew; the runs of the worker follow each other in it.
#[derive(Clone, Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: Arc<Mutex<File>>,
}

impl Log {
    pub(super) fn begin(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join(NAME);
        let file = Arc::new(Mutex::new(File::create(&path)?));
        Ok(Self { path, file })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// An end for a worker's output. A thread reads the other one until the worker and all that hold it are gone.
    pub(super) fn open(&self) -> io::Result<PipeWriter> {
        let (reader, writer) = io::pipe()?;
        let log = self.clone();
        std::thread::Builder::new()
            .name("worker log".to_owned())
            .spawn(move || log.copy(reader))?;
        Ok(writer)
    }

    fn copy(&self, reader: PipeReader) {
        let mut problems = 0;
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        loop {
            line.clear();
            match reader.read_until(b'\n', &mut line) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "the worker's log ends early");
                    return;
                }
            }
            self.write(&line);
            if let Some(problem) = Problem::of(&String::from_utf8_lossy(&line)) {
                problems += 1;
                self.show(&problem, problems);
            }
        }
    }

    fn write(&self, line: &[u8]) {
        let written = self
            .file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(line);
        if let Err(error) = written {
            tracing::warn!(%error, "the worker's log could not be written");
        }
    }

    fn show(&self, problem: &Problem, count: usize) {
        match count {
            ..=SHOWN if problem.is_error => tracing::error!(target: "worker", "{}", problem.text),
            ..=SHOWN => tracing::warn!(target: "worker", "{}", problem.text),
            _ if count == SHOWN + 1 => {
                tracing::warn!(target: "worker", "more problems are in {}", self.path.display());
            }
            _ => {}
        }
    }
}

/// A line that a person should see.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    is_error: bool,
    text: String,
}

impl Problem {
    /// The worker writes one JSON object a line. What is none came before its log did, or is a panic.
    fn of(line: &str) -> Option<Self> {
        let line = line.trim();
        let Ok(entry) = serde_json::from_str::<Map<String, Value>>(line) else {
            return (!line.is_empty()).then(|| Self {
                is_error: true,
                text: line.to_owned(),
            });
        };
        let is_error = match entry.get("level").and_then(Value::as_str) {
            Some("ERROR") => true,
            Some("WARN") => false,
            _ => return None,
        };
        let message = entry.get("message").and_then(Value::as_str).unwrap_or_default();
        let rest = entry.iter().filter(|(name, _)| {
            !["timestamp", "level", "target", "message", "spans"].contains(&name.as_str())
        });
        let rest = rest.map(|(name, value)| format!(" {name}={value}"));
        Some(Self {
            is_error,
            text: format!("{message}{}", rest.collect::<String>()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_errors_and_what_is_no_entry_are_problems() {
        let text = |line: &str| Problem::of(line).map(|problem| (problem.is_error, problem.text));
        let entry = |level: &str| {
            format!(
                r#"{{"timestamp":"t","level":"{level}","message":"it broke","error":"why","target":"edge_worker","span":{{"route":"/x"}}}}"#
            )
        };
        let shown = r#"it broke error="why" span={"route":"/x"}"#.to_owned();
        assert_eq!(text(&entry("ERROR")), Some((true, shown.clone())));
        assert_eq!(text(&entry("WARN")), Some((false, shown)));
        assert_eq!(text(&entry("INFO")), None);
        assert_eq!(
            text("thread 'main' panicked\n"),
            Some((true, "thread 'main' panicked".to_owned()))
        );
        assert_eq!(text("\n"), None);
    }

    #[test]
    fn runs_follow_each_other_in_the_file_and_a_start_begins_it_anew() {
        let folder = tempfile::tempdir().unwrap();
        let read = || std::fs::read_to_string(folder.path().join(NAME)).unwrap();
        let log = Log::begin(folder.path()).unwrap();
        for text in ["{\"level\":\"INFO\"}\n", "not utf-8: \u{e9}\nand no line end"] {
            let mut writer = log.open().unwrap();
            writer.write_all(text.as_bytes()).unwrap();
            drop(writer);
            while !read().ends_with(text) {
                std::thread::yield_now();
            }
        }
        assert!(read().starts_with("{\"level\""));
        Log::begin(folder.path()).unwrap();
        assert_eq!(read(), "");
    }
}
