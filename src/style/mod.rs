//! Style transfer: what is asked of the picture, and how it is brought about.

pub mod coefficients;
