//! `edge_worker read-document`: the worker runs it for each document, see `knowledge::Reader`.

use std::process::ExitCode;

use clap::Args;

use crate::knowledge::{Format, read_document};

/// A document from standard input, its text to standard output.
#[derive(Clone, Copy, Debug, Args)]
pub struct ReadDocument {
    /// plain, markdown, html or pdf.
    #[arg(value_parser = format)]
    format: Format,
}

fn format(name: &str) -> Result<Format, String> {
    Format::parse(name).ok_or_else(|| "there is no such format".to_owned())
}

impl ReadDocument {
    /// Does it, in this thread.
    pub fn run(self) -> ExitCode {
        read_document(self.format)
    }
}
