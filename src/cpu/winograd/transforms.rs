//! Winograd's F(4x4, 3x3) (Lavin and Gray, 2016, "Fast Algorithms for Convolutional Neural Networks") on six points
//! 0, p, -p, q, -q and infinity with p = 1/sqrt(2), q = sqrt(2).
//!
//! `Y = A^T [(G g G^T) * (B^T d B)] A` makes 4x4 results Y of a 6x6 patch d and a 3x3 kernel g with 36 products instead
//! of 144. These points round less than the usual 1 and 2, and because p q = 1, mirroring the kernel only exchanges
//! positions of its transform: 0 with infinity, p with q, -p with -q. So one set of transformed filters serves both
//! directions.
//!
//! With a in (p, -p, q, -q), the rows of G are (1, 0, 0), (1/|a|, sign a, |a|), (0, 0, 1); those of B^T come from the
//! Lagrange polynomials on the points; constant factors are moved to A.

use pulp::Simd;
use std::f32::consts::{FRAC_1_SQRT_2 as P, SQRT_2 as Q};

/// Results in a row of a tile.
pub(in crate::cpu) const TILE: usize = 4;
/// Values in a row of a patch, and of a transformed patch.
pub(in crate::cpu) const PATCH: usize = TILE + 2;
/// Products per tile and pair of channels.
pub(in crate::cpu) const POSITIONS: usize = PATCH * PATCH;

/// Where the transform of the mirrored kernel has the value that the kernel's own has at a row or column.
pub(super) const MIRRORED: [usize; PATCH] = [5, 3, 4, 1, 2, 0];

/// `G g` for one column of a kernel.
#[inline(always)]
pub(super) fn filter<S: Simd>(simd: S, g: [S::f32s; 3]) -> [S::f32s; PATCH] {
    let (p, q) = (simd.splat_f32s(P), simd.splat_f32s(Q));
    let even_p = simd.mul_add_e_f32s(q, g[0], simd.mul_f32s(p, g[2]));
    let even_q = simd.mul_add_e_f32s(p, g[0], simd.mul_f32s(q, g[2]));
    [
        g[0],
        simd.add_f32s(even_p, g[1]),
        simd.sub_f32s(even_p, g[1]),
        simd.add_f32s(even_q, g[1]),
        simd.sub_f32s(even_q, g[1]),
        g[2],
    ]
}

/// `B^T d` for one column of a patch.
#[inline(always)]
pub(super) fn input<S: Simd>(simd: S, d: [S::f32s; PATCH]) -> [S::f32s; PATCH] {
    let add_scaled = |a, factor: f32, b| simd.mul_add_e_f32s(simd.splat_f32s(factor), b, a);
    let (even_p, odd_p) = (add_scaled(d[4], -2.0, d[2]), add_scaled(d[3], -2.0, d[1]));
    let (even_q, odd_q) = (add_scaled(d[4], -0.5, d[2]), add_scaled(d[3], -0.5, d[1]));
    [
        simd.add_f32s(add_scaled(d[0], -2.5, d[2]), d[4]),
        add_scaled(even_p, P, odd_p),
        add_scaled(even_p, -P, odd_p),
        add_scaled(even_q, Q, odd_q),
        add_scaled(even_q, -Q, odd_q),
        simd.add_f32s(add_scaled(d[1], -2.5, d[3]), d[5]),
    ]
}

/// `A^T m` for one column of products.
#[inline(always)]
pub(super) fn output<S: Simd>(simd: S, m: [S::f32s; PATCH]) -> [S::f32s; TILE] {
    let add_scaled = |a, factor: f32, b| simd.mul_add_e_f32s(simd.splat_f32s(factor), b, a);
    let scaled = |factor: f32, a| simd.mul_f32s(simd.splat_f32s(factor), a);
    let (even_p, odd_p) = (simd.add_f32s(m[1], m[2]), simd.sub_f32s(m[1], m[2]));
    let (even_q, odd_q) = (simd.add_f32s(m[3], m[4]), simd.sub_f32s(m[3], m[4]));
    [
        add_scaled(add_scaled(m[0], -Q / 3.0, even_p), P / 3.0, even_q),
        scaled(1.0 / 3.0, simd.sub_f32s(odd_q, odd_p)),
        add_scaled(scaled(-P / 3.0, even_p), Q / 3.0, even_q),
        add_scaled(add_scaled(m[5], -1.0 / 6.0, odd_p), 2.0 / 3.0, odd_q),
    ]
}
