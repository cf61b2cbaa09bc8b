//! A folder of results, and the manifest that tells what in it is finished.
//!
//! Results are made in `_alertq/tmp`. When a piece of work is whole, the manifest names its inputs and its results in
//! one step, by a rename: from then on it is done. What a run that was killed has not yet moved to its place the next
//! one moves, and whatever else lies in `_alertq/tmp` it removes.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::inputs::{File, Print};
use crate::cli::output::{Output, sync_folder};
use crate::cli::stop::Stop;

const OWN: &str = "_alertq";
const VERSION: u32 = 1;

/// A folder of results that this process alone writes to.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    manifest: Manifest,
    /// Held as long as this value lives.
    _lock: fs::File,
}

/// What is finished.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    units: Vec<Unit>,
    /// Files that others have replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    remove: Vec<String>,
}

/// A piece of work that is finished as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unit {
    /// What was asked for, as far as it changes the results.
    pub(super) options: String,
    pub(super) inputs: Vec<Print>,
    pub(super) outputs: Vec<Staged>,
}

/// A result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Staged {
    /// Its place, below the folder.
    pub(super) path: PathBuf,
    /// Its name before it was moved there.
    staged: String,
    #[serde(default)]
    size: u64,
}

impl Folder {
    /// Opens a folder, makes it where there is none, and ends what a killed run has left.
    ///
    /// Fails when another process writes to it, or its manifest is not readable.
    pub(super) fn open(root: &Path) -> Result<Folder, Stop> {
        let own = root.join(OWN);
        let failed = |error: std::io::Error| Stop::write(root.display(), &error);
        fs::create_dir_all(own.join("tmp")).map_err(failed)?;
        let lock = fs::File::create(own.join("lock")).map_err(failed)?;
        if let Err(fs::TryLockError::WouldBlock) = lock.try_lock() {
            return Err(Stop::failure(format!("another process converts into {}", root.display())));
        }
        let mut folder = Folder { root: root.to_path_buf(), manifest: read(&own.join("manifest.json"))?, _lock: lock };
        folder.settle()?;
        for entry in fs::read_dir(own.join("tmp")).map_err(failed)?.flatten() {
            let _ = fs::remove_file(entry.path());
        }
        Ok(folder)
    }

    /// Returns a name for a result in the making.
    pub(super) fn stage(&self, place: &Path) -> Staged {
        Staged { path: place.to_path_buf(), staged: uuid::Uuid::new_v4().simple().to_string(), size: 0 }
    }

    /// Returns the path of a result in the making.
    pub(super) fn staging(&self, staged: &Staged) -> PathBuf {
        self.root.join(OWN).join("tmp").join(&staged.staged)
    }

    /// Removes results in the making.
    pub(super) fn forget(&self, results: &[Staged]) {
        for staged in results {
            let _ = fs::remove_file(self.staging(staged));
        }
    }

    /// Returns the path of the result below a folder that was made last.
    pub(super) fn last(&self, below: &Path) -> Option<PathBuf> {
        let mut outputs = self.manifest.units.iter().rev().flat_map(|unit| &unit.outputs);
        outputs.find(|output| output.path.starts_with(below)).map(|output| self.root.join(&output.path))
    }

    /// Says that a piece of work is whole, and moves its results to their places.
    pub(super) fn commit(&mut self, mut unit: Unit) -> Result<(), Stop> {
        for output in &mut unit.outputs {
            let path = self.staging(output);
            output.size = path.metadata().map_err(|error| Stop::write(path.display(), &error))?.len();
        }
        let inputs: HashSet<_> = unit.inputs.iter().map(|input| &input.path).collect();
        let places: HashSet<_> = unit.outputs.iter().map(|output| &output.path).collect();
        let replaced = |old: &Unit| {
            old.inputs.iter().any(|input| inputs.contains(&input.path))
                || old.outputs.iter().any(|output| places.contains(&output.path))
        };
        let (old, mut units): (Vec<_>, Vec<_>) = self.manifest.units.drain(..).partition(replaced);
        let kept: HashSet<_> = units.iter().flat_map(|unit| &unit.outputs).map(|output| output.path.clone()).collect();
        let gone = old.iter().flat_map(|unit| &unit.outputs).map(|output| &output.path);
        let gone = gone.filter(|path| !places.contains(path) && !kept.contains(*path));
        let remove = gone.map(|path| path.to_string_lossy().into_owned()).collect();
        units.push(unit);
        self.manifest = Manifest { version: VERSION, units, remove };
        self.save()?;
        self.settle()
    }

    fn save(&self) -> Result<(), Stop> {
        let text = serde_json::to_string_pretty(&self.manifest).map_err(Stop::failure)?;
        let mut output = Output::open(Some(&self.root.join(OWN).join("manifest.json")))?;
        output.text(&text)?;
        output.finish()
    }

    /// Moves what is whole to its place, and removes what it replaces.
    fn settle(&mut self) -> Result<(), Stop> {
        let mut folders = HashSet::new();
        for output in self.manifest.units.iter().flat_map(|unit| &unit.outputs) {
            let (from, to) = (self.staging(output), self.root.join(&output.path));
            if from.exists() {
                let folder = to.parent().unwrap_or(&self.root).to_path_buf();
                let moved = fs::create_dir_all(&folder).and_then(|()| fs::rename(&from, &to));
                moved.map_err(|error| Stop::write(to.display(), &error))?;
                folders.insert(folder);
            }
        }
        folders.iter().for_each(|folder| sync_folder(folder));
        if self.manifest.remove.is_empty() {
            return Ok(());
        }
        for path in self.manifest.remove.drain(..) {
            let path = self.root.join(path);
            let _ = fs::remove_file(&path);
            // Folders that still hold something stay.
            for folder in path.ancestors().skip(1).take_while(|folder| *folder != self.root) {
                if fs::remove_dir(folder).is_err() {
                    break;
                }
            }
        }
        self.save()
    }

    /// Tells whether these very inputs are finished.
    pub(super) fn has(&self, options: &str, inputs: &[Print]) -> bool {
        let inputs: HashSet<_> = inputs.iter().collect();
        self.manifest.units.iter().any(|unit| {
            unit.options == options
                && !inputs.is_empty()
                && unit.inputs.len() == inputs.len()
                && unit.inputs.iter().all(|input| inputs.contains(input))
                && self.is_intact(unit)
        })
    }

    /// Tells whether all of these inputs are finished, and nothing else is.
    pub(super) fn is_finished(&self, options: &str, files: &[File]) -> bool {
        let prints: Option<HashSet<&Print>> = files.iter().map(|file| file.print.as_ref()).collect();
        let finished = self.manifest.units.iter().filter(|unit| unit.options == options && self.is_intact(unit));
        let finished: HashSet<&Print> = finished.flat_map(|unit| &unit.inputs).collect();
        let known = self.manifest.units.iter().map(|unit| unit.inputs.len()).sum::<usize>();
        prints.is_some_and(|prints| prints == finished && known == finished.len() && known > 0)
    }

    fn is_intact(&self, unit: &Unit) -> bool {
        let whole = |output: &Staged| self.root.join(&output.path).metadata().is_ok_and(|m| m.len() == output.size);
        unit.outputs.iter().all(whole)
    }

    /// Returns the files that are not finished: new ones, those that have changed, and those whose results hold rows of
    /// such a file.
    ///
    /// Fails when rows would be lost: a file must be read again because another has changed, and is gone.
    pub(super) fn unfinished(&self, options: &str, files: Vec<File>, whole: bool) -> Result<Vec<File>, Stop> {
        let now: HashMap<String, Print> =
            files.iter().filter_map(|file| file.print.clone()).map(|print| (print.path.clone(), print)).collect();
        let same = |input: &Print| now.get(&input.path).is_none_or(|print| print == input);
        let fresh = |unit: &&Unit| unit.options == options && unit.inputs.iter().all(same) && self.is_intact(unit);
        let (mut fresh, mut stale): (Vec<&Unit>, Vec<&Unit>) = self.manifest.units.iter().partition(fresh);
        let finished: HashSet<&str> = fresh.iter().flat_map(|unit| &unit.inputs).map(|input| &*input.path).collect();
        let is_new = |file: &File| file.print.as_ref().is_none_or(|print| !finished.contains(&*print.path));
        if whole && (!stale.is_empty() || files.iter().any(is_new)) {
            // Records are compared with all others: all of them are read again.
            stale.append(&mut fresh);
        }
        let again: HashSet<&str> = stale.iter().flat_map(|unit| &unit.inputs).map(|input| &*input.path).collect();
        let mut wanted = Vec::new();
        for input in stale.iter().flat_map(|unit| &unit.inputs).filter(|input| !now.contains_key(&input.path)) {
            let file = File::new(PathBuf::from(&input.path), input.table.clone());
            if file.print.is_none() {
                let message = format!("{}: the rows of this file must be made anew, and it is gone", input.path);
                return Err(Stop::failure(message)
                    .help("it was converted with files that have changed since; convert into another folder"));
            }
            wanted.push(file);
        }
        let wants = |file: &File| is_new(file) || file.print.as_ref().is_some_and(|print| again.contains(&*print.path));
        wanted.extend(files.into_iter().filter(wants));
        Ok(wanted)
    }
}

fn read(path: &Path) -> Result<Manifest, Stop> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Manifest::default()),
        Err(error) => return Err(Stop::failure(format!("{} cannot be read: {error}", path.display()))),
    };
    let unfit = |what: String| {
        Stop::failure(format!("{} is no manifest of this version: {what}", path.display()))
            .help("convert into another folder")
    };
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| unfit(error.to_string()))?;
    if manifest.version != VERSION {
        return Err(unfit(format!("version {}", manifest.version)));
    }
    let outputs = manifest.units.iter().flat_map(|unit| &unit.outputs);
    let paths = outputs.flat_map(|output| [output.path.as_path(), Path::new(&output.staged)]);
    let elsewhere = paths.chain(manifest.remove.iter().map(Path::new)).find(|path| !stays_inside(path));
    if let Some(path) = elsewhere {
        return Err(unfit(format!("{} lies elsewhere", path.display())));
    }
    Ok(manifest)
}

/// Tells whether a path leads to something below the folder that it is joined to.
fn stays_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a result of some text, of one input.
    fn unit(folder: &Folder, input: &File, place: &str, text: &str) -> Unit {
        let staged = folder.stage(Path::new(place));
        fs::write(folder.staging(&staged), text).unwrap();
        Unit { options: "o".into(), inputs: vec![input.print.clone().unwrap()], outputs: vec![staged] }
    }

    fn input(folder: &tempfile::TempDir, name: &str, text: &str) -> File {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        File::new(path, None)
    }

    #[test]
    fn what_is_finished_is_not_done_again_and_what_changed_is() {
        let (exports, results) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (a, b) = (input(&exports, "a", "1"), input(&exports, "b", "2"));
        let mut folder = Folder::open(results.path()).unwrap();
        let first = unit(&folder, &a, "T/a.csv", "a");
        folder.commit(first).unwrap();
        assert_eq!(fs::read_to_string(results.path().join("T/a.csv")).unwrap(), "a");
        assert_eq!(folder.unfinished("o", vec![a.clone(), b.clone()], false).unwrap(), vec![b.clone()]);
        assert_eq!(folder.unfinished("o", vec![a.clone(), b.clone()], true).unwrap(), [a.clone(), b.clone()]);
        assert_eq!(folder.unfinished("other", vec![a.clone()], false).unwrap(), vec![a.clone()]);
        assert!(folder.is_finished("o", std::slice::from_ref(&a)) && !folder.is_finished("o", &[a.clone(), b]));
        let changed = input(&exports, "a", "changed");
        assert_eq!(folder.unfinished("o", vec![changed.clone()], false).unwrap(), vec![changed.clone()]);
        let second = unit(&folder, &changed, "T/c.csv", "c");
        folder.commit(second).unwrap();
        assert!(!results.path().join("T/a.csv").exists() && results.path().join("T/c.csv").exists());
    }

    #[test]
    fn a_lost_result_is_made_again_and_lost_rows_are_told() {
        let (exports, results) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let a = input(&exports, "a", "1");
        let mut folder = Folder::open(results.path()).unwrap();
        let first = unit(&folder, &a, "a.csv", "a");
        folder.commit(first).unwrap();
        fs::remove_file(results.path().join("a.csv")).unwrap();
        assert_eq!(folder.unfinished("o", vec![a.clone()], false).unwrap(), std::slice::from_ref(&a));
        fs::remove_file(&a.path).unwrap();
        assert!(folder.unfinished("o", Vec::new(), false).is_err());
    }

    #[test]
    fn a_killed_run_is_brought_to_its_end() {
        let (exports, results) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let a = input(&exports, "a", "1");
        let mut folder = Folder::open(results.path()).unwrap();
        let whole = unit(&folder, &a, "a.csv", "a");
        let half = folder.stage(Path::new("b.csv"));
        fs::write(folder.staging(&half), "b").unwrap();
        // The manifest names the result, and it has not been moved yet.
        folder.manifest = Manifest { version: VERSION, units: vec![whole], remove: Vec::new() };
        folder.save().unwrap();
        assert!(Folder::open(results.path()).is_err(), "two processes at once");
        drop(folder);
        drop(Folder::open(results.path()).unwrap());
        assert_eq!(fs::read_to_string(results.path().join("a.csv")).unwrap(), "a");
        assert_eq!(fs::read_dir(results.path().join("_alertq/tmp")).unwrap().count(), 0);
    }

    #[test]
    fn a_manifest_cannot_reach_outside() {
        let results = tempfile::tempdir().unwrap();
        fs::create_dir(results.path().join("_alertq")).unwrap();
        for remove in ["../x", "/etc/passwd"] {
            let text = format!("{{\"version\": 1, \"units\": [], \"remove\": [\"{remove}\"]}}");
            fs::write(results.path().join("_alertq/manifest.json"), text).unwrap();
            assert!(Folder::open(results.path()).is_err());
        }
    }
}
