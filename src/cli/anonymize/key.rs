//! Where the secret key comes from: a file or the environment, never the command line.

use std::env;
use std::fs;
use std::path::Path;

use crate::anonymize::{Key, SHORTEST_KEY};
use crate::cli::console::Console;
use crate::cli::stop::Stop;

const VARIABLE: &str = "ALERTQ_ANONYMIZE_KEY";
const REMEDY: &str = "make one with: openssl rand -hex 32 > team.key";

/// Reads the key; blanks at its ends are none of it.
pub(super) fn read(file: Option<&Path>, console: &Console) -> Result<Key, Stop> {
    let (secret, origin) = match file {
        Some(path) => {
            let failed = |error| Stop::failure(format!("the key file {} cannot be read: {error}", path.display()));
            let secret = fs::read(path).map_err(|error| failed(error).help(REMEDY))?;
            warn_of_readers(path, console);
            (secret, path.display().to_string())
        }
        None => match env::var_os(VARIABLE) {
            Some(secret) => (secret.into_encoded_bytes(), VARIABLE.to_string()),
            None => {
                return Err(
                    Stop::failure(format!("there is no key: give --key-file FILE, or set {VARIABLE}")).help(REMEDY)
                );
            }
        },
    };
    Key::new(secret.trim_ascii()).ok_or_else(|| {
        Stop::failure(format!("the key in {origin} is too short: it needs at least {SHORTEST_KEY} bytes")).help(REMEDY)
    })
}

/// Warns where others can read the key.
fn warn_of_readers(path: &Path, console: &Console) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0) {
            console.warning(&format!("{}: everybody on this machine can read the key: chmod 600 it", path.display()));
        }
    }
    #[cfg(not(unix))]
    let _ = (path, console);
}
