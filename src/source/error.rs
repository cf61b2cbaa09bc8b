//! What goes wrong when records are read: what, in which file, where in it, and what to try.

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a file: whatever of it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Line, counted from 1.
    pub line: Option<u64>,
    /// Record, counted from 1.
    pub record: Option<u64>,
    /// Offset in bytes, of the text after decompression.
    pub byte: Option<u64>,
}

impl Place {
    /// Tells whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Place::default()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [("line", self.line), ("record", self.record), ("byte", self.byte)];
        let known = parts.iter().filter_map(|(word, number)| number.map(|number| format!("{word} {number}")));
        f.write_str(&known.collect::<Vec<_>>().join(", "))
    }
}

/// Records that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What is wrong, in one sentence without the path.
    pub message: String,
    /// The file.
    pub path: Option<PathBuf>,
    /// Where in the file.
    pub place: Place,
    /// What to try.
    pub remedy: Option<Box<str>>,
    /// Whether rows are missing because the service that answered cut them off.
    pub partial: bool,
    /// Whether the records are well, and only other than the beginning of their file: see [`super::Options::glance`].
    pub surprise: bool,
}

impl Error {
    /// Makes an error of a message alone.
    pub fn new(message: impl Into<String>) -> Self {
        Error {
            message: message.into(),
            path: None,
            place: Place::default(),
            remedy: None,
            partial: false,
            surprise: false,
        }
    }

    /// Makes an error of a failed read or write.
    pub fn io(path: &Path, error: &std::io::Error) -> Self {
        Error::new(format!("cannot be read: {error}")).at(path)
    }

    /// Says in which file, unless it is known already.
    pub fn at(mut self, path: &Path) -> Self {
        self.path.get_or_insert_with(|| path.to_path_buf());
        self
    }

    /// Says where in the file.
    pub fn place(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// Says that the service cut rows off.
    pub fn partial(mut self) -> Self {
        self.partial = true;
        self
    }

    /// Says what to try.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into().into_boxed_str());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}", path.display())?;
            if !self.place.is_empty() {
                write!(f, ", {}", self.place)?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// Shortens text for a message, at a character boundary.
pub(super) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_string();
    }
    text.chars().take(LONGEST).collect::<String>() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_tells_file_place_message_and_remedy() {
        let place = Place { line: Some(3), record: None, byte: Some(120) };
        let error = Error::new("the file ends early").at(Path::new("a.gz")).place(place).remedy("export it again");
        assert_eq!(error.to_string(), "a.gz, line 3, byte 120: the file ends early; export it again");
        assert_eq!(Error::new("no file").to_string(), "no file");
    }

    #[test]
    fn excerpts_end_between_characters() {
        assert_eq!(excerpt(&"ä".repeat(61)), "ä".repeat(60) + "…");
        assert_eq!(excerpt("short"), "short");
    }
}
