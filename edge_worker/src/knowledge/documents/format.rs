//! What kind of document a file is. The name of a file says what its owner thinks, its first bytes what it is.

/// What can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Read as it is.
    Plain,
    /// The same, and cut at its headings.
    Markdown,
    /// Read as a page is.
    Html,
    /// The text that it holds; there is no reading of pictures.
    Pdf,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Markdown, Self::Html, Self::Pdf];

    /// Its name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Pdf => "pdf",
        }
    }

    /// `None` for a name that no format has.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// By the first bytes, and by the name where they do not tell.
    pub fn of(path: &str, bytes: &[u8]) -> Self {
        let head = bytes.get(..1024).unwrap_or(bytes);
        // Readers of PDF take one whose header is not at the very beginning.
        if head.windows(5).any(|window| window == b"%PDF-") {
            return Self::Pdf;
        }
        let begins = String::from_utf8_lossy(head)
            .trim_start_matches('\u{feff}')
            .trim_start()
            .to_lowercase();
        let is_page = ["<!doctype html", "<html", "<?xml"]
            .iter()
            .any(|tag| begins.starts_with(tag));
        let extension = path
            .rsplit_once('.')
            .map(|(_, extension)| extension.to_lowercase());
        match extension.as_deref() {
            _ if is_page => Self::Html,
            Some("html" | "htm" | "xhtml") => Self::Html,
            Some("md" | "markdown" | "mdown") => Self::Markdown,
            Some("pdf") => Self::Pdf,
            _ => Self::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_say_more_than_names() {
        for (path, bytes, format) in [
            ("d/a.txt", "%PDF-1.7".as_bytes(), Format::Pdf),
            ("d/a.txt", b"\n<!DOCTYPE HTML>", Format::Html),
            ("d/a.MD", b"# Title", Format::Markdown),
            ("d/a.html", b"<p>x", Format::Html),
            ("d/a", b"", Format::Plain),
            ("d.md/a", b"x", Format::Plain),
            ("d/a.pdf", b"none", Format::Pdf),
        ] {
            assert_eq!(Format::of(path, bytes), format, "{path}");
        }
        for format in Format::ALL {
            assert_eq!(Format::parse(format.as_str()), Some(format));
        }
    }
}
