//! How numbers are stored.

use half::f16;

/// How feature maps, their gradients and filters are stored. Sums are f32 either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Precision {
    /// 4 bytes, the truth.
    #[default]
    F32,
    /// 2 bytes: half the memory and traffic, 11 bits, at most 65504.
    F16,
}

impl Precision {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F16 => "f16",
        }
    }

    /// Bytes of one value.
    pub fn bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::F16 => 2,
        }
    }

    /// Words of 4 bytes that this many values take.
    pub fn words(self, values: usize) -> usize {
        (values * self.bytes()).div_ceil(4)
    }

    /// Values as they are stored, in whole words.
    pub fn encode(self, values: &[f32]) -> Vec<u8> {
        match self {
            Precision::F32 => bytemuck::cast_slice(values).to_vec(),
            Precision::F16 => {
                let mut stored: Vec<f16> = values.iter().copied().map(f16::from_f32).collect();
                stored.resize(values.len().next_multiple_of(2), f16::ZERO);
                bytemuck::cast_slice(&stored).to_vec()
            }
        }
    }

    /// The numbers in stored bytes.
    pub fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Precision::F32 => bytemuck::pod_collect_to_vec(bytes),
            Precision::F16 => bytemuck::pod_collect_to_vec::<u8, f16>(bytes).into_iter().map(f16::to_f32).collect(),
        }
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_take_whole_words() {
        let values = [1.0, -0.5, 65504.0, 1e9, 6e-8];
        for (precision, bytes) in [(Precision::F32, 20), (Precision::F16, 12)] {
            let stored = precision.encode(&values);
            assert_eq!((stored.len(), 4 * precision.words(values.len())), (bytes, bytes));
            let back = precision.decode(&stored);
            assert_eq!(back[..3], values[..3]);
            assert!(precision == Precision::F32 || (back[3] == f32::INFINITY && back[4] > 0.0));
        }
    }
}
