//! Colours by code points (ITU-T H.273), as AVIF and PNG give them.

use moxcms::{CicpColorPrimaries, CicpProfile, ColorProfile, MatrixCoefficients, TransferCharacteristics};

/// Code points of ITU-T H.273 that say what the channels are.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(target_family = "wasm", expect(dead_code, reason = "only AV1 is coded in planes that these describe"))]
pub(super) struct Codes {
    pub primaries: u8,
    pub transfer: u8,
    pub matrix: u8,
    pub full_range: bool,
}

/// The colour profile that code points stand for; None for sRGB, for what is nearly sRGB, and for what is unknown.
pub(super) fn profile(codes: Codes) -> Option<Vec<u8>> {
    // BT.709 and those of BT.601 are taken as sRGB, as browsers take them.
    const LIKE_SRGB: [u8; 5] = [1, 2, 6, 13, 14];
    if matches!(codes.primaries, 1 | 2 | 5 | 6) && LIKE_SRGB.contains(&codes.transfer) {
        return None;
    }
    // One of the two may be given alone.
    let primaries = if codes.primaries == 2 { 1 } else { codes.primaries };
    let transfer = if LIKE_SRGB.contains(&codes.transfer) { 13 } else { codes.transfer };
    let profile = ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(primaries).ok()?,
        transfer_characteristics: TransferCharacteristics::try_from(transfer).ok()?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    });
    profile.encode().ok()
}
