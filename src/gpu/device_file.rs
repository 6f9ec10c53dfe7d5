//! A cache file about an adapter and its driver: the pipelines that the driver compiled, or which kernels were the
//! fastest. The file starts with a digest, because a driver trusts what it is given and wgpu does not look inside.

use crate::{hexadecimal::hexadecimal, replace_file::replace_file};
use sha2::{Digest, Sha256};
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Bytes of SHA-256.
const DIGEST: usize = 32;

/// The file for one kind of knowledge about an adapter and its driver.
#[derive(Debug)]
pub(super) struct DeviceFile {
    path: PathBuf,
    /// Names of adapter and driver.
    identity: String,
}

impl DeviceFile {
    /// The file in a cache directory's folder of that kind.
    pub fn of(cache: &Path, kind: &str, info: &wgpu::AdapterInfo) -> DeviceFile {
        let adapter = format!("{}_{:x}_{:x}", info.backend.to_str(), info.vendor, info.device);
        // The adapter's key does not change when its driver does.
        let identity = [&adapter, info.name.as_str(), &info.driver, &info.driver_info].join("\n");
        let driver = hexadecimal(&Sha256::digest(&identity)[..8]);
        DeviceFile { path: cache.join(kind).join(format!("{adapter}_{driver}")), identity }
    }

    /// What was last written. None if the file is missing, truncated, altered, or for another adapter or driver.
    pub fn read(&self) -> Option<Vec<u8>> {
        let mut bytes = std::fs::read(&self.path).ok()?;
        let (digest, data) = bytes.split_at_checked(DIGEST)?;
        if *digest != self.digest(data) {
            return None;
        }
        bytes.drain(..DIGEST);
        Some(bytes)
    }

    /// Replaces the file, and creates its directory if necessary.
    pub fn write(&self, data: &[u8]) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        replace_file(&self.path, |file| {
            file.write_all(&self.digest(data))?;
            file.write_all(data)
        })
    }

    fn digest(&self, data: &[u8]) -> [u8; DIGEST] {
        Sha256::new().chain_update(&self.identity).chain_update([0]).chain_update(data).finalize().into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    const KIND: &str = "pipelines";

    fn info(driver_info: &str) -> wgpu::AdapterInfo {
        let mut info = wgpu::AdapterInfo::new(wgpu::DeviceType::DiscreteGpu, wgpu::Backend::Vulkan);
        (info.vendor, info.device) = (0x10de, 7);
        info.driver_info = driver_info.to_owned();
        info
    }

    #[test]
    fn what_was_written_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let file = DeviceFile::of(directory.path(), KIND, &info("1.0"));
        assert_eq!(file.read(), None);
        for data in [&b"first"[..], b"", b"a second one that is longer"] {
            file.write(data).unwrap();
            assert_eq!(file.read().as_deref(), Some(data));
        }
        let files = std::fs::read_dir(directory.path().join(KIND)).unwrap().count();
        assert_eq!(files, 1, "something temporary was left");
    }

    #[test]
    fn what_was_changed_is_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let file = DeviceFile::of(directory.path(), KIND, &info("1.0"));
        file.write(b"pipelines").unwrap();
        let whole = std::fs::read(&file.path).unwrap();
        let mut flipped = whole.clone();
        flipped[DIGEST + 3] ^= 1;
        let longer = [&whole[..], b"!"].concat();
        for damaged in [&b""[..], b"garbage", &whole[..whole.len() - 1], &whole[..DIGEST], &flipped, &longer] {
            std::fs::write(&file.path, damaged).unwrap();
            assert_eq!(file.read(), None, "{} bytes", damaged.len());
        }
        std::fs::write(&file.path, &whole).unwrap();
        assert!(file.read().is_some());
    }

    #[test]
    fn each_adapter_and_driver_has_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let [old, new] = ["1.0", "1.1"].map(|driver| DeviceFile::of(directory.path(), KIND, &info(driver)));
        old.write(b"pipelines").unwrap();
        assert_ne!(old.path, new.path);
        std::fs::copy(&old.path, &new.path).unwrap();
        assert_eq!((old.read().as_deref(), new.read()), (Some(&b"pipelines"[..]), None));
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_an_error_and_no_panic() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(KIND), "in the way").unwrap();
        let file = DeviceFile::of(directory.path(), KIND, &info("1.0"));
        assert!(file.write(b"pipelines").is_err() && file.read().is_none());
    }
}
