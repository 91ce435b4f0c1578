//! The process of its own.

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use nix::sys::resource::{Resource, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use super::text;
use super::{DocumentError, Format};

/// What a document may take. One of 500 pages takes two seconds and 100 MB.
const PATIENCE: Duration = Duration::from_secs(60);
const MEMORY_BYTES: u64 = 1 << 31;
const CPU_SECONDS: u64 = 60;

/// The most that is read of the answer: 2,000,000 characters of 4 bytes.
const LARGEST_TEXT: u64 = 8_000_000;

/// Reads documents by a program, which is this worker's own.
#[derive(Clone, Debug)]
pub struct Reader {
    program: Option<PathBuf>,
    patience: Duration,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            program: std::env::current_exe().ok(),
            patience: PATIENCE,
        }
    }
}

impl Reader {
    /// Another program, as one in a test that is not the worker itself.
    pub fn by(program: PathBuf, patience: Duration) -> Self {
        Self {
            program: Some(program),
            patience,
        }
    }

    /// The text of a document.
    ///
    /// # Errors
    ///
    /// The inner one: the document is at fault. The outer one: the program could not be run.
    pub async fn read(&self, format: Format, bytes: Vec<u8>) -> io::Result<Result<String, DocumentError>> {
        let program = self.program.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let mut child = Command::new(program)
            .args(["read-document", format.as_str()])
            // It needs no key and no address.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A panic is told there, with pieces of a stranger's document.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let reading = async {
            let sending = async move {
                if let Some(mut stdin) = stdin {
                    // It may have seen enough, and be gone.
                    let _ = stdin.write_all(&bytes).await;
                }
            };
            let mut text = Vec::new();
            let receiving = async {
                match stdout {
                    Some(stdout) => stdout.take(LARGEST_TEXT).read_to_end(&mut text).await,
                    None => Ok(0),
                }
            };
            let ((), received) = tokio::join!(sending, receiving);
            received?;
            io::Result::Ok((child.wait().await?, text))
        };
        // Dropped, it is killed.
        let Ok(ended) = tokio::time::timeout(self.patience, reading).await else {
            return Ok(Err(DocumentError::TooComplicated));
        };
        let (status, text) = ended?;
        Ok(match status.code() {
            Some(0) => String::from_utf8(text).map_err(|_| DocumentError::TooComplicated),
            // By a signal, or with a panic's status.
            code => Err(code.and_then(DocumentError::of_status).unwrap_or(match format {
                Format::Pdf if code.is_some() => DocumentError::BrokenPdf,
                _ => DocumentError::TooComplicated,
            })),
        })
    }
}

/// What the program does: the document from standard input, its text to standard output.
pub fn answer(format: Format) -> ExitCode {
    let limits = [
        (Resource::RLIMIT_AS, MEMORY_BYTES),
        (Resource::RLIMIT_CPU, CPU_SECONDS),
        (Resource::RLIMIT_CORE, 0),
    ];
    if limits
        .iter()
        .any(|(what, most)| setrlimit(*what, *most, *most).is_err())
    {
        return ExitCode::FAILURE;
    }
    let mut bytes = Vec::new();
    if io::stdin().lock().read_to_end(&mut bytes).is_err() {
        return ExitCode::FAILURE;
    }
    match text::of(format, &bytes) {
        Ok(text) => match io::stdout().lock().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => ExitCode::from(error.status()),
    }
}
