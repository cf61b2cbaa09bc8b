//! What stands where in a block of JSON text, one bit for each byte.

use fearless_simd::prelude::*;
use fearless_simd::u8x64;
use wide::u8x16;

/// Bytes in a block.
pub(crate) const BLOCK: usize = 64;

/// What stands in a block, one bit for each byte.
pub(crate) struct Marks {
    pub(crate) quotes: u64,
    pub(crate) backslashes: u64,
    pub(crate) controls: u64,
}

impl Marks {
    /// Marks a block with the instructions that the processor has, see [`fearless_simd::dispatch`]. What leads here from
    /// there is always compiled into its caller, and has no closures: those would be compiled without these instructions.
    #[inline(always)]
    pub(crate) fn of<S: Simd>(simd: S, block: &[u8; BLOCK]) -> Marks {
        let block: u8x64<S> = (*block).simd_into(simd);
        Marks {
            quotes: block.simd_eq(b'"').to_bitmask(),
            backslashes: block.simd_eq(b'\\').to_bitmask(),
            controls: block.simd_lt(b' ').to_bitmask(),
        }
    }

    /// Marks the next block of a text, which may be shorter: what is missing counts as spaces.
    #[inline(always)]
    pub(crate) fn of_next<S: Simd>(simd: S, rest: &[u8]) -> Marks {
        match rest.first_chunk() {
            Some(block) => Marks::of(simd, block),
            None => Marks::of(simd, &padded(rest)),
        }
    }

    /// Returns where a string ends that ends in these bytes, and has nothing to be looked at closer before: names of fields
    /// and most of their values.
    #[inline]
    pub(crate) fn short(part: &[u8; 16]) -> Option<usize> {
        let part = u8x16::new(*part);
        let quotes = part.simd_eq(u8x16::splat(b'"'));
        let others = part.simd_eq(u8x16::splat(b'\\')) | part.simd_eq(part.min(u8x16::splat(0x1f)));
        let first = (quotes | others).to_bitmask().trailing_zeros();
        (quotes.to_bitmask().checked_shr(first)? & 1 == 1).then_some(first as usize)
    }
}

/// Marks the bytes that a backslash before them escapes; `carried` tells whether the first byte is escaped, and then
/// whether the first byte behind the block is.
#[inline(always)]
pub(crate) fn follows_escape(backslashes: u64, carried: &mut bool) -> u64 {
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    let carry = u64::from(*carried);
    if backslashes == 0 {
        *carried = false;
        return carry;
    }
    // Of each run of backslashes every other one escapes what follows. Subtracting the run from what follows it borrows
    // along just these, whether the run begins at an odd place or an even one.
    let open = backslashes & !carry;
    let flipped = ((open << 1 | ODD).wrapping_sub(open)) ^ ODD;
    *carried = (flipped & backslashes) >> 63 != 0;
    flipped ^ (backslashes | carry)
}

/// Makes a block of the last bytes of a text, filled up with spaces.
fn padded(rest: &[u8]) -> [u8; BLOCK] {
    let mut block = [b' '; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    block
}

#[cfg(test)]
mod tests {
    use fearless_simd::{Level, dispatch};

    use super::*;

    /// Whatever instructions a processor has, the marks are the same.
    #[test]
    fn every_instruction_set_marks_alike() {
        let bits = |block: &[u8; BLOCK], wanted: fn(u8) -> bool| {
            block.iter().enumerate().fold(0, |bits, (place, byte)| bits | u64::from(wanted(*byte)) << place)
        };
        for seed in 0..=u8::MAX {
            let block: [u8; BLOCK] =
                std::array::from_fn(|place| seed.wrapping_mul(7).wrapping_add((place as u8).wrapping_mul(37)));
            let mut all = vec![dispatch!(Level::new(), simd => Marks::of(simd, &block))];
            all.push(dispatch!(Level::baseline(), simd => Marks::of(simd, &block)));
            #[cfg(target_arch = "x86_64")]
            {
                all.extend(Level::new().as_sse4_2().map(|simd| Marks::of(simd, &block)));
                all.extend(Level::new().as_avx2().map(|simd| Marks::of(simd, &block)));
            }
            for marks in all {
                assert_eq!(marks.quotes, bits(&block, |byte| byte == b'"'));
                assert_eq!(marks.backslashes, bits(&block, |byte| byte == b'\\'));
                assert_eq!(marks.controls, bits(&block, |byte| byte < b' '));
            }
        }
    }

    #[test]
    fn escapes_are_told_from_escaped_backslashes() {
        let mut random = 1u64;
        let mut carried = false;
        let mut escaping = false;
        for _ in 0..2000 {
            // Dense, sparse and full patterns of backslashes.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let backslashes = match random >> 62 {
                0 => random | random.rotate_left(17),
                1 => random & random.rotate_left(17),
                2 => u64::MAX << (random >> 50 & 63),
                _ => random,
            };
            let mut wanted = 0;
            for bit in 0..64 {
                let escaped = escaping;
                wanted |= u64::from(escaped) << bit;
                escaping = !escaped && backslashes >> bit & 1 == 1;
            }
            assert_eq!(follows_escape(backslashes, &mut carried), wanted, "{backslashes:b}");
            assert_eq!(carried, escaping);
        }
    }
}
