//! Hashes, Base64, percent-encoding and compression.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;
use xxhash_rust::xxh64::xxh64;

use super::rows::{self, Column, DYNAMIC, LONG, STRING, as_text, dynamic, function, integer, overload, string};
use crate::functions::lift::{Json, Long, Reader, Text, lift_text1, lift1};
use crate::functions::{Call, Function, FunctionError, Kind, Naming, Returns, one};
use crate::types::{ScalarType, Value, arrow as columns};

/// How much text decompression may give: a few bytes can hold gigabytes of zeros.
const LARGEST: u64 = 64 << 20;

/// Hashes and encodings.
pub(super) const FUNCTIONS: &[Function] = &[
    function!(
        "hash" | "hash_xxhash64",
        "Gives the xxHash64 of a value, or its rest by a number.",
        "hash-function",
        Naming::None,
        [overload!((one("source", Kind::NotDynamic), integer("mod").optional()) -> LONG, hash)],
        [
            ("hash('World')", "1846988464401551951"),
            ("hash('World', 100)", "51"),
            ("hash(long(null)) == hash('')", "true")
        ]
    ),
    function!(
        "hash_md5",
        "Gives the MD5 of a value's text.",
        "hash-md5-function",
        Naming::None,
        [overload!((as_text("source")) -> STRING,
                |call| digest(call, |bytes, out| push_hex(&Md5::digest(bytes), out)))],
        [
            ("hash_md5('World')", "'f5a7924e621e84c9280a9a27e1bcb7f6'"),
            ("hash_md5('a')", "'0cc175b9c0f1b6a831c399e269772661'"),
            ("hash_md5('')", "''")
        ]
    ),
    function!(
        "hash_sha1",
        "Gives the SHA-1 of a value's text.",
        "hash-sha1-function",
        Naming::None,
        [overload!((as_text("source")) -> STRING,
                |call| digest(call, |bytes, out| push_hex(&Sha1::digest(bytes), out)))],
        [
            ("hash_sha1('abc')", "'a9993e364706816aba3e25717850c26c9cd0d89d'"),
            ("hash_sha1('a')", "'86f7e437faa5a7fce15d1ddcb9eaeaea377667b8'"),
            ("hash_sha1('')", "''")
        ]
    ),
    function!(
        "hash_sha256",
        "Gives the SHA-256 of a value's text.",
        "hash-sha256-function",
        Naming::None,
        [overload!((as_text("source")) -> STRING,
                |call| digest(call, |bytes, out| push_hex(&Sha256::digest(bytes), out)))],
        [
            ("hash_sha256('World')", "'78ae647dc5544d227130a0682a51e30bc7777fbb6d8a8f17007463a3ecd1d524'"),
            ("hash_sha256('a')", "'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'"),
            ("hash_sha256('')", "''")
        ]
    ),
    function!(
        "base64_encode_tostring" | "base64_encodestring",
        "Writes a text's UTF-8 in Base64.",
        "base64-encode-tostring-function",
        Naming::None,
        [overload!((string("string")) -> STRING, |call| lift_text1::<Text, _>(call, |text, out| {
            STANDARD.encode_string(text, out);
            true
        }))],
        [
            ("base64_encode_tostring('Kusto')", "'S3VzdG8='"),
            ("base64_encode_tostring('a')", "'YQ=='"),
            ("base64_encode_tostring('')", "''")
        ]
    ),
    function!(
        "base64_decode_tostring" | "base64_decodestring",
        "Reads a text from Base64; nothing if it is no UTF-8.",
        "base64-decode-tostring-function",
        Naming::None,
        [overload!((string("base64_string")) -> STRING, |call| {
            lift1::<Text, Text, _, _>(call, |text| String::from_utf8(decode(text)?).ok())
        })],
        [
            ("base64_decode_tostring('S3VzdG8=')", "'Kusto'"),
            ("base64_decode_tostring('*')", "''"),
            ("base64_decode_tostring('')", "''")
        ]
    ),
    function!(
        "base64_decode_toarray",
        "Reads bytes from Base64, as an array of numbers.",
        "base64-decode-toarray-function",
        Naming::None,
        [overload!((string("base64_string")) -> DYNAMIC, |call| {
            let source = Reader::<Text>::new(call, 0);
            rows::json(call, |row, out| {
                let bytes = decode(source.get(row)?)?;
                out.push('[');
                for (index, byte) in bytes.iter().enumerate() {
                    let _ = write!(out, "{}{byte}", if index == 0 { "" } else { "," });
                }
                out.push(']');
                Some(())
            })
        })],
        [
            ("tostring(base64_decode_toarray('S3Vz'))", "'[75,117,115]'"),
            ("tostring(base64_decode_toarray('QQ=='))", "'[65]'"),
            ("isnull(base64_decode_toarray('***'))", "true")
        ]
    ),
    function!(
        "base64_encode_fromarray",
        "Writes an array of bytes in Base64.",
        "base64-encode-fromarray-function",
        Naming::None,
        [overload!((dynamic("base64_string_decoded_as_array")) -> STRING, |call| {
            lift1::<Json, Text, _, _>(call, |array| {
                let bytes = rows::elements(array)?.into_iter().map(|byte| byte.parse().ok());
                let bytes = bytes.collect::<Option<Vec<u8>>>()?;
                Some(STANDARD.encode(bytes))
            })
        })],
        [
            ("base64_encode_fromarray(dynamic([75, 117, 115]))", "'S3Vz'"),
            ("base64_encode_fromarray(dynamic([65]))", "'QQ=='"),
            ("base64_encode_fromarray(dynamic(null))", "''")
        ]
    ),
    function!(
        "base64_decode_toguid",
        "Reads a guid from the Base64 of its bytes.",
        "base64-decode-toguid-function",
        Naming::None,
        [overload!((string("base64_string")) -> Returns::Type(ScalarType::Guid), |call| {
            lift1::<Text, Json, _, _>(call, |text| {
                let bytes: [u8; 16] = decode(text)?.try_into().ok()?;
                Some(uuid::Uuid::from_bytes_le(bytes).to_string())
            })
        })],
        [
            ("base64_decode_toguid('8jMxriJurkmwahbmqbIS6w==')", "guid(ae3133f2-6e22-49ae-b06a-16e6a9b212eb)"),
            ("base64_decode_toguid('AAAAAAAAAAAAAAAAAAAAAA==')", "guid(00000000-0000-0000-0000-000000000000)"),
            ("isnull(base64_decode_toguid(''))", "true")
        ]
    ),
    function!(
        "base64_encode_fromguid",
        "Writes a guid's bytes in Base64.",
        "base64-encode-fromguid-function",
        Naming::None,
        [overload!((one("guid", Kind::Is(ScalarType::Guid))) -> STRING, |call| {
            lift1::<Json, Text, _, _>(call, |guid| {
                Some(STANDARD.encode(uuid::Uuid::parse_str(guid).ok()?.to_bytes_le()))
            })
        })],
        [
            ("base64_encode_fromguid(guid(ae3133f2-6e22-49ae-b06a-16e6a9b212eb))", "'8jMxriJurkmwahbmqbIS6w=='"),
            ("base64_encode_fromguid(guid(00000000-0000-0000-0000-000000000000))", "'AAAAAAAAAAAAAAAAAAAAAA=='"),
            ("base64_encode_fromguid(guid(null))", "''")
        ]
    ),
    function!(
        "url_encode",
        "Percent-encodes a text; blanks become `+`.",
        "url-encode-function",
        Naming::None,
        [overload!((string("url")) -> STRING,
                |call| lift_text1::<Text, _>(call, |text, out| url_encode(text, "+", out)))],
        [
            ("url_encode('https://a.example/b c')", "'https%3a%2f%2fa.example%2fb+c'"),
            ("url_encode('a-b_c.d')", "'a-b_c.d'"),
            ("url_encode('')", "''")
        ]
    ),
    function!(
        "url_encode_component",
        "Percent-encodes a text; blanks become `%20`.",
        "url-encode-component-function",
        Naming::None,
        [overload!((string("url")) -> STRING,
                |call| lift_text1::<Text, _>(call, |text, out| url_encode(text, "%20", out)))],
        [
            ("url_encode_component('a b/c')", "'a%20b%2fc'"),
            ("url_encode_component('a b')", "'a%20b'"),
            ("url_encode_component('')", "''")
        ]
    ),
    function!(
        "url_decode",
        "Decodes a percent-encoded text.",
        "url-decode-function",
        Naming::None,
        [overload!((string("encoded_url")) -> STRING, |call| lift1::<Text, Text, _, _>(call, url_decode))],
        [
            ("url_decode('https%3a%2f%2fa.example')", "'https://a.example'"),
            ("url_decode('100%')", "'100%'"),
            ("url_decode('')", "''")
        ]
    ),
    function!(
        "gzip_decompress_from_base64_string",
        "Decompresses gzip that is written in Base64.",
        "gzip-base64-decompress",
        Naming::None,
        [overload!((string("string")) -> STRING, |call| lift1::<Text, Text, _, _>(call, |text| {
            read_text(flate2::read::GzDecoder::new(decode(text)?.as_slice()))
        }))],
        [
            (
                "gzip_decompress_from_base64_string('H4sIAAAAAAAA/wEUAOv/MTIzNDU2Nzg5MHF3ZXJ0eXVpb3A6m7f2FAAAAA==')",
                "'1234567890qwertyuiop'"
            ),
            ("gzip_decompress_from_base64_string('x')", "''"),
            ("gzip_decompress_from_base64_string('')", "''")
        ]
    ),
    function!(
        "gzip_compress_to_base64_string",
        "Compresses a text with gzip and writes it in Base64.",
        "gzip-base64-compress",
        Naming::None,
        [overload!((string("string")) -> STRING, |call| lift1::<Text, Text, _, _>(call, gzip))],
        [
            (
                "gzip_compress_to_base64_string('1234567890qwertyuiop')",
                "'H4sIAAAAAAAA/wEUAOv/MTIzNDU2Nzg5MHF3ZXJ0eXVpb3A6m7f2FAAAAA=='"
            ),
            ("gzip_decompress_from_base64_string(gzip_compress_to_base64_string('é'))", "'é'"),
            ("gzip_decompress_from_base64_string(gzip_compress_to_base64_string(''))", "''")
        ]
    ),
    function!(
        "zlib_decompress_from_base64_string",
        "Decompresses zlib that is written in Base64.",
        "zlib-base64-decompress",
        Naming::None,
        [overload!((string("string")) -> STRING, |call| lift1::<Text, Text, _, _>(call, |text| {
            read_text(flate2::read::ZlibDecoder::new(decode(text)?.as_slice()))
        }))],
        [
            (
                "zlib_decompress_from_base64_string('eAEBFADr/zEyMzQ1Njc4OTBxd2VydHl1aW9wOAkGdw==')",
                "'1234567890qwertyuiop'"
            ),
            ("zlib_decompress_from_base64_string('x')", "''"),
            ("zlib_decompress_from_base64_string('')", "''")
        ]
    ),
    function!(
        "zlib_compress_to_base64_string",
        "Compresses a text with zlib and writes it in Base64.",
        "zlib-base64-compress",
        Naming::None,
        [overload!((string("string")) -> STRING, |call| lift1::<Text, Text, _, _>(call, |text| {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), LEVEL);
            encoder.write_all(text.as_bytes()).ok()?;
            Some(STANDARD.encode(encoder.finish().ok()?))
        }))],
        [
            (
                "zlib_compress_to_base64_string('1234567890qwertyuiop')",
                "'eAEBFADr/zEyMzQ1Njc4OTBxd2VydHl1aW9wOAkGdw=='"
            ),
            ("zlib_decompress_from_base64_string(zlib_compress_to_base64_string('é'))", "'é'"),
            ("zlib_decompress_from_base64_string(zlib_compress_to_base64_string(''))", "''")
        ]
    ),
];

/// The published samples hold their text uncompressed, so this is what ours do.
const LEVEL: flate2::Compression = flate2::Compression::none();

/// Hashes UTF-8 for a text, little-endian bytes for a number (checked against published hashes), nothing for a null.
fn hash(call: &Call) -> Column {
    let argument = &call.arguments[0];
    if argument.scalar_type == ScalarType::Decimal {
        // Its bytes are hashed, and how the engine lays them out is not published.
        return Err(FunctionError::argument(0, "AQ001", "`hash()` of a decimal is not supported yet"));
    }
    let divisor = rows::optional::<Long>(call, 1);
    rows::longs(call, |row| {
        let at = if argument.constant { 0 } else { row };
        let hash = match columns::value_at(&argument.array, at, argument.scalar_type) {
            Value::Null(_) | Value::Decimal(_) => xxh64(b"", 0),
            Value::Bool(value) => xxh64(&[u8::from(value)], 0),
            Value::Int(value) => xxh64(&value.to_le_bytes(), 0),
            Value::Long(value) | Value::DateTime(value) | Value::TimeSpan(value) => xxh64(&value.to_le_bytes(), 0),
            Value::Real(value) => xxh64(&value.to_le_bytes(), 0),
            Value::Guid(value) => xxh64(&uuid::Uuid::parse_str(&value).map_or([0; 16], |guid| guid.to_bytes_le()), 0),
            Value::String(value) | Value::Dynamic(value) => xxh64(value.as_bytes(), 0),
        } as i64;
        match &divisor {
            Some(divisor) => hash.checked_rem_euclid(divisor.get(row)?),
            None => Some(hash),
        }
    })
}

/// The digest of no text is no text (measured).
fn digest(call: &Call, push: fn(&[u8], &mut String)) -> Column {
    lift_text1::<Text, _>(call, |text, out| {
        if !text.is_empty() {
            push(text.as_bytes(), out);
        }
        true
    })
}

fn push_hex(bytes: &[u8], out: &mut String) {
    bytes.iter().for_each(|byte| {
        let _ = write!(out, "{byte:02x}");
    });
}

fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Writes letters, digits and `-_.~` as they are. The pages show lower-case digits, and no other characters (the set
/// is inferred).
fn url_encode(text: &str, blank: &str, out: &mut String) -> bool {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push_str(blank),
            byte => {
                let _ = write!(out, "%{byte:02x}");
            }
        }
    }
    true
}

/// Bytes that are no UTF-8 become U+FFFD (inferred).
fn url_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = tail.get(..2).filter(|code| byte == b'%' && code.iter().all(u8::is_ascii_hexdigit));
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        rest = if code.is_some() { &tail[2..] } else { tail };
        bytes.push(code.unwrap_or(if byte == b'+' { b' ' } else { byte }));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn read_text(reader: impl std::io::Read) -> Option<String> {
    let mut text = String::new();
    reader.take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

fn gzip(text: &str) -> Option<String> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), LEVEL);
    encoder.write_all(text.as_bytes()).ok()?;
    let mut checksum = flate2::Crc::new();
    checksum.update(text.as_bytes());
    // Without name, time and hint, from a system that is not named.
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    bytes.extend(encoder.finish().ok()?);
    bytes.extend(checksum.sum().to_le_bytes());
    bytes.extend((text.len() as u32).to_le_bytes());
    Some(STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::super::rows::evaluate;
    use super::*;

    fn call(name: &str, argument: Value) -> Value {
        evaluate(FUNCTIONS, name, &[argument])
    }

    fn string(text: &str) -> Value {
        Value::String(text.to_string())
    }

    #[test]
    fn published_hashes() {
        assert_eq!(call("hash", string("Hello")), Value::Long(753694413698530628));
        // 2015-01-01
        assert_eq!(call("hash", Value::DateTime(635556672000000000)), Value::Long(1380966698541616202));
        assert_eq!(evaluate(FUNCTIONS, "hash", &[string("World"), Value::Long(100)]), Value::Long(51));
        assert_eq!(evaluate(FUNCTIONS, "hash", &[string("World"), Value::Long(0)]), Value::Null(ScalarType::Long));
        assert_eq!(call("hash_md5", string("World")), string("f5a7924e621e84c9280a9a27e1bcb7f6"));
        assert_eq!(call("hash_sha1", string("")), string(""));
    }

    #[test]
    fn compression_as_published() {
        let packed = "H4sIAAAAAAAA/wEUAOv/MTIzNDU2Nzg5MHF3ZXJ0eXVpb3A6m7f2FAAAAA==";
        assert_eq!(call("gzip_compress_to_base64_string", string("1234567890qwertyuiop")), string(packed));
        assert_eq!(call("gzip_decompress_from_base64_string", string(packed)), string("1234567890qwertyuiop"));
        let packed = "eAEBFADr/zEyMzQ1Njc4OTBxd2VydHl1aW9wOAkGdw==";
        assert_eq!(call("zlib_compress_to_base64_string", string("1234567890qwertyuiop")), string(packed));
    }

    #[test]
    fn percent_signs() {
        assert_eq!(call("url_decode", string("a%2Fb+c%zz%")), string("a/b c%zz%"));
        assert_eq!(call("url_encode", string("é~")), string("%c3%a9~"));
    }
}
