//! The order in which the engine lists the neighbours of a cell.
//!
//! The recorded lists are neither sorted nor in any order around the cell, and those printed in the reference are in
//! another one. Both are what a standard library's hash set of the cells' texts makes of them: Microsoft's with FNV in
//! the reference, GNU's with Murmur in the engine, whose way is taken here. A set of 8 texts has 11 buckets and one of
//! 6 has 7; all three recorded lists come out so.

/// Buckets of a set of eight cells of a square grid.
pub(super) const CELL_BUCKETS: u64 = 11;
/// Buckets of a set of six cells of a hexagonal grid.
pub(super) const HEXAGON_BUCKETS: u64 = 7;

/// Sorts cells as the engine's hash set does: a new one stands first, unless its bucket has one, before which it goes.
pub(super) fn in_engine_order(cells: Vec<String>, buckets: u64) -> Vec<String> {
    let mut listed: Vec<(u64, String)> = Vec::with_capacity(cells.len());
    for cell in cells {
        let bucket = murmur(cell.as_bytes()) % buckets;
        if listed.iter().any(|(_, other)| *other == cell) {
            continue;
        }
        let place = listed.iter().position(|(other, _)| *other == bucket).unwrap_or(0);
        listed.insert(place, (bucket, cell));
    }
    listed.into_iter().map(|(_, cell)| cell).collect()
}

/// Writes texts without special characters as a JSON array.
pub(super) fn write_list(cells: &[String], out: &mut String) {
    out.push('[');
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push('"');
        out.push_str(cell);
        out.push('"');
    }
    out.push(']');
}

/// The hash of GNU's C++ library for texts: MurmurHash64A with its own seed.
fn murmur(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0xc6a4_a793_5bd1_e995;
    const SEED: u64 = 0xc70f_6907;

    let mix = |value: u64| value ^ value >> 47;
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let word = mix(u64::from_le_bytes(*word).wrapping_mul(FACTOR)).wrapping_mul(FACTOR);
        hash = (hash ^ word).wrapping_mul(FACTOR);
    }
    if !rest.is_empty() {
        let word = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        hash = (hash ^ word).wrapping_mul(FACTOR);
    }
    mix(mix(hash).wrapping_mul(FACTOR))
}

#[cfg(test)]
mod tests {
    use super::{CELL_BUCKETS, in_engine_order};

    #[test]
    fn a_full_bucket_takes_its_newest_first() {
        let around = ["sunpj", "sunpn", "sunpp", "sunnz", "sunnx", "sunnw", "sunnt", "sunnv"];
        let listed = in_engine_order(around.map(String::from).to_vec(), CELL_BUCKETS);
        assert_eq!(listed, ["sunnv", "sunnt", "sunnw", "sunnx", "sunpp", "sunnz", "sunpn", "sunpj"]);
    }
}
