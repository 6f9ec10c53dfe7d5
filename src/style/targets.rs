//! What the losses compare with: features of the photograph and Gram matrices of the painting.

use crate::{
    BackendError, Engine,
    picture::Picture,
    plan::{self, Border, Network, PlanError, Pooling, Precision, Routine, Size, Tensor, Wanted, Window},
    read_map,
    vgg19::Layer,
    write_values,
};

/// Why there are no targets.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The picture does not suit the layers.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The device failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// The network as it looks at a picture of a given size, in a precision that the engine has.
pub fn network(engine: &Engine, precision: Precision, size: Size, border: Border, pooling: Pooling) -> Network {
    let normalisation = engine.filters().normalisation;
    Network { window: Window::whole(size), border, pooling, normalisation, storage: engine.storage(precision) }
}

/// Feature maps (haloed NHWC) and Gram matrices (`[C][C]`) of a picture, in the order they are wanted in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features {
    /// One for each of [`Wanted::features`].
    pub features: Vec<Vec<f32>>,
    /// One for each of [`Wanted::grams`].
    pub grams: Vec<Vec<f32>>,
}

/// Runs the network on a picture and reads what is wanted. Nothing wanted gives nothing.
///
/// # Errors
/// If the picture is too small for a layer or the device fails.
pub fn features(
    engine: &Engine,
    precision: Precision,
    picture: &Picture,
    border: Border,
    pooling: Pooling,
    wanted: &Wanted,
) -> Result<Features, TargetError> {
    if *wanted == Wanted::default() {
        return Ok(Features::default());
    }
    let plan = plan::features(&network(engine, precision, picture.size(), border, pooling), wanted)?;
    let mut session = engine.session(&plan)?;
    let slot = |tensor| plan.find(tensor).expect("a features plan holds what is wanted");
    write_values(session.as_mut(), slot(Tensor::Image), picture.pixels())?;
    session.run(Routine::Features)?;
    let mut read = |tensor: fn(Layer) -> Tensor, layers: &[Layer]| {
        layers
            .iter()
            .map(|&layer| read_map(session.as_mut(), &plan, slot(tensor(layer))))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(Features { features: read(Tensor::Features, &wanted.features)?, grams: read(Tensor::Gram, &wanted.grams)? })
}
