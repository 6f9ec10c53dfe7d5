//! How far a back end may be from the truth, all in one place.
//!
//! An error is relative to the largest magnitude of the array, for loss values and inner products to the value itself.

/// f32, operations without a sum: a few roundings.
pub const F32_POINTWISE: f64 = 2e-6;
/// f32, convolutions and their gradients: sums of up to 4608 products, in any order or by Winograd's transforms.
pub const F32_CONVOLUTION: f64 = 2e-5;
/// f32, Gram matrices and their gradients: sums over pixels or channels.
pub const F32_GRAM: f64 = 1e-5;
/// f32, loss values and inner products: long sums of one sign.
pub const F32_REDUCTION: f64 = 1e-5;
/// f32, a whole iteration to relu4_1: relative distance (L2) of gradient, picture and losses after two steps.
pub const F32_NETWORK: f64 = 1e-4;
