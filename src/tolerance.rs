//! How far a back end may be from the truth, all in one place.
//!
//! Errors are relative to the largest magnitude of the array; for loss values and inner products, to the value itself.

/// f32, operations without a sum: a few roundings.
pub const F32_POINTWISE: f64 = 2e-6;
/// f32, convolutions and their gradients: sums of up to 4608 products, in any order or by Winograd's transforms.
pub const F32_CONVOLUTION: f64 = 2e-5;
/// f32, Gram matrices and their gradients: sums over pixels or channels.
pub const F32_GRAM: f64 = 1e-5;
/// f32, loss values and inner products: long sums of one sign.
pub const F32_REDUCTION: f64 = 1e-5;

/// f16, what rounding to 11 bits adds to any of the above where maps are stored in f16: half a unit in the last place
/// of the largest value, 2^-11, and a little for values between two.
pub const F16_STORAGE: f64 = 5.5e-4;

/// f16, gradient of the picture against f32's: length of the difference over that of the gradient. Every map on the way
/// there and back is rounded, and rounding may move a value near zero to the other side of a ReLU.
pub const F16_GRADIENT: f64 = 5e-2;
/// f16, total loss after the same iterations against f32's.
pub const F16_END: f64 = 1e-2;

/// f32, features and Gram matrices of the whole network against PyTorch in f64, and a back end's gradient, picture and
/// losses after two steps against the reference's.
pub const F32_NETWORK: f64 = 1e-4;
/// f32, loss values of the whole network against PyTorch in f64.
pub const F32_LOSS: f64 = 1e-4;
/// f32, gradient of the picture against PyTorch in f64: length of the difference over that of the gradient. It bounds
/// the angle too, whose cosine is above 1 - 2e-7.
pub const F32_GRADIENT: f64 = 5e-4;
/// f32, loss values of Adam's first [`TRAJECTORY_STEPS`] steps against PyTorch's. A step divides a gradient by its own
/// size, so pixels whose gradient is almost zero follow its rounding.
pub const F32_TRAJECTORY: f64 = 1e-2;
/// How many steps of a trajectory have their losses compared.
pub const TRAJECTORY_STEPS: usize = 30;
/// f32, picture at the end of a trajectory against PyTorch's: length of the difference over that of the picture.
pub const F32_TRAJECTORY_END: f64 = 2e-2;
/// How much higher than PyTorch's L-BFGS ours may end after the same number of evaluations.
pub const LBFGS_END: f64 = 0.05;

/// f32, style losses of moments against PyTorch in f64: a standard deviation is the root of a difference.
pub const MOMENTS_LOSS: f64 = 1e-3;
/// f32, the gradient with them.
pub const MOMENTS_GRADIENT: f64 = 2e-3;
/// f32, style losses that are Wasserstein distances against PyTorch in f64: Cholesky and polar factors of covariances.
pub const WASSERSTEIN_LOSS: f64 = 5e-3;
/// f32, the gradient with them.
pub const WASSERSTEIN_GRADIENT: f64 = 1e-2;

/// f32, losses of a picture that is worked on window by window against those of the whole: the same sums in another order.
pub const WINDOWS_LOSS: f64 = 1e-5;
/// f32, the gradient of the picture: length of the difference over that of the gradient.
pub const WINDOWS_GRADIENT: f64 = 1e-4;
