//! Contents of slots as they were at some moment, for what goes into a checkpoint.

use crate::{
    backend_error::BackendError,
    scratch_file::{PIECE, ScratchFile},
    words::Words,
};
use std::{borrow::Cow, io, sync::Arc};

/// What a slot held at some moment. Where a session keeps its slots in the host's memory or on the disk, this is no copy:
/// the session makes one before it changes them, should this still be there.
#[derive(Clone, Debug)]
pub struct Contents(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Bytes(Vec<u8>),
    Memory { words: Words, count: usize },
    File { file: Arc<ScratchFile>, count: usize },
}

impl From<Vec<u8>> for Contents {
    fn from(bytes: Vec<u8>) -> Contents {
        Contents(Kind::Bytes(bytes))
    }
}

impl Contents {
    /// The first words of a buffer.
    pub(crate) fn of_memory(words: Words, count: usize) -> Contents {
        Contents(Kind::Memory { words, count })
    }

    /// The first words of a file.
    pub(crate) fn of_file(file: Arc<ScratchFile>, count: usize) -> Contents {
        Contents(Kind::File { file, count })
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Kind::Bytes(bytes) => bytes.len(),
            Kind::Memory { count, .. } | Kind::File { count, .. } => size_of::<u32>() * count,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes in order, some at a time.
    ///
    /// # Errors
    /// What `work` fails with, and if they are on the disk and cannot be read.
    pub fn in_pieces(&self, mut work: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        match &self.0 {
            Kind::Bytes(bytes) => work(bytes),
            Kind::Memory { words, count } => work(bytemuck::cast_slice(&words[..*count])),
            Kind::File { file, count } => {
                let mut piece = vec![0_u32; PIECE.min(*count)];
                for first in (0..*count).step_by(PIECE) {
                    let length = PIECE.min(count - first);
                    let bytes = bytemuck::cast_slice_mut(&mut piece[..length]);
                    file.read(first, bytes).map_err(io::Error::other)?;
                    work(bytes)?;
                }
                Ok(())
            }
        }
    }

    /// All bytes at once.
    ///
    /// # Errors
    /// If they are on the disk and cannot be read.
    pub fn bytes(&self) -> Result<Cow<'_, [u8]>, BackendError> {
        match &self.0 {
            Kind::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
            Kind::Memory { words, count } => Ok(Cow::Borrowed(bytemuck::cast_slice(&words[..*count]))),
            Kind::File { file, count } => {
                let mut bytes = vec![0; size_of::<u32>() * count];
                file.read(0, &mut bytes)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }
}

/// Wherever the bytes are.
impl PartialEq for Contents {
    fn eq(&self, other: &Contents) -> bool {
        matches!((self.bytes(), other.bytes()), (Ok(one), Ok(other)) if one == other)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::host_memory::Buffer;

    /// More than is read of a file at a time.
    const COUNT: usize = PIECE + 5;

    fn gathered(contents: &Contents) -> Vec<u8> {
        let mut all = Vec::new();
        contents
            .in_pieces(|piece| {
                all.extend_from_slice(piece);
                Ok(())
            })
            .unwrap();
        all
    }

    #[test]
    fn what_is_held_stays_while_a_session_goes_on_and_is_no_copy_when_it_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let words: Vec<u32> = (0..COUNT as u32).map(|word| word.wrapping_mul(2_654_435_761)).collect();
        let file = Arc::new(ScratchFile::new(directory.path(), COUNT).unwrap());
        let memory = Words::zeros(COUNT).unwrap();
        for mut buffer in [Buffer::Memory(memory), Buffer::Disk(file)] {
            buffer.store(0, &words).unwrap();
            let place = |buffer: &Buffer| match buffer {
                Buffer::Memory(words) => words.as_ptr().addr(),
                Buffer::Disk(file) => Arc::as_ptr(file).addr(),
            };
            let share = |buffer: &Buffer| match buffer {
                Buffer::Memory(words) => Contents::of_memory(words.clone(), COUNT),
                Buffer::Disk(file) => Contents::of_file(file.clone(), COUNT),
            };
            let before = place(&buffer);
            drop(share(&buffer));
            buffer.store(PIECE, &[7]).unwrap();
            assert_eq!(place(&buffer), before, "nobody else looked at it");
            buffer.store(PIECE, &words[PIECE..=PIECE]).unwrap();

            let contents = share(&buffer);
            assert_eq!(contents.len(), 4 * COUNT);
            buffer.store(PIECE, &[7]).unwrap();
            buffer.store(0, &[9, 8]).unwrap();
            assert_eq!(gathered(&contents), bytemuck::cast_slice::<_, u8>(&words));
            assert_eq!(contents.bytes().unwrap(), bytemuck::cast_slice::<_, u8>(&words));
            assert_eq!(contents, Contents::from(bytemuck::cast_slice(&words).to_vec()));
            let changed = share(&buffer);
            assert_ne!(changed, contents);
            let mut expected = words.clone();
            (expected[0], expected[1], expected[PIECE]) = (9, 8, 7);
            assert_eq!(gathered(&changed), bytemuck::cast_slice::<_, u8>(&expected));
        }
    }

    #[test]
    fn what_goes_wrong_with_a_piece_ends_the_work() {
        let contents = Contents::from(vec![1; 9]);
        assert_eq!(contents.in_pieces(|_| Err(io::Error::other("full"))).unwrap_err().to_string(), "full");
    }
}
