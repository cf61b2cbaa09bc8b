//! The records of a list on disk while its pages come in: lists may be longer than memory, and are sorted at their end.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha1::{Digest, Sha1};

use super::error::Error;

/// Records in a file that goes away with this; of each, only where it lies and by what it is sorted is in memory.
#[derive(Debug)]
pub struct Records {
    folder: PathBuf,
    file: BufWriter<File>,
    /// Bytes in the file.
    end: u64,
    entries: Vec<Entry>,
    /// The places of identifiers among the entries.
    places: HashMap<[u8; 20], usize>,
}

#[derive(Debug)]
struct Entry {
    key: Box<str>,
    at: u64,
    length: u64,
}

impl Records {
    /// Begins an empty list, in a folder for temporary files.
    pub fn new(folder: &Path) -> Result<Records, Error> {
        let file = tempfile::tempfile_in(folder).map_err(|error| Error::file(folder, &error))?;
        let (folder, file) = (folder.to_path_buf(), BufWriter::new(file));
        Ok(Records { folder, file, end: 0, entries: Vec::new(), places: HashMap::new() })
    }

    /// Adds a record; one with the id of another takes its place. An empty id is nobody's.
    pub fn push(&mut self, id: &str, key: String, record: &Value) -> Result<(), Error> {
        let text = record.to_string();
        self.file.write_all(text.as_bytes()).map_err(|error| Error::file(&self.folder, &error))?;
        let entry = Entry { key: key.into(), at: self.end, length: text.len() as u64 };
        self.end += entry.length;
        let digest = || Sha1::digest(id.as_bytes()).into();
        match self.places.get(&digest()).copied().filter(|_| !id.is_empty()) {
            Some(place) => self.entries[place] = entry,
            None => {
                if !id.is_empty() {
                    self.places.insert(digest(), self.entries.len());
                }
                self.entries.push(entry);
            }
        }
        Ok(())
    }

    /// Sorts the records by their keys; those of one key stay as they came. Nothing is added from then on.
    pub fn sort(&mut self) {
        self.places.clear();
        self.entries.sort_by(|a, b| a.key.cmp(&b.key));
    }

    /// Returns how many records there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Gives the text of each record to `f`, in their order.
    pub fn each(&mut self, f: &mut dyn FnMut(&str) -> Result<(), Error>) -> Result<(), Error> {
        let folder = &self.folder;
        let failed = |error: std::io::Error| Error::file(folder, &error);
        self.file.flush().map_err(failed)?;
        let mut reader = BufReader::new(self.file.get_ref());
        let (mut position, mut text) = (None, String::new());
        for Entry { at, length, .. } in &self.entries {
            if position != Some(*at) {
                reader.seek(SeekFrom::Start(*at)).map_err(failed)?;
            }
            text.clear();
            reader.by_ref().take(*length).read_to_string(&mut text).map_err(failed)?;
            position = Some(at + length);
            f(&text)?;
        }
        drop(reader);
        // What is added comes behind the rest.
        self.file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok(())
    }

    /// Reads all records into memory.
    pub fn read(&mut self) -> Result<Vec<Value>, Error> {
        let mut all = Vec::new();
        self.each(&mut |text| {
            // It was written as JSON.
            all.push(serde_json::from_str(text).unwrap_or_default());
            Ok(())
        })?;
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_record_of_an_id_counts_and_keys_give_the_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut records = Records::new(folder.path()).unwrap();
        for (id, key, number) in [("a", "3", 1), ("b", "1", 2), ("", "2", 3), ("a", "0", 4), ("", "2", 5)] {
            records.push(id, key.to_string(), &json!({ "n": number, "t": "ä" })).unwrap();
        }
        let numbers = |all: Vec<Value>| all.iter().map(|record| record["n"].as_i64().unwrap()).collect::<Vec<_>>();
        assert_eq!(numbers(records.read().unwrap()), [4, 2, 3, 5]);
        records.push("c", "9".to_string(), &json!({"n": 6})).unwrap();
        records.sort();
        assert_eq!((numbers(records.read().unwrap()), records.len()), (vec![4, 2, 3, 5, 6], 5));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
