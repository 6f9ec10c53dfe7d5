//! Products of few tiles with the filters of the transposed convolution.

use pulp::{Simd, WithSimd};
use std::array::from_fn;

/// Most tiles for which this is the faster way.
pub(super) const FEW_TILES: usize = 16;

/// Channels that a loop without checks of bounds goes through; every number of channels is a multiple.
const PIECE: usize = 64;

/// `products[tile][cout] = sum of patches[tile][cin] * matrix[cout][cin]`.
///
/// Tiles are the lanes, so that the matrix is read once, as it lies in memory, and nothing of its size is moved.
pub(super) struct FewTiles<'a> {
    pub(super) patches: &'a [f32],
    pub(super) matrix: &'a [f32],
    pub(super) products: &'a mut [f32],
    pub(super) cin: usize,
    /// Room for [`FEW_TILES`] x cin values, zeros.
    pub(super) transposed: &'a mut [f32],
}

impl WithSimd for FewTiles<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as registers hold beside what they are made of.
        if S::REGISTER_COUNT >= 32 { self.multiply::<S, 16>(simd) } else { self.multiply::<S, 8>(simd) }
    }
}

impl FewTiles<'_> {
    #[inline(always)]
    fn multiply<S: Simd, const ROWS: usize>(self, simd: S) {
        let FewTiles { patches, matrix, products, cin, transposed } = self;
        let (cout, lanes) = (matrix.len() / cin, S::F32_LANES);
        let transposed = &mut transposed[..cin * lanes];
        let groups = patches.chunks(lanes * cin).zip(products.chunks_mut(lanes * cout));
        for (patches, products) in groups {
            for (tile, patch) in patches.chunks_exact(cin).enumerate() {
                for (place, value) in transposed[tile..].iter_mut().step_by(lanes).zip(patch) {
                    *place = *value;
                }
            }
            let (vectors, _) = S::as_simd_f32s(transposed);
            let (vectors, _) = vectors.as_chunks::<PIECE>();
            for (block, rows) in matrix.chunks_exact(ROWS * cin).enumerate() {
                let (pieces, _) = rows.as_chunks::<PIECE>();
                let mut sums = [simd.splat_f32s(0.0); ROWS];
                for (piece, vectors) in vectors.iter().enumerate() {
                    let rows: [&[f32; PIECE]; ROWS] = from_fn(|row| &pieces[row * (cin / PIECE) + piece]);
                    for channel in 0..PIECE {
                        for row in 0..ROWS {
                            let value = simd.splat_f32s(rows[row][channel]);
                            sums[row] = simd.mul_add_e_f32s(value, vectors[channel], sums[row]);
                        }
                    }
                }
                let sums: &[f32] = bytemuck::cast_slice(&sums);
                for (tile, line) in products.chunks_exact_mut(cout).enumerate() {
                    for (row, place) in line[block * ROWS..][..ROWS].iter_mut().enumerate() {
                        *place = sums[row * lanes + tile];
                    }
                }
            }
        }
    }
}
