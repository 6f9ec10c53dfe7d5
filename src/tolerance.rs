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

/// f32, features and Gram matrices of the whole network against PyTorch in f64.
pub const F32_NETWORK: f64 = 1e-4;
/// f32, loss values of the whole network against PyTorch in f64.
pub const F32_LOSS: f64 = 1e-4;
/// f32, gradient of the picture against PyTorch in f64: length of the difference over that of the gradient. It bounds
/// the angle too, whose cosine is above 1 - 2e-7.
pub const F32_GRADIENT: f64 = 5e-4;
/// f32, loss values along an optimiser's way against PyTorch's; steps amplify what the evaluations differ by.
pub const F32_TRAJECTORY: f64 = 5e-3;
