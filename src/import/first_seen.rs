//! Finds what occurs twice in a file of any size.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher, Hash};

/// Where each thing was first seen. It keeps a digest of 128 bits of a thing, not the thing: 24 bytes and the map's own
/// need, however long the names are. The digests' keys are random, so that nobody can write a file in which two things
/// have one digest; by chance that happens once in 10^26 files of a million things.
#[derive(Default)]
pub(super) struct FirstSeen {
    keys: [RandomState; 2],
    lines: HashMap<(u64, u64), u64>,
}

impl FirstSeen {
    /// Notes that `thing` stands in `line`; the line where it stood before, if it did.
    pub(super) fn note(&mut self, thing: &impl Hash, line: u64) -> Option<u64> {
        let digest = (self.keys[0].hash_one(thing), self.keys[1].hash_one(thing));
        match self.lines.entry(digest) {
            Entry::Occupied(seen) => Some(*seen.get()),
            Entry::Vacant(unseen) => {
                unseen.insert(line);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_first_line() {
        let mut seen = FirstSeen::default();
        assert_eq!(seen.note(&("a", "b"), 1), None);
        assert_eq!(seen.note(&("ab", ""), 2), None);
        assert_eq!(seen.note(&("a", "b"), 3), Some(1));
        assert_eq!(seen.note(&("a", "b"), 4), Some(1));
    }
}
