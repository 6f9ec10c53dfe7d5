//! Contents of slots as they were at some moment, for what goes into a checkpoint.

use crate::{
    backend_error::BackendError,
    file_part::FilePart,
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
    Part(FilePart),
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

    /// A part of a checkpoint's file: it has fewer bytes than can be counted.
    pub(crate) fn of_part(part: FilePart) -> Contents {
        Contents(Kind::Part(part))
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Kind::Bytes(bytes) => bytes.len(),
            Kind::Part(part) => part.len() as usize,
            Kind::Memory { count, .. } | Kind::File { count, .. } => size_of::<u32>() * count,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All bytes in order, some at a time: but for the last time, a multiple of four.
    ///
    /// # Errors
    /// What `work` fails with, and if they are on the disk and cannot be read.
    pub fn in_pieces(&self, work: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.each_piece(io::Error::other, work)
    }

    /// [`Self::in_pieces`] with errors of any kind, made from that of reading by `unreadable`.
    pub(crate) fn each_piece<E>(
        &self,
        unreadable: impl Fn(BackendError) -> E,
        mut work: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        const PIECE_BYTES: usize = size_of::<u32>() * PIECE;
        if let Some(bytes) = self.in_memory() {
            return work(bytes);
        }
        let mut piece = vec![0; PIECE_BYTES.min(self.len())];
        for first in (0..self.len()).step_by(PIECE_BYTES) {
            let bytes = &mut piece[..PIECE_BYTES.min(self.len() - first)];
            self.read(first, bytes).map_err(&unreadable)?;
            work(bytes)?;
        }
        Ok(())
    }

    /// All bytes at once.
    ///
    /// # Errors
    /// If they are on the disk and cannot be read.
    pub fn bytes(&self) -> Result<Cow<'_, [u8]>, BackendError> {
        if let Some(bytes) = self.in_memory() {
            return Ok(Cow::Borrowed(bytes));
        }
        let mut bytes = vec![0; self.len()];
        self.read(0, &mut bytes)?;
        Ok(Cow::Owned(bytes))
    }

    /// All bytes as numbers.
    ///
    /// # Errors
    /// As [`Self::bytes`].
    pub(crate) fn values(&self) -> Result<Vec<f32>, BackendError> {
        Ok(bytemuck::pod_collect_to_vec(&self.bytes()?))
    }

    /// Whether they can be read without fail.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.in_memory().is_some()
    }

    /// All bytes, if they are not on the disk.
    fn in_memory(&self) -> Option<&[u8]> {
        match &self.0 {
            Kind::Bytes(bytes) => Some(bytes),
            Kind::Memory { words, count } => Some(bytemuck::cast_slice(&words[..*count])),
            Kind::File { .. } | Kind::Part(_) => None,
        }
    }

    /// Copies bytes from one on, which is the first of a word.
    ///
    /// # Errors
    /// As [`Self::bytes`].
    pub(crate) fn read(&self, first: usize, into: &mut [u8]) -> Result<(), BackendError> {
        match &self.0 {
            Kind::File { file, .. } => file.read(first / size_of::<u32>(), into),
            Kind::Part(part) => part.read(first as u64, into).map_err(|reason| BackendError::Unreadable {
                path: part.path().to_owned(),
                reason: reason.to_string(),
            }),
            Kind::Bytes(bytes) => {
                into.copy_from_slice(&bytes[first..][..into.len()]);
                Ok(())
            }
            Kind::Memory { words, .. } => {
                into.copy_from_slice(&bytemuck::cast_slice(words)[first..][..into.len()]);
                Ok(())
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
    fn a_part_of_a_file_is_read_when_it_is_wanted_under_whatever_name() {
        let directory = tempfile::tempdir().unwrap();
        let (path, other) = (directory.path().join("whole"), directory.path().join("other"));
        let bytes: Vec<u8> =
            (0..4 * COUNT as u32 + 23).map(|byte| (byte.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let whole = FilePart::whole(std::fs::File::open(&path).unwrap(), &path, bytes.len() as u64);
        let contents = Contents::of_part(whole.part(19, 4).part(4, 0));
        assert!(contents.is_empty() && gathered(&contents).is_empty());
        let contents = Contents::of_part(whole.part(3, bytes.len() as u64 - 5).part(4, 4 * COUNT as u64));
        std::fs::write(&other, "another file").unwrap();
        std::fs::rename(&other, &path).unwrap();
        let expected = &bytes[7..][..4 * COUNT];
        assert_eq!(gathered(&contents), expected);
        assert_eq!(contents.bytes().unwrap(), expected);
        assert_eq!(contents, Contents::from(expected.to_vec()));

        let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
        let short = Contents::of_part(FilePart::whole(file.try_clone().unwrap(), &path, 12).part(4, 8));
        assert_eq!(gathered(&short), b"her file");
        file.set_len(11).unwrap();
        for error in [short.bytes().unwrap_err(), short.each_piece(|error| error, |_| Ok(())).unwrap_err()] {
            let error = error.to_string();
            assert!(error.contains(&path.display().to_string()) && error.contains("can no longer be read"), "{error}");
        }
    }

    #[test]
    fn what_goes_wrong_with_a_piece_ends_the_work() {
        let contents = Contents::from(vec![1; 9]);
        assert_eq!(contents.in_pieces(|_| Err(io::Error::other("full"))).unwrap_err().to_string(), "full");
    }
}
