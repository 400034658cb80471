//! Answers that come in a coding (RFC 9110, section 8.4) although none was asked for: some servers know no other way.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};

use super::egress::{Ending, Fetched};

/// How many codings one answer may be in, one over the other.
const MAX_CODINGS: usize = 2;

/// Undoes the codings of an answer, so that it can be read: up to `most` bytes, whatever it would become. What can't be
/// undone is not kept, because nobody knows what is in it.
pub(super) fn undo(fetched: &mut Fetched, most: usize) {
    let is_whole = fetched.ending == Ending::Whole;
    let codings = codings(fetched.response.headers());
    if !is_whole || fetched.response.body().is_empty() || codings.is_empty() {
        return;
    }
    match undone(std::mem::take(fetched.response.body_mut()), &codings, most) {
        Ok(body) => {
            *fetched.response.body_mut() = body;
            fetched.response.headers_mut().remove(header::CONTENT_ENCODING);
        }
        Err(ending) => fetched.ending = ending,
    }
}

/// The codings, in the order in which they were applied.
fn codings(headers: &HeaderMap) -> Vec<String> {
    let lists = headers.get_all(header::CONTENT_ENCODING).iter();
    let words =
        lists.flat_map(|list| list.to_str().unwrap_or("?").split(',').map(|word| word.trim().to_ascii_lowercase()));
    words.filter(|word| !matches!(word.as_str(), "" | "identity")).collect()
}

fn undone(mut body: Vec<u8>, codings: &[String], most: usize) -> Result<Vec<u8>, Ending> {
    if codings.len() > MAX_CODINGS {
        return Err(Ending::Coded);
    }
    for coding in codings.iter().rev() {
        body = match coding.as_str() {
            "gzip" | "x-gzip" => read(MultiGzDecoder::new(body.as_slice()), most)?,
            // What is called `deflate` has a frame around it; some servers leave that out.
            "deflate" => match read(ZlibDecoder::new(body.as_slice()), most) {
                Err(Ending::Coded) => read(DeflateDecoder::new(body.as_slice()), most)?,
                undone => undone?,
            },
            _ => return Err(Ending::Coded),
        };
    }
    Ok(body)
}

/// Reads one byte more than there may be, and no more than that.
fn read(decoder: impl Read, most: usize) -> Result<Vec<u8>, Ending> {
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut body = Vec::new();
    decoder.take(limit).read_to_end(&mut body).map_err(|_| Ending::Coded)?;
    if body.len() > most { Err(Ending::TooLong) } else { Ok(body) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };
    use http::Response;

    use super::*;

    const MOST: usize = 1_000;

    fn undone(coding: &str, body: &[u8]) -> (Ending, Vec<u8>, bool) {
        let response = Response::builder().header("content-encoding", coding).body(body.to_vec()).expect("an answer");
        let mut fetched = Fetched { response, ending: Ending::Whole };
        undo(&mut fetched, MOST);
        let is_named = fetched.response.headers().contains_key(header::CONTENT_ENCODING);
        (fetched.ending, fetched.response.into_body(), is_named)
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body).expect("memory");
        encoder.finish().expect("memory")
    }

    fn zlib(body: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).expect("memory");
        encoder.finish().expect("memory")
    }

    fn deflate(body: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn what_came_in_a_usual_coding_is_read() {
        let read = (Ending::Whole, b"{\"a\":1}".to_vec(), false);
        for (coding, body) in [
            ("gzip", gzip(&read.1)),
            ("X-GZip", gzip(&read.1)),
            ("deflate", zlib(&read.1)),
            ("deflate", deflate(&read.1)),
            ("deflate, gzip", gzip(&zlib(&read.1))),
            ("identity, gzip", gzip(&read.1)),
            ("gzip", [gzip(b"{\"a\""), gzip(b":1}")].concat()),
        ] {
            assert_eq!(undone(coding, &body), read, "{coding}");
        }
        assert_eq!(undone("identity", b"x"), (Ending::Whole, b"x".to_vec(), true));
        assert_eq!(undone("gzip", b""), (Ending::Whole, Vec::new(), true), "an answer to HEAD has no body");
    }

    #[test]
    fn what_can_not_be_undone_is_not_kept() {
        let whole = gzip(b"{\"a\":1}");
        for (coding, body) in [
            ("br", &b"\x0b\x03\x80{\"a\":1}\x03"[..]),
            ("zstd", b"x"),
            ("gzip", b"{\"a\":1}"),
            ("gzip", &whole[..whole.len() - 4]),
            ("gzip, gzip, gzip", &gzip(&gzip(&whole))),
            ("gzip, br", &whole),
        ] {
            assert_eq!(undone(coding, body), (Ending::Coded, Vec::new(), true), "{coding}");
        }
    }

    #[test]
    fn little_that_becomes_much_is_too_long() {
        let bomb = gzip(&vec![0; 50 * 1024 * 1024]);
        assert!(bomb.len() < 100_000);
        for (coding, body, ending) in [
            ("gzip", gzip(&[b'a'; MOST]), Ending::Whole),
            ("gzip", gzip(&[b'a'; MOST + 1]), Ending::TooLong),
            ("gzip", bomb.clone(), Ending::TooLong),
            ("gzip, gzip", gzip(&bomb), Ending::TooLong),
            ("deflate", deflate(&[0; MOST + 1]), Ending::TooLong),
            ("deflate", zlib(&[0; MOST + 1]), Ending::TooLong),
        ] {
            assert_eq!(undone(coding, &body).0, ending, "{coding}");
        }
    }
}
