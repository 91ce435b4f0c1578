//! Where canonical bytes go: a text, or a hash that never sees the whole text.

use sha2::{Digest, Sha256};

/// Takes the canonical form, piece by piece.
pub trait Sink {
    /// Takes the next bytes.
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// SHA-256 with a buffer before it: the canonical form comes in pieces of a few bytes, and the hash is fast on whole blocks only.
pub struct HashSink {
    hash: Sha256,
    buffer: Vec<u8>,
}

impl HashSink {
    /// 64 blocks: fits the first-level cache, and the cost of a call disappears.
    const CAPACITY: usize = 4096;

    /// A hash of nothing yet.
    pub fn new() -> Self {
        Self {
            hash: Sha256::new(),
            buffer: Vec::with_capacity(Self::CAPACITY),
        }
    }

    /// The digest in lower-case hex, 64 characters.
    pub fn finish(mut self) -> String {
        const HEX: [u8; 16] = *b"0123456789abcdef";
        self.hash.update(&self.buffer);
        let mut text = String::with_capacity(64);
        for byte in self.hash.finalize() {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0')));
            }
        }
        text
    }
}

impl Sink for HashSink {
    fn put(&mut self, bytes: &[u8]) {
        if self.buffer.len() + bytes.len() <= Self::CAPACITY {
            self.buffer.extend_from_slice(bytes);
            return;
        }
        self.hash.update(&self.buffer);
        self.buffer.clear();
        if bytes.len() >= Self::CAPACITY {
            self.hash.update(bytes);
        } else {
            self.buffer.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_hash_like_the_whole() {
        let whole: Vec<u8> = (0..20_000u32).map(|n| (n % 251) as u8).collect();
        let mut expected = HashSink::new();
        expected.put(&whole);
        let expected = expected.finish();
        for piece in [1, 63, 64, 4095, 4096, 4097] {
            let mut sink = HashSink::new();
            whole.chunks(piece).for_each(|bytes| sink.put(bytes));
            assert_eq!(sink.finish(), expected, "pieces of {piece}");
        }
    }

    #[test]
    fn nothing_hashes_to_the_published_digest() {
        let expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(HashSink::new().finish(), expected);
    }
}
